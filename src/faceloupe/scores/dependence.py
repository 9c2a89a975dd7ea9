"""The number of independent comparisons that comparisons are worth, when those that share a subject err together."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from faceloupe.scores.sets import Floats, Labels, blocks, compact, highest

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

INVOLVED = 30  # people whose errors show how errors hang together; fewer say too little
SHARE = 0.75  # of the people, where there are fewer than that
STEP = 1.3  # by which the errors looked at grow
AHEAD = 8  # times as many comparisons are ranked as are looked at next: few rankings are needed


@dataclass(frozen=True, eq=False)
class SharedSubjects:
    """N comparisons by the people they show.

    What is added up over comparisons is added up by pair of people first, (D,), and by person from that.

    Attributes
    ----------
    pair : array of int32, (N,)
        The two people (or the one) that each comparison shows, as 0 ... D-1.
    low, high : array of int32, (D,)
        The two people of each pair, as 0 ... S-1; the same of a person compared with himself.
    """

    pair: Labels
    low: Labels
    high: Labels

    @classmethod
    def of(cls, *sides: NDArray[np.integer]) -> "SharedSubjects":
        """Return the comparisons of subjects, (N,) where all are mated, or (N, 2), or of several such arrays."""
        return cls(*pairs_of_people(*compact(*sides)))

    @property
    def n_people(self) -> int:
        """Number of people."""
        return 1 + int(self.high.max())

    @property
    def n_pairs(self) -> int:
        """Number of different pairs of people compared; one person with himself counts as a pair."""
        return len(self.low)

    @property
    def least(self) -> float:
        """The fewest independent comparisons that these can be worth.

        Half as many as there are people, by Hoeffding 1948, "A class of statistics with asymptotically normal
        distribution", theorem 5.2: all pairs of S people vary at most as S/2 pairs without a common member. Where no
        comparison shows two people it is as many as there are people.
        """
        return self.n_people / 2 if self._is_of_two.any() else float(self.n_people)

    def worth(self, errors: Flags, severity: Floats) -> float:
        """Return the number of independent comparisons that would vary as much.

        Parameters
        ----------
        errors : array of bool, (N,)
        severity : array of float64, (N,)
            Higher where an error was made, and the higher, the nearer one was where none was made. Where few people are
            involved in the errors nothing shows how errors hang together: then it is read off the most severe
            comparisons of which enough people are part, and no pair of people counts more than once.
        """
        mostly_errors = bool(errors.mean() > 0.5)
        rare = np.flatnonzero(~errors if mostly_errors else errors)
        worth = self._worth_at(rare)
        if not self._involves_enough(self._count(rare)):
            severe = self._most_severe(len(rare), -severity if mostly_errors else severity)
            worth = min(worth, self._worth_at(severe), self.n_pairs)
        return float(min(max(self.least, worth), len(errors)))

    def worth_of_sum(self, rate: float, parts: Floats, shortfall: Floats) -> float:
        """Return the same for a rate whose error is a sum of parts, one for each comparison.

        `parts` (D,) are the comparisons' parts of the sum (their influence), as :meth:`sums` adds them up, all together
        0; `shortfall` (D,) is the share of an error, in [0, 1], that each comparison is.
        """
        worth = _ratio(rate * (1 - rate), self.variance(parts))
        return max(self.least, worth if self._involves_enough(shortfall) else min(worth, self.n_people))

    def sums(self, values: Iterable[Floats]) -> Floats:
        """Add up values of the comparisons by pair of people.

        Parameters
        ----------
        values : iterable of array of float64, (n,) or (n, C)
            One after another, N together.

        Returns
        -------
        array of float64, (D,) or (D, C)
        """
        totals, start = np.zeros(0), 0
        for part in values:
            totals = totals if start else np.zeros((*part.shape[1:], self.n_pairs))
            pair = self.pair[start : start + len(part)].astype(np.intp)
            for total, column in zip(np.atleast_2d(totals), np.atleast_2d(part.T), strict=True):
                np.add.at(total, pair, column)
            start += len(part)
        return totals.T

    def by_person(self, sums: Floats) -> Floats:
        """Add up sums of pairs by person, (S,); each counts for both, and once of a person with himself."""
        return self._sums_of_side(self.low, sums) + self._sums_of_side(self.high, sums, self._is_of_two)

    def involved(self, sizes: NDArray[np.number]) -> float:
        """Return the number of people with an equal part in something, by Kish's effective number.

        Parameters
        ----------
        sizes : array of float64, (D,)
            The sizes of the comparisons' parts, at least 0, as :meth:`sums` adds them up.
        """
        people = self._sums_of_side(self.low, sizes) + self._sums_of_side(self.high, sizes)
        return float(people.sum() ** 2 / (people**2).sum()) if people.any() else float(self.n_people)

    def variance(self, parts: Floats) -> float:
        """Return the variance of a sum of comparisons' parts, (D,) by pair, those that share a person being dependent.

        The sum of the products of all two parts that share a person (Fafchamps & Gubert 2007, "The formation of risk
        sharing networks"; Aronow, Samii & Assenova 2015, doi:10.1093/pan/mpv018), divided by the share of all products
        that it leaves out: where every two comparisons are alike that makes up for what centring took, and is
        S/(S - 1) for as many comparisons of each of S people with themselves. It is never below that of pairs of people
        as if they shared nobody, which by chance it may seem to be.
        """
        if self.all_share_one:
            return float(np.inf)
        of_people, of_pairs = self._squared_sums(parts)
        return max(of_people / (1 - self._sharing[0]), of_pairs / (1 - self._sharing[1]))

    @property
    def all_share_one(self) -> bool:
        """True if all comparisons share one person, so that nothing shows how people differ."""
        return self._sharing[0] > 1 - 1e-9

    def covariance(self, parts: Floats) -> Floats:
        """Return the covariance of two sums of comparisons' parts, (D, 2) -> (2, 2), as :meth:`variance` of one.

        In no direction is it below that of pairs of people as if they shared nobody.
        """
        by_person = np.stack([self.by_person(column) for column in parts.T], axis=1)
        by_pair, single = parts.T @ parts, parts[~self._is_of_two]
        products = by_person.T @ by_person - (by_pair - single.T @ single)  # no pair of two people counts for both
        of_people, of_pairs = products / (1 - self._sharing[0]), by_pair / (1 - self._sharing[1])
        sizes, axes = np.linalg.eigh(of_pairs)
        root = axes * np.sqrt(np.maximum(sizes, 1e-300))
        inverse = np.linalg.pinv(root)
        ratios, directions = np.linalg.eigh(inverse @ of_people @ inverse.T)
        axes = root @ directions
        return np.asarray((axes * np.maximum(ratios, 1.0)) @ axes.T)

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Number of comparisons that show each pair of people, (D,)."""
        return count(self.pair, self.n_pairs)

    @cached_property
    def _is_of_two(self) -> Flags:
        """Mask of the pairs that are of two people, (D,)."""
        return np.not_equal(self.low, self.high)

    @cached_property
    def _sharing(self) -> tuple[float, float]:
        """Return the shares of all products of two comparisons that share a person, and a pair."""
        return self._squared_sums(self.counts / len(self.pair))

    def _squared_sums(self, sums: Floats) -> tuple[float, float]:
        """Add up the products of all two values that share a person, and of all two of the same pair of people."""
        by_person, by_pair, single = self.by_person(sums), float(sums @ sums), sums[~self._is_of_two]
        return float(by_person @ by_person - (by_pair - single @ single)), by_pair

    def _sums_of_side(self, people: Labels, sums: NDArray[np.number], counted: Flags | None = None) -> Floats:
        """Add up sums of pairs, or of those that are counted, by the person on one side, (S,)."""
        totals = np.zeros(self.n_people)
        for part in blocks(len(sums)):
            values = sums[part] if counted is None else sums[part] * counted[part]
            totals += np.bincount(people[part], values, len(totals))
        return totals

    def _count(self, comparisons: Places) -> NDArray[np.intp]:
        return count(self.pair[comparisons], self.n_pairs)

    def _worth_at(self, errors: Places) -> float:
        n = len(self.pair)
        rate = len(errors) / n
        parts: Floats = self.counts * np.float64(-rate)
        np.add.at(parts, self.pair[errors], 1.0)
        parts /= n
        return _ratio(rate * (1 - rate), self.variance(parts))

    def _involves_enough(self, errors: NDArray[np.number]) -> bool:
        """Return whether enough people are involved: as many as had an equal part, by Kish's effective number."""
        return bool(errors.any() and self.involved(errors) >= min(INVOLVED, SHARE * self.n_people))

    def _most_severe(self, size: int, severity: Floats) -> Places:
        """Return as many of the most severe comparisons as involve enough people, or half of all."""
        most, size = len(severity) // 2, max(1, size)
        ranked = highest(severity, AHEAD * size)
        while size < most and not self._involves_enough(self._count(ranked[:size])):
            size = min(most, 1 + int(STEP * size))
            if size > len(ranked):
                ranked = highest(severity, AHEAD * size)
        return ranked[:size]


def count(labels: Labels, n: int) -> NDArray[np.intp]:
    """Return how often each of the labels 0 ... n-1 occurs, (n,), in little memory."""
    counts = np.zeros(n, dtype=np.intp)
    for part in blocks(len(labels)):
        np.add.at(counts, labels[part].astype(np.intp), 1)
    return counts


def pairs_of_people(*sides: Labels) -> tuple[Labels, Labels, Labels]:
    """Return the pair of people that each comparison shows, (N,), and the two people of each pair, (D,) twice.

    Parameters
    ----------
    *sides : array of int32, (N,) or (N, 2)
        Subjects of the comparisons, as 0 ... S-1, of several arrays one after another.
    """
    n_people = 1 + max(int(side.max(initial=0)) for side in sides)
    codes = np.empty(sum(map(len, sides)), dtype=np.int32 if n_people**2 < 2**31 else np.int64)
    start = 0
    for side in sides:
        for part in blocks(len(side)):
            first, second = np.broadcast_to(side[part].T, (2, len(side[part]))).astype(codes.dtype)
            codes[start : start + len(first)] = np.minimum(first, second) * n_people + np.maximum(first, second)
            start += len(first)
    [pair] = compact(codes)
    distinct = np.empty(1 + int(pair.max()), dtype=codes.dtype)
    for part in blocks(len(pair)):
        distinct[pair[part]] = codes[part]
    low, high = np.divmod(distinct, n_people)
    return pair, low.astype(np.int32), high.astype(np.int32)


def _ratio(spread: float, variance: float) -> float:
    """Return how often a variance goes into that of one comparison; infinity where nothing varies."""
    return spread / variance if variance > 0 else float(np.inf)
