"""Large maps cut down to what a page can show."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def block_side(extent: Sequence[int], longest: int) -> int:
    """Return the side of the squares of places whose means make no side of a map, (H, W), longer than `longest`."""
    return -(-max(extent) // longest)


def averaged(maps: Floats, block: int) -> Floats:
    """Return maps (..., H, W) as the means of squares of `block` × `block` places.

    The squares at the ends of rows and columns cover only the places that exist.
    """
    if block == 1:
        return maps
    extent = maps.shape[-2:]
    rows, columns = (np.arange(0, size, block) for size in extent)
    sums = np.add.reduceat(np.add.reduceat(maps, rows, axis=-2), columns, axis=-1)
    heights, widths = (np.diff(first, append=size) for first, size in zip((rows, columns), extent, strict=True))
    means: Floats = (sums / np.outer(heights, widths)).astype(np.float32)
    return means
