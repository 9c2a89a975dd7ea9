"""What the layers of a network put out, and the layers that are asked for by name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import encode_array
from faceloupe.errors import InputError
from faceloupe.pages import Shown

__all__ = ["Trace", "chosen_layers", "named"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trace(Shown, Mapping[str, NDArray[np.float32]]):
    """The outputs of a network's layers: layer name -> float32 array (N, ...), read-only, in the order of running.

    A map is channel-first, (N, C, H, W), as torch and ONNX hold it. A layer that runs more than once appears as
    ``relu``, ``relu (2)``, ...
    """

    outputs: Mapping[str, NDArray[np.float32]]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return the output of one layer."""
        return named(self.outputs, name)

    def __iter__(self) -> Iterator[str]:
        """Go through the names in the order of running."""
        return iter(self.outputs)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.outputs)

    def to_document(self) -> dict[str, Any]:
        """Return names and outputs as a plain dictionary, in the order of running."""
        layers = [{"name": name, "output": encode_array(output)} for name, output in self.outputs.items()]
        return {"schema": "faceloupe.trace/1", "layers": layers}

    def __repr__(self) -> str:
        return f"Trace({', '.join(f'{name} {output.shape}' for name, output in self.outputs.items())})"


def named(layers: Mapping[str, T], name: str) -> T:
    """Return what belongs to the layer of this name; the KeyError for another lists the names."""
    if name not in layers:
        raise KeyError(f"no layer {name!r}; the layers are {', '.join(layers)}")
    return layers[name]


def chosen_layers(wanted: Iterable[str] | None, available: Sequence[str]) -> list[str]:
    """Return the wanted names, all for None, in the order of `available`.

    Raises
    ------
    InputError
        If no name is given, or one is none of the available; the message lists them, the closest first.
    """
    if wanted is None:
        return list(available)
    wanted = list(wanted)
    if not wanted:
        raise InputError("layers: expected names, got none; leave the argument out for all layers")
    for name in wanted:
        if name not in available:
            close = get_close_matches(name, available, n=5)
            others = [other for other in available if other not in close]
            raise InputError(f"layers: there is no layer {name!r}; the layers are {', '.join([*close, *others])}")
    return [name for name in available if name in wanted]
