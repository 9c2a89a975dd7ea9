"""Exact search in memory: every reference is compared with the probe, and of each subject the best one counts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from faceloupe.gallery.records import Templates

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]
Ids = NDArray[np.int64]

GROUP = 32
"""Rows whose highest score is looked at first. Those of a group lie far apart: SIMD takes the maximum of many groups at
once, in a tenth of the time that it takes along neighbours."""

BLOCK = 2**22
"""Scores held at once, 16 MB: they are still in the cache when their maxima are taken. Measured with 32 probes and
100,000 to 1,000,000 rows: a fourth of it takes 1.2 times as long, for threads wait for each other after each block."""

PROBES = 64
"""Searched for together, at most."""

PRECISION = float(np.finfo(np.float32).eps)

LOWEST = -2.0
"""Below every cosine."""

NOT_IN_USE = np.float32(-4)
"""The score of a row without a reference."""


class Matrix:
    """References in rows, with room for more.

    Rows in use come first, in no order; all others are zero. Growing doubles the room, so that adding a row takes
    constant time on average.

    Parameters
    ----------
    dimensions : int
        Length of the vectors.
    """

    def __init__(self, dimensions: int) -> None:
        self._vectors = np.zeros((GROUP, dimensions), dtype=np.float32)
        self._subjects = np.zeros(GROUP, dtype=np.int64)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return self._vectors.shape[1]

    def add(self, vectors: Floats, subjects: Ids) -> None:
        """Add rows.

        Parameters
        ----------
        vectors : array of float32, (N, D)
            Unit vectors.
        subjects : array of int64, (N,)
            Subject of each.
        """
        stop = self._used + len(vectors)
        if stop > len(self._vectors):
            self._grow(stop)
        self._vectors[self._used : stop] = vectors
        self._subjects[self._used : stop] = subjects
        self._used = stop

    def drop(self, subjects: Ids) -> int:
        """Remove the rows of some subjects, and return how many of them had one.

        Rows from the end take their places, and the end becomes zero.
        """
        is_dropped = np.isin(self._subjects[: self._used], subjects)
        dropped = len(np.unique(self._subjects[: self._used][is_dropped]))
        remaining = self._used - int(is_dropped.sum())
        holes, movers = np.flatnonzero(is_dropped[:remaining]), remaining + np.flatnonzero(~is_dropped[remaining:])
        self._vectors[holes], self._subjects[holes] = self._vectors[movers], self._subjects[movers]
        self._vectors[remaining : self._used] = 0
        self._used = remaining
        return dropped

    def search(self, vectors: Floats, ranks: int) -> tuple[Ids, Scores]:
        """Find the subjects that are most like each probe.

        Parameters
        ----------
        vectors : array of float32, (P, D)
            Unit vectors.
        ranks : int
            Number of subjects to return, at least 1.

        Returns
        -------
        subjects : array of int64, (P, R)
            Highest score first, of equal ones the lower id first. R = min(ranks, subjects there are).
        scores : array of float64, (P, R)
            Cosine of each subject's best reference in double precision, at most 1.
        """
        best = [_Best(vector, ranks) for vector in vectors]
        for start in range(0, len(vectors), PROBES):
            self._search(vectors[start : start + PROBES], best[start : start + PROBES])
        shape = (len(vectors), len(best[0].scores) if best else 0)
        subjects = np.array([list(probe.scores) for probe in best], dtype=np.int64).reshape(shape)
        return subjects, np.array([list(probe.scores.values()) for probe in best], dtype=np.float64).reshape(shape)

    def _search(self, vectors: Floats, best: list["_Best"]) -> None:
        rows = max(BLOCK // len(vectors) // GROUP, 1) * GROUP
        for start in range(0, self._used, rows):
            stop = min(start + rows, _whole_groups(self._used))
            block, subjects = self._vectors[start:stop], self._subjects[start:stop]
            scores = _products(vectors, block)
            scores[:, self._used - start :] = NOT_IN_USE
            tops = np.maximum.reduce(scores.reshape(len(scores), GROUP, -1), axis=1)
            for probe, own_scores, own_tops in zip(best, scores, tops, strict=True):
                probe.look_at(own_scores, own_tops, block, subjects)

    def _grow(self, needed: int) -> None:
        old = self._vectors
        self._vectors = np.zeros((_whole_groups(max(needed, 2 * len(old))), self.dimensions), dtype=np.float32)
        self._vectors[: self._used] = old[: self._used]
        old[:] = 0  # it goes back to the system, and would keep whom the gallery forgets later
        self._subjects = np.resize(self._subjects, len(self._vectors))


def search_parts(parts: "Iterable[Templates]", vectors: Floats, ranks: int) -> tuple[list[list[int]], int]:
    """Search references that come in parts, of which one at a time is held.

    Returns
    -------
    nearest : list of list of int
        Of each probe the subjects that are most like it, the best first.
    size : int
        Number of references.
    """
    best: list[dict[int, float]] = [{} for _ in vectors]
    size = 0
    for part in parts:
        matrix = Matrix(vectors.shape[1])
        matrix.add(part.vectors, part.subjects)
        size += len(part)
        for own, subjects, scores in zip(best, *matrix.search(vectors, ranks), strict=True):
            for subject, score in zip(subjects.tolist(), scores.tolist(), strict=True):
                own[subject] = max(score, own.get(subject, LOWEST))
    return [sorted(own, key=lambda subject: (-own[subject], subject))[:ranks] for own in best], size


class _Best:
    """The best subjects for one probe among the rows seen so far.

    A matrix product in single precision is off by up to D/2 units of that precision, and by how much depends on where
    in the matrix a row lies. So it only selects: the rows that come near are compared again in double precision, such
    that equal vectors tie and a score is the one of :func:`faceloupe.recognition.compare`.
    """

    def __init__(self, vector: Floats, ranks: int) -> None:
        self.scores: dict[int, float] = {}
        self._last = LOWEST  # the score that a further subject must have
        self._exact = vector.astype(np.float64)
        self._ranks = ranks
        self._slack = len(vector) * PRECISION

    def look_at(self, scores: Floats, tops: Floats, vectors: Floats, subjects: Ids) -> None:
        """Take in N more rows, a multiple of GROUP.

        Parameters
        ----------
        scores : array of float32, (N,)
            Their products with the probe.
        tops : array of float32, (N / GROUP,)
            The highest score of each group.
        vectors : array of float32, (N, D)
        subjects : array of int64, (N,)
        """
        n_groups = 2 * self._ranks
        while True:
            # So many groups have a row as high as the last of their tops: enough, unless they show too few subjects.
            bound = max(self._last, _highest(tops, n_groups)) - self._slack
            rows = (scores >= bound).nonzero()[0]
            self._note(subjects.take(rows), np.add.reduce(vectors.take(rows, axis=0) * self._exact, axis=1))
            if n_groups >= len(tops) or self._last - self._slack >= bound:
                return
            n_groups *= 4

    def _note(self, subjects: Ids, scores: Scores) -> None:
        scores_by_subject = self.scores
        for subject, score in zip(subjects.tolist(), np.minimum(scores, 1).tolist(), strict=True):
            if score > scores_by_subject.get(subject, LOWEST):
                scores_by_subject[subject] = score
        best = sorted([(-score, subject) for subject, score in scores_by_subject.items()])[: self._ranks]
        self.scores = {subject: -score for score, subject in best}
        if len(best) == self._ranks:
            self._last = -best[-1][0]


def _products(vectors: Floats, block: Floats) -> Floats:
    """Return (P, N) cosines; of one probe as a product with a vector, which BLAS does faster."""
    return (block @ vectors[0])[np.newaxis] if len(vectors) == 1 else vectors @ block.T


def _highest(tops: Floats, count: int) -> float:
    """Return the last of the `wanted` highest tops; what is below all if there are no more."""
    if count >= len(tops):
        return LOWEST
    ordered = tops.copy()
    ordered.partition(-count)
    return float(ordered[-count])


def _whole_groups(rows: int) -> int:
    return -(-rows // GROUP) * GROUP
