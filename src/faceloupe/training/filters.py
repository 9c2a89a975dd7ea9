"""The filters of a network before and after training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from faceloupe.arrays import encode_array
from faceloupe.errors import InputError
from faceloupe.pages import Shown


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Filters(Shown):
    """The filters of a first convolution before and after training.

    Attributes
    ----------
    before, after : ndarray of float32, (F, height, width)
    """

    before: NDArray[np.float32]
    after: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.after)

    def __repr__(self) -> str:
        count, height, width = self.after.shape
        alike = self.correlation
        return (
            f"Filters({count} of {height}x{width}; correlation with their random start "
            f"{alike.min():.3f} to {alike.max():.3f})"
        )

    @property
    def correlation(self) -> NDArray[np.float64]:
        """Pearson's correlation of each filter with its random start, (F,): near 1, training left it as it was."""
        rows = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(self.before, self.after, strict=True)]
        return np.array(rows)

    def to_document(self) -> dict[str, Any]:
        """Return the filters and their correlations as a plain dictionary."""
        return {
            "schema": "faceloupe.filters/1",
            "before": encode_array(self.before),
            "after": encode_array(self.after),
            "correlation": self.correlation.tolist(),
        }


def compare_filters(trained: nn.Module, begun: nn.Module) -> Filters:
    """Return the filters of the first convolution of a network as it is and as it began.

    Raises
    ------
    InputError
        If it has no convolution.
    """
    after, before = (
        next((layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d)), None)
        for network in (trained, begun)
    )
    if after is None or before is None:
        raise InputError("This network has no convolution, and so no filters; its dense layers have weights.")
    return Filters(*(weights.detach()[:, 0].numpy().copy() for weights in (before, after)))
