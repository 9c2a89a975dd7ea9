"""Known changes to captures, to ask what a network makes of them.

Every function takes images (N, H, W), floats in [0, 1], leaves them untouched, and returns float32 of the same shape
and range. Images of another kind, or a change that cannot be made of them, are an InputError.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError, check_integer

Images = NDArray[np.float32]


def shift(images: ArrayLike, dx: int, dy: int) -> Images:
    """Move the picture by whole pixels, ``dx`` to the right and ``dy`` down.

    The strip that comes into view repeats the nearest edge pixel: a black strip would be a second change, of
    brightness, and wrapping round would bring the chin in above the hair.

    Parameters
    ----------
    dx, dy : int
        Pixels; negative is left and up. Smaller than W and H, so that something of the picture stays.

    Examples
    --------
    >>> shift([[[0.1, 0.2, 0.3]]], dx=1, dy=0)
    array([[[0.1, 0.1, 0.2]]], dtype=float32)
    """
    images = _checked(images)
    height, width = images.shape[1:]
    check_integer("dx", dx, 1 - width, width - 1)
    check_integer("dy", dy, 1 - height, height - 1)
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    return images[:, rows[:, np.newaxis], columns]


def rotate(images: ArrayLike, degrees: float) -> Images:
    """Turn the picture counter-clockwise about its centre.

    Pixels between pixels are interpolated linearly, and corners that come into view repeat the nearest edge pixel.

    Parameters
    ----------
    degrees : float
        The angle; negative is clockwise.
    """
    from scipy import ndimage

    images = _checked(images)
    _check_finite("degrees", degrees)
    turned = ndimage.rotate(images, degrees, axes=(2, 1), reshape=False, order=1, mode="nearest")
    return _within_range(turned)


def occlude(images: ArrayLike, side: int, seed: int) -> Images:
    """Cover a square of every picture, at a place drawn for that picture.

    The square takes the picture's own mean grey: it hides what was there and leaves the brightness about as it was, so
    that a network's answer to the loss is not mixed with its answer to a darker picture. The same seed draws the same
    relative places for every ``side``.

    Parameters
    ----------
    side : int
        Height and width of the square in pixels, from 0 (nothing) to the smaller of H and W.
    seed : int
        The same seed covers the same places.
    """
    images = _checked(images).copy()
    height, width = images.shape[1:]
    check_integer("side", side, 0, min(height, width))
    check_integer("seed", seed, 0)
    room = np.array([height - side + 1, width - side + 1])
    corners = (np.random.default_rng(seed).random((len(images), 2)) * room).astype(int)
    for image, (top, left) in zip(images, corners, strict=True):
        image[top : top + side, left : left + side] = image.mean()
    return images


def brighten(images: ArrayLike, amount: float) -> Images:
    """Add ``amount`` to every pixel and clip to [0, 1].

    Parameters
    ----------
    amount : float
        From -1 to 1, in units of the range from black to white; negative darkens.
    """
    images = _checked(images)
    _check_finite("amount", amount)
    if abs(amount) > 1:
        raise InputError(f"amount must lie in [-1, 1], where 1 is from black to white; got {amount!r}")
    return _within_range(images + np.float32(amount))


def permute_pixels(images: ArrayLike, seed: int) -> Images:
    """Put the pixels of every picture in another order, one fixed order for all.

    Nothing is lost for a network that gives every pixel its own weight; what lay side by side no longer does, so a
    network that looks at neighbourhoods loses what it builds on.

    Parameters
    ----------
    seed : int
        The same seed and shape give the same order.
    """
    images = _checked(images)
    check_integer("seed", seed, 0)
    flat = images.reshape(len(images), -1)
    return flat[:, np.random.default_rng(seed).permutation(flat.shape[1])].reshape(images.shape)


def _within_range(images: NDArray[np.floating]) -> Images:
    return np.asarray(np.clip(images, 0.0, 1.0), dtype=np.float32)


def _checked(images: ArrayLike) -> Images:
    array = np.asarray(images)
    if array.ndim != 3 or 0 in array.shape or array.dtype.kind != "f":
        raise InputError(f"images must be floats of shape (N, H, W); got {array.dtype} {array.shape}")
    if not (array.min() >= 0 and array.max() <= 1):  # NaN fails both
        raise InputError(f"images must lie in [0, 1]; got {array.min():g} to {array.max():g}")
    return array.astype(np.float32, copy=False)


def _check_finite(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise InputError(f"{name} must be a finite number; got {value!r}")
