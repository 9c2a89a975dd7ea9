"""The number of independent comparisons that comparisons are worth, when those that share a subject err together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["SharedSubjects", "pair_codes"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.intp]

INVOLVED = 30  # people whose errors show how errors hang together; fewer say too little
SHARE = 0.75  # of the people, where there are fewer than that
STEP = 1.3  # by which the errors looked at grow


@dataclass(frozen=True, eq=False)
class SharedSubjects:
    """Comparisons by the people they show.

    Attributes
    ----------
    first, second : array of intp, (N,)
        Subjects on the two sides of each comparison, as 0 ... S-1; the same of a mated one.
    pair : array of intp, (N,)
        The two people (or the one) that each comparison shows, as 0 ... D-1.
    """

    first: Labels
    second: Labels
    pair: Labels

    @classmethod
    def of(cls, subjects: Labels) -> "SharedSubjects":
        """Return the comparisons of subjects, (N,) where all are mated, or (N, 2)."""
        people = np.unique(subjects, return_inverse=True)[1].reshape(subjects.shape)
        first, second = (people, people) if people.ndim == 1 else (people[:, 0].copy(), people[:, 1].copy())
        codes = pair_codes(np.stack([first, second], axis=1), int(people.max()) + 1)
        return cls(first, second, np.unique(codes, return_inverse=True)[1])

    @property
    def n_people(self) -> int:
        """Number of people."""
        return 1 + int(max(self.first.max(), self.second.max()))

    @property
    def n_pairs(self) -> int:
        """Number of different pairs of people compared; one person with himself counts as a pair."""
        return 1 + int(self.pair.max())

    @property
    def least(self) -> float:
        """The fewest independent comparisons that these can be worth.

        Half as many as there are people, by Hoeffding 1948, "A class of statistics with asymptotically normal
        distribution", theorem 5.2: all pairs of S people vary at most as S/2 pairs without a common member. Where no
        comparison shows two people it is as many as there are people.
        """
        return self.n_people / 2 if (self.first != self.second).any() else float(self.n_people)

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
        rare = errors if errors.mean() <= 0.5 else ~errors
        towards = severity if errors.mean() <= 0.5 else -severity
        worth = self._worth_at(rare)
        if not self._enough(rare.astype(np.float64)):
            worth = min(worth, self._worth_at(self._more(rare, towards)), self.n_pairs)
        return float(min(max(self.least, worth), len(errors)))

    def worth_of_sum(self, rate: float, parts: Floats, shortfall: Floats) -> float:
        """Return the same of a rate that differs from the true one by a sum of the comparisons' parts.

        Parameters
        ----------
        rate : float
        parts : array of float64, (N,)
            Each comparison's part of the sum (its influence); all together 0.
        shortfall : array of float64, (N,)
            Share of an error that each comparison is, in [0, 1].
        """
        worth = _ratio(rate * (1 - rate), self.variance(parts))
        return max(self.least, worth if self._enough(shortfall) else min(worth, self.n_people))

    def involved(self, parts: Floats) -> float:
        """Return how many people have an equal part in a sum of comparisons' parts, by Kish's effective number."""
        sizes = np.abs(parts)
        people = np.bincount(self.first, sizes, self.n_people) + np.bincount(self.second, sizes, self.n_people)
        return float(people.sum() ** 2 / (people**2).sum()) if people.any() else float(self.n_people)

    def covariance(self, parts: Floats) -> Floats:
        """Return the covariance of two sums of comparisons' parts, (N, 2) -> (2, 2), as :meth:`variance` of one.

        In no direction is it below that of pairs of people as if they shared nobody.
        """
        if self._sharing[0] > 1 - 1e-9:  # all share one person: nothing shows how people differ
            return np.diag(np.abs(parts).sum(axis=0) ** 2)
        two = self.first != self.second
        by_person, by_pair = np.zeros((self.n_people, 2)), np.zeros((self.n_pairs, 2))
        for axis, values in enumerate(parts.T):
            by_pair[:, axis] = np.bincount(self.pair, values, self.n_pairs)
            by_person[:, axis] = np.bincount(self.first, values, self.n_people)
            by_person[:, axis] += np.bincount(self.second[two], values[two], self.n_people)
        of_two = np.zeros(self.n_pairs, dtype=np.bool_)
        of_two[self.pair[two]] = True
        of_pairs = by_pair.T @ by_pair / (1 - self._sharing[1])
        sharing = (by_person.T @ by_person - by_pair[of_two].T @ by_pair[of_two]) / (1 - self._sharing[0])
        sizes, axes = np.linalg.eigh(of_pairs)
        root = axes * np.sqrt(np.maximum(sizes, 1e-300))
        inverse = np.linalg.pinv(root)
        times, turned = np.linalg.eigh(inverse @ sharing @ inverse.T)
        turned = root @ turned
        return np.asarray((turned * np.maximum(times, 1.0)) @ turned.T)

    def _worth_at(self, errors: Flags) -> float:
        rate = float(errors.mean())
        return _ratio(rate * (1 - rate), self.variance((errors - rate) / len(errors)))

    def _enough(self, errors: Floats) -> bool:
        """Return whether enough people are involved: as many as had an equal part, by Kish's effective number."""
        return bool(errors.any() and self.involved(errors) >= min(INVOLVED, SHARE * self.n_people))

    def _more(self, rare: Flags, severity: Floats) -> Flags:
        """Return as many of the most severe comparisons as involve enough people, or half of all."""
        descending = np.argsort(-severity, kind="stable")
        size, errors = max(1, int(rare.sum())), np.zeros(len(rare), dtype=np.bool_)
        errors[descending[:size]] = True
        while size < len(rare) // 2 and not self._enough(errors.astype(np.float64)):
            size = min(len(rare) // 2, 1 + int(STEP * size))
            errors[descending[:size]] = True
        return errors

    def variance(self, parts: Floats) -> float:
        """Return the variance of a sum of comparisons' parts, those that share a person being dependent.

        The sum of the products of all two parts that share a person (Fafchamps & Gubert 2007, "The formation of risk
        sharing networks"; Aronow, Samii & Assenova 2015, doi:10.1093/pan/mpv018), divided by the share of all products
        that it leaves out: where every two comparisons are alike that makes up for what centring took, and is
        S/(S - 1) for as many comparisons of each of S people with themselves. It is never below that of pairs of people
        as if they shared nobody, which by chance it may seem to be.
        """
        sharing, of_pairs = self._squared_sums(parts)
        if self._sharing[0] > 1 - 1e-9:
            return float(np.inf)
        return max(sharing / (1 - self._sharing[0]), of_pairs / (1 - self._sharing[1]))

    @cached_property
    def _sharing(self) -> tuple[float, float]:
        """Return the shares of all products of two comparisons that share a person, and a pair."""
        return self._squared_sums(np.full(len(self.first), 1 / len(self.first)))

    def _squared_sums(self, values: Floats) -> tuple[float, float]:
        """Add up the products of all two values that share a person, and of all two of the same pair of people."""
        two = self.first != self.second
        by_person = np.bincount(self.first, values, self.n_people)
        by_person += np.bincount(self.second[two], values[two], self.n_people)
        by_pair = np.bincount(self.pair, values) ** 2
        of_two = np.zeros(self.n_pairs, dtype=np.bool_)
        of_two[self.pair[two]] = True
        return float((by_person**2).sum() - by_pair[of_two].sum()), float(by_pair.sum())


def _ratio(spread: float, variance: float) -> float:
    """Return how often a variance goes into that of one comparison; infinity where nothing varies."""
    return spread / variance if variance > 0 else float(np.inf)


def pair_codes(sides: Labels, n_subjects: int) -> Labels:
    """Return one number for each two subjects, (K, 2) -> (K,), whichever comes first: lower · S + higher."""
    codes: Labels = sides.min(axis=1) * n_subjects + sides.max(axis=1)
    return codes
