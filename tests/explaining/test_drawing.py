from dataclasses import replace

import numpy as np
import pytest

from faceloupe.explaining.drawing import draw_alignment, draw_region, draw_share
from faceloupe.recognition.chips import REFERENCE_POINTS, landmarks_on_chip


def darkest(picture, x, y):
    """Return the darkest of the pixels that touch a point."""
    return picture[int(y) : int(y) + 2, int(x) : int(x) + 2].mean(axis=2).min()


def test_landmarks_come_to_lie_near_the_reference_points(mated):
    off = landmarks_on_chip(mated.a.chip) - np.array(REFERENCE_POINTS)
    assert mated.a.misalignment == pytest.approx(np.sqrt((off**2).sum() / 5))
    assert np.abs(off).max() < 8


def test_the_region_shows_the_box_and_a_disc_on_every_landmark(mated):
    chip = mated.a.chip
    picture = draw_region(mated.a.image, chip)
    assert picture.shape == (224, 224, 3)
    assert picture.dtype == np.float32
    x, y, width, height = chip.detection.box
    side = 1.7 * max(width, height)
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    for point in chip.detection.landmarks:
        assert (
            darkest(picture, (point.x + 0.5 - left) / side * 224 - 0.5, (point.y + 0.5 - top) / side * 224 - 0.5) < 0.1
        )
    red, _, blue = picture[112, round((x + 0.5 - left) / side * 224 - 0.5) + np.arange(-2, 3)].T
    assert (blue - red).max() > 0.5  # the photograph is grey


def test_beyond_the_photograph_it_is_white(mated):
    chip = mated.a.chip
    box = chip.detection.box
    corner = mated.a.image[int(box.y) :, int(box.x) :]  # the box begins at its edge
    points = (point._replace(x=point.x - int(box.x), y=point.y - int(box.y)) for point in chip.detection.landmarks)
    moved = replace(chip.detection, box=box._replace(x=0, y=0), landmarks=type(chip.detection.landmarks)(*points))
    picture = draw_region(corner, replace(chip, detection=moved))
    assert np.array_equal(picture[:30, :30], np.ones((30, 30, 3)))


def test_the_alignment_shows_discs_where_landmarks_lie(mated):
    picture = draw_alignment(mated.a.chip)
    far = 0
    for point, target in zip(landmarks_on_chip(mated.a.chip), REFERENCE_POINTS, strict=True):
        if np.hypot(*(point - target)) > 5:  # no cross lies on it
            far += 1
            assert darkest(picture, *(2 * point + 0.5)) < 0.1
        red, _, blue = picture[tuple(np.rint(2 * np.array(target) + 0.5).astype(int)[::-1])]
        assert red - blue > 0.3
    assert picture.shape == (224, 224, 3)
    assert far <= 5


def test_a_map_tints_the_face_and_zero_leaves_it_grey(mated):
    side = mated.a
    values = np.zeros((15, 15), np.float32)
    values[3, 7], values[11, 7] = 0.1, -0.1
    picture = draw_share(side.chip, replace(side.attribution, map=values), limit=0.1)
    assert picture.dtype == np.float32
    assert picture.shape == (112, 112, 3)
    spread = np.ptp(picture, axis=2)
    assert spread[70].max() < 1e-6
    grey = side.chip.image.mean(axis=2)
    assert picture[70, 50, 0] == pytest.approx(0.4 + 0.6 * grey[70, 50], abs=1e-5)
    row, column = (int(centres[place]) for centres, place in ((side.attribution.placement.rows, 3),
                                                              (side.attribution.placement.columns, 7)))  # fmt: skip
    assert picture[row, column, 0] > 2 * picture[row, column, 2]  # orange
    row = int(side.attribution.placement.rows[11])
    assert picture[row, column, 2] > 2 * picture[row, column, 0]  # blue


def test_a_faint_map_stays_faint(mated):
    side = mated.a
    faint, full = (
        draw_share(side.chip, replace(side.attribution, map=np.full((15, 15), value, np.float32)), limit=0.1)
        for value in (0.02, 0.1)
    )
    assert np.ptp(faint, axis=2).max() < 0.5 * np.ptp(full, axis=2).max()
