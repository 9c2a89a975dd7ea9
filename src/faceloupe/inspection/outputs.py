"""The outputs of a network's layers, by name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import encode_array
from faceloupe.inspection.arithmetic import batch_axis
from faceloupe.inspection.layer_names import named
from faceloupe.pages import Shown


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trace(Shown, Mapping[str, NDArray[np.float32]]):
    """The outputs of a network's layers: layer name -> float32 array (N, ...), read-only, in the order of running.

    A map is channel-first, (N, C, H, W), as torch and ONNX hold it. A layer that runs more than once appears as
    ``relu``, ``relu (2)``, ...

    Attributes
    ----------
    outputs : mapping of str to array
    sides : mapping of str to str
        "before the ReLU" or "after the ReLU", for the layers that a ReLU reads and for the ReLUs.
    """

    outputs: Mapping[str, NDArray[np.float32]]
    sides: Mapping[str, str] = field(default_factory=dict)

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


def stacked(outputs: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return (N, ...), read-only, of N outputs, each of a batch of 1, or of none where a layer takes it away."""
    shape = outputs[0].shape
    rows = [np.squeeze(each, batch_axis(shape)) for each in outputs] if 1 in shape else outputs
    joined = np.stack(rows).astype(np.float32, copy=False)
    joined.flags.writeable = False
    return joined


def relu_sides(layers: Iterable[tuple[str, str, str | None]]) -> dict[str, str]:
    """Return on which side of a ReLU each layer's output lies, where it is beside one.

    A layer is (name, kind, source), where the source is the layer whose output it reads, or None.

    >>> relu_sides([("conv", "Conv2d", None), ("act", "ReLU", "conv"), ("pool", "MaxPool2d", "act")])
    {'conv': 'before the ReLU', 'act': 'after the ReLU'}
    """
    relus = [(name, source) for name, kind, source in layers if kind.lower() == "relu"]
    return {source: "before the ReLU" for _, source in relus if source} | {name: "after the ReLU" for name, _ in relus}
