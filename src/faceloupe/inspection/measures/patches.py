"""The pieces of the faces that excite a unit most."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.arrays import plain_fields
from faceloupe.errors import InputError
from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.captures import batch_of
from faceloupe.inspection.fields import Field
from faceloupe.inspection.networks import Network, resolve_network
from faceloupe.inspection.trace import trace
from faceloupe.pages import Shown


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Patch:
    """The part of one capture that a unit saw at one position.

    Attributes
    ----------
    value : float
        Output of the unit there.
    capture : int
        Index in the faces given.
    position : (int, int)
        Row and column in the unit's map; (0, 0) for a unit of a dense layer.
    corner : (int, int)
        Row and column of the patch's first pixel in the face; below 0 where the patch begins in the padding.
    pixels : array of float32, shape (C, h, w)
        The unit's whole receptive field there; NaN outside the face, where the network saw padding.
    """

    value: float
    capture: int
    position: tuple[int, int]
    corner: tuple[int, int]
    pixels: NDArray[np.float32]

    def __repr__(self) -> str:
        height, width = self.pixels.shape[1:]
        return (
            f"Patch({self.value:.3g} from {height}×{width} pixels at row {self.corner[0]}, column {self.corner[1]} "
            f"of capture {self.capture})"
        )

    def to_document(self) -> dict[str, Any]:
        """Return the fields as a plain dictionary, the pixels as an encoded array."""
        return plain_fields(self)


class Patches(Shown, tuple[Patch, ...]):
    """The patches that excite a unit (from 0) of a layer most, the strongest first."""

    layer: str
    unit: int

    def __new__(cls, patches: Iterable[Patch], layer: str, unit: int) -> "Patches":
        """Hold the patches of a unit."""
        held = super().__new__(cls, patches)
        held.layer, held.unit = layer, unit
        return held

    def to_document(self) -> dict[str, Any]:
        """Return the patches as a plain dictionary."""
        patches = [patch.to_document() for patch in self]
        return {"schema": "faceloupe.patches/1", "layer": self.layer, "unit": self.unit, "patches": patches}


def top_patches(network: Network, faces: ArrayLike, layer: str, unit: int, k: int = 9) -> Patches:
    """Return the pieces of the faces that excite a unit most, at most one a capture, the strongest first.

    The idea is that of Zeiler & Fergus 2014 (arXiv:1311.2901). What excites a unit most is not all that it answers to.

    Parameters
    ----------
    network : torch.nn.Module, OnnxNetwork or path of an .onnx file
    faces : array, shape (N, C, H, W)
        Prepared as the network was trained.
    layer : str
        With known receptive field; its output is (N, units, h, w) or (N, units).
    unit : int
        Index of the unit (channel), from 0.
    k : int
        At most so many.

    Returns
    -------
    Patches
        Fewer than `k` where there are fewer captures. Where a unit never goes below 0, as after a ReLU, captures for
        which it puts out 0 do not excite it and are left out: a dead unit has no patches.

    Raises
    ------
    InputError
        If there is no such layer or unit, its receptive field is unknown, or `k` is below 1.
    """
    network = resolve_network(network)
    faces = batch_of(faces, "faces")
    output = trace(network, faces, [layer])[layer]
    field = anatomy(network, faces.shape[1:])[layer].field
    if field is None:
        raise InputError(f"layer {layer!r}: where it looks on the face is unknown; take an earlier layer")
    if not 0 <= unit < output.shape[1] or k < 1:
        raise InputError(f"expected a unit from 0 to {output.shape[1] - 1} and k at least 1, got {unit} and {k}")
    maps = output[:, unit].reshape(len(faces), -1)
    best = maps.argmax(axis=1)
    values = maps[np.arange(len(maps)), best]
    ranked = np.argsort(-values, kind="stable")
    excited = ranked[values[ranked] > 0] if maps.min() >= 0 else ranked
    columns = output.shape[3] if output.ndim == 4 else 1
    strongest = (_patch(faces[i], int(i), float(values[i]), divmod(int(best[i]), columns), field) for i in excited[:k])
    return Patches(strongest, layer, unit)


def _patch(face: NDArray[np.float32], capture: int, value: float, position: tuple[int, int], field: Field) -> Patch:
    axes = field.rows, field.columns
    corner = tuple(axis.start + index * axis.jump for axis, index in zip(axes, position, strict=True))
    sides = [np.arange(first, first + size) for first, size in zip(corner, field.size, strict=True)]
    inside = [(side >= 0) & (side < size) for side, size in zip(sides, face.shape[1:], strict=True)]
    pixels = np.full((len(face), *field.size), np.nan, dtype=np.float32)
    pixels[:, *np.ix_(*inside)] = face[:, *np.ix_(*(side[within] for side, within in zip(sides, inside, strict=True)))]
    return Patch(value, capture, position, (corner[0], corner[1]), pixels)
