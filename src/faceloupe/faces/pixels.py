"""Pictures as arrays: their kinds of pixel, grey from colour, and the centred square."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.float32]
"""A picture, grey (H, W) or RGB (H, W, 3): bytes from 0 to 255, or floats in [0, 1]."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in a grey value (ITU-R BT.601): ``image @ LUMA`` is grey."""


def as_floats(samples: Samples) -> NDArray[np.float32]:
    """Return the same picture as float32 in [0, 1]."""
    if samples.dtype == np.uint8:
        return np.divide(samples, np.float32(255), dtype=np.float32)
    return samples.astype(np.float32, copy=False)


def to_square(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the largest centred square of an image, (H, W) or (H, W, 3) in [0, 1], resized to ``size`` x ``size``.

    The filter is a triangle as wide as the scale asks for, so that shrinking averages (no aliasing) and enlarging
    interpolates; it never leaves the range of the image.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side == size:
        return square
    if square.ndim == 2:
        return _resize(square, size)
    return np.stack([_resize(square[..., channel], size) for channel in range(3)], axis=-1)


def _resize(plane: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    from PIL import Image

    resized = Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
