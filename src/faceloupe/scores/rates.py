"""Error rates at a threshold, and at all of them: FMR, FNMR, DET, EER, AUC.

ISO/IEC 19795-1:2021. The decision is "match" when score >= threshold. Rates are counts divided once, so they are exact
where scores tie.
"""

import math
from dataclasses import dataclass

import numpy as np

from faceloupe.errors import InputError
from faceloupe.scores.sets import Floats, ScoreSet

__all__ = [
    "DetCurve",
    "DetPoint",
    "EqualErrorRate",
    "accuracy_at",
    "auc",
    "det_curve",
    "fmr",
    "fnmr",
]


def fmr(scores: ScoreSet, threshold: float) -> float:
    """Return the false match rate: the share of non-mated comparisons with score >= threshold.

    Raises
    ------
    InputError
        If the threshold is NaN.

    >>> fmr(ScoreSet([0.9, 0.7], [0.1, 0.3, 0.7]), 0.7)
    0.3333333333333333
    """
    return false_matches(scores, threshold) / scores.n_non_mated


def fnmr(scores: ScoreSet, threshold: float) -> float:
    """Return the false non-match rate: the share of mated comparisons with score < threshold.

    Raises
    ------
    InputError
        If the threshold is NaN, or there is no mated comparison.
    """
    return false_non_matches(scores, threshold) / scores.n_mated


def accuracy_at(scores: ScoreSet, threshold: float) -> float:
    """Return the share of right decisions over all comparisons; those that could not be made count as errors.

    It depends on how many comparisons are mated: 0.5 for LFW's pairs, and hardly at all on FNMR where all pairs of a
    set are compared.

    Raises
    ------
    InputError
        If the threshold is NaN.
    """
    wrong = false_matches(scores, threshold) + false_non_matches(scores, threshold) + scores.n_failed
    return 1 - wrong / (scores.n_mated + scores.n_non_mated + scores.n_failed)


def auc(scores: ScoreSet) -> float:
    """Return the area under the ROC curve: P(mated > non-mated) + P(equal)/2 (Mann & Whitney 1947).

    >>> auc(ScoreSet([0.9, 0.5], [0.1, 0.5]))
    0.875
    """
    return float(placements(scores)[0].mean())


def placements(scores: ScoreSet) -> tuple[Floats, Floats]:
    """Return where each comparison lies among those of the other kind, mated (M,) and non-mated (K,), 1 being right.

    The share of the non-mated scores that are lower than a mated one, and of the mated ones that are higher than a
    non-mated one, ties counting half. Both means are the AUC.
    """
    check_mated(scores)
    return _share_below(scores.mated, scores.non_mated), _share_below(-scores.non_mated, -scores.mated)


def _share_below(scores: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    share: Floats = below / (2 * len(others))
    return share


@dataclass(frozen=True, slots=True)
class DetPoint:
    """One threshold of a DET curve with its FMR and FNMR, both in [0, 1]."""

    threshold: float
    fmr: float
    fnmr: float


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """The point where FMR and FNMR cross.

    Attributes
    ----------
    rate : float
        In [0, 1].
    low, high : float
        The thresholds between which they cross; equal where both rates are the same at one threshold. `high` is
        infinite where no score lies above.
    """

    rate: float
    low: float
    high: float

    def __repr__(self) -> str:
        low, high = f"{self.low:.4g}", f"{self.high:.4g}"
        where = f"at threshold {low}" if low == high else f"between thresholds {low} and {high}"
        return f"EER {100 * self.rate:.2f} % {where}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DetCurve:
    """Detection error trade-off: both error rates at every threshold that changes a decision.

    Attributes
    ----------
    thresholds : array of float64, (T,)
        Every different score, increasing, and then infinity.
    fmr : array of float64, (T,)
        From 1 down to 0.
    fnmr : array of float64, (T,)
        From 0 up to 1.
    """

    thresholds: Floats
    fmr: Floats
    fnmr: Floats

    def __repr__(self) -> str:
        return f"DetCurve({len(self.thresholds):,} thresholds, {self.eer!r})"

    @property
    def eer(self) -> EqualErrorRate:
        """The equal error rate, on the straight line between the two neighbouring points where the rates cross."""
        gap = self.fmr - self.fnmr  # from 1 to -1, strictly decreasing: each threshold has a score of its own
        i = int(np.flatnonzero(gap >= 0)[-1])
        if gap[i] == 0:
            return EqualErrorRate(float(self.fmr[i]), float(self.thresholds[i]), float(self.thresholds[i]))
        share = gap[i] / (gap[i] - gap[i + 1])
        rate = self.fmr[i] + share * (self.fmr[i + 1] - self.fmr[i])
        return EqualErrorRate(float(rate), float(self.thresholds[i]), float(self.thresholds[i + 1]))

    def at_fmr(self, target: float) -> DetPoint:
        """Return the point with the lowest threshold whose FMR is at most `target`; it is never above it.

        Raises
        ------
        InputError
            If the target is not in [0, 1].
        """
        if not 0 <= target <= 1:
            raise InputError(f"FMR: expected a number from 0 to 1, got {target}")
        i = int(np.argmax(self.fmr <= target))
        return DetPoint(float(self.thresholds[i]), float(self.fmr[i]), float(self.fnmr[i]))


def det_curve(scores: ScoreSet) -> DetCurve:
    """Return FMR and FNMR at every threshold (Martin et al. 1997, "The DET curve in assessment of detection tasks").

    >>> det_curve(ScoreSet([3, 4], [1, 3]))
    DetCurve(4 thresholds, EER 25.00 % between thresholds 3 and 4)
    """
    check_mated(scores)
    thresholds = np.append(np.unique(np.concatenate([scores.mated, scores.non_mated])), np.inf)
    matched = scores.n_non_mated - np.searchsorted(np.sort(scores.non_mated), thresholds, side="left")
    missed = np.searchsorted(np.sort(scores.mated), thresholds, side="left")
    return DetCurve(thresholds, matched / scores.n_non_mated, missed / scores.n_mated)


def false_matches(scores: ScoreSet, threshold: float) -> int:
    """Return how many non-mated comparisons match."""
    return int((scores.non_mated >= _checked_threshold(threshold)).sum())


def false_non_matches(scores: ScoreSet, threshold: float) -> int:
    """Return how many mated comparisons do not match."""
    check_mated(scores)
    return int((scores.mated < _checked_threshold(threshold)).sum())


def check_mated(scores: ScoreSet) -> None:
    """Raise InputError if there is no mated comparison."""
    if not scores.n_mated:
        raise InputError("there is no mated comparison: nobody has two captures, and no FNMR can be known")


def _checked_threshold(threshold: float) -> float:
    if math.isnan(threshold):
        raise InputError("threshold: expected a number, got NaN")
    return float(threshold)
