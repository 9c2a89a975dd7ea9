"""A layer's output read as one vector for each capture, and what those vectors have in common."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError


def flat(output: ArrayLike, name: str, least: int) -> NDArray[np.float64]:
    """Return (n, d), checked to hold finite numbers for at least so many captures; `name` is for the message."""
    X = np.asarray(output, dtype=np.float64)
    if X.ndim < 2 or len(X) < least:
        raise InputError(f"{name}: expected (n, d) or (n, ...) with n at least {least}, got {X.shape}")
    if not np.isfinite(X).all():
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity; the network may have diverged")
    return X.reshape(len(X), -1)


def centred_gram(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products of captures (n, d) with one another around their mean, (n, n)."""
    # A number that never changes (a dead unit) says nothing; left in, the rounding of its mean would.
    X = X[:, np.ptp(X, axis=0) > 0]
    centred = X - X.mean(axis=0)
    return np.asarray(centred @ centred.T)
