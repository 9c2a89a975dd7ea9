import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from faceloupe.recognition import Pose, Quality, templates_of
from faceloupe.recognition.limits import LIMITS, QualityLimits, limits_of, shortcomings

GOOD = Quality(44.0, 11.9, 0.5, 0.0, Pose(3.0, -1.0, 0.0), 0.93, 12.4)  # the medians of LFW

BAD = [
    ({"eye_distance": 9.4}, "eyes 9.4 pixels apart, expected at least 14: come closer"),
    ({"sharpness": 1.14}, "sharpness 1.14 grey levels, expected at least 1.8: focus"),
    ({"brightness": 0.04}, "face 4.0 % bright, expected at least 6.0 %: put light"),
    ({"brightness": 0.92}, "face 92.0 % bright, expected at most 85.0 %: expose less"),
    ({"clipped": 0.59}, "59.0 % of the face black or white without detail, expected at most 25.0 %: avoid"),
    ({"pose": Pose(-61.0, 0.0, 0.0)}, "head turned 61.0° to the side, expected at most 55°: face the camera"),
    ({"pose": Pose(0.0, 28.0, 0.0)}, "head turned 28.0° up, expected at most 25°: hold the camera"),
    ({"pose": Pose(0.0, -28.0, 0.0)}, "head turned 28.0° down"),
    ({"detection_score": 0.71}, "detection score 0.710, expected at least 0.88: show the whole face"),
    ({"embedding_norm": 8.2}, "embedding norm 8.20, expected at least 9.5: .*take another photograph"),
]


def test_a_good_face_falls_short_of_nothing():
    assert shortcomings(GOOD, limits_of("sface")) == ()


@pytest.mark.parametrize(("change", "words"), BAD)
def test_each_shortcoming_says_its_number_unit_limit_and_remedy(change, words):
    (found,) = shortcomings(replace(GOOD, **change), limits_of("sface"))
    assert re.match(words, found)


def test_all_of_them_are_told():
    worst = replace(GOOD, eye_distance=9, sharpness=1, brightness=0.01, clipped=0.9, pose=Pose(80, 40, 0))
    assert len(shortcomings(worst)) == 6


@pytest.mark.parametrize("name", ["eye_distance", "sharpness", "detection_score"])
def test_at_the_limit_is_enough(name):
    limit = getattr(LIMITS, name)
    assert not shortcomings(replace(GOOD, **{name: limit}))
    assert shortcomings(replace(GOOD, **{name: np.nextafter(limit, 0)}))


def test_the_norm_is_judged_for_the_embedder_that_it_was_measured_on():
    weak = replace(GOOD, embedding_norm=1.0)
    assert shortcomings(weak, limits_of("sface"))
    assert not shortcomings(weak, limits_of("deep-01ab23cd"))
    assert not shortcomings(weak)
    assert not shortcomings(replace(GOOD, embedding_norm=None), limits_of("sface"))


def test_limits_can_be_others():
    assert shortcomings(GOOD, QualityLimits(eye_distance=60)) == (
        "eyes 44.0 pixels apart, expected at least 60: come closer, or use the photograph in its full size",
    )


def worse(chip, how):
    image = {
        "blurred": lambda: cv2.GaussianBlur(chip.image, (0, 0), 5),
        "dark": lambda: chip.image * np.float32(0.08),
        "overexposed": lambda: np.clip(chip.image * np.float32(4), 0, 1),
    }[how]()
    return replace(chip, image=image)


@pytest.mark.parametrize("how", ["blurred", "dark", "overexposed"])
def test_real_faces_pass_and_spoilt_ones_do_not(chips, how):
    limits = limits_of("sface")
    whole = [shortcomings(template.quality, limits) for template in templates_of(chips)]
    spoilt = [shortcomings(template.quality, limits) for template in templates_of([worse(c, how) for c in chips])]
    assert sum(not found for found in whole) >= 9
    assert all(spoilt)
