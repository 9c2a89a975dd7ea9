import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet, accuracy_at, auc, det_curve, fmr, fnmr

# Few different values, so that scores tie within and between both kinds.
COARSE = st.lists(st.integers(-5, 5), min_size=1, max_size=30)
FINE = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30)
SETS = st.builds(ScoreSet, COARSE, COARSE) | st.builds(ScoreSet, FINE, FINE)

# Worked by hand:  score        0.2  0.4  0.5  0.6  0.8
#                  mated               x         x    x x
#                  non-mated     x    x    xx
HAND = ScoreSet([0.4, 0.6, 0.8, 0.8], [0.2, 0.4, 0.5, 0.5])


def labelled(scores):
    truth = np.repeat([1, 0], [scores.n_mated, scores.n_non_mated])
    return truth, np.concatenate([scores.mated, scores.non_mated])


class TestAtAThreshold:
    @pytest.mark.parametrize(
        ("threshold", "expected"),
        [(0.2, (1, 0)), (0.4, (0.75, 0)), (0.5, (0.5, 0.25)), (0.51, (0, 0.25)), (0.8, (0, 0.5)), (0.81, (0, 1))],
    )
    def test_by_hand(self, threshold, expected):
        assert (fmr(HAND, threshold), fnmr(HAND, threshold)) == expected

    def test_a_score_equal_to_the_threshold_matches(self):
        assert fmr(ScoreSet([1], [0.1]), 0.1) == 1
        assert fnmr(ScoreSet([0.1], [0]), 0.1) == 0

    def test_single_precision_scores_are_compared_as_they_are(self):
        # 0.1 in single precision is above 0.1.
        assert fmr(ScoreSet([1], np.array([0.1], dtype=np.float32)), 0.1) == 1
        assert fmr(ScoreSet([1], np.array([0.3], dtype=np.float32)), np.nextafter(float(np.float32(0.3)), 1)) == 0

    @given(SETS, st.floats(-6, 6), st.floats(-6, 6))
    def test_a_higher_threshold_matches_fewer(self, scores, one, other):
        low, high = sorted([one, other])
        assert 0 <= fmr(scores, high) <= fmr(scores, low) <= 1
        assert 0 <= fnmr(scores, low) <= fnmr(scores, high) <= 1

    @given(SETS)
    def test_beyond_all_scores(self, scores):
        assert (fmr(scores, -np.inf), fnmr(scores, -np.inf)) == (1, 0)
        assert (fmr(scores, np.inf), fnmr(scores, np.inf)) == (0, 1)

    def test_failures_are_in_neither_rate(self):
        failing = ScoreSet(HAND.mated, HAND.non_mated, failed_mated=1, failed_non_mated=6)
        assert (fmr(failing, 0.5), fnmr(failing, 0.5)) == (0.5, 0.25)

    def test_accuracy_by_hand(self):
        assert accuracy_at(HAND, 0.51) == 7 / 8
        assert accuracy_at(ScoreSet(HAND.mated, HAND.non_mated, failed_mated=2), 0.51) == pytest.approx(7 / 10)

    @given(SETS, st.floats(-6, 6))
    def test_accuracy_agrees_with_scikit_learn(self, scores, threshold):
        truth, values = labelled(scores)
        assert accuracy_at(scores, threshold) == pytest.approx(metrics.accuracy_score(truth, values >= threshold))

    @pytest.mark.parametrize("rate", [fmr, fnmr, accuracy_at])
    def test_a_threshold_is_a_number(self, rate):
        with pytest.raises(InputError, match="NaN"):
            rate(HAND, np.nan)


class TestAuc:
    def test_by_hand(self):
        # Of 16 comparisons of a mated with a non-mated score: 0.4 wins 1, ties 1; 0.6 and both 0.8 win 4 each.
        assert auc(HAND) == (1 + 0.5 + 12) / 16

    @given(SETS)
    def test_agrees_with_scikit_learn(self, scores):
        assert auc(scores) == pytest.approx(metrics.roc_auc_score(*labelled(scores)), abs=1e-12)


class TestDetCurve:
    def test_by_hand(self):
        curve = det_curve(HAND)
        assert curve.thresholds.tolist() == [0.2, 0.4, 0.5, 0.6, 0.8, np.inf]
        assert curve.fmr.tolist() == [1, 0.75, 0.5, 0, 0, 0]
        assert curve.fnmr.tolist() == [0, 0, 0.25, 0.25, 0.5, 1]

    @given(SETS)
    def test_agrees_with_scikit_learn_where_both_exist(self, scores):
        # scikit-learn leaves out thresholds below all FNMR = 0 but the last, and above all FMR = 0 but the first.
        their_fmr, their_fnmr, thresholds = metrics.det_curve(*labelled(scores))
        ours = det_curve(scores)
        shared = np.searchsorted(ours.thresholds, thresholds)
        np.testing.assert_array_equal(ours.thresholds[shared], thresholds)
        np.testing.assert_allclose(ours.fmr[shared], their_fmr, atol=1e-15)
        np.testing.assert_allclose(ours.fnmr[shared], their_fnmr, atol=1e-15)

    @given(SETS)
    def test_every_point_is_the_rate_at_its_threshold(self, scores):
        curve = det_curve(scores)
        assert curve.fmr.tolist() == [fmr(scores, t) for t in curve.thresholds]
        assert curve.fnmr.tolist() == [fnmr(scores, t) for t in curve.thresholds]

    @given(st.builds(ScoreSet, COARSE, COARSE))
    def test_only_the_order_of_scores_matters(self, scores):
        bent = ScoreSet(np.exp(scores.mated / 3), np.exp(scores.non_mated / 3))
        curve, other = det_curve(scores), det_curve(bent)
        assert np.array_equal(curve.fmr, other.fmr)
        assert np.array_equal(curve.fnmr, other.fnmr)
        assert curve.eer.rate == other.eer.rate
        assert auc(scores) == auc(bent)

    @given(SETS)
    def test_the_area_under_it_is_the_auc(self, scores):
        curve = det_curve(scores)
        assert 1 - np.trapezoid(curve.fnmr[::-1], curve.fmr[::-1]) == pytest.approx(auc(scores), abs=1e-12)

    def test_the_repr_is_short(self):
        assert repr(det_curve(HAND)) == "DetCurve(6 thresholds, EER 25.00 % between thresholds 0.5 and 0.6)"


class TestEqualErrorRate:
    def test_between_two_points_by_hand(self):
        # From (FMR, FNMR) = (0.5, 0.25) at 0.5 to (0, 0.25) at 0.6 they are equal half way.
        found = det_curve(HAND).eer
        assert (found.rate, found.low, found.high) == (0.25, 0.5, 0.6)

    def test_where_one_threshold_has_both(self):
        found = det_curve(ScoreSet([1, 3, 4, 5], [0, 1, 2, 3])).eer
        assert (found.rate, found.low, found.high) == (0.25, 3, 3)

        assert repr(found) == "EER 25.00 % at threshold 3"

    @pytest.mark.parametrize(
        ("mated", "non_mated", "rate"), [([2, 3], [0, 1], 0), ([0, 1], [2, 3], 1), ([1, 1, 1], [1, 1], 0.5)]
    )
    def test_perfect_worst_and_blind(self, mated, non_mated, rate):
        assert det_curve(ScoreSet(mated, non_mated)).eer.rate == rate

    @given(SETS)
    def test_it_lies_between_the_rates_at_its_thresholds(self, scores):
        found = det_curve(scores).eer
        assert fmr(scores, found.high) - 1e-12 <= found.rate <= fmr(scores, found.low) + 1e-12
        assert fnmr(scores, found.low) - 1e-12 <= found.rate <= fnmr(scores, found.high) + 1e-12

    @given(SETS)
    def test_swapping_the_kinds_and_the_sign_changes_nothing_for_scores_that_do_not_tie(self, scores):
        if np.intersect1d(scores.mated, scores.non_mated).size == 0:
            mirrored = ScoreSet(-scores.non_mated, -scores.mated)
            assert det_curve(mirrored).eer.rate == pytest.approx(det_curve(scores).eer.rate, abs=1e-12)

    def test_of_two_normal_distributions(self):
        # Means two standard deviations apart: EER = P(Z > 1) = 15.87 %.
        rng = np.random.default_rng(0)
        scores = ScoreSet(rng.normal(2, 1, 50_000), rng.normal(0, 1, 50_000))
        assert det_curve(scores).eer.rate == pytest.approx(0.1587, abs=0.003)


class TestAtFmr:
    def test_by_hand(self):
        curve = det_curve(HAND)
        assert curve.at_fmr(0.5).threshold == 0.5
        assert curve.at_fmr(0.49).threshold == 0.6
        assert curve.at_fmr(0).fnmr == 0.25
        assert curve.at_fmr(1).fnmr == 0

    @given(SETS, st.floats(0, 1))
    def test_never_above_the_target_and_no_lower_threshold_would_do(self, scores, target):
        curve = det_curve(scores)
        point = curve.at_fmr(target)
        assert point.fmr == fmr(scores, point.threshold) <= target
        assert point.fnmr == fnmr(scores, point.threshold)
        assert all(fmr(scores, lower) > target for lower in curve.thresholds[curve.thresholds < point.threshold])

    def test_a_non_mated_score_above_all_leaves_no_finite_threshold(self):
        assert det_curve(ScoreSet([1], [0, 2])).at_fmr(0).threshold == np.inf

    @pytest.mark.parametrize("target", [-0.1, 1.1, np.nan])
    def test_a_target_is_a_share(self, target):
        with pytest.raises(InputError, match="from 0 to 1"):
            det_curve(HAND).at_fmr(target)
