"""Arrays in documents: exact, and no more bytes than they say."""

import base64
import json
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from faceloupe.arrays import decode_array, encode_array
from faceloupe.errors import InputError


@given(
    arrays.arrays(st.sampled_from([np.float32, np.uint8, np.dtype(">f8"), np.int64]), arrays.array_shapes(max_dims=3))
)
def test_an_array_survives_json_bit_by_bit(array):
    for compress in (False, True):
        back = decode_array(json.loads(json.dumps(encode_array(array, compress=compress))))
        assert back.shape == array.shape
        assert back.astype(array.dtype).tobytes() == array.tobytes()


def test_weights_that_are_alike_take_less_room_compressed():
    weights = np.random.default_rng(0).normal(size=10_000).astype(np.float16)
    plain, small = (len(json.dumps(encode_array(weights, compress=compress))) for compress in (False, True))
    assert small < 0.95 * plain


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "object"}, {"dtype": "O"}, {"dtype": 7}, {"dtype": "no such"}, {"dtype": "f4,f4"}, {"dtype": None},
        {"shape": [3]}, {"shape": [-2]}, {"shape": 2}, {"shape": [2.0]}, {"shape": [True, 2]}, {"shape": [1 << 40]},
        {"base64": "!"}, {"base64": ""}, {"base64": None}, {"deflate": "AAAA"}, {"deflate": 3},
    ],
)  # fmt: skip
def test_what_is_no_array_is_an_input_error(change):
    with pytest.raises(InputError, match="array"):
        decode_array({**encode_array(np.float32([1, 2])), **change})
    with pytest.raises(InputError, match="expected an array"):
        decode_array([])


def test_no_more_is_unpacked_than_the_shape_says():
    bomb = base64.b64encode(zlib.compress(bytes(200_000_000), 9)).decode()
    tracemalloc.start()
    with pytest.raises(InputError, match="has 400 bytes, not 401"):
        decode_array({"dtype": "<f4", "shape": [100], "deflate": bomb})
    with pytest.raises(InputError, match="at most 268,435,456 are read"):
        decode_array({"dtype": "<f4", "shape": [100_000_000], "deflate": bomb})
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()
