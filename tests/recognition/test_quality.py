from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from faceloupe.recognition.chips import REFERENCE_POINTS, FaceChip
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.quality import AVERAGE_FACE, measure, pose_of

angles = st.floats(-60, 60)


def landmarks_of(points):
    return Landmarks(*(Point(float(x), float(y)) for x, y in points))


def chip_of(image, points=REFERENCE_POINTS):
    detection = Detection(Box(0, 0, 112, 112), landmarks_of(points), 0.9)
    return FaceChip(np.asarray(image, dtype=np.float32), detection, np.eye(2, 3))


@given(angles, angles, st.floats(10, 1000))
def test_a_turned_head_is_seen_as_turned(about_y, about_x, scale):
    """The average face (x right, y down, z away), turned and seen from afar."""
    turn = Rotation.from_euler("YX", [about_y, about_x], degrees=True)
    pose = pose_of(landmarks_of(scale * turn.apply(AVERAGE_FACE)[:, :2] + 100))
    right, down, away = turn.apply([0, 0, -1])
    assert pose.yaw == pytest.approx(np.degrees(np.arctan2(right, -away)), abs=1e-4)
    assert pose.pitch == pytest.approx(np.degrees(np.arcsin(-down)), abs=1e-4)


def test_signs_of_the_pose():
    moved = np.array(REFERENCE_POINTS)
    moved[2] += [8, 0]
    assert pose_of(landmarks_of(moved)).yaw > 10
    moved[2] += [-8, -8]
    assert pose_of(landmarks_of(moved)).pitch > 10


@given(st.floats(-80, 80))
def test_roll_is_the_angle_of_the_eyes(angle):
    level = pose_of(landmarks_of(REFERENCE_POINTS)).roll
    turn = cv2.getRotationMatrix2D((56, 56), -angle, 1.0)
    turned = np.array(REFERENCE_POINTS) @ turn[:, :2].T + turn[:, 2]
    assert pose_of(landmarks_of(turned)).roll - level == pytest.approx(angle, abs=1e-3)


def test_the_numbers_of_a_face():
    noise = np.random.default_rng(0).random((112, 112, 3))
    quality = measure(chip_of(noise))
    assert quality.eye_distance == pytest.approx(np.hypot(73.5318 - 38.2946, 51.5014 - 51.6963))
    luma = cv2.cvtColor(noise.astype(np.float32), cv2.COLOR_RGB2GRAY)[30:106, 24:88]
    assert quality.brightness == pytest.approx(luma.mean(), abs=1e-4)
    inner = cv2.Laplacian(luma, cv2.CV_32F, ksize=1)[1:-1, 1:-1]
    assert quality.sharpness == pytest.approx(255 * inner.std(), rel=1e-3)
    assert quality.clipped < 0.01
    assert quality.detection_score == 0.9
    assert quality.embedding_norm is None


def test_blur_darkness_and_glare_show(chips):
    chip = chips[0]
    good = measure(chip)
    blurred = measure(replace(chip, image=cv2.GaussianBlur(chip.image, (0, 0), 3)))
    assert blurred.sharpness < good.sharpness / 3
    assert measure(replace(chip, image=chip.image / 4)).brightness == pytest.approx(good.brightness / 4, rel=1e-3)
    half = chip.image.copy()
    half[68:] = 1
    assert measure(replace(chip, image=half)).clipped == pytest.approx(0.5, abs=0.05)


def test_a_quality_is_a_plain_document():
    document = measure(chip_of(np.full((112, 112, 3), 0.5))).to_document()
    assert document["sharpness"] == pytest.approx(0, abs=1e-3)
    assert set(document["pose"]) == {"yaw", "pitch", "roll"}
