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
        return slope.mul_(activated > 0)
    if activation == "leaky":
        return slope.copy_(torch.where(activated > 0, slope, LEAK * slope))
    return slope.mul_(1 - activated.square()) if activation == "tanh" else slope
