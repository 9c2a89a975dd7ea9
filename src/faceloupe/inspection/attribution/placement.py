"""Placement of a map's numbers on the face."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.fields import Field

if TYPE_CHECKING:
    from torch import nn

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Centres of a map's rows and columns, in pixels of the face; pixel 0 is the first."""

    rows: NDArray[np.floating]
    columns: NDArray[np.floating]

    def spread(self, values: NDArray[np.floating], shape: Shape) -> NDArray[np.floating]:
        """Return a map (h, w) as (H, W): linear between the centres, constant beyond the outermost."""
        height, width = shape
        wide = np.stack([np.interp(np.arange(width), self.columns, row) for row in values])
        return np.stack([np.interp(np.arange(height), self.rows, column) for column in wide.T], axis=1)


def pixel_placement(shape: Shape) -> Placement:
    """Return the placement of a map that has one number per pixel."""
    return Placement(np.arange(shape[0], dtype=np.float64), np.arange(shape[1], dtype=np.float64))


def window_placement(rows: NDArray[np.intp], columns: NDArray[np.intp], window: Shape) -> Placement:
    """Return the placement of windows that begin at these rows and columns."""
    return Placement(rows + (window[0] - 1) / 2, columns + (window[1] - 1) / 2)


def layer_placements(network: "nn.Module", face: NDArray[np.float32]) -> dict[str, Placement]:
    """Return the layers that put out maps larger than 1×1, in the order of running, with their placement.

    A position lies at the centre of its receptive field. Where the field is unknown, the map is taken to cover the face
    evenly. Raises InputError if the network cannot run on the face (C, H, W).
    """
    layers = anatomy(network, face.shape).layers
    return {
        layer.name: _placement(layer.field, layer.output_shape[:2], face.shape[1:])
        for layer in layers
        if len(layer.output_shape) == 3 and layer.output_shape[:2] != (1, 1)
    }


def _placement(field: Field | None, shape: Shape, extent: Shape) -> Placement:
    if field is None or field.stride is None:
        return Placement(*((np.arange(n) + 0.5) * size / n - 0.5 for n, size in zip(shape, extent, strict=True)))
    return Placement(
        *(axis.start + (axis.size - 1) / 2 + axis.jump * np.arange(axis.count) for axis in (field.rows, field.columns))
    )
