"""Documents: exact arrays, and files that are whole or not there."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from faceloupe.documents import decode_array, encode_array, json_text, read_json, sha256_of, write_json, write_whole
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


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    write_whole(target, b"old")
    monkeypatch.setattr("os.replace", _fail)
    with pytest.raises(OSError, match="disk on fire"):
        write_whole(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_bytes() == b"old"


def _fail(*_):
    raise OSError("disk on fire")


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        read = threads.submit(pipe.read_bytes)
        write_whole(pipe, b"content")
    assert read.result() == b"content"
    assert pipe.is_fifo()


def test_json_goes_there_and_back(tmp_path):
    write_json(tmp_path / "a.json", {"name": "Zoë", "n": [1, 2.5, None]})
    assert read_json(tmp_path / "a.json") == {"name": "Zoë", "n": [1, 2.5, None]}


def test_bytes_of_a_path_that_are_no_text_go_there_and_back(tmp_path):
    document = {"path": os.fsdecode(b"a\xff.jpg")}
    write_json(tmp_path / "a.json", document)
    assert read_json(tmp_path / "a.json") == document == json.loads(json_text(document).encode())


def test_nan_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json is not a JSON document"):
        read_json(tmp_path / "a.json")


def test_a_files_sha256_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    with pytest.raises(OSError, match="nowhere"):
        sha256_of(tmp_path / "nowhere")
