"""Dead and duplicate units, recognised by their outputs."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

ALIKE = 0.999  # correlation above which two units say the same
HEARD = 5  # values above 0 that a unit needs to be compared: with fewer, a correlation near 1 is chance


def dead_units(outputs: ArrayLike) -> NDArray[np.bool_]:
    """Return which units (channels) of a ReLU layer put out 0 for every capture, at every position.

    Parameters
    ----------
    outputs : array, shape (N, C, ...)
        The output of the ReLU layer for N captures: (N, C) for a dense layer, (N, C, H, W) for a convolution.

    Returns
    -------
    array of bool, shape (C,)
        Such a unit passes no gradient for any of these captures (Lu et al. 2019, arXiv:1903.06733).

    Raises
    ------
    InputError
        If there are fewer than two axes, no capture, or a negative output (then these are not outputs of a ReLU).
    """
    maps = _checked(outputs)
    if (maps < 0).any():
        raise InputError("outputs: expected what a ReLU puts out, got negative numbers; trace the layer after the ReLU")
    dead: NDArray[np.bool_] = ~np.any(maps != 0, axis=(0, *range(2, maps.ndim)))
    return dead


def duplicate_units(outputs: ArrayLike) -> tuple[tuple[int, ...], ...]:
    """Return groups of units (channels) whose outputs are correlated above 0.999 over captures and positions.

    Such units are the same up to scale and offset on these captures; on others they may differ. A unit with fewer than
    five values other than 0 is left out. A group is held together by neighbours: its ends may be a little less alike.

    Parameters
    ----------
    outputs : array, shape (N, C, ...)

    Returns
    -------
    tuple of tuple of int
        Indices from 0, each group in ascending order.

    Raises
    ------
    InputError
        If there are fewer than two axes or no capture.
    """
    from scipy.sparse.csgraph import connected_components

    maps = _checked(outputs)
    values = np.moveaxis(maps, 1, 0).reshape(maps.shape[1], -1).astype(np.float64)
    compared = np.flatnonzero((np.count_nonzero(values, axis=1) >= HEARD) & (np.ptp(values, axis=1) > 0))
    if len(compared) < 2:
        return ()
    _, group_of = connected_components(np.corrcoef(values[compared]) > ALIKE)
    groups = [compared[group_of == group] for group in np.unique(group_of)]
    return tuple(tuple(group.tolist()) for group in groups if len(group) > 1)


def _checked(outputs: ArrayLike) -> NDArray[Any]:
    maps = np.asarray(outputs)
    if maps.ndim < 2 or not len(maps):
        raise InputError(f"outputs: expected (N, C, ...) with N at least 1, got {maps.shape}")
    return maps
