"""Functions of torch: their weights, windows and multiplications, and what their output sees of the image.

Layers are read through the functions that they call, so that a convolution counts the same as a module, with weights
that are made of others, inside somebody's own module, or called between the layers.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from torch import Tensor, nn

from faceloupe.inspection.arithmetic import Shape, channels_last
from faceloupe.inspection.fields import Field, Window, joined, mixed

_SAME_NUMBERS = {"flatten", "reshape", "squeeze", "unflatten", "unsqueeze", "view", "view_as"}
# Functions that hand on the very tensor where there is nothing to do.
HANDING_ON = {"contiguous", "dropout", "float", "to", "type"}
# Functions that read the numbers of their first tensor, and of others only shape or kind.
LIKENING = {"expand_as", "reshape_as", "to", "type_as", "view_as"}
# Functions that read no numbers of a tensor, only its shape and kind.
SHAPED = {"empty_like", "full_like", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like"}
# Functions that move, compare, add or average: no multiply-adds, and nothing that a reader would call a layer.
_ADDING = {
    *("add", "clone", "contiguous", "cpu", "cuda", "detach", "double", "float", "half", "iadd", "isub", "maximum"),
    *("minimum", "neg", "radd", "rsub", "sub", "to", "type", "type_as", "where", "masked_fill", "nan_to_num"),
    *("dropout", "dropout2d", "feature_dropout", "alpha_dropout", "requires_grad", "dequantize"),
    *("quantize_per_channel", "quantize_per_tensor", "quantize_per_tensor_dynamic"),
}
_FREE = {
    *("abs", "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "broadcast_to", "cat", "ceil", "chunk"),
    *("concat", "concatenate", "copy", "cumsum", "erf", "exp", "expand", "expand_as", "expm1", "fill"),
    *("flip", "floor", "full_like", "gather", "get", "getitem", "gt", "index_select", "lt", "ge", "le", "eq", "ne"),
    *("iter", "log", "log1p", "logsumexp", "max", "mean", "median", "min", "mode", "movedim", "moveaxis", "narrow"),
    *("ones_like", "pad", "permute", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "rand_like", "randn_like"),
    *("repeat", "repeat_interleave"),
    *("roll", "round", "rsqrt", "scatter", "select", "setitem", "sign", "sort", "split", "sqrt", "stack", "sum"),
    *("swapaxes", "swapdims", "t", "take_along_dim", "tile", "topk", "transpose", "tril", "triu", "unbind", "unfold"),
    *("zeros_like", "cos", "sin", "index_add", "hstack", "vstack", "zero", "new_tensor", "new_zeros", "new_ones"),
    *("logical_and", "logical_not", "logical_or", "ravel", "copysign", "numpy", "tolist", "item", "fmax"),
} | _ADDING | _SAME_NUMBERS  # fmt: skip
_ACTIVATIONS = {
    *("celu", "clamp", "clamp_max", "clamp_min", "elu", "hardsigmoid", "hardtanh", "leaky_relu", "logsigmoid"),
    *("relu", "relu6", "rrelu", "selu", "sigmoid", "softplus", "softsign", "tanh", "threshold", "hardshrink"),
    *("softshrink", "tanhshrink"),
}
_LIMITS = {"clamp", "clamp_max", "clamp_min"}
# Functions that compare numbers with others: what a ReLU may be written with.
_COMPARING = {
    *("abs", "bitwise_not", "bool", "eq", "fmax", "fmin", "ge", "gt", "heaviside", "invert", "le", "logical_not", "lt"),
    *("max", "min", "ne", "setitem", "sign"),
}
_POOLING = {
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d"),
    *("avg_pool2d", "max_pool1d", "max_pool2d"),
}
# One multiplication a value.
_PRODUCTS = {
    *("addcmul", "batch_norm", "div", "gelu", "glu", "group_norm", "hardswish", "idiv", "imul", "instance_norm"),
    *("itruediv", "layer_norm", "lerp", "log_softmax", "mish", "mul", "multiply", "divide"),
    *("normalize", "pow", "prelu", "rdiv", "reciprocal", "rms_norm", "rmul", "rtruediv", "silu", "softmax", "softmin"),
    *("square", "true_divide", "truediv"),
}
_PLACE_BY_PLACE = (
    _ADDING | _ACTIVATIONS | (_PRODUCTS - {"glu", "group_norm", "instance_norm", "layer_norm"}
    - {"log_softmax", "normalize", "rms_norm", "softmax", "softmin"})
)  # fmt: skip
# Functions that make each number from those at its place, the same each time.
REPEATABLE = (_PLACE_BY_PLACE | _COMPARING) - {
    *("dropout", "dropout2d", "feature_dropout", "alpha_dropout", "rrelu", "requires_grad"),
}
_CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
_TRANSPOSED = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}
_MATRICES = {"addmm", "addbmm", "baddbmm", "bmm", "dot", "inner", "linear", "matmul", "mm", "mv", "rmatmul", "vdot"}
_RECURRENT = {
    *("gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"),
}  # fmt: skip
# Where another name in torch says the same.
_ALIASES = {
    "clip": "clamp",
    "expit": "sigmoid",
    "log_sigmoid": "logsigmoid",
    "special_expit": "sigmoid",
    **{f"conv{axes}d_relu": f"conv{axes}d" for axes in (1, 2, 3)},
    "linear_relu": "linear",
    "linear_dynamic": "linear",
    "linear_dynamic_fp16": "linear",
    "linear_relu_dynamic": "linear",
}

# The arguments that are read, in their order after the tensor.
_ARGUMENTS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), ("weight", "bias", "stride", "padding", "dilation", "groups")),
    **dict.fromkeys(_TRANSPOSED, ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")),
    "linear": ("weight", "bias"),
    "max_pool2d": ("kernel_size", "stride", "padding", "dilation"),
    "avg_pool2d": ("kernel_size", "stride", "padding"),
    "cat": ("dim",),
    "mean": ("dim",),
    "pad": ("pad", "mode"),
    "layer_norm": ("normalized_shape",),
    "rms_norm": ("normalized_shape",),
    "softmax": ("dim",),
    "log_softmax": ("dim",),
    "transpose": ("dim0", "dim1"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operator:
    """One function that ran, with the shapes that it took and made; the tensors themselves are not kept.

    `name` is "conv2d" also for its method, its form in place and other names of the same; `arguments` are those that
    are read, a tensor among them as its shape; `given` and `output` are shapes, with the batch, of the first tensor
    that carries the image and of the first that it makes, () before; `carried` counts the inputs that carry the image;
    `parameters` are those that it took as they are; `rectifies` says whether it is a ReLU, or ends one of several
    functions.
    """

    name: str
    arguments: Mapping[str, Any]
    given: Shape
    output: Shape
    carried: int
    parameters: tuple[Tensor, ...]
    rectifies: bool = False

    @property
    def weights(self) -> tuple[Shape, int] | None:
        """The factors of the number of weights that make one output, and the number of output channels or units."""
        weight = self.arguments.get("weight")
        if self.name in _CONVOLUTIONS and weight:
            return (*weight[2:], weight[1]), weight[0]
        if self.name == "linear" and weight:
            return tuple(weight[1:]), weight[0] if len(weight) > 1 else 1
        return ((1,), self.given[1]) if self.name == "batch_norm" and len(self.given) > 1 else None

    @property
    def is_biased(self) -> bool:
        """True if it adds a bias, where `weights` are known."""
        return self.name == "batch_norm" or self.arguments.get("bias") is not None

    @property
    def is_layer(self) -> bool:
        """True if it counts as a layer without a module: not if it only moves, compares, adds or averages."""
        return self.rectifies or self.name not in _FREE | _LIMITS

    @property
    def windows(self) -> Sequence[Window]:
        """Windows of a convolution or pooling along rows and columns; () for other functions."""
        if len(self.given) != 4:
            return []
        if self.name.startswith("adaptive_"):
            sizes = list(zip(self.given[2:], self.output[2:], strict=True))
            # Where the output size does not divide the input size the windows differ in size: no single field.
            divides = all(n % count == 0 for n, count in sizes)
            return [Window(n // count, n // count) for n, count in sizes] if divides else []
        if self.name == "conv2d" and "weight" in self.arguments:
            kernels = self.arguments["weight"][2:]
            strides = _pair(self.arguments.get("stride", 1))
        elif self.name in {"max_pool2d", "avg_pool2d"}:
            kernels = _pair(self.arguments["kernel_size"])
            strides = _pair(self.arguments.get("stride") or kernels)
        else:
            return []
        dilations = _pair(self.arguments.get("dilation", 1))
        paddings = _paddings(self.arguments.get("padding", 0), kernels, dilations)
        return [Window(*numbers) for numbers in zip(kernels, strides, dilations, paddings, strict=True)]

    @property
    def products(self) -> tuple[Shape, ...] | None:
        """The products of whole numbers that its multiply-adds are the sum of; () is none, None unknown."""
        shown = channels_last(self.output)
        if self.name in _FREE | _ACTIVATIONS | _POOLING:
            return ()
        if self.name in _PRODUCTS:
            return (shown,)
        if self.name in _CONVOLUTIONS and self.weights:
            return ((*shown, math.prod(self.weights[0])),)
        if self.name in _TRANSPOSED:
            # Each number of the input is multiplied with the weights of all outputs that it reaches.
            return ((*channels_last(self.given), math.prod(self.arguments["weight"][1:])),)
        if self.name == "linear" and self.weights:
            return ((*shown[:-1], math.prod(self.weights[0]), self.weights[1]),)
        if self.name in _MATRICES:
            made = _without_batch(self.output)
            return ((*made[:-1], self.arguments["inner"], *made[-1:]),)
        if self.name in _RECURRENT:
            # At each step, one for each weight of the matrices; those for its gates are left out.
            return ((math.prod(self.given[:-1]), sum(each.numel() for each in self.parameters if each.ndim == 2)),)
        if self.name == "einsum":
            factors = self.arguments.get("factors")
            return None if factors is None else (factors,)
        return self._attention()

    def _attention(self) -> tuple[Shape, ...] | None:
        if self.name == "scaled_dot_product_attention":
            queries, keys, values = (self.arguments[key] for key in ("query", "key", "value"))
            *rows, width = _without_batch(queries)
            return (*rows, width, keys[-2]), (*rows, keys[-2], values[-1])
        if self.name != "multi_head_attention_forward":
            return None
        (targets, *_, width), (sources, *_, key_width), (*_, value_width) = (
            self.arguments[key] for key in ("query", "key", "value")
        )
        return (
            (targets, width, width),
            (sources, key_width, width),
            (sources, value_width, width),
            (targets, sources, width),
            (targets, sources, width),
            (targets, width, width),
        )

    def field(self, fields: Sequence[Field | None]) -> Field | None:
        """Return the region that the output sees, from those of the tensors that carry the image; None if unknown."""
        return (self._followed(fields[0], fields) if fields[0] else None) or mixed(fields)

    def _followed(self, first: Field, fields: Sequence[Field | None]) -> Field | None:
        windows, output = self.windows, self.output
        if windows:
            return first.after(windows, output[2:])
        if self.name in _PLACE_BY_PLACE:
            return joined(fields, output)
        if self.name in _SAME_NUMBERS:
            return first.reshaped(self.given, output)
        match self.name:
            case "linear" if len(self.given) == 2:
                return first.whole()
            case "linear" | "softmax" | "log_softmax" | "layer_norm" | "rms_norm":
                return first if first.places and self._mixed_axes().isdisjoint(first.places) else None
            case "cat" | "concat" | "concatenate":
                axis = self.arguments.get("dim", 0) % len(output)
                return joined(fields, output) if first.places and axis not in first.places else None
            case "permute":
                return first.moved([axis % len(output) for axis in self.arguments["dims"]])
            case "transpose" | "swapaxes" | "swapdims":
                order = list(range(len(output)))
                first_axis, second_axis = self.arguments["dim0"], self.arguments["dim1"]
                order[first_axis], order[second_axis] = order[second_axis], order[first_axis]
                return first.moved(order)
            case "pad" if self.arguments.get("mode", "constant") == "constant":
                before = (*self.arguments["pad"][::2], 0)  # the last axis comes first
                return first.padded(before[1::-1], output[2:])
            case "mean" if _averages_maps(self.arguments.get("dim"), len(self.given)):
                return first.pooled(keep_axes=len(output) == 4)
        return None

    def _mixed_axes(self) -> set[int]:
        """Return the axes along which the numbers of one place are mixed."""
        rank = len(self.given)
        if self.name in {"layer_norm", "rms_norm"}:
            return set(range(rank - len(self.arguments["normalized_shape"]), rank))
        axis = self.arguments.get("dim", -1)
        return {(-1 if axis is None else axis) % rank}


def name_of_function(func: Callable[..., Any]) -> str:
    """Return the name used here for a function: "relu" for torch.relu_, Tensor.relu and F.relu."""
    name = getattr(func, "__name__", type(func).__name__).split(".")[0].strip("_")
    return _ALIASES.get(name, name)


def operator_of(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], carried: Sequence[Tensor]) -> Operator:
    """Return what is to be known of a call before it is made; `carried` are the tensors that depend on the image."""
    arguments = dict(zip(_ARGUMENTS.get(name, ()), args[1:], strict=False)) | dict(kwargs)
    everything = [*args, *kwargs.values()]
    if name in _MATRICES:
        arguments["inner"] = _inner(name, [tuple(tensor.shape) for tensor in tensors_of(everything)])
    elif name == "einsum":
        arguments["factors"] = _einsum_factors(everything)
    elif name in {"multi_head_attention_forward", "scaled_dot_product_attention"}:
        arguments |= dict(zip(("query", "key", "value"), args[:3], strict=False))
    elif name == "permute" and "dims" not in arguments:
        arguments["dims"] = args[1] if len(args) == 2 and not isinstance(args[1], int) else args[1:]
    elif name in {"swapaxes", "swapdims"}:
        arguments |= dict(zip(("dim0", "dim1"), args[1:], strict=False))
    shapes = {key: tuple(value.shape) if isinstance(value, Tensor) else value for key, value in arguments.items()}
    if name in _CONVOLUTIONS | {"linear"} and not isinstance(shapes.get("weight"), tuple):
        shapes |= _packed(everything)
    parameters = tuple(tensor for tensor in tensors_of(everything) if isinstance(tensor, nn.Parameter))
    return Operator(name, shapes, tuple(carried[0].shape), (), len(carried), parameters)


def tensors_of(value: Any) -> Iterator[Tensor]:
    """Go through the tensors in nested tuples, lists and mappings, and in the fields of an object of outputs."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_of(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_of(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors_of(tuple(getattr(value, field.name, None) for field in fields(value)))


def with_tensors(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return a value with every tensor in it, also in nested tuples and lists, changed."""
    if isinstance(value, tuple | list):
        return type(value)([with_tensors(part, change) for part in value])
    return change(value) if isinstance(value, Tensor) else value


def tensors_held(module: nn.Module) -> Iterator[Tensor]:
    """Go through the tensors that a module and its parts hold: parameters, buffers and plain attributes."""
    for part in module.modules():
        for value in vars(part).values():
            held = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else (value,)
            yield from (each for each in held if isinstance(each, Tensor))


def _inner(name: str, shapes: Sequence[Shape]) -> int:
    """Return the number of products that each number of a matrix product sums."""
    matrices = shapes[1:] if name in {"addmm", "addbmm", "baddbmm"} else shapes
    return matrices[1][-1] if name == "rmatmul" else matrices[0][-1]


def _einsum_factors(given: Sequence[Any]) -> Shape | None:
    """Return the sizes of all indices of a product of two tensors; None for what is not written so."""
    equation, *operands = given
    operands = list(tensors_of(operands))
    if not isinstance(equation, str) or "." in equation or len(operands) != 2:
        return None
    indices = equation.replace(" ", "").split("->")[0].split(",")
    sizes = {letter: size for term, tensor in zip(indices, operands, strict=True)
             for letter, size in zip(term, tensor.shape, strict=True)}  # fmt: skip
    return tuple(size for size in sizes.values() if size > 1) or (1,)


def _packed(given: Sequence[Any]) -> dict[str, Any]:
    """Return what a quantised layer keeps in one object: shapes of weight and bias, and how its windows slide."""
    packed = next((value for value in given if hasattr(value, "unpack")), None)
    if packed is None:
        return {"weight": None}
    weight, bias = packed.unpack()
    slides = {key: tuple(getattr(packed, key)()) for key in ("stride", "padding", "dilation") if hasattr(packed, key)}
    return {"weight": tuple(weight.shape), "bias": None if bias is None else tuple(bias.shape), **slides}


def _without_batch(shape: Shape) -> Shape:
    """Return the shape without its first size where that is the batch of one capture; heads may stand there too."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def _averages_maps(axes: Any, rank: int) -> bool:
    return rank == 4 and isinstance(axes, tuple | list) and {axis % 4 for axis in axes} == {2, 3}


def _paddings(padding: Any, kernels: Sequence[int], dilations: tuple[int, int]) -> tuple[int, int]:
    if padding == "same":
        return dilations[0] * (kernels[0] - 1) // 2, dilations[1] * (kernels[1] - 1) // 2
    return (0, 0) if padding == "valid" else _pair(padding)


def _pair(value: Any) -> tuple[int, int]:
    return (value[0], value[-1]) if isinstance(value, tuple | list) else (value, value)
