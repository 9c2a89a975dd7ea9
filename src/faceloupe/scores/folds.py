"""Accuracy by the protocol of Labeled Faces in the Wild: a threshold from nine folds, its accuracy on the tenth."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.scores.rates import accuracy_at
from faceloupe.scores.sets import Floats, ScoreSet, plain

Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FoldAccuracy:
    """Accuracy on each of F folds, at thresholds that the others chose.

    Attributes
    ----------
    folds : array, (F,)
        Their labels, in order.
    accuracies, thresholds : array of float64, (F,)
        Accuracy on each fold, in [0, 1], and the threshold chosen on all others.
    n_failed : int
        Comparisons that could not be made and were counted as errors.
    """

    folds: NDArray[np.generic]
    accuracies: Floats
    thresholds: Floats
    n_failed: int

    def __repr__(self) -> str:
        failed = f", {self.n_failed:,} failed comparisons counted as errors" if self.n_failed else ""
        mean, error = 100 * self.mean, 100 * self.standard_error
        return f"FoldAccuracy({mean:.2f} % ± {error:.2f} (standard error), {len(self.folds)} folds{failed})"

    def to_document(self) -> dict[str, Any]:
        """Return the folds, their mean and its standard error as a plain dictionary."""
        return {**plain(self), "mean": self.mean, "standard_error": self.standard_error}

    @property
    def mean(self) -> float:
        """Mean accuracy over the folds."""
        return float(self.accuracies.mean())

    @property
    def standard_deviation(self) -> float:
        """Standard deviation of the folds' accuracies (divisor F-1)."""
        return float(self.accuracies.std(ddof=1))

    @property
    def standard_error(self) -> float:
        """Standard error of the mean, as LFW's papers report it; too small, for folds share training comparisons."""
        return self.standard_deviation / math.sqrt(len(self.folds))


def fold_accuracy(
    scores: ScoreSet, mated_folds: ArrayLike, non_mated_folds: ArrayLike, failed_folds: ArrayLike = ()
) -> FoldAccuracy:
    """Choose a threshold on all folds but one, measure accuracy on that one; each fold in turn.

    Huang, Ramesh, Berg & Learned-Miller 2007, "Labeled Faces in the Wild", section on View 2. The threshold is the one
    of highest accuracy, midway between two neighbouring scores; of equally good ones, the middle one.

    Parameters
    ----------
    scores : ScoreSet
    mated_folds : array, (M,)
        The fold of each mated comparison, by any label.
    non_mated_folds : array, (K,)
        The fold of each non-mated comparison.
    failed_folds : array, (n_failed,)
        The fold of each comparison that could not be made, of either kind; each is an error there.

    Raises
    ------
    InputError
        If shapes disagree, there are fewer than two folds, or a fold lacks comparisons of one kind.
    """
    mated, non_mated, failed = (np.asarray(folds) for folds in (mated_folds, non_mated_folds, failed_folds))
    expected = ((scores.n_mated,), (scores.n_non_mated,), (scores.n_failed,))
    if (mated.shape, non_mated.shape, failed.shape) != expected:
        raise InputError(
            f"folds: expected one for each comparison, mated, non-mated and failed {expected}, "
            f"got {mated.shape}, {non_mated.shape} and {failed.shape}"
        )
    names = np.unique(mated)
    if len(names) < 2 or not np.array_equal(names, np.unique(non_mated)):
        raise InputError("folds: expected two or more, each with mated and non-mated comparisons")
    accuracies, thresholds = np.empty(len(names)), np.empty(len(names))
    for i, fold in enumerate(names):
        thresholds[i] = best_threshold(scores.mated[mated != fold], scores.non_mated[non_mated != fold])
        held_out = ScoreSet(
            scores.mated[mated == fold], scores.non_mated[non_mated == fold], failed_mated=int((failed == fold).sum())
        )
        accuracies[i] = accuracy_at(held_out, thresholds[i])
    return FoldAccuracy(names, accuracies, thresholds, scores.n_failed)


def best_threshold(mated: Floats, non_mated: Floats) -> float:
    """Return the threshold of highest accuracy, midway between two neighbouring scores or beyond the last."""
    values = np.unique(np.concatenate([mated, non_mated]))
    right = np.searchsorted(np.sort(non_mated), values) - np.searchsorted(np.sort(mated), values)
    right = np.append(right, len(non_mated) - len(mated))  # refusing everybody
    best = np.flatnonzero(right == right.max())
    i = int(best[len(best) // 2])
    below = values[i - 1] if i else values[0]
    above = values[i] if i < len(values) else np.nextafter(values[-1], np.inf)
    midway = below + (above - below) / 2
    # Between two neighbouring floats there is no middle: rounding must not make the lower one match.
    return float(midway if i == 0 or midway > below else above)
