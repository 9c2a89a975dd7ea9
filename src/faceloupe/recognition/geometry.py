"""Transforms of points when a picture is moved, turned and scaled."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError


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
    source, target = (np.asarray(places, dtype=np.float64) @ (1, 1j) for places in (points, targets))
    source_mean, target_mean = source.mean(), target.mean()
    source_part, target_part = source - source_mean, target - target_mean
    spread = (np.abs(source_part) ** 2).sum()
    if not spread > 0:
        raise InputError("points: expected at least two different places, got one")
    turn = np.vdot(source_part, target_part) / spread  # in the plane the least squares are one complex number
    shift = target_mean - turn * source_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
