"""The worth of a measure of quality: the fall of errors when the worst captures are refused."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from faceloupe.errors import InputError
from faceloupe.scores.rates import false_non_matches
from faceloupe.scores.sets import Floats, ScoreSet, checked_floats, plain


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RejectCurve:
    """FNMR of the mated comparisons that are left when those of the lowest quality are refused.

    Attributes
    ----------
    rejected : array of float64, (R,)
        Share of the comparisons that are refused, from 0 up; always less than 1.
    fnmr : array of float64, (R,)
        FNMR of those that are left.
    limits : array of float64, (R,)
        The quality that is needed, the lowest that is left; the first refuses nothing.
    threshold : float
        Threshold of the score, the same throughout.
    n_mated : int
        Comparisons.
    """

    rejected: Floats
    fnmr: Floats
    limits: Floats
    threshold: float
    n_mated: int

    def __repr__(self) -> str:
        steps = ", ".join(f"{100 * share:g} %: {100 * self.at(share):.2f} %" for share in (0, 0.01, 0.05, 0.2))
        return f"RejectCurve(FNMR with the worst refused, {steps}; {self.n_mated:,} mated comparisons)"

    def at(self, share: float) -> float:
        """Return the FNMR when as many as possible are refused, but at most this share.

        Raises
        ------
        InputError
            If the share is not in [0, 1].
        """
        if not 0 <= share <= 1:
            raise InputError(f"share: expected a number from 0 to 1, got {share}")
        return float(self.fnmr[np.searchsorted(self.rejected, share, side="right") - 1])

    def to_document(self) -> dict[str, Any]:
        """Return the curve as a plain dictionary."""
        return plain(self)


def error_versus_reject(scores: ScoreSet, quality: ArrayLike, threshold: float) -> RejectCurve:
    """Refuse the mated comparisons of the lowest quality, step by step, and count the errors that are left.

    Grother & Tabassi 2007, "Performance of biometric quality measures", doi:10.1109/TPAMI.2007.1019: a comparison is as
    good as the worse of its captures. A measure that foresees errors makes the curve fall at once; one that knows
    nothing leaves it level; at best it reaches 0 where as many are refused as there were errors. Comparisons of equal
    quality are refused together.

    Parameters
    ----------
    scores : ScoreSet
    quality : array, (M,) or (M, 2)
        Quality of each mated comparison, or of its two captures; higher is better. Turn the sign of a measure that is
        better when low.
    threshold : float
        As of :func:`~faceloupe.scores.fnmr`.

    Raises
    ------
    InputError
        If the shape is another, a quality is not finite, or the threshold is NaN.

    >>> error_versus_reject(ScoreSet([0.9, 0.2, 0.8, 0.7], [0.1]), [3, 1, 2, 2], threshold=0.5).fnmr
    array([0.25, 0.  , 0.  ])
    """
    n_errors = false_non_matches(scores, threshold)
    values = np.asarray(quality)
    ranked = checked_floats("quality", values, ndim=2 if values.ndim == 2 else 1)
    worse = ranked.min(axis=1) if ranked.ndim == 2 else ranked
    if worse.shape != (scores.n_mated,) or ranked.shape[1:] not in ((), (2,)):
        raise InputError(
            f"quality: expected ({scores.n_mated},) or ({scores.n_mated}, 2), one for each mated comparison or each of "
            f"its captures; got {ranked.shape}"
        )
    limits, place = np.unique(worse, return_inverse=True)
    comparisons = np.bincount(place)
    errors = np.bincount(place, weights=scores.mated < threshold)
    refused = np.cumsum(comparisons) - comparisons
    left = n_errors - (np.cumsum(errors) - errors)
    return RejectCurve(
        refused / scores.n_mated, left / (scores.n_mated - refused), limits, float(threshold), scores.n_mated
    )
