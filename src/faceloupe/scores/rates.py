"""Error rates at a threshold, and at all of them: FMR, FNMR, DET, EER, AUC.

ISO/IEC 19795-1:2021. The decision is "match" when score >= threshold. Rates are counts divided once, so they are exact
where scores tie.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from faceloupe.errors import InputError
from faceloupe.scores.sets import Floats, ScoreSet, blocks


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
    check_mated(scores)
    return float(_share_below(scores.mated, scores.non_mated).mean())


def placements(scores: ScoreSet) -> Iterator[Floats]:
    """Yield the placements of the mated comparisons, (M,), and then, in parts, of the non-mated ones, (K,).

    A placement is the share of non-mated scores below a mated one, or of mated scores above a non-mated one, ties
    counting half: 1 is right. The mean of either kind is the AUC.
    """
    check_mated(scores)
    yield _share_below(scores.mated, scores.non_mated)
    for part in blocks(scores.n_non_mated):
        yield 1 - _share_below(scores.non_mated[part], scores.mated)


def _share_below(scores: Floats, reference: Floats) -> Floats:
    """Return the share of the reference scores below each score, ties counting half; sorted in parts."""
    below = np.zeros(len(scores), dtype=np.intp)
    for part in blocks(len(reference)):
        ordered = np.sort(reference[part])
        below += np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    share: Floats = below / (2 * len(reference))
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
    mated, non_mated : array of float64, (M,) and (K,)
        The scores, increasing.
    """

    mated: Floats
    non_mated: Floats

    def __repr__(self) -> str:
        return f"DetCurve({len(self.thresholds):,} thresholds, {self.eer!r})"

    @property
    def thresholds(self) -> Floats:
        """Every different score, increasing, and then infinity, (T,)."""
        return np.append(np.unique(np.concatenate([self.mated, self.non_mated])), np.inf)

    @property
    def fmr(self) -> Floats:
        """FMR at each threshold, (T,), from 1 down to 0."""
        return self._fmr(self.thresholds)

    @property
    def fnmr(self) -> Floats:
        """FNMR at each threshold, (T,), from 0 up to 1."""
        return self._fnmr(self.thresholds)

    @property
    def eer(self) -> EqualErrorRate:
        """The equal error rate, on the straight line between the two neighbouring points where the rates cross."""
        low = max(
            float(scores[at - 1]) for scores in (self.mated, self.non_mated) if (at := _first(scores, self._crossed))
        )
        above = (scores[np.searchsorted(scores, low, side="right") :] for scores in (self.mated, self.non_mated))
        high = min((float(scores[0]) for scores in above if len(scores)), default=math.inf)
        (fmr, next_fmr), (fnmr, next_fnmr) = (rate(np.array([low, high])) for rate in (self._fmr, self._fnmr))
        if fmr == fnmr:
            return EqualErrorRate(float(fmr), low, low)
        share = (fmr - fnmr) / ((fmr - fnmr) - (next_fmr - next_fnmr))
        return EqualErrorRate(float(fmr + share * (next_fmr - fmr)), low, high)

    def at_fmr(self, target: float) -> DetPoint:
        """Return the point with the lowest threshold whose FMR is at most `target`; it is never above it.

        Raises
        ------
        InputError
            If the target is not in [0, 1].
        """
        threshold = self.lowest_threshold(target)
        return DetPoint(threshold, float(self._fmr(threshold)), float(self._fnmr(threshold)))

    def lowest_threshold(self, target: float) -> float:
        """Return the lowest threshold whose FMR is at most `target`; it takes no mated scores.

        Raises
        ------
        InputError
            If the target is not in [0, 1].
        """
        if not 0 <= target <= 1:
            raise InputError(f"FMR: expected a number from 0 to 1, got {target}")
        places = (
            (scores, _first(scores, lambda score: bool(self._fmr(score) <= target)))
            for scores in (self.mated, self.non_mated)
        )
        return min((float(scores[at]) for scores, at in places if at < len(scores)), default=math.inf)

    def _fmr(self, threshold: ArrayLike) -> Floats:
        return (len(self.non_mated) - np.searchsorted(self.non_mated, threshold)) / len(self.non_mated)

    def _fnmr(self, threshold: ArrayLike) -> Floats:
        return np.searchsorted(self.mated, threshold) / len(self.mated)

    def _crossed(self, threshold: float) -> bool:
        """Return whether the FMR is below the FNMR, as it then is at every higher threshold."""
        return bool(self._fmr(threshold) < self._fnmr(threshold))


def det_curve(scores: ScoreSet) -> DetCurve:
    """Return FMR and FNMR at every threshold (Martin et al. 1997, "The DET curve in assessment of detection tasks").

    >>> det_curve(ScoreSet([3, 4], [1, 3]))
    DetCurve(4 thresholds, EER 25.00 % between thresholds 3 and 4)
    """
    check_mated(scores)
    return DetCurve(np.sort(scores.mated), np.sort(scores.non_mated))


def _first(ordered: Floats, condition: Callable[[float], bool]) -> int:
    """Return the first place of increasing scores from which on a condition holds; their number if it never does."""
    return bisect_left(range(len(ordered)), True, key=lambda place: condition(float(ordered[place])))


def false_matches(scores: ScoreSet, threshold: float) -> int:
    """Return the number of non-mated comparisons that match."""
    return int((scores.non_mated >= _checked_threshold(threshold)).sum())


def false_non_matches(scores: ScoreSet, threshold: float) -> int:
    """Return the number of mated comparisons that do not match."""
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
