"""ONNX files as other tools write them: channels last, in half precision, quantised; and networks that travel."""

import copy
import pickle

import numpy as np
import pytest
from onnx import TensorProto

from faceloupe.inspection import OnnxNetwork, anatomy
from helpers.onnx_files import write

WEIGHTS = np.random.default_rng(0).standard_normal((2, 3, 3, 3)).astype(np.float32)
FACES = np.random.default_rng(1).random((2, 3, 6, 5), dtype=np.float32)
NODES = [("Transpose", ["image"], ["turned"], {"perm": (0, 3, 1, 2)}), ("Conv", ["turned", "w"], ["conv"], {})]


@pytest.mark.parametrize("shape", [(1, 6, 5, 3), ("N", "H", "W", "C"), (None, None, None, None)])
def test_channels_last_take_the_same_captures(tmp_path, shape):
    last = OnnxNetwork(write(tmp_path / "last.onnx", NODES, {"w": WEIGHTS}, shape))
    first = OnnxNetwork(
        write(tmp_path / "first.onnx", [("Conv", ["image", "w"], ["conv"], {})], {"w": WEIGHTS}, (1, 3, 6, 5))
    )
    np.testing.assert_allclose(last.run(FACES), first.run(FACES), rtol=1e-5)
    conv = anatomy(last, (3, 6, 5))["conv"]
    assert (conv.receptive_field, conv.multiply_adds) == ((3, 3), 4 * 3 * 2 * 27)


def test_bytes_are_those_of_half_precision(tmp_path):
    half = {"w": WEIGHTS.astype(np.float16)}
    nodes = [("Conv", ["image", "w"], ["conv"], {})]
    found = anatomy(write(tmp_path / "half.onnx", nodes, half, (1, 3, 6, 5), kind=TensorProto.FLOAT16), (3, 6, 5))
    assert (found.parameter_bytes, found["conv"].output_bytes) == (WEIGHTS.size * 2, 4 * 3 * 2 * 2)


def test_a_quantised_convolution_is_counted(tmp_path):
    nodes = [
        ("QuantizeLinear", ["image", "s", "z"], ["q"], {}),
        ("QLinearConv", ["q", "s", "z", "w", "s", "zw", "s", "z"], ["conv"], {}),
        ("DequantizeLinear", ["conv", "s", "z"], ["y"], {}),
    ]
    held = {"s": np.float32(0.02), "z": np.uint8(128), "zw": np.int8(0), "w": np.ones((2, 3, 3, 3), np.int8)}
    found = anatomy(write(tmp_path / "int8.onnx", nodes, held, (1, 3, 6, 5)), (3, 6, 5))
    assert found["conv"].multiply_adds == 4 * 3 * 2 * 27
    assert (found.parameters, found.parameter_bytes, found.not_counted) == (54, 54, ())


@pytest.mark.parametrize("sent", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])  # noqa: S301 - our own
def test_a_network_can_be_sent_to_another_process(tmp_path, sent):
    network = OnnxNetwork(write(tmp_path / "n.onnx", NODES, {"w": WEIGHTS}, (1, 6, 5, 3)))
    assert np.array_equal(sent(network).run(FACES), network.run(FACES))


@pytest.mark.parametrize(
    ("end", "unit"), [("Sigmoid", "probability"), ("LogSoftmax", "log-probability"), ("Relu", "logit")]
)
def test_its_end_says_what_its_numbers_are(tmp_path, end, unit):
    nodes = [("Flatten", ["image"], ["flat"], {}), (end, ["flat"], ["e"], {}), ("Identity", ["e"], ["y"], {})]
    assert OnnxNetwork(write(tmp_path / "n.onnx", nodes, given=(1, 1, 2, 2))).unit == unit
