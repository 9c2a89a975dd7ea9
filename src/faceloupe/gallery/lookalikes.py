"""Subjects whose references match: one person enrolled under two names, or two people who look alike."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from faceloupe.gallery.records import EmbedderId, Templates
from faceloupe.gallery.saved_points import point_for
from faceloupe.scores.intervals import is_by_chance
from faceloupe.scores.points import OperatingPoint, one_in

_SCORES = 2**23  # held at once, 32 MB, however many references there are


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """The result of comparing all references of one embedder.

    Attributes
    ----------
    embedder : EmbedderId
    point : OperatingPoint or None
        The operating point used; None if there is none, and then nothing was compared.
    comparisons : int
        Number of comparisons of different subjects' references.
    pairs : tuple of (int, int, float)
        Ids of two subjects and their highest score, the highest first.
    """

    embedder: EmbedderId
    point: OperatingPoint | None
    comparisons: int
    pairs: tuple[tuple[int, int, float], ...]

    @property
    def expected(self) -> float:
        """Number of comparisons that match by chance, at the FMR measured or asked for, the larger of them."""
        return self.comparisons * max(self.point.fmr, self.point.target_fmr) if self.point else 0.0

    @property
    def by_chance(self) -> bool:
        """True if chance alone gives as many pairs in more than one gallery of 20 (Poisson)."""
        return is_by_chance(len(self.pairs), self.expected)

    @property
    def threshold(self) -> float:
        """Score from which two references match."""
        return self.point.threshold if self.point else float("inf")

    def words(self) -> str:
        """Return how look-alikes were searched, and the number expected by chance; "" where nothing was compared."""
        if self.point is None:
            return (
                f"Look-alikes by {self.embedder} were not looked for: it has no threshold here (faceloupe calibrate "
                "makes one)."
            )
        if not self.comparisons:
            return ""
        compared = "1 comparison" if self.comparisons == 1 else f"{self.comparisons:,} comparisons"
        return (
            f"Look-alikes by {self.embedder}: {compared} of different subjects at the threshold "
            f"{self.threshold:.3f}. By chance alone about {self.expected:,.2g} of them match (FMR "
            f"{one_in(max(self.point.fmr, self.point.target_fmr))}): look at the photographs before you merge."
        )


def look_alikes(connection: Connection, embedder: EmbedderId, templates: Templates) -> LookAlikes:
    """Compare all references of one embedder with each other."""
    sizes = np.unique(templates.subjects, return_counts=True)[1]
    comparisons = (len(templates) ** 2 - int((sizes**2).sum())) // 2
    point = point_for(connection, embedder, comparisons)
    if point is None:
        return LookAlikes(embedder, None, 0, ())
    best = matching_pairs(templates.vectors, templates.subjects, point.threshold)
    pairs = sorted(((*pair, score) for pair, score in best.items()), key=lambda pair: (-pair[2], pair))
    return LookAlikes(embedder, point, comparisons, tuple(pairs))


def matching_pairs(
    vectors: NDArray[np.float32], subjects: NDArray[np.int64], threshold: float
) -> dict[tuple[int, int], float]:
    """Return the highest score of each pair of different subjects that reaches the threshold.

    Parameters
    ----------
    vectors : array of float32, (N, D)
        Vectors of length 1.
    subjects : array of int64, (N,)
        Subject of each vector.
    threshold : float
    """
    best: dict[tuple[int, int], float] = defaultdict(lambda: -1.0)
    rows = max(16, _SCORES // max(len(vectors), 1))
    for start in range(0, len(vectors), rows):
        scores = vectors[start : start + rows] @ vectors[start:].T
        for row, column in zip(*np.nonzero(scores >= threshold), strict=True):
            first, second = sorted((int(subjects[start + row]), int(subjects[start + column])))
            if first != second:
                best[first, second] = max(best[first, second], float(scores[row, column]))
    return dict(best)
