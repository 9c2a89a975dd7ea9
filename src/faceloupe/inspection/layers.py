"""The values an anatomy is made of: a layer and a whole network, with every number's arithmetic written out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from typing import Any

from faceloupe.arrays import plain_fields
from faceloupe.inspection.arithmetic import Shape, bytes_text, shape_text, sum_text
from faceloupe.inspection.fields import Field, Window
from faceloupe.inspection.layer_names import named
from faceloupe.pages import Shown

IMAGE = "image"  # the source of a layer that the captures feed


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as it ran: a leaf module of a torch network or a function between those, a node of an ONNX graph.

    Attributes
    ----------
    name, kind : str
        Its name in the network and its class or operator ("conv", "Conv2d" or "Conv"); of a function "relu()", "relu".
    source : str or None
        The layer whose output it reads, of several the first; "image" for the captures. None: it reads what no layer
        put out, but a function between them that only moves, compares, adds or averages.
    input_shape, output_shape : tuple of int
        Shapes for one capture: (height, width, channels) for maps, (length,) for vectors.
    parameters : int
        Weights and biases; those that an earlier layer shares are counted there. The running mean and variance of a
        batch normalisation are measured, not trained, and no parameters.
    multiply_adds : int or None
        For one capture. Convolution and dense layers: one for each weight used, biases left out; attention and other
        products of matrices likewise, recurrent layers for each weight and step; normalisation, softmax, PReLU, GELU
        and products of maps: one a value. Comparing, adding, averaging, moving and dropping are none. None: this kind
        is not counted.
    receptive_field : (int, int) or None
        Rows and columns of the image that one output can depend on, padding included; where branches meet, what either
        branch sees. For a vector, what all its numbers (of a dense layer: all its inputs) together see of the image.
        None: unknown, because the layer's kind or what feeds it has no single field to state.
    stride : (int, int) or None
        Pixels of the image between neighbouring outputs (the jump). None for vectors, which have no neighbours, and
        where the field is unknown.
    unseen : (int, int)
        Last rows and columns of the layer's own input that no window reaches, because the stride does not divide.
    unread : (int, int)
        Last rows and columns of the layer's own output that nothing after it reads.
    output_bytes, parameter_bytes : int
        Memory, for one capture, in the precision in which the network holds its numbers.
    parameter_arithmetic, multiply_add_arithmetic : str
        "(8·8·1 + 1)·4 = 260", "57·57·4·64 = 831,744".
    rectifies : bool
        Whether it is a ReLU, one with a ceiling (ReLU6) included.
    windows : tuple of Window
        Windows of a convolution or pooling along rows and along columns; () for other layers.
    field : Field or None
        Region of the image that each output sees; None where that is unknown.
    """

    name: str
    kind: str
    source: str | None
    input_shape: Shape
    output_shape: Shape
    output_bytes: int
    parameters: int
    parameter_arithmetic: str
    parameter_bytes: int
    multiply_adds: int | None
    multiply_add_arithmetic: str
    receptive_field: tuple[int, int] | None
    stride: tuple[int, int] | None
    unseen: tuple[int, int]
    unread: tuple[int, int]
    rectifies: bool
    windows: tuple[Window, ...] = attribute(repr=False)
    field: Field | None = attribute(repr=False)

    @property
    def parameter_bytes_arithmetic(self) -> str:
        """The parameters' memory written out: "260·4 = 1,040"."""
        return bytes_text([self.parameters], self.parameter_bytes)

    @property
    def output_bytes_arithmetic(self) -> str:
        """The output's memory written out: "57·57·4·4 = 51,984"."""
        return bytes_text(self.output_shape, self.output_bytes)

    def to_document(self) -> dict[str, Any]:
        """Return every number and its arithmetic as a plain dictionary (tuples become lists).

        Windows and fields, from which the numbers were made, are left out.
        """
        numbers = plain_fields(replace(self, windows=(), field=None))
        del numbers["windows"], numbers["field"]
        return numbers | {
            "parameter_bytes_arithmetic": self.parameter_bytes_arithmetic,
            "output_bytes_arithmetic": self.output_bytes_arithmetic,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Anatomy(Shown):
    """A network layer by layer; ``print`` shows it as a table.

    Attributes
    ----------
    input_shape : (height, width, channels)
    layers : tuple of Layer
        In the order of running.
    parameters : int
        All parameters of the live network or the file, each counted once.
    parameter_bytes : int
        Bytes that they take, in the precision in which the network holds them.
    gaps : tuple of str
        Layers before which something ran that torch does not show: TorchScript, NumPy, a compiled function.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    parameters: int
    parameter_bytes: int
    gaps: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Layer:
        """Return one layer."""
        return named({layer.name: layer for layer in self.layers}, name)

    @property
    def parameters_elsewhere(self) -> int:
        """Parameters that belong to no layer that ran: 0 for an ordinary network."""
        return self.parameters - sum(layer.parameters for layer in self.layers)

    @property
    def parameter_arithmetic(self) -> str:
        """The sum over the layers: "260 + 3,140 + 5 = 3,405"; a long one is shortened in the middle."""
        return sum_text([layer.parameters for layer in self.layers] + [self.parameters_elsewhere])

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one capture, over the layers that are counted."""
        return sum(layer.multiply_adds or 0 for layer in self.layers)

    @property
    def multiply_add_arithmetic(self) -> str:
        """The sum over the layers: "831,744 + 3,136 + 4 = 834,884"."""
        return sum_text([layer.multiply_adds or 0 for layer in self.layers])

    @property
    def not_counted(self) -> tuple[str, ...]:
        """Gaps in the total: names of layers whose multiply-adds are unknown, and what ran unseen."""
        unknown = tuple(layer.name for layer in self.layers if layer.multiply_adds is None)
        return (*unknown, *(f"what runs before {name}" for name in self.gaps))

    @property
    def output_bytes(self) -> int:
        """Memory of all the layers' outputs for one capture."""
        return sum(layer.output_bytes for layer in self.layers)

    def to_document(self) -> dict[str, Any]:
        """Return the layers and totals as a plain dictionary that JSON can hold."""
        return {
            "schema": "faceloupe.anatomy/1",
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
            f"Anatomy({shape_text(self.input_shape)} -> {len(self.layers)} layers, {self.parameters:,} parameters, "
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
            f"input          {shape_text(self.input_shape)}",
            f"parameters     {self.parameter_arithmetic}{elsewhere}; {self.parameter_bytes:,} bytes",
            f"multiply-adds  {self.multiply_add_arithmetic}{missing}",
            f"outputs        {self.output_bytes:,} bytes",
        ]


def _row(layer: Layer) -> tuple[str, ...]:
    return (
        layer.name,
        layer.kind,
        shape_text(layer.output_shape),
        layer.parameter_arithmetic,
        layer.multiply_add_arithmetic,
        f"{layer.output_bytes:,}",
        shape_text(layer.receptive_field),
        shape_text(layer.stride),
    )


def _unseen_notes(layers: Sequence[Layer]) -> list[str]:
    return [
        f"{layer.name} never looks at the last {_counted(layer.unseen)} of its {shape_text(layer.input_shape)} input"
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
