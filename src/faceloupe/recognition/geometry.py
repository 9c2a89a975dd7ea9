"""Transforms of points when a picture is moved, turned and scaled."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

__all__ = ["similarity"]


def similarity(points: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation, scale and shift that takes points nearest to their targets, in the least squares.

    Umeyama 1991, doi:10.1109/34.88573. Never a reflection.

    Parameters
    ----------
    points, targets : array, (N, 2)

    Returns
    -------
    array of float64, (2, 3)
        Takes (x, y, 1) to (x, y).

    Raises
    ------
    InputError
        If the points all lie in one place.
    """
    source, target = np.asarray(points, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_part, target_part = source - source_mean, target - target_mean
    spread = (source_part**2).sum()
    if not spread > 0:
        raise InputError("points: expected at least two different places, got one")
    left, singular, right = np.linalg.svd(target_part.T @ source_part)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left * signs @ right * (singular @ signs / spread)
    return np.column_stack([rotation, target_mean - rotation @ source_mean])
