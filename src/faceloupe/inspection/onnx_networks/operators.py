"""ONNX operators: their weights, windows and multiplications, and what their output sees of the image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faceloupe.inspection.arithmetic import Shape, channels_last
from faceloupe.inspection.fields import Field, Window, joined, mixed
from faceloupe.inspection.onnx_networks.graph import Graph, settings_of

if TYPE_CHECKING:
    from onnx import NodeProto

# Operators that make each number from the numbers at the same place: with no multiplication, and with one.
_ELEMENTWISE = {
    *("Abs", "Add", "Cast", "Ceil", "Celu", "Clip", "Dropout", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "Identity"),
    *("LeakyRelu", "Log", "Max", "Min", "Neg", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign"),
    *("Sqrt", "Sub", "Sum", "Tanh", "ThresholdedRelu", "Where", "QLinearAdd", "QLinearLeakyRelu", "QLinearSigmoid"),
}
_PRODUCTS = {
    *("BatchNormalization", "DequantizeLinear", "Div", "Gelu", "HardSwish", "Mish", "Mul", "PRelu", "Pow"),
    *("QLinearMul", "QuantizeLinear", "Reciprocal", "Swish"),
}
_COMPARING = {"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or"}
# One multiplication a value too, but what it makes of a place depends on others.
_NORMALISING = {
    *("DynamicQuantizeLinear", "GroupNormalization", "InstanceNormalization", "LayerNormalization", "LogSoftmax"),
    *("LpNormalization", "QLinearSoftmax", "RMSNormalization", "SimplifiedLayerNormalization", "Softmax"),
}
_POOLING = {
    *("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "QLinearAveragePool", "QLinearGlobalAveragePool"),
    *("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"),
}
_NORMS = {"ReduceL2", "ReduceSumSquare"}  # one multiplication a value of what they take
_SAME_NUMBERS = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"}
_MOVING = {
    *("ArgMax", "Concat", "DepthToSpace", "Expand", "Gather", "Pad", "QLinearConcat", "Slice", "SpaceToDepth", "Split"),
    *("Tile", "TopK", "Transpose"),
} | _SAME_NUMBERS  # fmt: skip
_CONVOLUTIONS = {"Conv", "ConvInteger", "FusedConv", "QLinearConv"}
_MATRICES = {"FusedMatMul", "MatMul", "MatMulInteger", "MatMulIntegerToFloat", "QLinearMatMul", "DynamicQuantizeMatMul"}
_RECURRENT = {"GRU", "LSTM", "RNN"}
# Which input holds the weights, where it is not the second.
_WEIGHT_PLACES = {"QGemm": 3, "QLinearConv": 3, "QLinearMatMul": 3}
# Of ONNX itself, and the operators with which ONNX Runtime writes quantised networks.
_DOMAINS = {"", "ai.onnx", "com.microsoft"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operator:
    """One operator of a graph; `given` is the shape of its first input made of the image, `output` of its output."""

    graph: Graph
    node: "NodeProto"
    given: Shape
    output: Shape

    @property
    def kind(self) -> str:
        """Its type; empty for one of another domain, which only borrows a known name."""
        return self.node.op_type if self.node.domain in _DOMAINS else ""

    @property
    def settings(self) -> dict[str, Any]:
        """Its attributes by name."""
        return settings_of(self.node)

    @property
    def weights(self) -> tuple[Shape, int] | None:
        """The factors of the number of weights that make one output, and the number of output channels or units."""
        match self.kind:
            case kind if kind in _CONVOLUTIONS and self._kernel():
                return (*self._kernel(), self.given[1] // self.settings.get("group", 1)), self.output[1]
            case "Gemm" | "QGemm":
                return (self.given[0] if self.settings.get("transA") else self.given[-1],), self.output[-1]
            case kind if kind in _MATRICES:
                constant_first = self.node.input[0] in self.graph.constants
                return (self.given[-2 if constant_first else -1],), self.output[-1]
            case "BatchNormalization":
                return (1,), self.given[1]
        return None

    @property
    def is_biased(self) -> bool:
        """True if a third input adds a bias, where `weights` are known."""
        place = {"QLinearConv": 8, "QGemm": 6}.get(self.kind, 2)
        adds = self.kind not in {"ConvInteger", *_MATRICES}
        return adds and len(self.node.input) > place and self.node.input[place] != ""

    @property
    def is_elementwise(self) -> bool:
        """True if it makes each number from those at its place."""
        return self.kind in _ELEMENTWISE | _PRODUCTS | _COMPARING

    @property
    def windows(self) -> Sequence[Window]:
        """Windows of a convolution or pooling along rows and columns; () for other operators."""
        if self.kind not in {"AveragePool", "MaxPool", *_CONVOLUTIONS} or len(self.given) != 4 or not self._kernel():
            return []
        settings = self.settings
        strides, dilations = settings.get("strides", (1, 1)), settings.get("dilations", (1, 1))
        sizes = list(zip(self._kernel(), strides, dilations, strict=True))
        paddings = settings.get("pads", (0, 0, 0, 0))[:2]
        automatic = settings.get("auto_pad", b"NOTSET")
        if automatic in (b"SAME_UPPER", b"SAME_LOWER"):
            needed = [
                max(0, (count - 1) * stride + dilation * (kernel - 1) + 1 - size)
                for (kernel, stride, dilation), size, count in zip(sizes, self.given[2:], self.output[2:], strict=True)
            ]
            paddings = [(each + (automatic == b"SAME_LOWER")) // 2 for each in needed]
        return [Window(*each, padding) for each, padding in zip(sizes, paddings, strict=True)]

    def products(self, shown: Shape) -> tuple[Shape, ...] | None:
        """Return the products whose sum its multiply-adds are, for an output `shown` as (H, W, C); None is unknown."""
        if self.kind in _ELEMENTWISE | _POOLING | _MOVING:
            return ()
        if self.kind in _PRODUCTS | _NORMALISING:
            return (shown,)
        if self.kind in _NORMS:
            return (channels_last(self.given),)
        if self.kind == "ConvTranspose" and (shape := self.graph.shape_of(self.node.input[1])):
            # Each number of the input is multiplied with the weights of all outputs that it reaches.
            return ((*channels_last(self.given), math.prod(shape[1:])),)
        if self.kind in _RECURRENT:
            # At each step, one for each weight of the matrices; those for its gates are left out.
            shapes = [self.graph.shape_of(name) or () for name in self.node.input[1:3]]
            each = sum(math.prod(shape) for shape in shapes)
            return ((math.prod(self.given[:-1]), each),) if all(shapes) else None
        weights = self.weights
        if weights is None:
            return None
        # The tutorials' order: positions, then channels, then window for a map; inputs, then units for a dense layer.
        each = math.prod(weights[0])
        return ((*shown, each) if self.kind in _CONVOLUTIONS else (*shown[:-1], each, shown[-1]),)

    def field(self, fields: Sequence[Field | None]) -> Field | None:
        """Return the region that the output sees, from those of the inputs that carry the image; None if unknown."""
        return (self._followed(fields[0], fields) if fields[0] else None) or mixed(fields)

    def _followed(self, first: Field, fields: Sequence[Field | None]) -> Field | None:
        settings, kind, output = self.settings, self.kind, self.output
        windows = self.windows
        if windows:
            return first.after(windows, output[2:])
        if kind in _ELEMENTWISE | _PRODUCTS:
            return joined(fields, output)
        if kind in _SAME_NUMBERS:
            return first.reshaped(self.given, output)
        match kind:
            case "Concat" | "Split":
                axis = settings.get("axis", 0) % len(output)
                return joined(fields, output) if first.places and axis not in first.places else None
            case kind if kind in {"Gemm", "QGemm", *_MATRICES} and len(self.given) == 2 and len(fields) == 1:
                return first.whole()
            case "GlobalAveragePool" | "GlobalMaxPool" | "QLinearGlobalAveragePool":
                return first.pooled(keep_axes=True)
            case "Pad" if settings.get("mode", b"constant") == b"constant":
                pads = self._numbers("pads")
                return first.padded(pads[2:4], output[2:]) if len(pads) == 8 else None
            case "ReduceMean" if len(self.given) == 4:
                is_map = {axis % 4 for axis in self._numbers("axes")} == {2, 3}
                return first.pooled(keep_axes=len(output) == 4) if is_map else None
            case "Transpose":
                return first.moved(settings.get("perm") or range(len(output))[::-1])
        return None

    def _kernel(self) -> Shape:
        """Return the size of its windows; () where weights that are made of others would have to tell it."""
        settings = self.settings
        if "kernel_shape" in settings:
            return tuple(settings["kernel_shape"])
        weights = self.graph.shape_of(self.node.input[_WEIGHT_PLACES.get(self.kind, 1)])
        return tuple(weights[2:]) if weights else ()

    def _numbers(self, name: str) -> Sequence[int]:
        """Return integers that early versions of an operator take as an attribute, later ones as its second input."""
        if len(self.node.input) > 1 and self.node.input[1] in self.graph.tensors:
            return [int(number) for number in self.graph.constant(self.node.input[1])]
        numbers: Sequence[int] = self.settings.get(name, ())
        return numbers
