"""Also tests ``recognition/chips.py``, ``recognition/geometry.py``."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.recognition import align, detect
from faceloupe.recognition.chips import REFERENCE_POINTS
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.geometry import similarity
from faceloupe.recognition.weights import SFACE, find_weights

places = st.lists(st.tuples(*[st.floats(-500, 500)] * 2), min_size=5, max_size=5)


def spread(points):
    return np.ptp(points, axis=0).max()


@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), st.tuples(*[st.floats(-1000, 1000)] * 2))
def test_a_similarity_is_found_again(angle, scale, shift):
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = np.array(REFERENCE_POINTS) @ rotation.T + shift
    np.testing.assert_allclose(similarity(REFERENCE_POINTS, moved), np.column_stack([rotation, shift]), atol=1e-8)


@given(places)
def test_no_similarity_comes_nearer(points):
    """The least squares by NumPy, for x' = ax - by + c and y' = bx + ay + d."""
    if spread(points) < 1:
        return
    rows = [row for x, y in points for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.ravel(REFERENCE_POINTS), rcond=None)[0]
    np.testing.assert_allclose(similarity(points, REFERENCE_POINTS), [[a, -b, c], [b, a, d]], atol=1e-6)


def test_points_in_one_place_are_refused():
    with pytest.raises(InputError, match="two different places"):
        similarity([(3, 3)] * 5, REFERENCE_POINTS)


@pytest.mark.usefixtures("published")
def test_the_chip_is_that_of_opencv(photographs, portrait):
    """Within rounding: OpenCV's has whole grey levels, ours has not, and OpenCV 4 reads at 32nds of a pixel."""
    recogniser = cv2.FaceRecognizerSF.create(str(find_weights(SFACE)), "")
    for photo in (portrait, *(np.repeat(photo[..., np.newaxis], 3, axis=2) for photo in photographs)):
        (face,) = detect(photo)
        row = np.array([[*face.box, *np.ravel(face.landmarks), face.score]], dtype=np.float32)
        samples = np.rint(photo * 255).astype(np.uint8)
        theirs = recogniser.alignCrop(np.ascontiguousarray(samples[..., ::-1]), row)[..., ::-1]
        ours = align(samples.astype(np.float32) / 255, face).image
        assert np.abs(ours * 255 - theirs).max() < (0.6 if cv2.__version__ >= "5" else 2)


@given(st.floats(-3.1, 3.1), st.floats(0.1, 4), st.tuples(st.floats(-150, 450), st.floats(-150, 350)))
@settings(max_examples=60)
def test_only_the_part_that_is_shown_is_looked_at(angle, scale, place):
    """Warping the whole photograph gives the same chip, wherever the face is; and so do bytes."""
    samples = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (np.array(REFERENCE_POINTS) - 56) @ turn.T + place
    face = Detection(Box(0, 0, 1, 1), Landmarks(*(Point(*point) for point in landmarks.tolist())), 1.0)
    chip = align(samples, face)
    whole = cv2.warpAffine(samples.astype(np.float32) / 255, chip.transform, (112, 112), flags=cv2.INTER_LINEAR)
    np.testing.assert_allclose(chip.image, whole, atol=2e-3)
    np.testing.assert_array_equal(chip.image, align(samples.astype(np.float32) / 255, face).image)


def test_landmarks_land_on_their_places():
    """Marks at the landmarks of a turned, enlarged face end at the reference points."""
    turn = cv2.getRotationMatrix2D((56, 56), 25, 3.0)
    turn[:, 2] += 150
    landmarks = np.array(REFERENCE_POINTS) @ turn[:, :2].T + turn[:, 2]
    photo = np.zeros((420, 420), dtype=np.float32)
    rows, columns = np.mgrid[:420, :420]
    for x, y in landmarks:
        photo = np.maximum(photo, np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)).astype(np.float32)
    chip = align(photo, Detection(Box(0, 0, 420, 420), Landmarks(*(Point(*point) for point in landmarks)), 1.0))
    assert chip.image.shape == (112, 112, 3)
    for x, y in REFERENCE_POINTS:
        corner = chip.image[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6, 0]
        row, column = np.unravel_index(corner.argmax(), corner.shape)
        assert abs(round(y) - 5 + row - y) <= 1
        assert abs(round(x) - 5 + column - x) <= 1


def test_a_chip_cannot_be_written_to_and_says_what_it_is(chips):
    with pytest.raises(ValueError, match="read-only"):
        chips[0].image[0, 0, 0] = 1
    assert repr(chips[0]).startswith("FaceChip(112x112 of Detection(")
    assert chips[0].image.dtype == np.float32
    assert chips[0].image.min() >= 0
    assert chips[0].image.max() <= 1


def test_a_chip_as_a_file_is_its_picture(chips):
    picture = np.asarray(Image.open(BytesIO(chips[0].png())))
    np.testing.assert_allclose(picture / 255, chips[0].image, atol=0.5001 / 255)
