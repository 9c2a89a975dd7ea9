"""Activations and their slopes, in place, for many fits at once."""

import torch
from torch import Tensor

from faceloupe.training.specs import LEAK, Activation


def activate_(activation: Activation, sums: Tensor) -> Tensor:
    """Put what a layer put out through its activation, in place."""
    if activation == "relu":
        return sums.relu_()
    if activation == "leaky":
        return torch.nn.functional.leaky_relu_(sums, LEAK)
    return sums.tanh_() if activation == "tanh" else sums


def slope_through(activation: Activation, slope: Tensor, activated: Tensor) -> Tensor:
    """Turn the slope by what an activation put out into that by what it took, in place."""
    if activation == "relu":
        torch.ops.aten.threshold_backward(slope, activated, 0, grad_input=slope)
    elif activation == "leaky":
        torch.ops.aten.leaky_relu_backward(slope, activated, LEAK, self_is_result=True, grad_input=slope)
    elif activation == "tanh":
        torch.ops.aten.tanh_backward(slope, activated, grad_input=slope)
    return slope
