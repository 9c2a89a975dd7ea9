"""ReLUs of ONNX files, whatever operators they are written with and whatever the image makes of them."""

import numpy as np
import pytest

from faceloupe.inspection import anatomy, diagnose_units

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto

from helpers.onnx_files import write

FACES = np.random.default_rng(0).random((2, 1, 8, 8), dtype=np.float32)
CONSTANTS = {
    "zero": 0,
    "half": 0.5,
    "six": 6,
    "nothing": np.zeros((3, 1, 1)),
    "hundred": 100,
    "slope": np.array([0.0, 0, 0.1])[:, None, None],
}
DEAD, ACTIVE = (-99.0,) * 3, (99.0,) * 3  # for every pixel from 0 to 1


def network(tmp_path, operators, bias):
    held = {name: np.array(value, np.float32) for name, value in CONSTANTS.items()}
    held |= {"w": np.float32([0.5, 0.1, -0.5]).reshape(3, 1, 1, 1), "b": np.float32(bias)}
    nodes = [("Conv", ["image", "w", "b"], ["x"], {}), *operators]
    return write(tmp_path / "net.onnx", nodes, held, ("N", 1, 8, 8))


@pytest.mark.parametrize(
    "operators",
    [
        [("Relu", ["x"], ["end"], {})],
        [("Clip", ["x", "zero"], ["end"], {})],
        [("Max", ["nothing", "x"], ["end"], {})],
        [("LeakyRelu", ["x"], ["end"], {"alpha": 0.0})],
        [("PRelu", ["x", "nothing"], ["end"], {})],
        [("ThresholdedRelu", ["x"], ["end"], {"alpha": 0.0})],
        [
            ("Neg", ["nothing"], ["none"], {}), ("Greater", ["x", "none"], ["is"], {}),
            ("Where", ["is", "x", "none"], ["end"], {}),
        ],
        [
            ("Greater", ["x", "zero"], ["is"], {}), ("Cast", ["is"], ["one"], {"to": 1}),
            ("Mul", ["x", "one"], ["end"], {}),
        ],
        [("Abs", ["x"], ["size"], {}), ("Add", ["x", "size"], ["twice"], {}), ("Mul", ["twice", "half"], ["end"], {})],
    ],
)  # fmt: skip
def test_a_relu_is_known_whether_its_units_are_dead_or_never_off(tmp_path, operators):
    [report] = diagnose_units(network(tmp_path, operators, DEAD), FACES)
    assert (report.layer, len(report.dead)) == ("end", 3)
    assert [layer.rectifies for layer in anatomy(network(tmp_path, operators, ACTIVE), (8, 8)).layers][-1]


def test_a_dead_relu_in_another_precision_than_the_convolution_is_one(tmp_path):
    held = {"w": np.ones((3, 1, 1, 1), np.float32), "b": np.float32(DEAD), "none": np.zeros((), np.float16)}
    nodes = [
        ("Conv", ["image", "w", "b"], ["conv"], {}), ("Cast", ["conv"], ["half"], {"to": TensorProto.FLOAT16}),
        ("Max", ["half", "none"], ["max"], {}), ("Cast", ["max"], ["end"], {"to": TensorProto.FLOAT}),
    ]  # fmt: skip
    layers = anatomy(write(tmp_path / "net.onnx", nodes, held, ("N", 1, 8, 8)), (8, 8)).layers
    assert [layer.name for layer in layers if layer.rectifies] == ["max"]


def test_tensors_without_numbers_such_as_boxes_where_no_face_is_end_nothing(tmp_path):
    operators = [
        ("Greater", ["x", "hundred"], ["is"], {}), ("Compress", ["x", "is1"], ["none"], {}),
        ("Sqrt", ["none"], ["root"], {}), ("ReduceSum", ["root"], ["sum"], {}), ("Add", ["x", "sum"], ["end"], {}),
    ]  # fmt: skip
    operators[1:1] = [("Flatten", ["is"], ["flat"], {"axis": 0}), ("Squeeze", ["flat"], ["is1"], {})]
    layers = anatomy(network(tmp_path, operators, DEAD), (8, 8)).layers
    assert {layer.name: layer.output_bytes for layer in layers}["root"] == 0
    assert not any(layer.rectifies for layer in layers)


@pytest.mark.parametrize(
    "operators",
    [
        [("Identity", ["x"], ["end"], {})],
        [("Abs", ["x"], ["end"], {})],
        [("Sub", ["x", "x"], ["end"], {})],
        [("PRelu", ["x", "slope"], ["end"], {})],
        [("Clip", ["x", "half"], ["end"], {})],
        [("Max", ["x", "image"], ["end"], {})],
        [("Conv", ["image", "w"], ["y"], {}), ("Max", ["x", "y"], ["end"], {})],
        [
            ("Shape", ["x"], ["size"], {}), ("ConstantOfShape", ["size"], ["none"], {}),
            ("Min", ["x", "none"], ["end"], {}),
        ],
        [("ReduceMin", ["x"], ["low"], {}), ("Max", ["x", "low"], ["end"], {})],
    ],
)  # fmt: skip
def test_what_is_no_relu_is_none_though_it_puts_out_what_one_would(tmp_path, operators):
    for bias in (DEAD, ACTIVE):
        layers = anatomy(network(tmp_path, operators, bias), (8, 8)).layers
        assert not any(layer.rectifies for layer in layers)
