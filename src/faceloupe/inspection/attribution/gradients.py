"""The gradient of a target at the output of a layer."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.access import TorchNetwork
from faceloupe.inspection.attribution.targets import Target
from faceloupe.inspection.torch_networks.running import Call, Visitor, watched

AFFINE = {"BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "Linear", "batch_norm", "conv1d", "conv2d", "linear"}


def at_layer(network: TorchNetwork, face: Tensor, target: Target, layer: str) -> tuple[Tensor, Tensor, float, float]:
    """Return a layer's output a (1, C, h, w), the target's gradient g there, the target's value, and its constant part.

    In a piecewise affine network the value is the sum of g·a and of what each later layer adds by itself: its answer to
    zeros times the target's gradient at its output (Srinivas & Fleuret 2019, arXiv:1905.00780). Raises InputError if
    gradients do not lead from the outputs to the layer.
    """
    listener = _AtLayer(layer)
    with watched(network.module, listener):
        value = target.of(network(face))
    slope, *later = slopes(value, listener.outputs, layer)
    constant = sum(float((part * gradient).sum()) for part, gradient in zip(listener.constants, later, strict=True))
    return listener.outputs[0].detach(), slope, float(value.detach()), constant


def last_layer(network: TorchNetwork, face: Tensor, names: Collection[str]) -> str:
    """Return the last layer of these that the outputs depend on: a second head does not count.

    Raises InputError if gradients lead from the outputs to none of them.
    """
    listener = _Outputs(names)
    with watched(network.module, listener):
        outputs = network(face.requires_grad_())
    tensors = list(listener.outputs.values())
    is_led_back = tensors and outputs.requires_grad
    gradients = torch.autograd.grad(outputs.sum(), tensors, allow_unused=True) if is_led_back else ()
    reached = [name for name, gradient in zip(listener.outputs, gradients, strict=False) if gradient is not None]
    if not reached:
        raise _unreached("a layer that puts out a map")
    return reached[-1]


def slopes(value: Tensor, tensors: Sequence[Tensor], start: str = "the face") -> tuple[Tensor, ...]:
    """Return the gradient of a value at each of some tensors; 0 at those that it does not depend on.

    Raises InputError if gradients do not lead from the outputs to the first tensor, which `start` names.
    """
    gradients = torch.autograd.grad(value.sum(), list(tensors), allow_unused=True) if value.requires_grad else [None]
    if gradients[0] is None:
        raise _unreached(start)
    pairs = zip(tensors, gradients, strict=True)
    return tuple(torch.zeros_like(tensor) if gradient is None else gradient for tensor, gradient in pairs)


def _unreached(start: str) -> InputError:
    return InputError(f"gradients do not lead back from the answer to {start}; method='occlusion' needs none")


class _Outputs(Visitor):
    """Keeps what the layers of these names put out, as far as gradients lead to it."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self.outputs: dict[str, Tensor] = {}

    def after(self, call: Call, _remembered: Any) -> None:
        if call.name in self._names and call.output.requires_grad:
            self.outputs[call.name] = call.output


class _AtLayer(Visitor):
    """Keeps a layer's output, the outputs of the affine layers after it, and what those make of zeros."""

    def __init__(self, layer: str) -> None:
        self._layer = layer
        self.outputs: list[Tensor] = []
        self.constants: list[Tensor] = []

    def after(self, call: Call, _remembered: Any) -> Tensor | None:
        if call.name == self._layer:
            call.check_numbers()
            self.outputs.append(call.output.detach().requires_grad_())
            return self.outputs[0].clone()
        if not self.outputs or not call.output.requires_grad or call.kind not in AFFINE or call.given is None:
            return None  # before the layer, beside it, or adding nothing
        self.outputs.append(call.output)
        self.constants.append(call.again(torch.zeros_like(call.given)).detach())
        # A copy goes on: a layer that works in place would overwrite what is kept.
        return call.output.clone()
