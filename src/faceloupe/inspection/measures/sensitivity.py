"""Sensitivity to shifts: whether a layer moves along with the face, forgives it, or puts out something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.arrays import plain_fields
from faceloupe.errors import InputError
from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.captures import real_numbers
from faceloupe.inspection.fields import Axis, Field
from faceloupe.inspection.layer_names import named
from faceloupe.inspection.layers import IMAGE
from faceloupe.inspection.measures.sensitivity_sentences import sentences
from faceloupe.inspection.networks import Network, resolve_network
from faceloupe.inspection.trace import trace
from faceloupe.pages import Shown

PIXELS = (-16, -8, -4, -2, -1, 1, 2, 4, 8, 16)

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LayerShift:
    """The response of one layer to moved faces; the first is the image itself.

    Attributes
    ----------
    name : str
    source : str or None
        The layer it reads from, "image" for the faces, None where that is unknown.
    shape : tuple of int
        Shape of its output for one face: (C, H, W) for maps, (D,) for a vector.
    stride : (int, int) or None
        Pixels between neighbouring outputs, by rows and columns; None for vectors and where it is unknown.
    equivariance_error : tuple of float or None
        By shift: how far the layer's output for the moved face is from its output for the face, moved, as a share of
        that output's norm; 0 is the same. Taken where the layer sees neither border nor what came into view. None
        where the shift is not a multiple of the stride, nothing is left inside, or the layer has no known stride.
    change : tuple of float or None
        By shift: how far the output for the moved face is from that for the face, left where it is, as a share of
        how far the outputs for two different faces are apart (root mean squares). 0: nothing changes; 1: moving a face
        changes as much as exchanging it. None where the layer puts out the same for all faces.
    """

    name: str
    source: str | None
    shape: tuple[int, ...]
    stride: tuple[int, int] | None
    equivariance_error: tuple[float | None, ...]
    change: tuple[float | None, ...]

    @property
    def largest_error(self) -> float | None:
        """The largest equivariance error; None where none could be taken."""
        return max((error for error in self.equivariance_error if error is not None), default=None)


@dataclass(frozen=True, slots=True, repr=False)
class ShiftSensitivity(Shown):
    """The response of every layer to moved faces; ``print`` shows the numbers, `words` says what they mean.

    Attributes
    ----------
    pixels : tuple of int
        The shifts. Each is made to the right and, separately, downwards (negative: left, up), and both are pooled.
    n : int
        Faces.
    layers : tuple of LayerShift
        In the order of running, "image" first.
    """

    pixels: tuple[int, ...]
    n: int
    layers: tuple[LayerShift, ...]

    def __getitem__(self, name: str) -> LayerShift:
        """Return the response of one layer to the shifts."""
        return named({layer.name: layer for layer in self.layers}, name)

    @property
    def words(self) -> tuple[str, ...]:
        """The numbers as sentences, one for each run of layers that behave alike."""
        return sentences(self)

    def __repr__(self) -> str:
        return f"ShiftSensitivity({len(self.layers) - 1} layers, {self.n} faces, pixels={self.pixels})"

    def __str__(self) -> str:
        left = max(len(layer.name) for layer in self.layers)
        rows = [
            layer.name.ljust(left) + "".join(map(_cell, layer.change, layer.equivariance_error))
            for layer in self.layers
        ]
        return "\n".join(
            [
                f"change over {self.n} faces, 1 being the difference between two; in brackets the equivariance error",
                " " * left + "".join(f"{pixels:+8} px     " for pixels in self.pixels).rstrip(),
                *map(str.rstrip, rows),
            ]
        )

    def to_document(self) -> dict[str, Any]:
        """Return the numbers and the words as a plain dictionary."""
        return {"schema": "faceloupe.shifts/1", **plain_fields(self), "words": list(self.words)}


def shift_sensitivity(
    network: Network, faces: ArrayLike, pixels: Sequence[int] = PIXELS, layers: Sequence[str] | None = None
) -> ShiftSensitivity:
    """Move faces and measure, layer by layer, what moves along and what changes.

    The strip that comes into view repeats the nearest edge pixel, as :func:`faceloupe.faces.perturbations.shift` does.
    That striding ends exact equivariance between the steps is the subject of Azulay & Weiss 2018 (arXiv:1805.12177) and
    Zhang 2019 (arXiv:1904.11486); that borders give positions away, of Kayhan & van Gemert 2020 (arXiv:2003.07064).

    Parameters
    ----------
    network : torch.nn.Module, OnnxNetwork or path of an .onnx file
    faces : array, shape (N, C, H, W)
        At least 2 that differ, prepared as the network was trained.
    pixels : sequence of int
        Shifts, smaller than H and W.
    layers : names, optional
        Only these.

    Raises
    ------
    InputError
        If the faces are not as expected, a shift is too large, or a layer's name is unknown.
    """
    network = resolve_network(network)
    faces, pixels = _checked(faces, pixels)
    layers_by_name = {layer.name: layer for layer in anatomy(network, faces.shape[1:]).layers}
    outputs = {IMAGE: faces, **trace(network, faces, layers)}
    fields = {name: layer.field for name, layer in layers_by_name.items()}
    fields[IMAGE] = Field.of_image((faces.shape[2], faces.shape[3]))
    between_faces = {name: _between_faces(output) for name, output in outputs.items()}
    errors: dict[str, list[float | None]] = {name: [] for name in outputs}
    changes: dict[str, list[float | None]] = {name: [] for name in outputs}
    for distance in pixels:
        shifted = [_shift(faces, distance, axis) for axis in (2, 3)]
        moved = [{IMAGE: batch, **trace(network, batch, list(outputs)[1:])} for batch in shifted]
        for name, output in outputs.items():
            pair = [of_moved[name] for of_moved in moved]
            errors[name].append(_equivariance_error(output, pair, fields[name], distance))
            changes[name].append(_change(output, pair, between_faces[name]))
    shifts = [
        LayerShift(
            name=name,
            source=layers_by_name[name].source if name in layers_by_name else None,
            shape=output.shape[1:],
            stride=field.stride if (field := fields[name]) else None,
            equivariance_error=tuple(errors[name]),
            change=tuple(changes[name]),
        )
        for name, output in outputs.items()
    ]
    return ShiftSensitivity(pixels, len(faces), tuple(shifts))


def _checked(faces: ArrayLike, pixels: Sequence[int]) -> tuple[Maps, tuple[int, ...]]:
    batch = real_numbers(faces, "faces")
    if batch.ndim != 4 or len(batch) < 2 or not np.ptp(batch, axis=0).any():
        raise InputError(f"faces: expected (N, C, H, W) with at least 2 that differ, got {batch.shape}")
    least = min(batch.shape[2:])
    if not len(pixels) or any(distance != int(distance) or abs(distance) >= least for distance in pixels):
        raise InputError(f"pixels: expected whole numbers between -{least} and {least}, got {tuple(pixels)}")
    return batch, tuple(int(distance) for distance in pixels)


def _shift(faces: Maps, distance: int, axis: int) -> Maps:
    # Not faces.perturbations.shift: that takes pixels in [0, 1], and prepared ones lie anywhere. A test compares them.
    size = faces.shape[axis]
    moved: Maps = np.take(faces, np.clip(np.arange(size) - distance, 0, size - 1), axis=axis)
    return moved


def _between_faces(output: Maps) -> float:
    """Return the root mean square distance between the outputs for two different faces."""
    flat = output.reshape(len(output), -1).astype(np.float64)
    # A number that never changes says nothing; left in, the rounding of its mean would.
    flat = flat[:, np.ptp(flat, axis=0) > 0]
    return float(np.sqrt(2 * np.sum((flat - flat.mean(axis=0)) ** 2) / (len(flat) - 1)))


def _change(output: Maps, moved: Sequence[Maps], between_faces: float) -> float | None:
    if not between_faces:
        return None
    squares = [np.sum((shifted - output).astype(np.float64) ** 2) / len(output) for shifted in moved]
    return float(np.sqrt(np.mean(squares)) / between_faces)


def _equivariance_error(output: Maps, moved: Sequence[Maps], field: Field | None, distance: int) -> float | None:
    """Compare along rows and columns, where both can be compared; the squares of both are added."""
    if field is None or field.places != (2, 3):
        return None
    error = norm = 0.0
    for axis, along, size, after in zip((field.rows, field.columns), (2, 3), field.extent, moved, strict=True):
        if axis.uniform or distance % axis.jump:
            return None
        steps = distance // axis.jump
        first, stop = _inside(axis, distance, steps, size)
        if first >= stop:
            return None
        expected = np.take(output, range(first - steps, stop - steps), axis=along).astype(np.float64)
        actual = np.take(after, range(first, stop), axis=along)
        error += float(np.sum((actual - expected) ** 2))
        norm += float(np.sum(expected**2))
    return float(np.sqrt(error / norm)) if norm else None


def _inside(axis: Axis, distance: int, steps: int, size: int) -> tuple[int, int]:
    """Return first and stop of the outputs that see, on the moved face, only pixels that the face had before."""
    old_first, old_stop = max(0, distance), min(size, size + distance)
    first = -((axis.start - old_first) // axis.jump)  # rounded up
    stop = (old_stop - axis.size - axis.start) // axis.jump + 1
    return max(first, steps, 0), min(stop, axis.count, axis.count + steps)


def _cell(change: float | None, error: float | None) -> str:
    shown = f"{change:8.2f}" if change is not None else "       -"
    return shown + (f" ({error:.0g})" if error is not None else "").ljust(8)
