"""References that are like none of their subject's others: another person's photograph among them, or a poor one."""

from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from faceloupe.gallery.records import Templates
from faceloupe.scores.intervals import is_by_chance
from faceloupe.scores.points import OperatingPoint

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Strangers:
    """The result of comparing the references of each subject with each other, for one embedder.

    Attributes
    ----------
    point : OperatingPoint
        The operating point used.
    compared : int
        References that have others of the same subject.
    unlike : tuple of (int, int, float)
        Subject, reference and its highest score with the others, below the threshold; the lowest first.
    """

    point: OperatingPoint
    compared: int
    unlike: tuple[tuple[int, int, float], ...]

    @property
    def by_chance(self) -> bool:
        """True if the usual share of one person's photographs that do not match explains as many subjects."""
        return is_by_chance(len({subject for subject, _, _ in self.unlike}), self.compared * (self.point.fnmr or 0.0))


def strangers(templates: Templates, point: OperatingPoint) -> Strangers:
    """Compare the references of each subject with each other, those of one embedder."""
    compared, below = 0, []
    by_subject = np.argsort(templates.subjects, kind="stable")
    for rows in np.split(by_subject, np.flatnonzero(np.diff(templates.subjects[by_subject])) + 1):
        compared += len(rows) if len(rows) > 1 else 0
        for place, score in unlike_all(templates.vectors[rows], point.threshold):
            row = rows[place]
            below.append((int(templates.subjects[row]), int(templates.references[row]), score))
    return Strangers(point, compared, tuple(sorted(below, key=itemgetter(2))))


def unlike_all(vectors: Floats, threshold: float) -> list[tuple[int, float]]:
    """Return which of one subject's vectors reach the threshold with no other, and their highest scores.

    Parameters
    ----------
    vectors : array of float32, (N, D)
        Vectors of length 1. A single one has no others and is not returned.
    threshold : float
    """
    if len(vectors) < 2:
        return []
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    best = scores.max(axis=1)
    return [(int(row), float(best[row])) for row in np.flatnonzero(best < threshold)]
