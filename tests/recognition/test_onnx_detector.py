"""Outputs shaped like SCRFD's and RetinaFace's are read: faces put into them by hand come out where they were put."""

from hashlib import sha256

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.recognition import FaceSearch, OnnxDetector, detect
from helpers import networks
from helpers.detectors import BOX, POINTS, SIZE, constant, retinaface, scrfd


def opened(folder, outputs, decoder, engine="openvino"):
    content = constant(outputs)
    path = folder / f"{sha256(content).hexdigest()[:8]}.onnx"
    path.write_bytes(content)
    manifest = networks.fields(content, size=list(SIZE), kind="detector", decoder=decoder, points="none")
    return OnnxDetector(path, manifest, engine=engine)


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
    assert repr(detector) == f"OnnxDetector(toy {detector.sha256[:8]}, scrfd, openvino)"
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
    content = constant(scrfd())
    with pytest.raises(InputError, match="is an embedder, not a detector"):
        OnnxDetector("toy.onnx", networks.fields(content))
