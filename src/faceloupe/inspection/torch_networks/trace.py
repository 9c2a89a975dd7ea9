"""The trace of a torch network: the outputs of its layers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from faceloupe.errors import InputError
from faceloupe.inspection.layer_names import chosen_layers
from faceloupe.inspection.outputs import Trace, relu_sides, stacked
from faceloupe.inspection.torch_networks.running import Call, Visitor, observe


def torch_trace(network: nn.Module, batch: NDArray[np.float32], layers: Iterable[str] | None) -> Trace:
    """Run captures through a torch network; see :func:`faceloupe.inspection.trace.trace`."""
    names = None if layers is None else set(layers)
    keepers = [] if len(batch) == 1 or not _takes_batches(network) else _at_once(network, batch, names)
    if not keepers:
        keepers = [_observed(network, capture[None], names) for capture in batch]
    ran = [layer for layer in keepers[0].ran if all(layer in keeper.ran for keeper in keepers)]
    chosen = chosen_layers(names, [name for name, _, _ in ran])
    if len(keepers) < len(batch):
        outputs = keepers[0].outputs
    else:
        outputs = {name: stacked([keeper.outputs[name] for keeper in keepers]) for name in chosen}
    return Trace({name: outputs[name] for name in chosen}, relu_sides(ran))


def _takes_batches(network: nn.Module) -> bool:
    """Return False for a network with layers that have their steps first and the batch after them."""
    return all(getattr(module, "batch_first", True) for module in network.modules())


def _at_once(network: nn.Module, batch: NDArray[np.float32], names: set[str] | None) -> "list[_Keeper]":
    """Run all captures as one batch; [] for a network that takes one at a time, or whose outputs have other rows."""
    try:
        keeper = _observed(network, batch, names)
    except InputError:
        return []
    return [keeper] if all(output.shape[:1] == (len(batch),) for output in keeper.outputs.values()) else []


def _observed(network: nn.Module, batch: NDArray[np.float32], names: set[str] | None) -> "_Keeper":
    keeper = _Keeper(names)
    # A copy: a first layer that works in place would overwrite the caller's captures.
    observe(network, torch.tensor(batch), keeper)
    return keeper


class _Keeper(Visitor):
    """Keeps what the layers of these names put out; all for None."""

    def __init__(self, names: set[str] | None) -> None:
        self.names = names
        self.outputs: dict[str, NDArray[np.float32]] = {}
        self.ran: list[tuple[str, str, str | None]] = []
        self._last: Tensor | None = None

    def after(self, call: Call, _remembered: Any) -> None:
        source = self.ran[-1][0] if self.ran and call.given is self._last else None
        self.ran.append((call.name, call.kind, source))
        self._last = call.output
        if self.names is None or call.name in self.names:
            call.check_numbers()
            self.outputs[call.name] = _array(call.output)


def _array(output: Tensor) -> NDArray[np.float32]:
    """Return a copy: a layer that works in place would overwrite what is kept."""
    plain = output.dequantize() if output.is_quantized else output.to_dense()
    copy = (plain.abs() if plain.is_complex() else plain).detach().float().cpu().numpy().copy()
    copy.flags.writeable = False
    return copy
