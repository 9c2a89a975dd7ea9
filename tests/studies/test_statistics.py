import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faceloupe.errors import InputError
from faceloupe.studies.statistics import (
    Estimate,
    mean_over_pairs,
    paired_difference,
    probability_of_superiority,
    sample_size_for_difference,
    share_over_pairs,
)


def simulated(pairs, seeds, between, within, rng, mean=0.0):
    return mean + between * rng.standard_normal((pairs, 1)) + within * rng.standard_normal((pairs, seeds))


class TestText:
    def test_a_percentage(self):
        assert Estimate(0.9375, 0.9122, 0.9558, 480).text(percent=True) == "93.8 % [91.2, 95.6], n = 480"

    def test_a_plain_number(self):
        assert str(Estimate(1.0, 0.722, 1.0, 10)) == "1.00 [0.72, 1.00], n = 10"

    def test_a_difference_of_percentages_is_in_points_and_has_a_sign(self):
        found = Estimate(-0.044, -0.0004, 0.012, 1200, "pairs × 8 seeds")
        assert found.text(percent=True, signed=True) == "−4.4 points [0.0, +1.2], n = 1,200 pairs × 8 seeds"

    def test_the_parts_alone(self):
        found = mean_over_pairs(np.eye(3))
        assert found.text() == f"0.33 {found.range_text()}, {found.n_text()}"
        assert found.n_text() == "n = 3 pairs × 3 seeds"


def studies_of(pairs, seeds, between, within, count, mean=0.3):
    rng = np.random.default_rng(0)
    return [simulated(pairs, seeds, between, within, rng, mean=mean) for _ in range(count)]


def bootstrap(values, rng, samples=300):
    """The percentile bootstrap over pairs and, within them, seeds, as a comparison: (low, high)."""
    pairs, seeds = values.shape
    rows = rng.integers(pairs, size=(samples, pairs, 1))
    drawn = values[rows, rng.integers(seeds, size=(samples, pairs, seeds))].mean(axis=(1, 2))
    return np.quantile(drawn, [0.025, 0.975])


class TestMeanOverPairs:
    def test_it_is_scipys_interval_of_the_pairs_means(self):
        values = np.random.default_rng(0).exponential(size=(7, 4))
        found = mean_over_pairs(values)
        theirs = stats.ttest_1samp(values.mean(axis=1), 0).confidence_interval(0.95)
        assert (found.estimate, found.low, found.high) == pytest.approx((values.mean(), theirs.low, theirs.high))
        assert found.n_text() == "n = 7 pairs × 4 seeds"

    def test_seeds_of_one_pair_are_not_independent_captures(self):
        values = np.random.default_rng(0).random((20, 1))
        one, eight = mean_over_pairs(values), mean_over_pairs(np.repeat(values, 8, axis=1))
        assert (one.low, one.high) == pytest.approx((eight.low, eight.high))

    @pytest.mark.parametrize("pairs", [3, 5, 12, 24])
    @pytest.mark.parametrize(("between", "within"), [(1.0, 0.0), (1.0, 1.0), (1.0, 3.0)])
    def test_a_95_percent_interval_holds_the_truth_in_95_percent_of_studies(self, pairs, between, within):
        found = [mean_over_pairs(study) for study in studies_of(pairs, 4, between, within, 600)]
        assert np.mean([one.low <= 0.3 <= one.high for one in found]) == pytest.approx(0.95, abs=0.025)

    def test_with_five_pairs_a_bootstrap_does_not(self):
        rng = np.random.default_rng(1)
        found = [bootstrap(study, rng) for study in studies_of(5, 4, 1.0, 0.0, 400)]
        assert np.mean([low <= 0.3 <= high for low, high in found]) < 0.90

    @pytest.mark.parametrize("values", [[[1.0]], [1.0, 2.0], [[1.0, np.nan]], np.zeros((0, 3))])
    def test_what_has_no_spread_to_measure_is_refused(self, values):
        with pytest.raises(InputError, match="values"):
            mean_over_pairs(values)


class TestShareOverPairs:
    def test_where_seeds_say_nothing_new_it_is_about_wilsons(self):
        flags = np.repeat(np.arange(24)[:, None] < 6, 8, axis=1).astype(float)
        found, theirs = share_over_pairs(flags), stats.binomtest(6, 24).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)

    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_where_all_agree_it_counts_the_pairs(self, share):
        found = share_over_pairs(np.full((24, 8), share))
        theirs = stats.binomtest(int(24 * share), 24).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
        assert share in (found.low, found.high)

    @given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.99))
    def test_it_stays_between_0_and_1(self, seed, share):
        flags = (np.random.default_rng(seed).random((6, 4)) < share).astype(float)
        found = share_over_pairs(flags)
        assert 0 <= found.low <= found.estimate <= found.high <= 1

    @pytest.mark.parametrize("pairs", [6, 24])
    @pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
    def test_it_holds_the_truth_about_as_often_as_it_says(self, pairs, share):
        rng = np.random.default_rng(0)
        own = rng.beta(4 * share, 4 * (1 - share), size=(500, pairs, 1))  # each pair has a share of its own
        found = [share_over_pairs(flags) for flags in (rng.random((500, pairs, 8)) < own).astype(float)]
        assert 0.92 <= np.mean([one.low <= share <= one.high for one in found]) <= 1.0


class TestComparisons:
    def test_what_is_common_to_both_networks_cancels(self):
        rng = np.random.default_rng(0)
        hardness = rng.standard_normal((12, 5))
        found = paired_difference(hardness + 0.25, hardness)
        assert (found.estimate, found.low, found.high) == (pytest.approx(0.25),) * 3

    def test_swapping_the_networks_turns_the_sign(self):
        a, b = np.random.default_rng(0).random((2, 12, 5))
        one, other = paired_difference(a, b), paired_difference(b, a)
        assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))

    def test_superiority_counts_wins_and_half_the_ties(self):
        a = np.array([[1.0, 0.9], [0.5, 0.5]])
        b = np.array([[0.5, 0.9], [0.6, 0.4]])
        assert probability_of_superiority(a, b).estimate == (1 + 0.5 + 0 + 1) / 4

    @given(st.integers(0, 1000))
    def test_superiority_of_one_and_of_the_other_make_one(self, seed):
        a, b = np.random.default_rng(seed).integers(0, 4, (2, 5, 3)).astype(float)
        one, other = (probability_of_superiority(*order) for order in ((a, b), (b, a)))
        assert one.estimate + other.estimate == pytest.approx(1)
        assert 0 <= one.low <= one.high <= 1

    def test_different_shapes_are_refused(self):
        with pytest.raises(InputError, match="one shape"):
            paired_difference(np.zeros((2, 3)), np.zeros((2, 4)))


class TestSampleSize:
    def test_worked_by_hand(self):
        # d = 0.5, s = 1: (1.96 + 0.84)² / 0.25 = 31.4, and 1.96²/2 = 1.9 more: 34, as tables of the paired t test have.
        differences = 0.5 + np.tile([-1.0, 1.0], 50) * math.sqrt(99 / 100)
        assert sample_size_for_difference(differences) == 34

    def test_so_many_pairs_settle_it_four_times_in_five(self):
        rng = np.random.default_rng(0)
        wanted = sample_size_for_difference(0.5 + np.tile([-1.0, 1.0], 50) * math.sqrt(99 / 100))
        settled = [stats.ttest_1samp(rng.normal(0.5, 1.0, wanted), 0).pvalue < 0.05 for _ in range(2000)]
        assert np.mean(settled) == pytest.approx(0.8, abs=0.03)

    def test_more_for_a_smaller_difference_and_for_more_power(self):
        rng = np.random.default_rng(0)
        spread = rng.standard_normal((30, 4))
        spread -= spread.mean()
        assert sample_size_for_difference(spread + 0.1) > sample_size_for_difference(spread + 0.5)
        assert sample_size_for_difference(spread + 0.1, power=0.9) > sample_size_for_difference(spread + 0.1, power=0.8)

    def test_no_number_settles_a_difference_of_nothing(self):
        assert sample_size_for_difference([[1.0], [-1.0]]) is None

    def test_at_least_two_pairs_are_needed_to_say(self):
        assert sample_size_for_difference([0.2, 0.2, 0.2]) == 2
        with pytest.raises(InputError, match="two pairs"):
            sample_size_for_difference([[0.1, 0.2]])
