"""Which threshold judges a track, and what was published for pooled templates."""

from dataclasses import replace

import pytest

from faceloupe.errors import InputError
from faceloupe.recognition.thresholds import published_point
from faceloupe.recognition.weights import SFACE
from faceloupe.scores.points import OperatingPoint
from faceloupe.video import thresholds


class Maker:
    def __init__(self, name, sha256=SFACE.sha256):
        self.name, self.sha256 = name, sha256


SFACE_MAKER = Maker("sface")


def test_points_are_published_from_loose_to_strict_with_their_checks():
    points = thresholds.pooled_points(SFACE_MAKER)
    assert [point.target_fmr for point in points] == [1e-2, 1e-3, 1e-4]
    assert sorted(point.threshold for point in points) == [point.threshold for point in points]
    pairs = [[OperatingPoint.from_document(entry[part]) for part in ("point", "check")]
             for entry in thresholds.measurements()["points"]]  # fmt: skip
    for point, check in (pair for pair in pairs if pair[0] in points):
        assert check.threshold == point.threshold  # on other people
        assert "View 1 test" in check.source
        assert check.verdict != "does not hold"
    assert len(thresholds.measurements()["remarks"]) >= 2


def test_pooled_probes_need_a_higher_threshold_and_miss_fewer():
    for pooled in thresholds.pooled_points(SFACE_MAKER):
        single = published_point(SFACE_MAKER, pooled.target_fmr)
        assert pooled.threshold > single.threshold
        assert pooled.fnmr < single.fnmr


def test_one_frame_is_judged_as_a_photograph_and_several_as_pooled():
    assert thresholds.track_point(SFACE_MAKER, 1) == published_point(SFACE_MAKER)
    pooled = thresholds.track_point(SFACE_MAKER, 2)
    assert pooled in thresholds.pooled_points(SFACE_MAKER)
    assert pooled.target_fmr == 1e-4
    assert thresholds.track_point(SFACE_MAKER, 5, fmr=1e-3).target_fmr == 1e-3


def test_of_a_gallerys_own_threshold_and_the_published_one_the_stricter_holds():
    pooled = thresholds.track_point(SFACE_MAKER, 3)
    strict, loose = (replace(published_point(SFACE_MAKER), threshold=value) for value in (0.6, 0.3))
    assert thresholds.track_point(SFACE_MAKER, 3, saved=strict) == strict
    assert thresholds.track_point(SFACE_MAKER, 3, saved=loose) == pooled
    assert thresholds.track_point(SFACE_MAKER, 1, saved=loose) == loose
    assert thresholds.track_point(SFACE_MAKER, 3, saved=strict, fmr=1e-4) == pooled  # what is asked for goes first


def test_an_embedder_of_ones_own_needs_a_calibrated_gallery():
    own = Maker("own", "cd" * 32)
    with pytest.raises(InputError, match="faceloupe calibrate"):
        thresholds.track_point(own, 3)
    saved = replace(published_point(SFACE_MAKER), embedder="own", weights_sha256="cd" * 32, threshold=0.7)
    assert thresholds.track_point(own, 3, saved=saved) == saved
    assert thresholds.likeness_of(own, saved) == (0.7, 0.7)


def test_a_face_continues_a_track_at_published_thresholds():
    likeness = thresholds.likeness_of(SFACE_MAKER, published_point(SFACE_MAKER))
    assert likeness.in_place == published_point(SFACE_MAKER, 1e-3).threshold
    assert likeness.elsewhere == published_point(SFACE_MAKER, 1e-4).threshold


def test_a_rate_that_was_not_published_is_refused():
    with pytest.raises(InputError, match="for clips was published for an FMR of 1e-05; there are"):
        thresholds.track_point(SFACE_MAKER, 3, fmr=1e-5)
