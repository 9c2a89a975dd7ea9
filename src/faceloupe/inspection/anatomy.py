"""What a network is made of, layer by layer, with the arithmetic written out.

Shapes are written height × width × channels, as textbooks and Keras print them (57×57×4); a
:class:`~faceloupe.inspection.trace.Trace` of the same network holds torch's channel-first arrays.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from faceloupe.errors import InputError
from faceloupe.inspection.receptive_field import Axes, axes_after, image_axes, windows_of
from faceloupe.inspection.trace import observe

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Anatomy", "Layer", "anatomy"]

FLOAT_BYTES = 4  # of one float32

_ELEMENTWISE = {"Dropout", "Dropout2d", "Flatten", "Identity", "ReLU", "Sigmoid", "Tanh"}
_POOLING = {"AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d"}

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One leaf layer as it ran.

    Attributes
    ----------
    name, kind : str
        Its name in the network and its class ("conv", "Conv2d").
    input_shape, output_shape : tuple of int
        Of one capture: (height, width, channels) for maps, (length,) for vectors.
    parameters : int
        Weights and biases; those that an earlier layer shares are counted there.
    multiply_adds : int or None
        For one capture. Convolution and dense layers: one for each weight used, biases left out; batch normalisation:
        one a value. Comparing, adding and dropping are none. None: this kind is not counted.
    receptive_field : (int, int) or None
        Rows and columns of the image that one output can depend on, padding included. For a dense layer, what all its
        inputs together see of the image. None: unknown, because the layer's input came from no recorded layer or the
        kind is unknown.
    stride : (int, int) or None
        Pixels of the image between neighbouring outputs (the jump). None for vectors and where the field is unknown.
    unseen : (int, int)
        Last rows and columns of the layer's own input that no window reaches, because the stride does not divide.
    parameter_arithmetic, multiply_add_arithmetic : str
        "(8·8·1 + 1)·4 = 260", "57·57·4·64 = 831,744".
    """

    name: str
    kind: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    parameter_arithmetic: str
    multiply_adds: int | None
    multiply_add_arithmetic: str
    receptive_field: tuple[int, int] | None
    stride: tuple[int, int] | None
    unseen: tuple[int, int]

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters as float32."""
        return self.parameters * FLOAT_BYTES

    @property
    def output_bytes(self) -> int:
        """Memory of the output for one capture as float32."""
        return math.prod(self.output_shape) * FLOAT_BYTES

    @property
    def parameter_bytes_arithmetic(self) -> str:
        """The parameters' memory written out: "260·4 = 1,040"."""
        return _written(self.parameters, FLOAT_BYTES)

    @property
    def output_bytes_arithmetic(self) -> str:
        """The output's memory written out: "57·57·4·4 = 51,984"."""
        return _written(*self.output_shape, FLOAT_BYTES)

    def to_document(self) -> dict[str, Any]:
        """Return every number and its arithmetic as a plain dictionary (tuples become lists)."""
        fields = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return fields | {
            "parameter_bytes": self.parameter_bytes,
            "parameter_bytes_arithmetic": self.parameter_bytes_arithmetic,
            "output_bytes": self.output_bytes,
            "output_bytes_arithmetic": self.output_bytes_arithmetic,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Anatomy:
    """A network layer by layer; ``print`` shows it as a table.

    Attributes
    ----------
    input_shape : (height, width, channels)
    layers : tuple of Layer
        In the order of running.
    parameters : int
        Of the live network, each parameter once.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    parameters: int

    @property
    def parameters_elsewhere(self) -> int:
        """Parameters that belong to no layer that ran: 0 for an ordinary network."""
        return self.parameters - sum(layer.parameters for layer in self.layers)

    @property
    def parameter_arithmetic(self) -> str:
        """The sum over the layers: "260 + 3,140 + 5 = 3,405"."""
        return _sum_written([layer.parameters for layer in self.layers] + [self.parameters_elsewhere])

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one capture, over the layers that are counted."""
        return sum(layer.multiply_adds or 0 for layer in self.layers)

    @property
    def multiply_add_arithmetic(self) -> str:
        """The sum over the layers: "831,744 + 3,136 + 4 = 834,884"."""
        return _sum_written([layer.multiply_adds or 0 for layer in self.layers])

    @property
    def not_counted(self) -> tuple[str, ...]:
        """Names of the layers whose multiply-adds are unknown and therefore missing in the total."""
        return tuple(layer.name for layer in self.layers if layer.multiply_adds is None)

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters as float32."""
        return self.parameters * FLOAT_BYTES

    @property
    def output_bytes(self) -> int:
        """Memory of all the layers' outputs for one capture as float32."""
        return sum(layer.output_bytes for layer in self.layers)

    def to_document(self) -> dict[str, Any]:
        """Return the layers and totals as a plain dictionary that JSON can hold."""
        return {
            "input_shape": list(self.input_shape),
            "layers": [layer.to_document() for layer in self.layers],
            "parameters": self.parameters,
            "parameter_arithmetic": self.parameter_arithmetic,
            "parameters_elsewhere": self.parameters_elsewhere,
            "multiply_adds": self.multiply_adds,
            "multiply_add_arithmetic": self.multiply_add_arithmetic,
            "not_counted": list(self.not_counted),
            "parameter_bytes": self.parameter_bytes,
            "output_bytes": self.output_bytes,
        }

    def __repr__(self) -> str:
        return (
            f"Anatomy({_shape_text(self.input_shape)} -> {len(self.layers)} layers, {self.parameters:,} parameters, "
            f"{self.multiply_adds:,} multiply-adds)"
        )

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "multiply-adds", "output bytes", "field", "stride")
        rows = [head, *(_row(layer) for layer in self.layers)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.insert(1, "-" * max(map(len, lines)))
        return "\n".join([*lines, lines[1], *self._totals(), *_unseen_notes(self.layers)])

    def _totals(self) -> list[str]:
        missing = f" (not counted: {', '.join(self.not_counted)})" if self.not_counted else ""
        elsewhere = (
            f" (of them {self.parameters_elsewhere:,} in no layer that ran)" if self.parameters_elsewhere else ""
        )
        return [
            f"input          {_shape_text(self.input_shape)}",
            f"parameters     {self.parameter_arithmetic}{elsewhere}; {self.parameter_bytes:,} bytes",
            f"multiply-adds  {self.multiply_add_arithmetic}{missing}",
            f"outputs        {self.output_bytes:,} bytes",
        ]


def anatomy(network: "nn.Module", image_shape: Sequence[int]) -> Anatomy:
    """Take a network apart: shapes, parameters, multiply-adds, memory and receptive fields, layer by layer.

    The network runs once on an image of zeros, in evaluation mode, and is left as it was found. Receptive fields follow
    Dumoulin & Visin (arXiv:1603.07285) and Araujo, Norris & Sim (Distill 2019, doi:10.23915/distill.00021).

    Parameters
    ----------
    network : torch.nn.Module
        Takes a batch (1, C, H, W).
    image_shape : (H, W) or (C, H, W)
        Of one capture; (H, W) means one channel.

    Raises
    ------
    InputError
        If `image_shape` is no shape of an image, or the network cannot run on it.
    """
    import torch

    channels, height, width = _checked_shape(image_shape)
    image = torch.zeros(1, channels, height, width)
    collector = _Collector((height, width))
    observe(network, image, collector.record)
    total = sum(parameter.numel() for parameter in network.parameters())
    return Anatomy((height, width, channels), tuple(collector.layers), total)


class _Collector:
    """Turns the calls of one run into layers; a tensor's identity tells which layer's output feeds which layer."""

    def __init__(self, extent: tuple[int, int]) -> None:
        self.extent = extent
        self.layers: list[Layer] = []
        self.counted: set[int] = set()
        # The tensors are kept beside their axes, so that no identity is used twice during the run.
        self.fields: dict[int, tuple[Tensor, Axes | None]] = {}

    def record(self, name: str, layer: "nn.Module", given: "Tensor", output: "Tensor") -> None:
        kind = type(layer).__name__ if type(layer).__module__.startswith("torch.nn.") else ""
        windows = windows_of(kind, layer, given, output)
        axes = axes_after(self._axes_before(given), kind, windows, given, output, self.extent)
        self.fields[id(output)] = (output, axes)
        inside, outside = _shape(given), _shape(output)
        parameters, parameter_arithmetic = self._parameters(kind, layer)
        multiply_adds, multiply_add_arithmetic = _multiply_adds(kind, layer, outside)
        unseen = [
            window.unseen(*sizes) for window, sizes in zip(windows, zip(inside, outside, strict=False), strict=False)
        ]
        self.layers.append(
            Layer(
                name=name,
                kind=type(layer).__name__,
                input_shape=inside,
                output_shape=outside,
                parameters=parameters,
                parameter_arithmetic=parameter_arithmetic,
                multiply_adds=multiply_adds,
                multiply_add_arithmetic=multiply_add_arithmetic,
                receptive_field=(axes[0].size, axes[1].size) if axes else None,
                stride=(axes[0].jump, axes[1].jump) if axes and output.ndim == 4 else None,
                unseen=(unseen[0], unseen[1]) if unseen else (0, 0),
            )
        )

    def _axes_before(self, given: "Tensor") -> Axes | None:
        if not self.layers and tuple(given.shape[2:]) == self.extent:
            self.fields[id(given)] = (given, image_axes(self.extent))
        # A tensor that nobody recorded was made between the layers, by a function that has no receptive field to state.
        return self.fields.get(id(given), (given, None))[1]

    def _parameters(self, kind: str, layer: "nn.Module") -> tuple[int, str]:
        held = {id(parameter): parameter.numel() for parameter in layer.parameters()}
        new = sum(size for key, size in held.items() if key not in self.counted)
        shared = sum(held.values()) - new
        self.counted |= held.keys()
        written = _parameters_written(kind, layer, sum(held.values()))
        return new, f"{written}, of them {shared:,} counted in an earlier layer" if shared else written


def _weights_per_output(kind: str, layer: Any) -> tuple[Shape, int] | None:
    """Return (the factors of the number of weights that make one output, number of output channels or units)."""
    match kind:
        case "Conv2d":
            return (*layer.kernel_size, layer.in_channels // layer.groups), layer.out_channels
        case "Linear":
            return (layer.in_features,), layer.out_features
        case "BatchNorm2d":
            return (1,), layer.num_features
    return None


def _parameters_written(kind: str, layer: Any, held: int) -> str:
    weights = _weights_per_output(kind, layer)
    if not held or weights is None:
        return f"{held:,}"
    factors, outputs = "·".join(map(str, weights[0])), weights[1]
    return f"({factors} + 1)·{outputs} = {held:,}" if layer.bias is not None else f"{factors}·{outputs} = {held:,}"


def _multiply_adds(kind: str, layer: Any, output_shape: Shape) -> tuple[int | None, str]:
    if kind in _ELEMENTWISE | _POOLING:
        return 0, "0"
    weights = _weights_per_output(kind, layer)
    if weights is None:
        return None, "not counted"
    # The tutorials' order: positions, then channels, then window for a map; inputs, then units for a dense layer.
    each = math.prod(weights[0])
    factors = (*output_shape[:-1], each, output_shape[-1]) if kind == "Linear" else (*output_shape, each)
    return math.prod(factors), _written(*factors)


def _checked_shape(image_shape: Sequence[int]) -> tuple[int, int, int]:
    shape = tuple(image_shape)
    if len(shape) not in (2, 3) or any(size != int(size) or size < 1 for size in shape):
        raise InputError(f"image_shape: expected (H, W) or (C, H, W) of positive integers, got {shape}")
    channels, height, width = (1, *shape) if len(shape) == 2 else shape
    return channels, height, width


def _shape(tensor: "Tensor") -> Shape:
    size = tuple(tensor.shape[1:])
    return (*size[1:], size[0]) if len(size) == 3 else size


def _written(*factors: int) -> str:
    return f"{'·'.join(map(str, factors))} = {math.prod(factors):,}"


def _sum_written(terms: Sequence[int]) -> str:
    held = [f"{term:,}" for term in terms if term]
    return f"{' + '.join(held)} = {sum(terms):,}" if len(held) > 1 else f"{sum(terms):,}"


def _shape_text(shape: Shape | None) -> str:
    return "×".join(map(str, shape)) if shape else "-"


def _row(layer: Layer) -> tuple[str, ...]:
    return (
        layer.name,
        layer.kind,
        _shape_text(layer.output_shape),
        layer.parameter_arithmetic,
        layer.multiply_add_arithmetic,
        f"{layer.output_bytes:,}",
        _shape_text(layer.receptive_field),
        _shape_text(layer.stride),
    )


def _unseen_notes(layers: Sequence[Layer]) -> list[str]:
    return [
        f"{layer.name} never looks at the last {_counted(layer.unseen)} of its {_shape_text(layer.input_shape)} input"
        for layer in layers
        if any(layer.unseen)
    ]


def _counted(unseen: tuple[int, int]) -> str:
    words = [
        noun if number == 1 else f"{number} {noun}s"
        for number, noun in zip(unseen, ("row", "column"), strict=True)
        if number
    ]
    return " and ".join(words)
