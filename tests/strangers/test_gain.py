"""The equal error rate and the paired interval of its change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.scores.rates import det_curve
from faceloupe.scores.sets import ScoreSet
from faceloupe.strangers.gain import Trials, equal_error_rate, gain_of


def every_two(people, captures):
    subjects = np.repeat(np.arange(people), captures)
    return Trials(subjects[np.stack(np.triu_indices(len(subjects), k=1), axis=1)])


def scores_of(trials, seed, distance):
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=trials.subjects.max() + 1)  # some people are easier than others
    return rng.normal(size=len(trials.mated)) + trials.mated * distance + 0.3 * ease[trials.subjects].sum(axis=1)


@settings(max_examples=40, deadline=None)
@given(people=st.integers(2, 6), captures=st.integers(2, 4), seed=st.integers(0, 999), distance=st.floats(-2, 4))
def test_the_rate_is_that_of_the_det_curve(people, captures, seed, distance):
    trials = every_two(people, captures)
    scores = scores_of(trials, seed, distance)
    curve = det_curve(ScoreSet(scores[trials.mated], scores[~trials.mated]))
    assert equal_error_rate(trials, scores) == pytest.approx(curve.eer.rate)


def test_the_same_scores_gain_nothing():
    trials = every_two(20, 3)
    scores = scores_of(trials, 0, 1.5)
    gain = gain_of(trials, scores, 3 * scores - 1, draws=50)
    assert (gain.low, gain.high, gain.is_sure) == (0, 0, False)
    assert gain.before == gain.after


def test_a_large_gain_is_sure_and_a_loss_is_none():
    trials = every_two(25, 4)
    poor, good = scores_of(trials, 0, 1), scores_of(trials, 1, 4)
    gain = gain_of(trials, poor, good, draws=200)
    assert gain.is_sure
    assert gain.low < gain.before - gain.after < gain.high
    assert not gain_of(trials, good, poor, draws=200).is_sure
    assert "points gained (95 % interval +" in gain.words()
    assert (gain.n_subjects, gain.n_mated, gain.n_non_mated) == (25, 150, 4800)


def test_draws_are_of_people_not_of_comparisons():
    """One person with all the errors: the gain hangs on him alone, however many comparisons he is in."""
    trials = every_two(20, 6)
    good = np.where(trials.mated, 1.0, 0.0) + 0.01 * np.random.default_rng(0).normal(size=len(trials.mated))
    poor = np.where((trials.subjects == 0).all(axis=1), -1.0, good)
    gain = gain_of(trials, poor, good, draws=400)
    assert gain.before > gain.after == 0
    assert gain.low == 0


def test_one_kind_of_comparison_is_refused():
    with pytest.raises(InputError, match="one kind only"):
        equal_error_rate(Trials(np.array([[0, 1], [1, 2]])), np.array([0.1, 0.2]))
