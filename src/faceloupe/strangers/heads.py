"""Linear heads for a fixed embedder: how to turn and stretch its vectors so that people are told apart better.

Vectors of one person differ (*within*), and the means of people differ (*between*). A head takes the mean away,
whitens what differs within a person (WCCN: Hatch, Kajarekar & Stolcke 2006), and then keeps the directions in which
people differ most (linear discriminant analysis, LDA) or weighs all by how much they tell (PLDA in its two-covariance
form: Brümmer & de Villiers 2010). Covariances are shrunk as Ledoit & Wolf 2004 (doi:10.1016/S0047-259X(03)00096-4)
say, and by more where cross-validation asks for it. Whatever the head, its vectors are compared by the cosine.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, extra
from faceloupe.recognition.adapted import Head, unit_vectors

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

LEAST = 1e-6  # of the mean variance: below that a direction is taken to have none


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way of making a head.

    Attributes
    ----------
    kind : {"centre", "wccn", "lda", "plda"}
        Take the mean away and nothing else; whiten within people too; then keep the better half of the directions; or
        weigh each direction by what it tells.
    shrinkage : float
        From 0 to 1: how far the covariance within people, shrunk by Ledoit and Wolf already, is drawn on towards one
        that is equal in all directions.
    """

    kind: Literal["centre", "wccn", "lda", "plda"]
    shrinkage: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "centre" else f"{self.kind}, shrinkage {self.shrinkage:g}"


RECIPES = (
    Recipe("centre"),
    *(Recipe("wccn", shrinkage) for shrinkage in (0.0, 0.3, 0.6, 0.9)),
    *(Recipe("plda", shrinkage) for shrinkage in (0.0, 0.3, 0.6, 0.9)),
    *(Recipe("lda", shrinkage) for shrinkage in (0.3, 0.6)),
)
"""The recipes that cross-validation chooses from."""


def fit_head(recipe: Recipe, vectors: NDArray[np.float32], subjects: Labels) -> Head:
    """Make a head of labelled vectors.

    Parameters
    ----------
    recipe : Recipe
    vectors : array of float32, (N, D)
        Vectors of any length other than 0.
    subjects : array of intp, (N,)
        Subject of each. Those with one vector say something of how people differ, and nothing of how one does.

    Raises
    ------
    InputError
        If there are fewer than three subjects, or nobody has two different vectors.
    """
    units = unit_vectors(vectors)
    _, people, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    if len(counts) < 3:
        raise InputError(f"a head is learned from three subjects or more; got {len(counts)}")
    means = np.zeros((len(counts), units.shape[1]))
    np.add.at(means, people, units)
    means /= counts[:, np.newaxis]
    centre = means.mean(axis=0)
    matrix = np.eye(units.shape[1]) if recipe.kind == "centre" else _matrix(recipe, units, people, means, counts)
    return Head(centre.astype(np.float32), matrix.astype(np.float32))


def _matrix(recipe: Recipe, units: Floats, people: Labels, means: Floats, counts: Labels) -> Floats:
    whitening = _whitening(_within(units, people, means, counts), recipe.shrinkage)
    if recipe.kind == "wccn":
        return whitening
    between = _shrunk((means - means.mean(axis=0)) @ whitening)
    spread, directions = np.linalg.eigh(between)
    spread = np.maximum(spread[::-1] - np.mean(1 / counts), 0)  # a mean of n vectors still varies by 1/n of the one
    directions = directions[:, ::-1]
    if recipe.kind == "lda":
        return np.asarray(whitening @ directions[:, : max(2, len(spread) // 2)])
    # The log likelihood ratio of two vectors x and y is, but for terms of one alone, the sum of x y ψ / (1 + 2 ψ).
    return np.asarray(whitening @ (directions * np.sqrt(spread / (1 + 2 * spread))))


def _within(units: Floats, people: Labels, means: Floats, counts: Labels) -> Floats:
    several = counts[people] > 1
    residuals = (units - means[people])[several]
    if not np.abs(residuals).max(initial=0) > LEAST:
        raise InputError("a head is learned from how the photographs of one person differ; nobody has two that do")
    n = counts[people][several]
    return _shrunk(residuals * np.sqrt(n / (n - 1))[:, np.newaxis])  # free of the bias of few photographs each


def _whitening(within: Floats, shrinkage: float) -> Floats:
    level = np.trace(within) / len(within)
    drawn = (1 - shrinkage) * within + shrinkage * level * np.eye(len(within))
    variances, axes = np.linalg.eigh(drawn)
    return np.asarray(axes / np.sqrt(np.maximum(variances, LEAST * level)))


def _shrunk(centred: Floats) -> Floats:
    with extra("study"):
        from sklearn.covariance import ledoit_wolf

    return np.asarray(ledoit_wolf(centred, assume_centered=True)[0])
