"""A band around the DET curve, from subjects drawn with replacement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.scores.confidence import CONFIDENCE
from faceloupe.scores.dependence import count, pairs_of_people
from faceloupe.scores.sets import Floats, Labels, ScoreSet, checked_floats, checked_share, highest, plain


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DetBand:
    """FNMR at some FMRs, with limits at each of them alone (pointwise).

    Attributes
    ----------
    fmr : array of float64, (T,)
        As asked for.
    fnmr, low, high : array of float64, (T,)
        Measured FNMR and its limits.
    confidence : float
        Between 0 and 1.
    samples, n_subjects : int
        Number of draws, and of subjects in each.
    """

    fmr: Floats
    fnmr: Floats
    low: Floats
    high: Floats
    confidence: float
    samples: int
    n_subjects: int

    def __repr__(self) -> str:
        rows = zip(self.fmr, self.fnmr, self.low, self.high, strict=True)
        points = "; ".join(f"{at:g}: {100 * y:.2f} % [{100 * a:.2f}, {100 * b:.2f}]" for at, y, a, b in rows)
        return f"DetBand(FNMR at FMR {points}; {self.n_subjects:,} subjects)"

    def to_document(self) -> dict[str, Any]:
        """Return the band as a plain dictionary."""
        return plain(self)


def det_band(scores: ScoreSet, fmrs: Sequence[float], *, samples: int = 1000, seed: int = 0) -> DetBand:
    """Return FNMR at given FMRs with percentile limits, 95 %, from a bootstrap over subjects.

    Subjects are drawn with replacement; a mated comparison counts as often as its subject was drawn, a non-mated one as
    often as the product of both (Bolle, Ratha & Pankanti 2004, "The subsets bootstrap", draw subjects on one side;
    Owen 2007, "The pigeonhole bootstrap", on both). In each sample the threshold is found anew.

    The product makes the share of the threshold too uncertain, by up to √3 where no two non-mated comparisons share a
    subject; and a percentile is no guide where few errors were seen: with none the limits are [0, 0]. For one threshold
    use :func:`fnmr_interval`. Measured on 200 simulated sets each, all pairs of 60 subjects, at FMRs of 5 and 1 %: the
    95 % band held the truth in 95 to 100 % where subjects were alike, in 93 % where they differed as much as captures.

    Parameters
    ----------
    scores : ScoreSet
        With subjects.
    fmrs : sequence of float
        Each strictly between 0 and 1.
    samples : int
        Bootstrap samples, at least 1. With two million non-mated comparisons and FMRs up to 1 % a sample takes 1 ms.
    seed : int
        Same seed, same band.

    Raises
    ------
    InputError
        If subjects are not known, or a number is out of range.
    """
    own, sides = scores.mated_subjects, scores.non_mated_subjects
    if own is None or sides is None:
        raise InputError("a band draws subjects: give mated_subjects and non_mated_subjects to the ScoreSet")
    if samples < 1:
        raise InputError(f"samples: expected at least 1, got {samples}")
    targets = checked_floats("fmrs", fmrs, ndim=1)
    for target in targets:
        checked_share("FMR", float(target))
    trade_off = WeightedTradeOff(scores, own, sides, targets)
    rng = np.random.default_rng(seed)
    drawn = np.array([draw_fnmr([trade_off], rng)[0] for _ in range(samples)])
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    measured = trade_off.fnmr(np.ones(scores.n_subjects, dtype=np.intp))
    return DetBand(targets, measured, low, high, CONFIDENCE, samples, scores.n_subjects)


class WeightedTradeOff:
    """FNMR at given FMRs for subjects that count several times; what does not depend on the counts is done once."""

    def __init__(self, scores: ScoreSet, own: Labels, sides: Labels, targets: Floats) -> None:
        self.targets, self.n_subjects = targets, scores.n_subjects
        self.scores, self.sides = scores.non_mated, sides
        ascending = np.argsort(scores.mated, kind="stable")
        self.mated, self.own = scores.mated[ascending], own[ascending]
        self.comparisons = _comparisons_by_people(sides, self.n_subjects)
        self._rank(64 + int(1.5 * targets.max() * len(self.scores)))

    def _rank(self, depth: int) -> None:
        """Rank the highest non-mated scores: the tail that is needed is mostly short."""
        descending = highest(self.scores, depth)
        ordered = self.scores[descending]
        self.ends = np.flatnonzero(np.diff(ordered))  # the last of each run of ties
        # A threshold just above the n-th different non-mated score misses so many mated comparisons; below all, none.
        self.missed = np.searchsorted(self.mated, ordered[np.append(self.ends, -1)], side="right")
        if len(ordered) == len(self.scores):
            self.ends, self.missed = np.append(self.ends, len(ordered) - 1), np.append(self.missed, 0)
        del ordered
        self.first, self.second = self.sides[descending].T.astype(np.intp)

    def fnmr(self, counts: NDArray[np.intp]) -> Floats:
        """Return FNMR at each target FMR; NaN if no comparison of a kind is left."""
        non_mated = int(counts @ (self.comparisons @ counts))
        mated = np.concatenate([[0], np.cumsum(counts[self.own])])
        if not non_mated or not mated[-1]:
            return np.full(len(self.targets), np.nan)
        matched = self._count_matches(counts, self.targets.max() * non_mated)
        most = np.floor(self.targets * non_mated)  # that may match, but for rounding
        most += (most + 1) / non_mated <= self.targets
        most -= most / non_mated > self.targets
        refused = np.searchsorted(self.ends, np.searchsorted(matched, most, side="right"))
        share: Floats = mated[self.missed[refused]] / mated[-1]
        return share

    def _count_matches(self, counts: NDArray[np.intp], enough: float) -> NDArray[np.intp]:
        """Return how many non-mated comparisons match, cumulated from the highest score until past `enough`, or all."""
        while True:
            matched = np.cumsum(np.take(counts, self.first) * np.take(counts, self.second))
            if len(matched) == len(self.scores) or matched[-1] > enough:
                return matched
            self._rank(2 * len(matched))


def draw_fnmr(trade_offs: Sequence[WeightedTradeOff], rng: np.random.Generator) -> list[Floats]:
    """Return FNMR at each target, of each recogniser, for the same subjects drawn with replacement.

    They are drawn again if they leave no comparison of one kind.
    """
    n = trade_offs[0].n_subjects
    while True:
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        drawn = [trade_off.fnmr(counts) for trade_off in trade_offs]
        if not np.isnan(drawn[0][0]):
            return drawn


def _comparisons_by_people(sides: Labels, n_subjects: int) -> Any:
    """Return how many comparisons there are of each two people, a sparse array (S, S)."""
    from scipy.sparse import coo_array

    pair, low, high = pairs_of_people(sides)
    return coo_array((count(pair, len(low)).astype(np.float64), (low, high)), (n_subjects, n_subjects)).tocsr()
