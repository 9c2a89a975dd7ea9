"""Which pixels of the image one output of a layer can depend on.

Receptive field, jump and start follow Dumoulin & Visin (arXiv:1603.07285) and Araujo, Norris & Sim (Distill 2019,
doi:10.23915/distill.00021), one axis at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Axes", "Axis", "Window", "axes_after", "image_axes", "windows_of"]

_POSITIONS_KEPT = {"BatchNorm2d", "Dropout", "Dropout2d", "Flatten", "Identity", "ReLU", "Sigmoid", "Tanh"}


@dataclass(frozen=True, slots=True)
class Window:
    """How a layer slides along one axis of its input."""

    kernel: int
    stride: int
    dilation: int = 1
    padding: int = 0

    def unseen(self, given: int, count: int) -> int:
        """Return how many of the last of `given` positions none of `count` windows looks at."""
        taps = range(-self.padding, self.dilation * self.kernel - self.padding, self.dilation)
        seen = (window * self.stride + tap for window in range(count) for tap in taps)
        return given - 1 - max((position for position in seen if 0 <= position < given), default=-1)


@dataclass(frozen=True, slots=True)
class Axis:
    """What the outputs of a layer see along one axis, in pixels of the image.

    `count` outputs see `size` pixels each, `jump` pixels apart, the first from `start` on (below 0: in the padding).
    """

    start: int
    size: int
    jump: int
    count: int

    def after(self, window: Window, count: int) -> "Axis":
        """Return what `count` windows over these outputs see."""
        return Axis(
            self.start - window.padding * self.jump,
            self.size + (window.kernel - 1) * window.dilation * self.jump,
            self.jump * window.stride,
            count,
        )

    def whole(self, extent: int) -> "Axis":
        """Return what all these outputs see together, cut to the `extent` of the image."""
        first, last = max(0, self.start), min(extent, self.start + (self.count - 1) * self.jump + self.size)
        return Axis(first, last - first, 1, 1)


Axes = tuple[Axis, Axis]


def image_axes(extent: tuple[int, int]) -> Axes:
    """Return the axes of the image itself: every pixel sees itself."""
    return Axis(0, 1, 1, extent[0]), Axis(0, 1, 1, extent[1])


def axes_after(
    axes: Axes | None,
    kind: str,
    windows: Sequence[Window],
    given: "Tensor",
    output: "Tensor",
    extent: tuple[int, int],
) -> Axes | None:
    """Return what the outputs of a layer see, given what its inputs see; None where that is unknown."""
    if axes is None:
        return None
    if windows:
        rows, columns = output.shape[2:]
        return axes[0].after(windows[0], rows), axes[1].after(windows[1], columns)
    if kind == "Linear" and given.ndim == 2:
        return axes[0].whole(extent[0]), axes[1].whole(extent[1])
    return axes if kind in _POSITIONS_KEPT else None


def windows_of(kind: str, layer: Any, given: "Tensor", output: "Tensor") -> Sequence[Window]:
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
