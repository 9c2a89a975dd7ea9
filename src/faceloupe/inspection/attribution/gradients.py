"""The gradient of a target at the output of a layer."""

from collections.abc import Sequence
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
    slope, *later = slopes(value, listener.outputs)
    constant = sum(float((part * gradient).sum()) for part, gradient in zip(listener.constants, later, strict=True))
    return listener.outputs[0].detach(), slope, float(value.detach()), constant


def slopes(value: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the gradient of a value at each of some tensors; 0 at those that it does not depend on.

    Raises InputError if gradients do not lead from the outputs to the first tensor.
    """
    found = torch.autograd.grad(value.sum(), list(tensors), allow_unused=True) if value.requires_grad else [None]
    if found[0] is None:
        raise InputError("gradients do not lead back through this network; method='occlusion' needs none")
    return tuple(torch.zeros_like(at) if slope is None else slope for at, slope in zip(tensors, found, strict=True))


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
