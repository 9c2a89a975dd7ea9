"""ONNX files as other tools write them: channels last, in half precision, quantised; and networks that travel."""

import copy
import pickle

import numpy as np
import pytest
from onnx import TensorProto

from faceloupe.errors import InputError
from faceloupe.inspection import OnnxNetwork, anatomy, trace
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


ONE, HALF = {"one": np.float32(1)}, {"one": np.float32(1), "half": np.float32(0.5)}


@pytest.mark.parametrize(
    ("nodes", "held"),
    [
        ([("Neg", ["x"], ["n"], {}), ("Exp", ["n"], ["e"], {}), ("Add", ["e", "one"], ["a"], {}),
          ("Div", ["one", "a"], ["y"], {})], ONE),
        ([("Exp", ["x"], ["e"], {}), ("ReduceSum", ["e"], ["s"], {}), ("Div", ["e", "s"], ["y"], {})], {}),
        ([("Tanh", ["x"], ["t"], {}), ("Add", ["t", "one"], ["a"], {}), ("Mul", ["a", "half"], ["y"], {})], HALF),
        ([("Tanh", ["x"], ["t"], {}), ("Identity", ["one"], ["1"], {}), ("Sum", ["1", "t"], ["a"], {}),
          ("Div", ["a", "two"], ["y"], {})], {"one": np.float32(1), "two": np.float32(2)}),
        ([("Exp", ["x"], ["e"], {}), ("Add", ["one", "e"], ["a"], {}), ("Div", ["e", "a"], ["y"], {})], ONE),
        ([("Exp", ["x"], ["e"], {}), ("Constant", [], ["1"], {"value_float": 1.0}), ("Add", ["e", "1"], ["a"], {}),
          ("Reciprocal", ["a"], ["y"], {})], {}),
        ([("Exp", ["x"], ["e"], {}), ("Exp", ["x"], ["f"], {}), ("ReduceSum", ["f"], ["s"], {}),
          ("Div", ["e", "s"], ["y"], {})], {}),
        ([("Sigmoid", ["x"], ["s"], {}), ("Clip", ["s"], ["c"], {}), ("Cast", ["c"], ["y"], {"to": 1})], {}),
    ],
)  # fmt: skip
def test_a_sigmoid_or_softmax_written_out_is_a_probability(tmp_path, nodes, held):
    nodes = [("Flatten", ["image"], ["x"], {}), *nodes]
    assert OnnxNetwork(write(tmp_path / "n.onnx", nodes, held, (1, 1, 2, 2))).unit == "probability"


@pytest.mark.parametrize(
    ("nodes", "held"),
    [
        # a rating from 0 to 10, tanh with another offset, SiLU, 1 / sum(exp), exp / (½ + exp)
        ([("Tanh", ["x"], ["t"], {}), ("Add", ["t", "one"], ["a"], {}), ("Mul", ["a", "five"], ["y"], {})],
         {"one": np.float32(1), "five": np.float32(5)}),
        ([("Tanh", ["x"], ["t"], {}), ("Add", ["t", "half"], ["a"], {}), ("Mul", ["a", "half"], ["y"], {})], HALF),
        ([("Neg", ["x"], ["n"], {}), ("Exp", ["n"], ["e"], {}), ("Add", ["e", "one"], ["a"], {}),
          ("Div", ["x", "a"], ["y"], {})], ONE),
        ([("Exp", ["x"], ["e"], {}), ("ReduceSum", ["e"], ["s"], {}), ("Div", ["one", "s"], ["y"], {})], ONE),
        ([("Exp", ["x"], ["e"], {}), ("Add", ["e", "half"], ["a"], {}), ("Div", ["e", "a"], ["y"], {})], HALF),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_sigmoid_is_a_number(tmp_path, nodes, held):
    nodes = [("Flatten", ["image"], ["x"], {}), *nodes]
    assert OnnxNetwork(write(tmp_path / "n.onnx", nodes, held, (1, 1, 2, 2))).unit == "logit"


def test_weights_that_are_turned_back_from_integers_are_counted(tmp_path):
    nodes = [("DequantizeLinear", ["w", "s"], ["weights"], {}), ("Conv", ["image", "weights"], ["conv"], {})]
    held = {"s": np.float32(0.02), "w": np.ones((2, 3, 3, 3), np.int8)}
    conv = anatomy(write(tmp_path / "qdq.onnx", nodes, held, (1, 3, 6, 5)), (3, 6, 5))["conv"]
    assert (conv.multiply_adds, conv.receptive_field) == (4 * 3 * 2 * 27, (3, 3))


def test_of_several_outputs_the_answer_is_what_is_called_logits_or_the_first_of_fractions(tmp_path):
    nodes = [("Flatten", ["image"], ["logits"], {}), ("ArgMax", ["logits"], ["label"], {"axis": 1})]
    path = write(tmp_path / "n.onnx", nodes, given=(1, 1, 2, 2), answers=("label", "logits"))
    network = OnnxNetwork(path)
    assert network.run(np.ones((3, 1, 2, 2))).shape == (3, 4)
    assert "logits" in network.chosen


def test_a_recurrent_layer_multiplies_for_each_weight_and_row(tmp_path):
    nodes = [
        ("ReduceMean", ["image"], ["rows"], {"axes": (1,), "keepdims": 0}),
        ("LSTM", ["rows", "W", "R"], ["", "state"], {"hidden_size": 5}),
    ]
    held = {"W": np.ones((1, 20, 4), np.float32), "R": np.ones((1, 20, 5), np.float32)}
    path = write(tmp_path / "n.onnx", nodes, held, (1, 3, 6, 4), answers=("state",))
    assert trace(path, np.ones((2, 3, 6, 4)))["state"].shape == (2, 6, 5)  # rows beside each other, one step
    [lstm] = [layer for layer in anatomy(path, (3, 6, 4)).layers if layer.kind == "LSTM"]
    assert lstm.multiply_adds == 6 * (20 * 4 + 20 * 5)


@pytest.mark.parametrize(
    "relu",
    [
        [("Max", ["conv", "z"], ["r"], {})],
        [("LeakyRelu", ["conv"], ["r"], {"alpha": 0.0})],
        [("PRelu", ["conv", "z"], ["r"], {})],
        [("Greater", ["conv", "z"], ["mask"], {}), ("Where", ["mask", "conv", "z"], ["r"], {})],
        [("Abs", ["conv"], ["a"], {}), ("Add", ["a", "conv"], ["s"], {}), ("Mul", ["s", "half"], ["r"], {})],
    ],
)
def test_a_relu_written_otherwise_is_one(tmp_path, relu):
    nodes = [("Conv", ["image", "w"], ["conv"], {}), *relu, ("Dropout", ["r"], ["same"], {})]
    weights = np.random.default_rng(0).normal(size=WEIGHTS.shape).astype(np.float32)
    path = write(tmp_path / "n.onnx", nodes, {"w": weights, "z": np.float32(0), "half": np.float32(0.5)}, (1, 3, 6, 5))
    assert [layer.name for layer in anatomy(path, (3, 6, 5)).layers if layer.rectifies] == ["r"]


def test_classes_that_were_chosen_already_are_no_answer(tmp_path):
    nodes = [("ReduceMean", ["image"], ["means"], {"axes": (2, 3)}), ("ArgMax", ["means"], ["class"], {"axis": 1})]
    path = write(tmp_path / "n.onnx", nodes, {}, (1, 3, 6, 5), answers=("class",))
    with pytest.raises(InputError, match="answers with int64, what it has chosen"):
        OnnxNetwork(path).run(np.zeros((1, 3, 6, 5)))
