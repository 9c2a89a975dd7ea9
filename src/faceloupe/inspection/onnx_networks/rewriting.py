"""The same numbers by operators that ONNX Runtime runs faster."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


def without_prelu(nodes: Iterable["NodeProto"], weights: Mapping[str, "TensorProto"]) -> Iterator["NodeProto"]:
    """Go through operators with each PRelu that has a slope a channel written as slope·x + (1 - slope)·relu(x).

    For a PRelu ONNX Runtime leaves its blocked layout, and those of a MobileFaceNet take it longer than the
    convolutions; what scales channels it runs as convolutions in that layout. They round differently, by about 1e-7.
    """
    from onnx import TensorProto

    makers: dict[str, str] = {}
    for node in nodes:
        makers |= dict.fromkeys(node.output, node.op_type)
        slope = weights.get(node.input[1]) if node.op_type == "PRelu" else None
        by_channel = slope is not None and slope.data_type == TensorProto.FLOAT and tuple(slope.dims[1:]) == (1, 1)
        if slope is not None and by_channel and makers.get(node.input[0]) in {"BatchNormalization", "Conv"}:
            yield from _scaled_channels(node, slope.dims[0])
        else:
            yield node


def _scaled_channels(prelu: "NodeProto", channels: int) -> "Iterator[NodeProto]":
    from onnx import helper, numpy_helper

    (given, slope), (made,) = prelu.input, prelu.output
    part = "{} {}".format  # of the names of tensors in between
    ones, zeros = part(made, "ones"), part(made, "zeros")
    shape, slopes, rests = part(made, "shape"), part(made, "slopes"), part(made, "rests")
    positive, upper, lower = part(made, "positive"), part(made, "upper"), part(made, "lower")
    numbers = np.ones(channels, np.float32), np.zeros(channels, np.float32), np.array([channels])
    for name, value in zip((ones, zeros, shape), numbers, strict=True):
        yield helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))
    yield helper.make_node("Reshape", [slope, shape], [slopes])
    yield helper.make_node("Sub", [ones, slopes], [rests])
    yield helper.make_node("Relu", [given], [positive])
    for source, scale, scaled in ((given, slopes, lower), (positive, rests, upper)):
        yield helper.make_node("BatchNormalization", [source, scale, zeros, zeros, ones], [scaled], epsilon=0.0)
    yield helper.make_node("Add", [lower, upper], [made])
