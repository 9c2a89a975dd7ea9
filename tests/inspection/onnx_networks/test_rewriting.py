import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceloupe.inspection import OnnxNetwork, anatomy
from faceloupe.inspection.onnx_networks.rewriting import without_prelu

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from helpers.onnx_files import write  # noqa: E402


def prelu_after(maker, slope, path, channels=4):
    """Write a PRelu after an operator; return the path."""
    rng = np.random.default_rng(0)
    weights = {"slope": np.asarray(slope, np.float32)}
    match maker:
        case "Conv":
            nodes = [("Conv", ["image", "kernel"], ["made"], {"kernel_shape": (3, 3)})]
            weights["kernel"] = rng.normal(size=(channels, channels, 3, 3)).astype(np.float32)
        case "Neg":
            nodes = [("Neg", ["image"], ["made"], {})]
    nodes += [("PRelu", ["made", "slope"], ["bent"], {}), ("Flatten", ["bent"], ["flat"], {})]
    return write(path, nodes, weights, [1, channels, 9, 8])


def kinds(path):
    graph = OnnxNetwork(path).graph
    return [node.op_type for node in without_prelu(graph.model.graph.node, graph.tensors)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-3, 3, width=32), min_size=4, max_size=4))
def test_the_numbers_stay(tmp_path, slopes):
    path = prelu_after("Conv", np.reshape(slopes, (4, 1, 1)), tmp_path / "bent.onnx")
    assert "PRelu" not in kinds(path)
    faces = np.random.default_rng(1).normal(size=(5, 4, 9, 8)).astype(np.float32)
    plain = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = np.concatenate([plain.run(None, {"image": face[None]})[0] for face in faces])
    network = OnnxNetwork(path)
    np.testing.assert_allclose(network.run(faces), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(network.trace(faces)["flat"], expected, rtol=1e-5, atol=1e-5)


def test_layers_are_still_those_of_the_file(tmp_path):
    path = prelu_after("Conv", np.full((4, 1, 1), 0.25), tmp_path / "bent.onnx")
    assert [layer.kind for layer in anatomy(path, (4, 9, 8)).layers] == ["Conv", "PRelu", "Flatten"]


@pytest.mark.parametrize(
    ("maker", "shape"), [("Neg", (4, 1, 1)), ("Conv", (1,)), ("Conv", (4, 7, 6)), ("Conv", (1, 4, 1, 1))]
)
def test_where_channels_are_not_known_a_prelu_is_left_alone(tmp_path, maker, shape):
    path = prelu_after(maker, np.full(shape, 0.25), tmp_path / "bent.onnx")
    assert "PRelu" in kinds(path)
    assert OnnxNetwork(path).run(np.ones((1, 4, 9, 8))).shape[0] == 1
