"""Outputs of the layers for some faces, cut down to what a page can hold; the memory is that of one face."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.arithmetic import evenly
from faceloupe.inspection.averaging import averaged, block_side
from faceloupe.inspection.layer_names import chosen_layers
from faceloupe.inspection.layers import Anatomy
from faceloupe.inspection.trace import trace

LAYERS = 16  # shown without being named
CHANNELS = 16  # of a layer of maps
UNITS = 256  # of a vector
SIDE = 57  # pixels: the tutorial's maps as they are; larger ones are averaged
# These put out the numbers they get, in the same or another order.
REARRANGING = {"Dropout", "Dropout2d", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose"}

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LayerOutput:
    """The output of one layer for the faces that are shown.

    `shape` is that of the whole output for one face: (C, H, W) for maps, (D,) for what has no places. `units` (K,) are
    the channels or units that are kept, from 0 and in order: those that vary most over faces and places. `values` are
    (N, K, h, w) or (N, K), read-only; a pixel of them is the mean of a square of `block` × `block` places.
    """

    name: str
    shape: tuple[int, ...]
    units: NDArray[np.intp]
    values: Floats
    block: int

    @property
    def is_maps(self) -> bool:
        """True if the layer's output has rows and columns."""
        return self.values.ndim == 4

    def __repr__(self) -> str:
        return f"LayerOutput({self.name}: {len(self.units)} of {self.shape[0]}, {self.values.shape})"


def choose_layers(anatomy: Anatomy, names: Iterable[str] | None) -> list[str]:
    """Return the layers to show: those named, or else all that compute; of many the last of each output's shape.

    What computes one number is left out too: the answers say it. Raises InputError if a named layer does not exist;
    the message lists them.
    """
    if names is not None:
        return chosen_layers(names, [layer.name for layer in anatomy.layers])
    computing = [
        layer for layer in anatomy.layers if layer.kind not in REARRANGING and layer.output_shape != (1,)
    ] or list(anatomy.layers)
    if len(computing) <= LAYERS:
        return [layer.name for layer in computing]
    last = {layer.output_shape: layer.name for layer in computing}
    ends = [layer.name for layer in computing if layer.name == last[layer.output_shape]]
    return evenly(ends, LAYERS)


def observe_layers(network: Any, faces: Floats, names: Sequence[str], shown: int) -> dict[str, LayerOutput]:
    """Run faces (N, C, H, W) one by one and keep, of each named layer, what varies most for the first `shown` faces.

    The channels are judged on all faces; the faces run twice, so that the outputs of one face are held at a time.
    """
    sums: dict[str, list[NDArray[np.float64]]] = {}
    for face in faces:
        for name, output in trace(network, face[None], names).items():
            units = output.shape[1] if output.ndim == 4 else output.size
            of_units = output.reshape(units, -1).astype(np.float64)
            moments = [np.full(units, of_units.shape[1]), of_units.sum(axis=1), (of_units**2).sum(axis=1)]
            sums[name] = [a + b for a, b in zip(sums[name], moments, strict=True)] if name in sums else moments
    shown_outputs: dict[str, list[Floats]] = {name: [] for name in sums}
    facts: dict[str, tuple[tuple[int, ...], NDArray[np.intp], int]] = {}  # shape, units and block
    for face in faces[:shown]:
        for name, output in trace(network, face[None], names).items():
            maps = output[0] if output.ndim == 4 else output.reshape(-1)
            if name not in facts:
                block = block_side(maps.shape[1:], SIDE) if maps.ndim == 3 else 1
                facts[name] = maps.shape, _most_varied(sums[name], maps.ndim == 3), block
            _, units, block = facts[name]
            shown_outputs[name].append(averaged(maps[units], block))
    outputs = {}
    for name, (shape, units, block) in facts.items():
        values = np.stack(shown_outputs[name])
        values.flags.writeable = False
        outputs[name] = LayerOutput(name, shape, units, values, block)
    return outputs


def _most_varied(sums: Sequence[NDArray[np.float64]], maps: bool) -> NDArray[np.intp]:
    count, total, squares = sums
    variance = squares / count - (total / count) ** 2
    return np.sort(np.argsort(-variance, kind="stable")[: CHANNELS if maps else UNITS])
