import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.scores import ScoreSet, accuracy_at, fold_accuracy


def made_up(n=100, folds=10, distance=2.0, seed=0):
    rng = np.random.default_rng(seed)
    scores = ScoreSet(rng.normal(distance, 1, n), rng.normal(0, 1, n))
    return scores, np.arange(n) % folds


def by_hand(scores, mated_folds, non_mated_folds):
    """Try every gap between scores of the other folds, and keep the accuracy that the middle best one has here."""
    found = []
    for fold in np.unique(mated_folds):
        train = ScoreSet(scores.mated[mated_folds != fold], scores.non_mated[non_mated_folds != fold])
        test = ScoreSet(scores.mated[mated_folds == fold], scores.non_mated[non_mated_folds == fold])
        values = np.unique(np.concatenate([train.mated, train.non_mated]))
        gaps = [values[0], *((values[1:] + values[:-1]) / 2), np.nextafter(values[-1], np.inf)]
        right = np.array([(train.mated >= t).sum() + (train.non_mated < t).sum() for t in gaps])
        best = np.flatnonzero(right == right.max())
        found.append(accuracy_at(test, gaps[best[len(best) // 2]]))
    return found


def test_two_folds_by_hand():
    # Fold b separates between 0.3 and 0.45: threshold 0.375 for fold a, where the non-mated 0.4 matches.
    # Fold a separates between 0.4 and 0.6: threshold 0.5 for fold b, where the mated 0.45 does not.
    found = fold_accuracy(ScoreSet([0.6, 0.45], [0.4, 0.3]), ["a", "b"], ["a", "b"])
    assert found.thresholds.tolist() == [0.375, 0.5]
    assert found.accuracies.tolist() == [0.5, 0.5]
    assert (found.mean, found.standard_error) == (0.5, 0)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_trying_every_gap(seed):
    scores, folds = made_up(seed=seed)
    found = fold_accuracy(scores, folds, folds)
    np.testing.assert_allclose(found.accuracies, by_hand(scores, folds, folds))
    assert found.mean == pytest.approx(np.mean(found.accuracies))
    assert found.standard_error == pytest.approx(np.std(found.accuracies, ddof=1) / np.sqrt(10))


@given(st.lists(st.integers(0, 6), min_size=4, max_size=20), st.lists(st.integers(0, 6), min_size=4, max_size=20))
def test_agrees_where_scores_tie(mated, non_mated):
    scores = ScoreSet(mated, non_mated)
    mated_folds, non_mated_folds = np.arange(len(mated)) % 2, np.arange(len(non_mated)) % 2
    found = fold_accuracy(scores, mated_folds, non_mated_folds)
    np.testing.assert_allclose(found.accuracies, by_hand(scores, mated_folds, non_mated_folds))


def test_neighbouring_floats_have_no_middle_and_are_still_told_apart():
    low, high = 1.0, np.nextafter(1.0, 2.0)
    found = fold_accuracy(ScoreSet([high, high], [low, low]), [0, 1], [0, 1])
    assert found.accuracies.tolist() == [1, 1]


def test_scores_that_say_nothing_are_right_half_of_the_time():
    found = fold_accuracy(ScoreSet(np.ones(20), np.ones(20)), np.arange(20) % 10, np.arange(20) % 10)
    assert found.mean == 0.5


def test_two_normal_distributions():
    # Means two standard deviations apart: at best P(Z < 1) = 84.13 % are right.
    scores, folds = made_up(20_000)
    assert fold_accuracy(scores, folds, folds).mean == pytest.approx(0.8413, abs=0.006)


def test_failed_comparisons_are_errors_in_their_fold():
    scores, folds = made_up()
    failing = ScoreSet(scores.mated, scores.non_mated, failed_mated=3, failed_non_mated=1)
    whole, found = fold_accuracy(scores, folds, folds), fold_accuracy(failing, folds, folds, [2, 2, 2, 5])
    expected = whole.accuracies * np.array([20 / 23 if i == 2 else 20 / 21 if i == 5 else 1 for i in range(10)])
    np.testing.assert_allclose(found.accuracies, expected)
    assert "4 failed comparisons counted as errors" in repr(found)


def test_the_repr_says_what_the_number_after_the_sign_is():
    scores, folds = made_up(20)
    assert "(standard error), 10 folds)" in repr(fold_accuracy(scores, folds, folds))


def test_the_document_is_plain():
    scores, folds = made_up(20)
    found = fold_accuracy(scores, folds, folds)
    document = json.loads(json.dumps(found.to_document(), allow_nan=False))
    assert document["accuracies"] == found.accuracies.tolist()
    assert (document["mean"], document["standard_error"]) == (found.mean, found.standard_error)


@pytest.mark.parametrize(
    ("mated", "non_mated", "failed", "message"),
    [
        ([0], [0, 1], [], "one for each comparison"),
        ([0, 1], [0, 1], [0], "one for each comparison"),
        ([0, 0], [0, 0], [], "two or more"),
        ([0, 1], [0, 0], [], "each with mated and non-mated"),
    ],
)
def test_folds_that_do_not_fit_are_refused(mated, non_mated, failed, message):
    with pytest.raises(InputError, match=message):
        fold_accuracy(ScoreSet([0.9, 0.8], [0.1, 0.2]), mated, non_mated, failed)
