import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faceloupe.errors import InputError
from faceloupe.studies.statistics import (
    Estimate,
    cluster_bootstrap,
    paired_difference,
    probability_of_superiority,
    sample_size_for_difference,
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
        found = cluster_bootstrap(np.eye(3))
        assert found.text() == f"0.33 {found.range_text()}, {found.n_text()}"
        assert found.n_text() == "n = 3 pairs × 3 seeds"


class TestClusterBootstrap:
    def test_the_same_seed_gives_the_same_interval(self):
        values = np.random.default_rng(0).random((6, 4))
        assert cluster_bootstrap(values, seed=1) == cluster_bootstrap(values, seed=1)
        assert cluster_bootstrap(values, seed=1) != cluster_bootstrap(values, seed=2)

    def test_one_column_is_scipys_percentile_bootstrap(self):
        values = np.random.default_rng(0).exponential(size=(40, 1))
        ours = cluster_bootstrap(values, samples=20_000)
        theirs = stats.bootstrap((values[:, 0],), np.mean, n_resamples=20_000, method="percentile", rng=0)
        assert (ours.low, ours.high) == (
            pytest.approx(theirs.confidence_interval.low, abs=0.01),
            pytest.approx(theirs.confidence_interval.high, abs=0.01),
        )

    def test_the_spread_is_that_of_both_levels(self):
        # Worked by hand: the bootstrap variance is (variance of the pairs' means)/P + (mean variance over seeds)/(P·S),
        # each with its own divisor n, whatever the numbers are.
        values = simulated(30, 8, 1.0, 2.0, np.random.default_rng(0))
        found = cluster_bootstrap(values, samples=20_000)
        variance = values.mean(axis=1).var() / 30 + values.var(axis=1).mean() / (30 * 8)
        half = stats.norm.ppf(0.975) * math.sqrt(variance)
        assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.03)

    def test_seeds_of_one_pair_are_not_independent_captures(self):
        # Eight seeds that agree say no more than one.
        values = np.random.default_rng(0).random((20, 1))
        one, eight = cluster_bootstrap(values), cluster_bootstrap(np.repeat(values, 8, axis=1))
        assert eight.high - eight.low == pytest.approx(one.high - one.low, rel=0.1)

    @pytest.mark.parametrize(("between", "within"), [(1.0, 1.0), (1.0, 3.0)])
    def test_the_95_percent_interval_holds_the_truth_about_as_often_as_it_says(self, between, within):
        rng = np.random.default_rng(0)
        studies = [simulated(40, 8, between, within, rng, mean=0.3) for _ in range(200)]
        found = [cluster_bootstrap(study, samples=400, seed=seed) for seed, study in enumerate(studies)]
        assert 0.91 <= np.mean([one.low <= 0.3 <= one.high for one in found]) <= 1.0

    def test_another_statistic(self):
        values = np.arange(12.0).reshape(4, 3)
        found = cluster_bootstrap(values, lambda grid: np.median(grid, axis=(-2, -1)))
        assert found.estimate == 5.5
        assert 0 <= found.low < 5.5 < found.high <= 11

    def test_a_large_study_is_drawn_in_parts_and_completely(self):
        drawn = []

        def count(grid):
            drawn.append(len(grid) if grid.ndim == 3 else 0)
            return grid.mean(axis=(-2, -1))

        cluster_bootstrap(np.random.default_rng(0).random((780, 8)), count, samples=500)
        assert len(drawn) > 2
        assert sum(drawn) == 500

    @pytest.mark.parametrize("values", [[[1.0]], [1.0, 2.0], [[1.0, np.nan]], np.zeros((0, 3))])
    def test_what_has_no_spread_to_measure_is_refused(self, values):
        with pytest.raises(InputError, match="values"):
            cluster_bootstrap(values)


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
