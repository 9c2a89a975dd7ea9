"""Captures as a network takes them, from whatever holds numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def batch_of(images: "ArrayLike | Tensor", name: str) -> NDArray[np.float32]:
    """Return captures as an array (N, C, H, W); raise InputError, which calls them by this name, if they are none."""
    batch = real_numbers(images, name)
    if batch.ndim != 4 or not batch.size:
        raise InputError(
            f"{name}: expected (N, C, H, W) with N at least 1, got {batch.shape}; {name}[:, None] adds a channel"
        )
    return batch


def real_numbers(values: "ArrayLike | Tensor", name: str) -> NDArray[np.float32]:
    """Return an array or tensor of any kind, device and order as contiguous float32.

    Raises InputError if it holds anything but finite real numbers.
    """
    try:
        held: Any = values.detach().cpu() if hasattr(values, "detach") else values
        held = held.float() if hasattr(held, "is_floating_point") and held.is_floating_point() else held
        array = np.asarray(held)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"they are of type {array.dtype}")
        numbers = np.asarray(array, dtype=np.float32, order="C")
    except (TypeError, ValueError, RuntimeError) as problem:
        raise InputError(f"{name}: expected real numbers, got {type(values).__name__}: {problem}") from problem
    if not np.isfinite(numbers).all():
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    return numbers
