"""The anatomy of a torch network: its leaf modules as they ran."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from faceloupe.inspection.arithmetic import Shape, channels_last
from faceloupe.inspection.collector import LayerCollector
from faceloupe.inspection.fields import Field, Window
from faceloupe.inspection.layers import Anatomy
from faceloupe.inspection.torch_networks.functions import Origin, Origins
from faceloupe.inspection.torch_networks.running import observe

__all__ = ["torch_anatomy"]

# A Sequential that is a leaf is empty: the short way of a residual block that changes nothing.
_ELEMENTWISE = {
    *("Dropout", "Dropout2d", "Hardsigmoid", "Hardtanh", "Identity", "LeakyReLU", "ReLU", "ReLU6", "Sequential"),
    *("Sigmoid", "Tanh"),
}
_PRODUCTS = {"BatchNorm1d", "BatchNorm2d", "Hardswish", "PReLU", "SiLU"}
_RELUS = {"ReLU", "ReLU6"}
_POOLING = {"AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d"}


def torch_anatomy(network: nn.Module, image_shape: tuple[int, int, int]) -> Anatomy:
    """Take a torch network for captures of shape (C, H, W) apart; see :func:`faceloupe.inspection.anatomy.anatomy`."""
    channels, height, width = image_shape
    weight = next(network.parameters(), torch.empty(0))
    image = torch.zeros(1, *image_shape, dtype=weight.dtype, device=weight.device)
    run = _Run(network, image)
    with run.origins:
        observe(network, image, run.after_layer, run.before_layer)
    for name in run.origins.read:
        run.layers.read(name)
    total = sum(parameter.numel() for parameter in network.parameters())
    return Anatomy((height, width, channels), run.layers.finished(), total)


class _Run:
    """Turns the calls of one run into layers."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        self.origins = Origins(network, image)
        self.layers = LayerCollector()
        self.given = Origin()

    def before_layer(self, given: Tensor) -> None:
        self.given = self.origins.enter(given)

    def after_layer(self, name: str, layer: nn.Module, given: Tensor, output: Tensor) -> None:
        kind = type(layer).__name__ if type(layer).__module__.startswith("torch.nn.") else ""
        windows = _windows(kind, layer, given, output)
        field = self._field(kind, windows, given, output)
        self.origins.leave(output, Origin(field, name))
        output_shape = channels_last(output.shape)
        self.layers.add(
            name=name,
            kind=type(layer).__name__,
            source=self.given.maker,
            input_shape=channels_last(given.shape),
            output_shape=output_shape,
            sizes={id(parameter): parameter.numel() for parameter in layer.parameters()},
            weights=_weights(kind, layer),
            biased=getattr(layer, "bias", None) is not None,
            factors=_multiply_add_factors(kind, layer, output_shape),
            windows=windows,
            field=field,
            rectifies=kind in _RELUS,
        )

    def _field(self, kind: str, windows: Sequence[Window], given: Tensor, output: Tensor) -> Field | None:
        before = self.given.field
        if before is None:
            return None
        if windows:
            return before.after(windows, output.shape[2:])
        if kind in _ELEMENTWISE | _PRODUCTS:
            return before
        if kind == "Flatten":
            return before.reshaped(given.shape, output.shape)
        if kind == "Linear" and given.ndim == 2:
            return before.whole()
        return self.origins.of(output).field  # as far as the functions inside it could be followed


def _weights(kind: str, layer: Any) -> tuple[Shape, int] | None:
    """Return (the factors of the number of weights that make one output, number of output channels or units)."""
    match kind:
        case "Conv2d":
            return (*layer.kernel_size, layer.in_channels // layer.groups), layer.out_channels
        case "Linear":
            return (layer.in_features,), layer.out_features
        case "BatchNorm1d" | "BatchNorm2d":
            return (1,), layer.num_features
    return None


def _multiply_add_factors(kind: str, layer: Any, output_shape: Shape) -> Shape | None:
    if kind in _ELEMENTWISE | _POOLING | {"Flatten"}:
        return ()
    if kind in _PRODUCTS:
        return output_shape
    weights = _weights(kind, layer)
    if weights is None:
        return None
    # The tutorials' order: positions, then channels, then window for a map; inputs, then units for a dense layer.
    each = math.prod(weights[0])
    return (*output_shape[:-1], each, output_shape[-1]) if kind == "Linear" else (*output_shape, each)


def _windows(kind: str, layer: Any, given: Tensor, output: Tensor) -> Sequence[Window]:
    """Return how a convolution or pooling slides along rows and columns; nothing for other layers."""
    if kind == "AdaptiveAvgPool2d":
        sizes = list(zip(given.shape[2:], output.shape[2:], strict=True))
        # Where the output size does not divide the input size the windows differ in size: no single field to state.
        return [] if any(n % count for n, count in sizes) else [Window(n // count, n // count) for n, count in sizes]
    if kind not in {"Conv2d", "MaxPool2d", "AvgPool2d"}:
        return []
    kernels, strides = _pair(layer.kernel_size), _pair(layer.stride)
    dilations = _pair(getattr(layer, "dilation", 1))
    paddings = _paddings(layer.padding, kernels, dilations)
    return [Window(*numbers) for numbers in zip(kernels, strides, dilations, paddings, strict=True)]


def _paddings(padding: Any, kernels: tuple[int, int], dilations: tuple[int, int]) -> tuple[int, int]:
    if padding == "same":
        return dilations[0] * (kernels[0] - 1) // 2, dilations[1] * (kernels[1] - 1) // 2
    return (0, 0) if padding == "valid" else _pair(padding)


def _pair(value: Any) -> tuple[int, int]:
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)
