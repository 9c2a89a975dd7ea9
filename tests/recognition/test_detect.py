"""Also tests ``recognition/detections.py``, ``recognition/pictures.py``, ``recognition/yunet.py``."""

import io
import os
import subprocess
import sys
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.faces.images import decode_reduced
from faceloupe.recognition import FaceSearch, detect
from faceloupe.recognition.detect import candidates
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.pictures import LazyPixels
from faceloupe.recognition.weights import YUNET, find_weights
from faceloupe.recognition.yunet import YuNet

pytestmark = pytest.mark.usefixtures("published")


def by_opencv(photo, min_score=0.6):
    """What OpenCV's own detector finds in the photograph at its size: rows of box, landmarks and score."""
    bgr = cv2.cvtColor(np.rint(photo * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    size = photo.shape[1::-1]
    return cv2.FaceDetectorYN.create(str(find_weights(YUNET)), "", size, min_score).detect(bgr)[1]


def numbers(face):
    return np.array([*face.box, *np.ravel(face.landmarks), face.score])


def test_a_small_photograph_is_seen_as_opencv_sees_it(portrait):
    (face,) = detect(portrait)
    np.testing.assert_allclose(numbers(face), by_opencv(portrait)[0], rtol=1e-5, atol=1e-4)


def test_landmarks_lie_where_a_face_has_them(portrait):
    (face,) = detect(portrait)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye.x < nose.x < left_eye.x
    assert right_mouth.x < nose.x < left_mouth.x
    assert max(right_eye.y, left_eye.y) < nose.y < min(right_mouth.y, left_mouth.y)
    for x, y in face.landmarks:
        assert face.box.x < x < face.box.x + face.box.width
        assert face.box.y < y < face.box.y + face.box.height


@pytest.mark.parametrize(("size", "shown"), [((2800, 2100), (640, 480)), ((1999, 1503), (640, 481))])
def test_a_large_photograph_is_shrunk_and_what_is_found_mapped_back(portrait, size, shown):
    large = cv2.resize(portrait, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    (theirs,) = by_opencv(cv2.resize(large, shown, interpolation=cv2.INTER_AREA))
    (face,) = detect(large)
    scale = np.array(size) / shown
    np.testing.assert_allclose(numbers(face)[:14], theirs[:14] * np.tile(scale, 7), rtol=1e-5, atol=0.05)
    off = np.array(face.landmarks) / size - np.array(detect(portrait)[0].landmarks) / (400, 300)
    assert np.abs(off).max() < 0.03


def test_several_faces_the_surest_first(photographs):
    photo = np.hstack([photographs[0], photographs[5], photographs[1]])
    faces = detect(photo)
    assert len(faces) == 3
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    assert {int(face.landmarks.nose.x // 92) for face in faces} == {0, 1, 2}


def test_small_and_doubtful_faces_are_left_out(portrait):
    (face,) = detect(portrait)
    assert detect(portrait, FaceSearch(min_size=face.size + 1)) == ()
    assert detect(portrait, FaceSearch(min_size=face.size - 1)) == (face,)
    assert detect(portrait, FaceSearch(min_score=min(1, face.score + 1e-3))) == ()
    assert len(candidates(portrait)) >= 1


def test_a_crowd_needs_more_pixels(photographs):
    photo = np.full((300, 1600), 0.5, dtype=np.float32)
    for column in range(8):
        left = 50 + 190 * column
        photo[120:168, left : left + 40] = cv2.resize(photographs[0], (40, 48), interpolation=cv2.INTER_AREA)
    assert len(detect(photo, FaceSearch(max_side=1600))) == 8
    assert len(detect(photo, FaceSearch(max_side=640))) < 8


def test_a_second_look_adds_small_faces_and_leaves_the_others_as_they_were(photographs):
    photo = np.full((1500, 2000), 0.5, dtype=np.float32)
    photo[100:1220, 40:960] = cv2.resize(photographs[0], (920, 1120), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    for column in range(8):
        left = 1000 + 120 * column
        photo[1300:1361, left : left + 50] = cv2.resize(photographs[0], (50, 61), interpolation=cv2.INTER_AREA)
    (large,) = detect(photo, "central")
    faces = detect(photo)
    assert large in faces
    assert len(faces) == 9
    assert sum(face.size > 200 for face in faces) == 1
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


def test_a_small_photograph_is_looked_at_once(portrait):
    assert detect(portrait) == detect(portrait, "central")


def test_no_face_is_an_empty_answer():
    assert detect(np.full((200, 300, 3), 0.5, dtype=np.float32)) == ()


def test_grey_is_seen_as_colour_that_is_grey(photographs):
    grey = photographs[0]
    assert detect(grey) == detect(np.repeat(grey[..., np.newaxis], 3, axis=2))


def test_bytes_are_seen_as_the_floats_that_they_stand_for(portrait):
    samples = np.rint(cv2.resize(portrait, (1400, 1050)) * 255).astype(np.uint8)
    (seen,), (expected,) = detect(samples), detect(samples.astype(np.float32) / 255)
    np.testing.assert_allclose(numbers(seen), numbers(expected), atol=0.05)


@given(st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=25)
def test_any_size_can_be_looked_at(height, width):
    noise = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    for face in detect(noise, FaceSearch(min_score=0.1, min_size=0)):
        assert np.isfinite(numbers(face)).all()


def test_threads_do_not_disturb_each_other(portrait, photographs):
    photos = [portrait, photographs[0], np.tile(photographs[0], (1, 2))]
    alone, together = [detect(photo) for photo in photos], [None] * 3

    def look(which):
        for _ in range(5):
            together[which] = detect(photos[which])

    threads = [threading.Thread(target=look, args=(which,)) for which in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_detection_says_what_it_is(portrait):
    (face,) = detect(portrait)
    assert repr(face).startswith("Detection(")
    assert "score 0." in repr(face)
    document = face.to_document()
    assert document["box"]["width"] == face.box.width
    assert document["landmarks"]["nose"] == {"x": face.landmarks.nose.x, "y": face.landmarks.nose.y}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 3), np.int64), "expected an array of float32 .* or of uint8, got int64"),
        ([[0.5]], "got list"),
        (np.zeros((8, 8, 4), np.float32), r"got \(8, 8, 4\)"),
        (np.zeros((0, 8), np.float32), r"got \(0, 8\)"),
        (np.full((8, 8), 2, np.float32), "to 2"),
        (np.full((8, 8), np.nan, np.float32), "nan"),
    ],
)
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(InputError, match=message):
        detect(image)


def turned(image, angle):
    """Turn a picture clockwise, whole."""
    height, width = image.shape[:2]
    there = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1)
    size = np.ceil(np.abs(there[:, :2]) @ (width, height) - 1e-9).astype(int)
    there[:, 2] += (size - (width, height)) / 2
    return cv2.warpAffine(image, there, size.tolist()), there


@pytest.mark.parametrize("angle", [45, 60, 90, 135, 180, 250, 315])
def test_a_face_is_found_at_any_angle_and_where_it_is(portrait, angle):
    (upright,) = detect(portrait)
    photo, there = turned(portrait, angle)
    (face,) = detect(photo)
    assert abs(face.turn - angle) <= 20
    expected = np.array(upright.landmarks) @ there[:, :2].T + there[:, 2]
    eyes = np.hypot(*np.subtract(upright.landmarks.left_eye, upright.landmarks.right_eye))
    np.testing.assert_allclose(face.landmarks, expected, atol=0.15 * eyes)
    middle = np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])
    box = upright.box
    at = there[:, :2] @ (box.x + box.width / 2, box.y + box.height / 2) + there[:, 2]
    np.testing.assert_allclose(middle, at, atol=0.25 * eyes)
    assert face.to_document()["turn"] == face.turn
    assert f"turned by {face.turn} degrees" in repr(face)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photograph_held_sideways_shows_the_face_in_the_same_place(portrait, quarters):
    (face,) = detect(portrait)
    (turned_face,) = detect(np.ascontiguousarray(np.rot90(portrait, -quarters)))
    assert abs(turned_face.turn - 90 * quarters) <= 5
    places = np.zeros(portrait.shape[:2], dtype=bool)
    for point, turned_point in zip(face.landmarks, turned_face.landmarks, strict=True):
        places[:] = False
        places[round(point.y), round(point.x)] = True
        ((y, x),) = np.argwhere(np.rot90(places, -quarters))
        assert np.hypot(turned_point.x - x, turned_point.y - y) < 4  # of 40 pixels between the eyes


def test_only_the_photograph_as_it_is_if_asked_for(portrait):
    found = detect(np.ascontiguousarray(np.rot90(portrait, 1)), FaceSearch(turned=False))
    assert not any(face.turn or face.score >= 0.9 for face in found)


class Watched:
    """A detector that counts the pictures it is shown, by size: YuNet, or what shows the one face, less surely."""

    name, sha256 = "watched", "0" * 64

    def __init__(self, *, doubt=0.0):
        self.shown, self.doubt = [], doubt

    def find(self, picture):
        self.shown.append(picture.shape[:2])
        return tuple(replace(face, score=face.score - self.doubt) for face in YuNet().find(picture))


def test_a_sure_face_is_looked_at_once(portrait):
    detector = Watched()
    (face,) = detect(portrait, FaceSearch(detector=detector))
    assert face.detector == "watched 00000000"
    assert (replace(face, detector="yunet"),) == detect(portrait)
    assert detector.shown == [portrait.shape[:2]]


def test_a_face_that_is_not_sure_but_upright_costs_small_pictures_only(portrait):
    detector = Watched(doubt=0.06)
    (face,) = detect(portrait, FaceSearch(detector=detector))
    assert 0.8 <= face.score < 0.905
    assert face.turn == 0
    first, *further = detector.shown
    assert first == portrait.shape[:2]
    assert further
    assert set(further) == {(96, 96)}


def test_where_one_face_is_meant_the_others_are_not_looked_at_again(photographs):
    photo = np.full((1200, 1600, 3), 0.5, dtype=np.float32)
    for left, top in ((700, 500), (100, 100), (1300, 900)):  # each 41 pixels wide of 640
        photo[top : top + 125, left : left + 103] = cv2.resize(photographs[0], (103, 125))[..., np.newaxis].clip(0, 1)
    looks = {}
    for which in ("all", "central"):
        detector = Watched()
        faces = detect(photo, FaceSearch(which, max_side=640, detector=detector))
        assert len(faces) == 3
        looks[which] = detector.shown.count((160, 160))
    assert looks["all"] >= 3 > looks["central"] >= 1


def test_an_opencv_that_finds_no_faces_is_named(tmp_path):
    (tmp_path / "cv2" / "utils").mkdir(parents=True)
    (tmp_path / "cv2" / "__init__.py").write_text("__version__ = '4.2.0'\n")
    (tmp_path / "cv2" / "utils" / "__init__.py").touch()
    code = "import numpy, faceloupe.recognition as r; r.detect(numpy.zeros((64, 64), numpy.float32))"
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert f"he cv2 that is imported is OpenCV 4.2.0 from {tmp_path / 'cv2'}" in run.stderr
    assert "pip uninstall opencv-python" in run.stderr


class Brightest:
    """A detector of the one bright place."""

    name, sha256 = "brightest", "0" * 64

    def find(self, picture):
        light = picture[..., 0].astype(float)
        y, x = (light.sum(axis) @ np.arange(light.shape[1 - axis]) / light.sum() for axis in (1, 0))
        here = Point(x + 0.5, y + 0.5)  # from the upper left corner, as boxes are
        return [Detection(Box(*here, 1.0, 1.0), Landmarks(*[here] * 5), 1.0)]


@pytest.mark.parametrize("width", [5120, 5121, 5127])
def test_a_photograph_decoded_at_a_fraction_keeps_its_places_to_the_edge(width):
    photo = np.zeros((64, width, 3), np.uint8)
    photo[32:48, 5072:5088] = 255
    content = io.BytesIO()
    Image.fromarray(photo).save(content, "JPEG", quality=95)
    reduced = decode_reduced(content.getvalue(), "wide.jpg", 640)
    assert reduced.reduction == 8
    (face,) = candidates(LazyPixels(reduced.samples, reduced.size, 8), detector=Brightest())
    (whole,) = candidates(photo, detector=Brightest())
    np.testing.assert_allclose(face.landmarks, whole.landmarks, atol=0.5)
