import json
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet, det_band, det_curve


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
        ],
    )
    def test_numbers_out_of_range_are_refused(self, change, message):
        with pytest.raises(InputError, match=message):
            det_band(population(5, 2, 1.0, np.random.default_rng(0)), **{"fmrs": [0.1], **change})
