"""What is said of a change in error rates: the interval that decides, and its sign."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.scores.paired import paired_differences
from faceloupe.strangers.gain import gain_of, points_gained, score_set


def every_two(people, captures):
    subjects = np.repeat(np.arange(people), captures)
    return subjects[np.stack(np.triu_indices(len(subjects), k=1), axis=1)]


def scores_of(sides, seed, distance):
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=sides.max() + 1)  # some people are easier than others
    mated = sides[:, 0] == sides[:, 1]
    return rng.normal(size=len(sides)) + mated * distance + 0.3 * ease[sides].sum(axis=1)


def test_the_same_scores_gain_nothing():
    sides = every_two(20, 3)
    scores = scores_of(sides, 0, 1.5)
    gain = gain_of(sides, scores, 3 * scores - 1, draws=50, seed=0)
    assert points_gained(gain.eer) == (0, 0, 0)
    assert not gain.is_sure


def test_a_large_gain_is_sure_and_a_loss_is_none():
    sides = every_two(25, 4)
    poor, good = scores_of(sides, 0, 1), scores_of(sides, 1, 4)
    gain = gain_of(sides, poor, good, draws=200, seed=0)
    gained, low, high = points_gained(gain.eer)
    assert gain.is_sure
    assert 0 < low < gained < high
    assert gained == pytest.approx(100 * (gain.eer.first - gain.eer.second))
    assert not gain_of(sides, good, poor, draws=200, seed=0).is_sure
    assert "points gained (95 % interval +" in gain.words()
    assert (gain.n_subjects, gain.n_mated, gain.n_non_mated) == (25, 150, 4800)
    assert [rate.what for rate in gain.others] == ["FNMR at FMR 1 in 1,000", "AUC"]


def test_a_gain_that_hangs_on_one_person_is_not_sure():
    sides = every_two(20, 6)
    mated = sides[:, 0] == sides[:, 1]
    good = np.where(mated, 1.0, 0.0) + 0.01 * np.random.default_rng(0).normal(size=len(sides))
    poor = np.where((sides == 0).all(axis=1), -1.0, good)
    gain = gain_of(sides, poor, good, draws=200, seed=0)
    assert gain.eer.first > gain.eer.second
    assert not gain.is_sure


def test_the_rates_are_those_of_two_recognisers_on_the_same_pairs():
    sides = every_two(20, 4)
    first, second = (score_set(sides, scores_of(sides, seed, 2)) for seed in (0, 1))
    expected = paired_differences(first, second, [1e-3], samples=60, seed=3)
    gain = gain_of(sides, scores_of(sides, 0, 2), scores_of(sides, 1, 2), draws=60, seed=3)
    assert (*gain.others[:-1], gain.eer, gain.others[-1]) == expected


def test_one_kind_of_comparison_is_refused():
    with pytest.raises(InputError):
        gain_of(np.array([[0, 1], [1, 2]]), np.array([0.1, 0.2]), np.array([0.1, 0.2]), draws=10, seed=0)
