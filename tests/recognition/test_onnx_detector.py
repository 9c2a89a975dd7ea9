"""Outputs shaped like SCRFD's and RetinaFace's are read: faces put into them by hand come out where they were put."""

from hashlib import sha256

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from faceloupe.errors import InputError
from faceloupe.recognition import FaceSearch, OnnxDetector, detect
from helpers import networks

SIZE = (96, 128)  # height and width
BOX = np.array([40.0, 20.0, 72.0, 60.0])  # left, top, right, bottom
POINTS = np.array([[48.0, 34], [62, 33], [56, 42], [50, 50], [61, 50]])


def network(outputs):
    """A network that puts out the same numbers whatever it is shown."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
    ]
    weights = [numpy_helper.from_array(np.float32(0), "nothing")]
    shown = []
    for place, values in enumerate(outputs):
        weights.append(numpy_helper.from_array(np.asarray(values, np.float32), f"values{place}"))
        nodes.append(helper.make_node("Add", [f"values{place}", "zero"], [f"output{place}"]))
        shown.append(helper.make_tensor_value_info(f"output{place}", TensorProto.FLOAT, np.shape(values)))
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, *SIZE])
    graph = helper.make_graph(nodes, "detector", [picture], shown, weights)
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def opened(folder, outputs, decoder, engine="openvino"):
    content = network(outputs)
    path = folder / f"{sha256(content).hexdigest()[:8]}.onnx"
    path.write_bytes(content)
    manifest = networks.fields(content, size=list(SIZE), kind="detector", decoder=decoder, points="none")
    return OnnxDetector(path, manifest, engine=engine)


def scrfd(stride=16, anchors=2):
    """A face at the anchor of row 2 and column 3, and a weaker copy of it at the same place."""
    scores, boxes, points = [], [], []
    for each in (8, 16, 32):
        count = -(-SIZE[0] // each) * -(-SIZE[1] // each) * anchors
        scores.append(np.zeros((count, 1)))
        boxes.append(np.zeros((count, 4)))
        points.append(np.zeros((count, 10)))
        if each == stride:
            row, column = 2, 3
            centre = np.array([column, row]) * stride
            for copy in range(anchors):
                place = (row * -(-SIZE[1] // each) + column) * anchors + copy
                scores[-1][place] = 0.95 - 0.1 * copy
                boxes[-1][place] = np.concatenate([centre - BOX[:2], BOX[2:] - centre]) / stride
                points[-1][place] = (POINTS - centre).ravel() / stride
    return [*scores, *boxes, *points]


def retinaface(logits):
    """A face at the second anchor of row 2 and column 3 at a stride of 16: 128 pixels, its middle at (56, 40)."""
    counts = [-(-SIZE[0] // stride) * -(-SIZE[1] // stride) * 2 for stride in (8, 16, 32)]
    place = counts[0] + (2 * -(-SIZE[1] // 16) + 3) * 2 + 1
    middle, side = np.array([56.0, 40.0]), 128.0
    classes = np.tile([4.0, -4.0] if logits else [0.99, 0.01], (sum(counts), 1))
    classes[place] = [-1.5, 1.5] if logits else [0.05, 0.95]
    boxes, points = np.zeros((sum(counts), 4)), np.zeros((sum(counts), 10))
    centre, extent = (BOX[:2] + BOX[2:]) / 2, BOX[2:] - BOX[:2]
    boxes[place] = np.concatenate([(centre - middle) / side / 0.1, np.log(extent / side) / 0.2])
    points[place] = ((POINTS - middle) / side / 0.1).ravel()
    return [boxes[None], classes[None], points[None]]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(
    ("outputs", "decoder"),
    [(scrfd(), "scrfd"), (scrfd(8, 1), "scrfd"), (retinaface(False), "retinaface"), (retinaface(True), "retinaface")],
)
def test_a_face_comes_out_where_it_was_put(tmp_path, outputs, decoder, engine):
    (face,) = opened(tmp_path, outputs, decoder, engine).find(np.zeros((*SIZE, 3), np.uint8))
    np.testing.assert_allclose(face.box, [*BOX[:2], *(BOX[2:] - BOX[:2])], rtol=1e-4)
    np.testing.assert_allclose(face.landmarks, POINTS, rtol=1e-4)
    assert face.score == pytest.approx(0.95, abs=3e-3)


def test_a_search_takes_another_detector_and_maps_its_faces_back(tmp_path):
    detector = opened(tmp_path, scrfd(), "scrfd")
    assert repr(detector) == "OnnxDetector(toy, scrfd, openvino)"
    twice = np.zeros((2 * SIZE[0], 2 * SIZE[1], 3), np.uint8)
    (face,) = detect(twice, FaceSearch("one", detector=detector, turned=False))
    np.testing.assert_allclose(face.landmarks, 2 * POINTS, rtol=1e-3)


def test_a_box_without_an_extent_is_no_face(tmp_path):
    outputs = scrfd()
    outputs[4] = np.zeros_like(outputs[4])  # distances at a stride of 16
    assert opened(tmp_path, outputs, "scrfd").find(np.zeros((*SIZE, 3), np.uint8)) == ()


def test_an_anchor_of_no_face_may_hold_anything_and_a_score_be_rounded(tmp_path):
    boxes, classes, points = retinaface(False)
    boxes[0, 0], points[0, 0] = 1e4, np.inf  # the exponential is no number
    classes[0, classes[0, :, 1].argmax()] = [0, 1.0000002]
    (face,) = opened(tmp_path, [boxes, classes, points], "retinaface").find(np.zeros((*SIZE, 3), np.uint8))
    assert face.score == 1
    classes[0, 0] = [0.05, 0.95]
    with pytest.raises(InputError, match="expected finite numbers"):
        opened(tmp_path, [boxes, classes, points], "retinaface").find(np.zeros((*SIZE, 3), np.uint8))


def test_outputs_of_another_kind_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"toy: its outputs are not those of retinaface.*got"):
        opened(tmp_path, scrfd(), "retinaface").find(np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(InputError, match=r"not those of scrfd: expected scores \(N, 1\)"):
        opened(tmp_path, retinaface(False), "scrfd").find(np.zeros((*SIZE, 3), np.uint8))
    without_sigmoid = [10 * part for part in scrfd()]
    for wrong in (without_sigmoid, [part * np.nan for part in scrfd()]):
        with pytest.raises(InputError, match="toy: expected finite numbers and scores from 0 to 1, got scores from"):
            opened(tmp_path, wrong, "scrfd").find(np.zeros((*SIZE, 3), np.uint8))
    content = network(scrfd())
    with pytest.raises(InputError, match="is an embedder, not a detector"):
        OnnxDetector("toy.onnx", networks.fields(content))
