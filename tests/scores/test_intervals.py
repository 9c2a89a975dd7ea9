"""Also tests ``scores/confidence.py``, ``scores/dependence.py``."""

import importlib.util
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from faceloupe.errors import InputError
from faceloupe.scores import (
    ScoreSet,
    accuracy_interval,
    auc_interval,
    det_curve,
    eer_interval,
    error_interval,
    fmr,
    fmr_interval,
    fnmr,
    fnmr_interval,
    wilson,
)
from faceloupe.scores.dependence import SharedSubjects

spec = importlib.util.spec_from_file_location("coverage_of", Path(__file__).parents[2] / "benchmarks" / "coverage.py")
coverage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)


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
    """Add the products of all two residuals whose comparisons share a subject, one by one; free it of its bias."""
    n = len(residuals)
    sharing = [(i, j) for i in range(n) for j in range(n) if set(sides[i]) & set(sides[j])]
    same = [(i, j) for i, j in sharing if set(sides[i]) == set(sides[j])]
    variances = [
        sum(residuals[i] * residuals[j] for i, j in pairs) / n**2 / (1 - len(pairs) / n**2) for pairs in (sharing, same)
    ]
    return max(variances)


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

    @pytest.mark.parametrize("confidence", [0.9, 0.95])
    def test_the_limits_are_scipy_s_for_as_many_independent_comparisons_by_student_s_t(self, confidence):
        # A hundred people who are compared twice, in thirty of whom one comparison fails and in fifteen both.
        subjects = np.arange(100)
        mated = np.where([subjects < 45, subjects < 15], 0.2, 0.9).ravel()
        found = fnmr_interval(ScoreSet(mated, [0.1], np.tile(subjects, 2), [[0, 1]]), 0.5, confidence)
        of_people = np.where(subjects < 15, 1.0, np.where(subjects < 45, 0.5, 0.0))
        worth = 0.3 * 0.7 / (of_people.var(ddof=1) / 100)
        worth *= (stats.norm.ppf((1 + confidence) / 2) / stats.t.ppf((1 + confidence) / 2, 99)) ** 2
        assert worth > 100
        assert found.n_effective == pytest.approx(worth)
        assert found.low == pytest.approx(stats.beta.ppf((1 - confidence) / 2, 0.3 * worth, 0.7 * worth + 1))
        assert found.high == pytest.approx(stats.beta.ppf((1 + confidence) / 2, 0.3 * worth + 1, 0.7 * worth))

    def test_comparisons_of_one_subject_that_always_agree_count_once(self):
        subjects = np.arange(80)
        mated = np.where(subjects < 20, 0.2, 0.9)
        once = ScoreSet(mated, [0], subjects, [[0, 1]])
        often = ScoreSet(np.repeat(mated, 7), [0], np.repeat(subjects, 7), [[0, 1]])
        assert fnmr_interval(often, 0.5).n_effective == pytest.approx(fnmr_interval(once, 0.5).n_effective)

    @pytest.mark.parametrize("seed", range(4))
    def test_the_variance_is_that_of_all_comparisons_that_share_a_subject(self, seed):
        rng = np.random.default_rng(seed)
        pairs = np.array([rng.permutation(30)[:2] for _ in range(200)])  # some pairs several times, either way round
        likeness = rng.standard_normal(30)
        values = likeness[pairs].sum(axis=1) + rng.standard_normal(200)
        errors = values >= np.median(values)
        shared = SharedSubjects.of(pairs)
        rate = errors.mean()
        expected = rate * (1 - rate) / variance_by_hand(errors - rate, pairs)
        assert shared.worth(errors, values) == pytest.approx(min(200, max(15, expected)))

    def test_two_people_say_nothing_of_strangers(self):
        """However many photographs they have: one pair of people, and all that is known is that it did not match."""
        scores = coverage.Population(0.3).draw(2, np.random.default_rng(0), captures=40)
        threshold = coverage.calibrated(scores, 1e-3)
        found = fmr_interval(scores, threshold)
        assert found.n_effective == 1
        assert (found.low, found.high) == (pytest.approx(0, abs=2e-3), pytest.approx(0.975, abs=2e-3))

    @pytest.mark.parametrize("people", [2, 3, 5, 8, 12])
    def test_more_photographs_of_few_people_do_not_narrow_it(self, people):
        few, many = (
            coverage.Population(0.3).draw(people, np.random.default_rng(0), captures=captures) for captures in (2, 20)
        )
        pairs = people * (people - 1) / 2
        for scores in (few, many):
            assert fmr_interval(scores, 100).high >= 1 - 0.025 ** (1 / pairs) - 1e-9

    def test_no_error_is_told_apart_from_no_risk(self):
        rng = np.random.default_rng(0)
        alike, apart = (fmr_interval(population(60, 2, own, rng), 100) for own in (0.0, 1.0))
        pairs = 60 * 59 / 2
        assert 30 <= apart.n_effective < alike.n_effective <= pairs
        assert alike.high == pytest.approx(1 - 0.025 ** (1 / alike.n_effective))

    def test_one_person_of_many_photographs_is_one(self):
        scores = ScoreSet(np.full(50, 0.9), [0.1], np.zeros(50, int), [[0, 1]])
        assert (fnmr_interval(scores, 0.5).low, fnmr_interval(scores, 0.5).high) == (0, pytest.approx(0.975))

    @given(st.integers(0, 1000), st.floats(-1, 4))
    def test_the_rate_lies_within_and_the_comparisons_are_worth_no_more_than_they_are(self, seed, threshold):
        scores = population(8, 3, 1.0, np.random.default_rng(seed))
        for rate, found, n, least in (
            (fmr(scores, threshold), fmr_interval(scores, threshold), scores.n_non_mated, 4),
            (fnmr(scores, threshold), fnmr_interval(scores, threshold), scores.n_mated, 8),
        ):
            assert 0 <= found.low <= rate <= found.high <= 1
            assert least <= found.n_effective <= n

    def test_a_threshold_is_a_number(self):
        for interval in (fmr_interval, fnmr_interval, accuracy_interval):
            with pytest.raises(InputError, match="NaN"):
                interval(ScoreSet([1], [0]), np.nan)

    def test_repeated_cases_count_no_more_than_is_said(self):
        errors, severity = np.repeat([True, False], [300, 700]), np.arange(1000.0)[::-1]
        subjects = np.tile(np.arange(100), 10)
        assert error_interval(errors, severity, subjects, n=50).n_effective <= 50


class TestOtherIntervals:
    def test_accuracy_counts_errors_of_both_kinds(self):
        scores = population(40, 5, 0.3, np.random.default_rng(0))
        found = accuracy_interval(scores, 2.0)
        right = ((scores.mated >= 2).sum() + (scores.non_mated < 2).sum()) / (scores.n_mated + scores.n_non_mated)
        assert found.low < right < found.high
        assert found.n_effective < scores.n_mated + scores.n_non_mated

    def test_auc_of_independent_comparisons_has_delong_s_variance(self):
        rng = np.random.default_rng(0)
        scores = ScoreSet(rng.normal(1, 1, 80), rng.normal(0, 1, 120))
        area = metrics.roc_auc_score(np.repeat([1, 0], [80, 120]), np.concatenate([scores.mated, scores.non_mated]))
        placed = (scores.mated[:, None] > scores.non_mated).astype(float)
        variance = placed.mean(axis=1).var(ddof=1) / 80 + placed.mean(axis=0).var(ddof=1) / 120
        found = auc_interval(scores)
        assert found.n_effective == pytest.approx(min(80, area * (1 - area) / variance))
        assert found.low < area < found.high

    def test_an_eer_of_zero_over_six_comparisons_does_not_stand_alone(self):
        scores = ScoreSet([0.9, 0.8], [0.1, 0.2, 0.1, 0.3], [0, 1], [[0, 1]] * 4)
        assert det_curve(scores).eer.rate == 0
        assert eer_interval(scores).high > 0.8
        assert auc_interval(scores).low < 0.3
        assert accuracy_interval(scores, 0.5).low < 0.3

    @given(st.integers(0, 200))
    def test_the_eer_lies_within(self, seed):
        scores = population(10, 3, 1.0, np.random.default_rng(seed))
        assert det_curve(scores).eer.rate in eer_interval(scores)


FEW = (2, 5, 12, 40)


@pytest.mark.parametrize("effect", ["mild", "strong"])
@pytest.mark.parametrize("measure", coverage.MEASURES)
def test_intervals_hold_the_truth_as_often_as_they_say(measure, effect):
    """The quick version of benchmarks/coverage.py; 60 draws tell 95 % from 87 %."""
    for people in FEW:
        held, below, _ = coverage.summary(list(coverage.cases(measure, people, coverage.EFFECTS[effect], 60)))
        assert held >= 0.87, people
        assert below <= 0.12, people


def test_a_calibrated_fmr_is_not_as_low_as_independent_comparisons_make_it():
    blind = coverage.summary(list(coverage.blind_cases(5, coverage.EFFECTS["mild"], 60)))
    assert blind[0] < 0.8
    assert blind[1] > 0.2  # nearly all of those that miss lie below the truth
