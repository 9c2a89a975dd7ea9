import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet, error_versus_reject, fnmr

MATED = [0.9, 0.2, 0.8, 0.3, 0.7]  # at 0.5 the second and the fourth are missed
SCORES = ScoreSet(MATED, [0.1])

shares = st.floats(0, 1)
comparisons = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


def test_by_hand():
    curve = error_versus_reject(SCORES, [5, 1, 4, 2, 3], 0.5)
    np.testing.assert_allclose(curve.rejected, [0, 0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(curve.fnmr, [2 / 5, 1 / 4, 0, 0, 0])
    np.testing.assert_array_equal(curve.limits, [1, 2, 3, 4, 5])
    assert (curve.threshold, curve.n_mated) == (0.5, 5)


def test_a_measure_that_is_wrong_makes_it_rise():
    curve = error_versus_reject(SCORES, [1, 5, 2, 4, 3], 0.5)
    np.testing.assert_allclose(curve.fnmr, [2 / 5, 2 / 4, 2 / 3, 1, 1])


def test_equal_quality_is_refused_together():
    curve = error_versus_reject(SCORES, [2, 1, 2, 1, 2], 0.5)
    np.testing.assert_allclose(curve.rejected, [0, 0.4])
    np.testing.assert_allclose(curve.fnmr, [0.4, 0])
    assert error_versus_reject(SCORES, [7] * 5, 0.5).fnmr.tolist() == [0.4]


def test_a_comparison_is_as_good_as_its_worse_capture():
    both = error_versus_reject(SCORES, [[5, 9], [8, 1], [4, 4], [2, 3], [9, 3]], 0.5)
    np.testing.assert_array_equal(both.fnmr, error_versus_reject(SCORES, [5, 1, 4, 2, 3], 0.5).fnmr)


def test_at_a_share_no_more_is_refused_than_that():
    curve = error_versus_reject(SCORES, [5, 1, 4, 2, 3], 0.5)
    assert [curve.at(share) for share in (0, 0.19, 0.2, 0.39, 0.4, 1)] == [0.4, 0.4, 0.25, 0.25, 0, 0]


@given(comparisons, st.floats(0, 1))
def test_each_step_is_the_fnmr_of_what_is_left(rows, threshold):
    mated, *captures = np.array(rows).T
    curve = error_versus_reject(ScoreSet(mated, [0]), np.stack(captures, axis=1), threshold)
    worse = np.minimum(*captures)
    for rejected, rate, limit in zip(curve.rejected, curve.fnmr, curve.limits, strict=True):
        kept = worse >= limit
        assert rejected == pytest.approx(1 - kept.mean())
        assert rate == pytest.approx(fnmr(ScoreSet(mated[kept], [0]), threshold))
    assert curve.fnmr[0] == fnmr(ScoreSet(mated, [0]), threshold)


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        ([1, 2, 3], r"expected \(5,\) or \(5, 2\).*got \(3,\)"),
        (np.ones((5, 3)), r"got \(5, 3\)"),
        (np.ones((5, 2, 1)), "expected 1 axes"),
        ([1, 2, 3, 4, np.nan], "1 NaN"),
        ("good", "expected"),
    ],
)
def test_what_is_no_quality_is_refused(quality, words):
    with pytest.raises(InputError, match=words):
        error_versus_reject(SCORES, quality, 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_a_share_is_a_share(share):
    curve = error_versus_reject(SCORES, [5, 1, 4, 2, 3], 0.5)
    with pytest.raises(InputError, match="share"):
        curve.at(share)


def test_a_threshold_is_a_number():
    with pytest.raises(InputError, match="NaN"):
        error_versus_reject(SCORES, [5, 1, 4, 2, 3], np.nan)


def test_it_is_shown_in_words_and_as_a_document():
    curve = error_versus_reject(SCORES, [5, 1, 4, 2, 3], 0.5)
    assert repr(curve) == (
        "RejectCurve(FNMR with the worst refused, 0 %: 40.00 %, 1 %: 40.00 %, 5 %: 40.00 %, 20 %: 25.00 %; "
        "5 mated comparisons)"
    )
    assert json.loads(json.dumps(curve.to_document()))["fnmr"] == [0.4, 0.25, 0, 0, 0]
