"""The trace of a torch network: the outputs of its layers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from faceloupe.errors import InputError
from faceloupe.inspection.layer_names import chosen_layers
from faceloupe.inspection.outputs import Trace, relu_sides
from faceloupe.inspection.torch_networks.running import Call, Visitor, observe


def torch_trace(network: nn.Module, batch: NDArray[np.float32], layers: Iterable[str] | None) -> Trace:
    """Run captures through a torch network; see :func:`faceloupe.inspection.trace.trace`."""
    wanted = None if layers is None else set(layers)
    try:
        keepers = [_observed(network, batch, wanted)]
    except InputError:
        if len(batch) == 1:
            raise
        keepers = [_observed(network, capture[None], wanted) for capture in batch]  # it may take one at a time
    names = chosen_layers(wanted, [name for name, _, _ in keepers[0].ran])
    outputs = {name: _joined([keeper.outputs[name] for keeper in keepers]) for name in names}
    return Trace(outputs, relu_sides(keepers[0].ran))


def _observed(network: nn.Module, batch: NDArray[np.float32], wanted: set[str] | None) -> "_Keeper":
    keeper = _Keeper(wanted)
    # A copy: a first layer that works in place would overwrite the caller's captures.
    observe(network, torch.tensor(batch), keeper)
    return keeper


def _joined(outputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    joined = np.concatenate(outputs) if len(outputs) > 1 else outputs[0]
    joined.flags.writeable = False
    return joined


class _Keeper(Visitor):
    """Keeps what the wanted layers put out; all for None."""

    def __init__(self, wanted: set[str] | None) -> None:
        self.wanted = wanted
        self.outputs: dict[str, NDArray[np.float32]] = {}
        self.ran: list[tuple[str, str, str | None]] = []
        self._last: Tensor | None = None

    def after(self, call: Call, _remembered: Any) -> None:
        source = self.ran[-1][0] if self.ran and call.given is self._last else None
        self.ran.append((call.name, call.kind, source))
        self._last = call.output
        if self.wanted is None or call.name in self.wanted:
            call.check_numbers()
            self.outputs[call.name] = _array(call.output)


def _array(output: Tensor) -> NDArray[np.float32]:
    """Return a copy: a layer that works in place would overwrite what is kept."""
    plain = output.dequantize() if output.is_quantized else output
    return plain.detach().to_dense().float().cpu().numpy().copy()
