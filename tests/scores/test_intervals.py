import json
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet, det_band, det_curve, fmr, fmr_interval, fnmr, fnmr_interval, wilson


def population(subjects, captures, own, rng):
    """Return all comparisons of people of whom some are easily taken for others, and some hard to recognise.

    A non-mated score has variance 1 + 2·own², a mated one 1 + own² and mean 4, own² being each subject's part.
    """
    likeness, difficulty = own * rng.standard_normal((2, subjects))
    pairs = np.array(list(combinations(range(subjects), 2)))
    mated_subjects = np.repeat(np.arange(subjects), captures)
    non_mated = likeness[pairs].sum(axis=1) + rng.standard_normal(len(pairs))
    mated = 4 + difficulty[mated_subjects] + rng.standard_normal(len(mated_subjects))
    return ScoreSet(mated, non_mated, mated_subjects, pairs)


def variance_by_hand(residuals, sides):
    """Add the products of all two residuals whose comparisons share a subject, one by one."""
    n = len(residuals)
    return sum(residuals[i] * residuals[j] for i in range(n) for j in range(n) if set(sides[i]) & set(sides[j])) / n**2


def limits_by_hand(scores, targets, samples, seed):
    """Write every drawn comparison down as often as it counts, and read its curve."""
    rng, n = np.random.default_rng(seed), scores.n_subjects
    drawn = []
    for _ in range(samples):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        copies = ScoreSet(
            np.repeat(scores.mated, counts[scores.mated_subjects]),
            np.repeat(scores.non_mated, counts[scores.non_mated_subjects].prod(axis=1)),
        )
        drawn.append([det_curve(copies).at_fmr(target).fnmr for target in targets])
    return np.quantile(drawn, [0.025, 0.975], axis=0)


class TestWilson:
    @given(st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
    def test_agrees_with_scipy(self, data, confidence):
        n = data.draw(st.integers(1, 100_000))
        errors = data.draw(st.integers(0, n))
        found = wilson(errors, n, confidence)
        theirs = stats.binomtest(errors, n).proportion_ci(confidence, method="wilson")
        assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-9), pytest.approx(theirs.high, abs=1e-9))
        assert errors / n in found
        assert found.n_effective == n

    @pytest.mark.parametrize(("errors", "n"), [(1, 0), (-1, 3), (4, 3)])
    def test_impossible_counts_are_refused(self, errors, n):
        with pytest.raises(InputError, match="errors"):
            wilson(errors, n)

    @pytest.mark.parametrize("confidence", [0, 1, 95])
    def test_confidence_is_a_share(self, confidence):
        with pytest.raises(InputError, match="confidence"):
            wilson(1, 2, confidence)


class TestRateIntervals:
    def test_without_subjects_comparisons_are_independent(self):
        scores = ScoreSet([0.9, 0.2, 0.8], [0.1, 0.6, 0.3, 0.2])
        assert fmr_interval(scores, 0.5) == wilson(1, 4)
        assert fnmr_interval(scores, 0.5, 0.9) == wilson(1, 3, 0.9)
        assert "independent" in fmr_interval(scores, 0.5).method

    def test_comparisons_that_share_no_subject_are_independent(self):
        # The variance by subject is then p(1 - p)/n, and the effective number n.
        scores = ScoreSet([0.9, 0.2, 0.8], [0.1, 0.6, 0.3], range(3), [[0, 1], [2, 3], [4, 5]])
        for found in (fmr_interval(scores, 0.5), fnmr_interval(scores, 0.5)):
            assert (found.low, found.high) == (pytest.approx(wilson(1, 3).low), pytest.approx(wilson(1, 3).high))
            assert found.n_effective == pytest.approx(3)

    def test_comparisons_of_one_subject_that_always_agree_count_once(self):
        subjects = np.arange(20)
        mated = np.where(subjects < 5, 0.2, 0.9)
        pairs = [[i, (i + 1) % 20] for i in range(20)]
        scores = ScoreSet(np.repeat(mated, 7), np.zeros(20), np.repeat(subjects, 7), pairs)
        found = fnmr_interval(scores, 0.5)
        assert found.n_effective == pytest.approx(20)
        assert (found.low, found.high) == (pytest.approx(wilson(5, 20).low), pytest.approx(wilson(5, 20).high))

    @pytest.mark.parametrize("seed", range(4))
    def test_the_variance_is_that_of_all_comparisons_that_share_a_subject(self, seed):
        rng = np.random.default_rng(seed)
        pairs = rng.permuted(np.tile(np.arange(6), (60, 1)), axis=1)[
            :, :2
        ]  # most pairs several times, either way round
        likeness = 2 * rng.standard_normal(6)
        scores = ScoreSet([1], likeness[pairs].sum(axis=1) + rng.standard_normal(60), [0], pairs)
        rate, found = fmr(scores, 0), fmr_interval(scores, 0)
        variance = variance_by_hand((scores.non_mated >= 0) - rate, pairs)
        expected = 60 if variance <= 0 else min(60, rate * (1 - rate) / variance)
        assert found.n_effective == pytest.approx(expected)

    def test_no_error_is_told_apart_from_no_risk(self):
        found = fmr_interval(population(20, 2, 1.0, np.random.default_rng(0)), 100)
        assert found == wilson(0, 190)
        assert found.high > 0.01

    @given(st.integers(0, 1000), st.floats(-1, 4))
    def test_the_rate_lies_within_and_the_comparisons_are_worth_no_more_than_they_are(self, seed, threshold):
        scores = population(8, 3, 1.0, np.random.default_rng(seed))
        for rate, found, n in (
            (fmr(scores, threshold), fmr_interval(scores, threshold), scores.n_non_mated),
            (fnmr(scores, threshold), fnmr_interval(scores, threshold), scores.n_mated),
        ):
            assert 0 <= found.low <= rate <= found.high <= 1
            assert 0 < found.n_effective <= n

    @pytest.mark.parametrize(("own", "least"), [(0.0, 0.93), (0.3, 0.91), (1.0, 0.88)])
    def test_it_holds_the_truth_about_as_often_as_it_says(self, own, least):
        rng = np.random.default_rng(0)
        sets = [population(50, 6, own, rng) for _ in range(200)]
        false_match, false_non_match = (1 + 2 * own**2) ** 0.5, (1 + own**2) ** 0.5
        threshold = 1.5 * false_match
        true_fmr = 1 - NormalDist(0, false_match).cdf(threshold)
        true_fnmr = NormalDist(4, false_non_match).cdf(threshold)
        assert np.mean([true_fmr in fmr_interval(scores, threshold) for scores in sets]) >= least
        assert np.mean([true_fnmr in fnmr_interval(scores, threshold) for scores in sets]) >= least
        if own:
            blind = [wilson(round(fmr(scores, threshold) * scores.n_non_mated), scores.n_non_mated) for scores in sets]
            assert np.mean([true_fmr in interval for interval in blind]) < 0.8

    def test_a_threshold_is_a_number(self):
        for interval in (fmr_interval, fnmr_interval):
            with pytest.raises(InputError, match="NaN"):
                interval(ScoreSet([1], [0]), np.nan)


class TestDetBand:
    FMRS = (0.01, 0.05, 0.2)

    @pytest.mark.parametrize("decimals", [1, 8])  # with few, scores tie
    def test_agrees_with_writing_every_drawn_comparison_down(self, decimals):
        scores = population(13, 4, 1.0, np.random.default_rng(2))
        own, sides = scores.mated_subjects, scores.non_mated_subjects
        rounded = ScoreSet(scores.mated.round(decimals), scores.non_mated.round(decimals), own, sides)
        low, high = limits_by_hand(rounded, self.FMRS, 50, 5)
        found = det_band(rounded, self.FMRS, samples=50, seed=5)
        np.testing.assert_allclose((found.low, found.high), (low, high))

    def test_agrees_where_those_who_match_most_are_not_always_drawn(self):
        scores = population(40, 4, 1.0, np.random.default_rng(2))
        likely = (scores.non_mated_subjects < 2).any(axis=1)
        lifted = ScoreSet(
            scores.mated, scores.non_mated + 10 * likely, scores.mated_subjects, scores.non_mated_subjects
        )
        found = det_band(lifted, [0.01], samples=50, seed=5)
        np.testing.assert_allclose((found.low, found.high), limits_by_hand(lifted, [0.01], 50, 5))

    @given(st.integers(0, 1000), st.lists(st.floats(0.001, 0.999), min_size=1, max_size=4))
    def test_what_is_measured_is_the_curve(self, seed, targets):
        scores = population(8, 3, 1.0, np.random.default_rng(seed))
        curve = det_curve(scores)
        found = det_band(scores, targets, samples=1)
        np.testing.assert_allclose(found.fnmr, [curve.at_fmr(target).fnmr for target in targets])

    def test_the_same_seed_gives_the_same_band(self):
        scores = population(20, 4, 1.0, np.random.default_rng(0))
        one, other = (det_band(scores, self.FMRS, samples=50, seed=seed) for seed in (1, 2))
        assert np.array_equal(one.low, det_band(scores, self.FMRS, samples=50, seed=1).low)
        assert not np.array_equal(one.low, other.low)

    def test_copies_of_each_comparison_do_not_narrow_it(self):
        scores = population(30, 4, 1.0, np.random.default_rng(0))
        copies = ScoreSet(*(np.repeat(a, 5, axis=0) for a in (
            scores.mated, scores.non_mated, scores.mated_subjects, scores.non_mated_subjects
        )))  # fmt: skip
        one, five = det_band(scores, self.FMRS, samples=100), det_band(copies, self.FMRS, samples=100)
        np.testing.assert_allclose(one.high - one.low, five.high - five.low)

    def test_it_holds_the_truth_about_as_often_as_it_says(self):
        own, rng, target = 1.0, np.random.default_rng(0), 0.05
        threshold = NormalDist(0, 3**0.5).inv_cdf(1 - target)
        truth = NormalDist(4, 2**0.5).cdf(threshold)
        held = []
        for seed in range(100):
            band = det_band(population(40, 6, own, rng), [target], samples=200, seed=seed)
            held.append(band.low[0] <= truth <= band.high[0])
        assert 0.88 <= np.mean(held) <= 1

    def test_subjects_that_leave_no_comparison_are_drawn_again(self):
        # With two subjects one draw in two has one of them twice, and nothing to compare.
        scores = ScoreSet([0.9, 0.2], [0.1, 0.3], [0, 1], [[0, 1], [0, 1]])
        found = det_band(scores, [0.1], samples=20)
        assert (found.fnmr[0], found.low[0], found.high[0]) == (0.5, 0.5, 0.5)

    def test_the_repr(self):
        scores = ScoreSet([0.9, 0.2], [0.1, 0.3], [0, 1], [[0, 1], [0, 1]])
        assert repr(det_band(scores, [0.1], samples=2)) == (
            "DetBand(FNMR at FMR 0.1: 50.00 % [50.00, 50.00]; 2 subjects)"
        )

    def test_the_document_is_plain(self):
        found = det_band(population(8, 3, 1.0, np.random.default_rng(0)), self.FMRS, samples=5)
        document = json.loads(json.dumps(found.to_document(), allow_nan=False))
        assert document["fmr"] == [0.01, 0.05, 0.2]
        assert document["high"] == found.high.tolist()

    def test_subjects_must_be_known(self):
        with pytest.raises(InputError, match="mated_subjects"):
            det_band(ScoreSet([0.9], [0.1]), [0.1])

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"fmrs": [0.1, 0]}, "FMR"),
            ({"fmrs": []}, "fmrs"),
            ({"samples": 0}, "samples"),
            ({"confidence": 95}, "confidence"),
        ],
    )
    def test_numbers_out_of_range_are_refused(self, change, message):
        with pytest.raises(InputError, match=message):
            det_band(population(5, 2, 1.0, np.random.default_rng(0)), **{"fmrs": [0.1], **change})
