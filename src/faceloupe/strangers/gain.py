"""The gain of one way of scoring over another on the same comparisons, with its uncertainty."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.scores.paired import PairedDifference, paired_differences
from faceloupe.scores.sets import ScoreSet

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

FMR = 1e-3  # at which FNMR is compared too, where there are comparisons enough


@dataclass(frozen=True, slots=True)
class Gain:
    """The change of rates on the same comparisons.

    Attributes
    ----------
    eer : PairedDifference
        The equal error rate before and after: what decides.
    others : tuple of PairedDifference
        FNMR at an FMR, where the comparisons support it, and AUC.
    n_subjects, n_mated, n_non_mated : int
    """

    eer: PairedDifference
    others: tuple[PairedDifference, ...]
    n_subjects: int
    n_mated: int
    n_non_mated: int

    @property
    def is_sure(self) -> bool:
        """True if the interval of the gain in EER lies above zero, and six people at least make it."""
        return self.eer.better == "second"

    def words(self) -> str:
        """Return the rates and the interval in a sentence."""
        return (
            f"EER {100 * self.eer.first:.2f} % before and {100 * self.eer.second:.2f} % after on {self.n_mated:,} "
            f"mated and {self.n_non_mated:,} non-mated comparisons of {self.n_subjects:,} people: "
            "{:+.2f} points gained (95 % interval {:+.2f} to {:+.2f})".format(*points_gained(self.eer))
        )

    def to_document(self) -> dict[str, Any]:
        """Return the numbers as a plain dictionary."""
        return {
            "differences": [difference.to_document() for difference in (self.eer, *self.others)],
            "is_sure": self.is_sure,
            "n_subjects": self.n_subjects,
            "n_mated": self.n_mated,
            "n_non_mated": self.n_non_mated,
        }


def points_gained(rate: PairedDifference) -> tuple[float, float, float]:
    """Return the fall of an error rate in percentage points, and the limits of its interval."""
    return -100 * rate.difference + 0.0, -100 * rate.high + 0.0, -100 * rate.low + 0.0


def gain_of(sides: Labels, before: Floats, after: Floats, *, draws: int, seed: int) -> Gain:
    """Return the change of rates, see :func:`faceloupe.scores.paired.paired_differences`.

    Parameters
    ----------
    sides : array of intp, (P, 2)
        Subjects on both sides of each comparison.
    before, after : array of float64, (P,)
        Scores of each.
    draws : int
        Draws of subjects, for the intervals.
    seed : int

    Raises
    ------
    InputError
        If there is no mated or no non-mated comparison.
    """
    first, second = score_set(sides, before), score_set(sides, after)
    *fnmrs, eer, auc = paired_differences(first, second, [FMR], samples=draws, seed=seed)
    return Gain(eer, (*fnmrs, auc), first.n_subjects, first.n_mated, first.n_non_mated)


def score_set(sides: Labels, scores: Floats) -> ScoreSet:
    """Return the scores (P,) of comparisons, with the subjects on their sides (P, 2), as a ScoreSet."""
    mated = sides[:, 0] == sides[:, 1]
    return ScoreSet(scores[mated], scores[~mated], sides[mated, 0], sides[~mated])
