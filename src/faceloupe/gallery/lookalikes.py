"""Subjects whose references match: one person enrolled under two names, or two people who look alike."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from faceloupe.errors import InputError
from faceloupe.gallery import points
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references
from faceloupe.recognition.points import published_point
from faceloupe.scores import OperatingPoint
from faceloupe.scores.points import one_in

__all__ = ["LookAlikes", "look_alikes", "matching_pairs"]

_ROWS = 1024  # of the matrix of all scores, held at once


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """What comparing all references of one embedder gave.

    Attributes
    ----------
    embedder : EmbedderId
    point : OperatingPoint or None
        Whose threshold was used; None if there is none, and then nothing was compared.
    comparisons : int
        Of references of different subjects.
    pairs : tuple of (int, int, float)
        Ids of two subjects and their highest score, the highest first.
    """

    embedder: EmbedderId
    point: OperatingPoint | None
    comparisons: int
    pairs: tuple[tuple[int, int, float], ...]

    @property
    def threshold(self) -> float:
        """From which score two references match."""
        return self.point.threshold if self.point else float("inf")

    def words(self) -> str:
        """Return how look-alikes were looked for, and what chance alone is expected to give."""
        if self.point is None:
            return (
                f"Look-alikes by {self.embedder} were not looked for: it has no threshold here (faceloupe calibrate "
                "makes one)."
            )
        return (
            f"Look-alikes by {self.embedder}: {self.comparisons:,} comparisons of different subjects at the threshold "
            f"{self.threshold:.3f}. By chance alone about {self.comparisons * self.point.fmr:,.2g} of them match (FMR "
            f"{one_in(self.point.fmr)}): look at the photographs before you merge."
        )


def look_alikes(connection: Connection) -> list[LookAlikes]:
    """Compare all references with each other, embedder by embedder."""
    made = select(references.c.embedder, references.c.weights_sha256).distinct()
    return [_of(connection, embedder) for embedder in sorted(EmbedderId(*row) for row in connection.execute(made))]


def matching_pairs(
    vectors: NDArray[np.float32], subjects: NDArray[np.int64], threshold: float
) -> dict[tuple[int, int], float]:
    """Return the highest score of each pair of different subjects that reaches the threshold.

    Parameters
    ----------
    vectors : array of float32, (N, D)
        Of length 1.
    subjects : array of int64, (N,)
        Whose they are.
    threshold : float
    """
    best: dict[tuple[int, int], float] = defaultdict(lambda: -1.0)
    for start in range(0, len(vectors), _ROWS):
        scores = vectors[start : start + _ROWS] @ vectors[start:].T
        for row, column in zip(*np.nonzero(scores >= threshold), strict=True):
            one, other = int(subjects[start + row]), int(subjects[start + column])
            if one != other:
                pair = (min(one, other), max(one, other))
                best[pair] = max(best[pair], float(scores[row, column]))
    return dict(best)


def _of(connection: Connection, embedder: EmbedderId) -> LookAlikes:
    point = points.latest(connection, embedder) or _published(embedder)
    if point is None:
        return LookAlikes(embedder, None, 0, ())
    rows = connection.execute(
        select(references.c.subject_id, references.c.vector)
        .where(references.c.embedder == embedder.name, references.c.weights_sha256 == embedder.sha256)
        .order_by(references.c.id)
    ).all()
    subjects = np.array([row.subject_id for row in rows], dtype=np.int64)
    best = matching_pairs(np.stack([row.vector for row in rows]), subjects, point.threshold)
    sizes = np.unique(subjects, return_counts=True)[1]
    comparisons = (len(rows) ** 2 - int((sizes**2).sum())) // 2
    pairs = sorted(((*pair, score) for pair, score in best.items()), key=lambda pair: (-pair[2], pair))
    return LookAlikes(embedder, point, comparisons, tuple(pairs))


def _published(embedder: EmbedderId) -> OperatingPoint | None:
    try:
        return published_point(embedder)
    except InputError:
        return None
