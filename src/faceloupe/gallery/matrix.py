"""Exact search in memory: every reference is compared with the probe, and of each subject the best one counts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.gallery.rows import LOWEST, BestSubjects, Floats, Ids, Rows, Scores, as_arrays

if TYPE_CHECKING:
    from faceloupe.gallery.records import Templates

GROUP = 32
"""Rows whose highest score is looked at first. Those of a group lie far apart: SIMD takes the maximum of many groups at
once, in a tenth of the time that it takes along neighbours."""

BLOCK = 2**22
"""Scores held at once, 16 MB: they are still in the cache when their maxima are taken. Measured with 32 probes and
100,000 to 1,000,000 rows: a fourth of it takes 1.2 times as long, for threads wait for each other after each block."""

PROBES = 64
"""Searched for together, at most."""

PRECISION = float(np.finfo(np.float32).eps)

NOT_IN_USE = np.float32(-4)
"""The score of a row without a reference."""


class Matrix(Rows):
    """References in rows, with room for more; see :class:`faceloupe.gallery.rows.Rows`."""

    def add(self, vectors: Floats, subjects: Ids) -> None:
        """Add rows.

        Parameters
        ----------
        vectors : array of float32, (N, D)
            Unit vectors.
        subjects : array of int64, (N,)
            Subject of each.
        """
        rows = self._reserve(len(vectors))
        self._vectors[rows], self._subjects[rows] = vectors, subjects

    def search(self, vectors: Floats, ranks: int) -> tuple[Ids, Scores]:
        """Find the subjects that are most like each probe, see :meth:`faceloupe.gallery.index.Index.search`."""
        best = [_Best(vector, ranks) for vector in vectors]
        for start in range(0, len(vectors), PROBES):
            self._search(vectors[start : start + PROBES], best[start : start + PROBES])
        return as_arrays(best)

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

    def _make_room(self, rows: int) -> None:
        whole_rows = _whole_groups(max(rows, GROUP))
        self._vectors = np.zeros((whole_rows, self.dimensions), dtype=np.float32)
        self._subjects = np.zeros(whole_rows, dtype=np.int64)

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self._vectors, self._subjects


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


class _Best(BestSubjects):
    """The best subjects for one probe among the rows seen so far.

    A matrix product in single precision is off by up to D/2 units of that precision, and by how much depends on where
    in the matrix a row lies. So it only selects: the rows that come near are compared again in double precision, such
    that equal vectors tie and a score is the one of :func:`faceloupe.recognition.compare`.
    """

    def __init__(self, vector: Floats, ranks: int) -> None:
        super().__init__(ranks)
        self._exact = vector.astype(np.float64)
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
        n_groups = 2 * self.ranks
        while True:
            # So many groups have a row as high as the last of their tops: enough, unless they show too few subjects.
            bound = max(self.last, _highest(tops, n_groups)) - self._slack
            rows = (scores >= bound).nonzero()[0]
            scores_of_rows = np.add.reduce(vectors.take(rows, axis=0) * self._exact, axis=1)
            self.add(subjects.take(rows), np.minimum(scores_of_rows, 1))
            if n_groups >= len(tops) or self.last - self._slack >= bound:
                return
            n_groups *= 4


def _products(vectors: Floats, block: Floats) -> Floats:
    """Return (P, N) cosines; of one probe as a product with a vector, which BLAS does faster."""
    return (block @ vectors[0])[np.newaxis] if len(vectors) == 1 else vectors @ block.T


def _highest(tops: Floats, count: int) -> float:
    """Return the last of the `count` highest tops; what is below all if there are no more."""
    if count >= len(tops):
        return LOWEST
    ordered = tops.copy()
    ordered.partition(-count)
    return float(ordered[-count])


def _whole_groups(rows: int) -> int:
    return -(-rows // GROUP) * GROUP
