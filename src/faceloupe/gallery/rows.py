"""What both searches in memory are made of: rows with room for more, and the best subjects among them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]
Ids = NDArray[np.int64]

LOWEST = -2.0
"""Below every cosine."""


class Rows(ABC):
    """Columns of references, with room for more rows; those in use come first, in no order, all others are zero.

    Growing doubles the room, so that adding a row takes constant time on average.

    Parameters
    ----------
    dimensions : int
        Length of the vectors.
    """

    _subjects: Ids

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._used = 0
        self._make_room(0)

    def __len__(self) -> int:
        return self._used

    def drop(self, subjects: Ids) -> int:
        """Remove the rows of some subjects, and return how many of them had one.

        Rows from the end take their places, and the end becomes zero.
        """
        is_dropped = np.isin(self._subjects[: self._used], subjects)
        dropped = len(np.unique(self._subjects[: self._used][is_dropped]))
        remaining = self._used - int(is_dropped.sum())
        holes, movers = np.flatnonzero(is_dropped[:remaining]), remaining + np.flatnonzero(~is_dropped[remaining:])
        for column in self._columns():
            column[holes] = column[movers]
            column[remaining : self._used] = 0
        self._used = remaining
        return dropped

    def _reserve(self, count: int) -> slice:
        """Take so many rows into use, and return which; what was read of the columns before may be elsewhere now."""
        stop = self._used + count
        if stop > len(self._subjects):
            former_columns = self._columns()
            self._make_room(max(stop, 2 * len(self._subjects)))
            for column, former in zip(self._columns(), former_columns, strict=True):
                column[: self._used] = former[: self._used]
                former[:] = 0  # it goes back to the system, and would keep whom the gallery forgets later
        rows = slice(self._used, stop)
        self._used = stop
        return rows

    @abstractmethod
    def _make_room(self, rows: int) -> None:
        """Make columns of zeros, of so many rows or more."""

    @abstractmethod
    def _columns(self) -> tuple[NDArray[Any], ...]:
        """Return all columns, that of the subjects among them."""


class BestSubjects:
    """The subjects with the highest scores so far, the best first: of each its best score, of equal ones the lower id.

    Attributes
    ----------
    scores : dict of int to float
        Score by subject; at most as many as there are ranks.
    last : float
        Score that a further subject must exceed; below every cosine while there are fewer subjects than ranks.
    """

    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self.scores: dict[int, float] = {}
        self.last = LOWEST

    def add(self, subjects: Ids, scores: NDArray[np.floating[Any]]) -> None:
        """Take in N more scores and whose they are, (N,) each."""
        scores_by_subject = self.scores
        for subject, score in zip(subjects.tolist(), scores.tolist(), strict=True):
            if score > scores_by_subject.get(subject, LOWEST):
                scores_by_subject[subject] = score
        best = sorted([(-score, subject) for subject, score in scores_by_subject.items()])[: self.ranks]
        self.scores = {subject: -score for score, subject in best}
        if len(best) == self.ranks:
            self.last = -best[-1][0]


def as_arrays(best: Sequence[BestSubjects]) -> tuple[Ids, Scores]:
    """Return the best subjects of P probes, which are as many for each, and their scores: (P, R) each."""
    shape = (len(best), len(best[0].scores) if best else 0)
    subjects = np.array([list(probe.scores) for probe in best], dtype=np.int64).reshape(shape)
    return subjects, np.array([list(probe.scores.values()) for probe in best], dtype=np.float64).reshape(shape)
