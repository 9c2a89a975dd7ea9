"""A flat picture of where a layer places the captures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError, extra
from faceloupe.inspection.measures.vectors import flat
from faceloupe.numerals import counted
from faceloupe.pages import Shown

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Projection(Shown):
    """Captures on the first principal components of a layer.

    Attributes
    ----------
    points : array of float64, shape (N, n)
        Coordinates in the layer's own units, around the mean. Dimensions that the layer does not have are 0.
    shares : tuple of float
        Share of the layer's variance along each component, 0 to 1.
    d : int
        Numbers per capture in the layer.
    """

    points: Floats
    shares: tuple[float, ...]
    d: int

    def __repr__(self) -> str:
        return f"Projection({self})"

    def __str__(self) -> str:
        shown = " + ".join(f"{100 * share:.0f}" for share in self.shares)
        components = counted(len(self.shares), "component")
        return (
            f"{len(self.points)} captures on {components} of d = {self.d:,}: {shown} % of the variance"
            if sum(self.shares)
            else f"{len(self.points)} captures in one place: the layer puts out the same for all"
        )

    def to_document(self) -> dict[str, Any]:
        """Return the points and the shares as a plain dictionary."""
        shares = list(self.shares)
        return {"schema": "faceloupe.projection/1", "points": self.points.tolist(), "shares": shares, "d": self.d}


def project(layer: ArrayLike, n: int = 2) -> Projection:
    """Project captures onto the first principal components of a layer's output (scikit-learn's PCA).

    A component points so that its largest weight is positive: the same layer always gives the same picture.

    Parameters
    ----------
    layer : array, shape (N, d) or (N, ...)
        The layer's output for N captures, at least 2; more axes are flattened.
    n : int
        Components, at least 1.

    Raises
    ------
    InputError
        If there are fewer than 2 captures, a number is not finite, or `n` is below 1.
    """
    with extra("study"):
        from sklearn.decomposition import PCA

    X = flat(layer, "layer", least=2)
    if n < 1:
        raise InputError(f"n: expected at least 1 component, got {n}")
    points, shares = np.zeros((len(X), n)), np.zeros(n)
    if np.ptp(X, axis=0).any():
        pca = PCA(min(n, *X.shape), svd_solver="full")
        projected = pca.fit_transform(X)
        points[:, : projected.shape[1]], shares[: projected.shape[1]] = projected, pca.explained_variance_ratio_
    return Projection(points, tuple(shares.tolist()), X.shape[1])
