"""A decoded picture as an array: upright, not mirrored, with square pixels."""

from fractions import Fraction
from math import atan2, degrees
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoFrame

SMALL = 64
"""Pixels of the longer side of the small copy by which frames are compared."""

_OBLONG = Fraction(1, 4), Fraction(4)  # pixels further from square are taken for a mistake of the file


def small_grey(picture: "VideoFrame") -> NDArray[np.uint8]:
    """Return a small grey copy, (H, W), as the picture lies in the file."""
    shrink = SMALL / max(picture.width, picture.height)
    width, height = max(8, round(picture.width * shrink)), max(8, round(picture.height * shrink))
    grey: NDArray[Any] = picture.reformat(width=width, height=height, format="gray", interpolation="AREA").to_ndarray()
    return grey


def upright(picture: "VideoFrame", aspect: Fraction | None) -> NDArray[np.uint8]:
    """Return RGB, (H, W, 3), turned as the display matrix says, to the nearest right angle.

    Parameters
    ----------
    picture : av.VideoFrame
    aspect : Fraction or None
        Width of a pixel over its height, if known; oblong pixels are made square by stretching their shorter side.
    """
    width, height = picture.width, picture.height
    if aspect and _OBLONG[0] <= aspect <= _OBLONG[1]:
        width, height = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    image: NDArray[Any] = picture.to_ndarray(format="rgb24", width=width, height=height)
    turns, mirrored = _orientation(picture)
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, turns))


def _orientation(picture: "VideoFrame") -> tuple[int, bool]:
    """Return by how many right angles to turn counter-clockwise, and whether to mirror left and right before that.

    The display matrix takes (x, y, 1), as a row, to where a point is shown (ISO/IEC 14496-12, 6.2.2): nine integers,
    of which the first two of the first two rows are in units of 1/65,536.
    """
    matrix: Any = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(matrix), np.int32).reshape(3, 3).astype(np.float64)
    mirrored = a * d - b * c < 0
    return round(degrees(atan2(b, -a) if mirrored else atan2(-b, a)) / 90) % 4, bool(mirrored)
