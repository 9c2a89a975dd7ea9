"""References that are like none of their subject's others: another person's photograph among them, or a poor one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from faceloupe.gallery import saved_points
from faceloupe.gallery.lookalikes import is_by_chance
from faceloupe.gallery.records import EmbedderId, Templates
from faceloupe.recognition.thresholds import find_point
from faceloupe.scores import OperatingPoint

__all__ = ["Strangers", "point_for", "strangers", "unlike_all"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Strangers:
    """What comparing the references of each subject with each other gave, for one embedder.

    Attributes
    ----------
    point : OperatingPoint
        Whose threshold was used.
    compared : int
        References that have others of the same subject.
    found : tuple of (int, int, float)
        Subject, reference and its highest score with the others, below the threshold; the lowest first.
    """

    point: OperatingPoint
    compared: int
    found: tuple[tuple[int, int, float], ...]

    @property
    def by_chance(self) -> bool:
        """Whether the share of one person's photographs that do not match explains as many subjects."""
        return is_by_chance(len({subject for subject, _, _ in self.found}), self.compared * (self.point.fnmr or 0.0))


def strangers(kept: Templates, point: OperatingPoint) -> Strangers:
    """Compare the references of each subject with each other, those of one embedder."""
    compared, found = 0, []
    by_subject = np.argsort(kept.subjects, kind="stable")
    for own in np.split(by_subject, np.flatnonzero(np.diff(kept.subjects[by_subject])) + 1):
        compared += len(own) if len(own) > 1 else 0
        alone = unlike_all(kept.vectors[own], point.threshold)
        found += [(int(kept.subjects[own[row]]), int(kept.references[own[row]]), best) for row, best in alone]
    return Strangers(point, compared, tuple(sorted(found, key=lambda one: one[2])))


def point_for(connection: Connection, embedder: EmbedderId) -> OperatingPoint | None:
    """Return the operating point that a gallery uses for an embedder; None if there is none."""
    return saved_points.latest(connection, embedder) or find_point(embedder)


def unlike_all(vectors: Floats, threshold: float) -> list[tuple[int, float]]:
    """Return which of one subject's vectors reach the threshold with no other, and their highest scores.

    Parameters
    ----------
    vectors : array of float32, (N, D)
        Of length 1. A single one has no others, and is not among them.
    threshold : float
    """
    if len(vectors) < 2:
        return []
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    best = scores.max(axis=1)
    return [(int(row), float(best[row])) for row in np.flatnonzero(best < threshold)]
