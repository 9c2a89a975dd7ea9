"""The captures that a network is shown, as one batch."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["batch_of"]


def batch_of(images: "ArrayLike | Tensor", name: str = "images") -> NDArray[np.float32]:
    """Return captures as a contiguous float32 array (N, C, H, W), whatever order they lie in.

    Raises InputError if they are not four-dimensional, none, or no numbers.
    """
    held: Any = images.detach().cpu().float() if hasattr(images, "detach") else images
    try:
        batch = np.ascontiguousarray(held, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: expected numbers (N, C, H, W), got {type(images).__name__}: {error}") from error
    if batch.ndim != 4 or not batch.size:
        raise InputError(
            f"{name}: expected (N, C, H, W) with N at least 1, got {np.shape(held)}; {name}[:, None] adds a channel"
        )
    return batch
