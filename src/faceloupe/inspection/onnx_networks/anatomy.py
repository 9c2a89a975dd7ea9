"""The anatomy of an ONNX graph: its operators as they ran."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.arithmetic import Shape, channels_last
from faceloupe.inspection.collector import LayerCollector
from faceloupe.inspection.fields import Field
from faceloupe.inspection.layers import IMAGE, Anatomy
from faceloupe.inspection.onnx_networks.graph import TO_CHANNELS_LAST, Graph, inputs_of, output_of
from faceloupe.inspection.onnx_networks.network import OnnxNetwork
from faceloupe.inspection.onnx_networks.operators import Operator
from faceloupe.inspection.onnx_networks.rectifying import Rectifying

if TYPE_CHECKING:
    from onnx import NodeProto


def onnx_anatomy(network: OnnxNetwork, image_shape: tuple[int, int, int]) -> Anatomy:
    """Take an ONNX network for captures of shape (C, H, W) apart; see :func:`faceloupe.inspection.anatomy.anatomy`."""
    channels, height, width = image_shape
    nodes = network.graph.nodes
    names = [output for node in nodes.values() for output in node.output if output]
    image = np.random.default_rng(0).random((1, *image_shape), dtype=np.float32)
    (outputs,) = network.tensors(image, names)
    arrays = {name: np.asarray(output) for name, output in zip(names, outputs, strict=True)}
    graph = network.graph
    taken = image.transpose(TO_CHANNELS_LAST) if graph.is_channels_last else image
    run = _Run(graph, arrays | {graph.image.name: taken})
    for name, node in nodes.items():
        run.add(name, node)
    return Anatomy(
        input_shape=(height, width, channels),
        layers=run.layers.finished(),
        parameters=sum(graph.weights.values()),
        parameter_bytes=sum(size * graph.bytes_of(name) for name, size in graph.weights.items()),
    )


class _Run:
    """Turns operators, in the order of running, into layers; a tensor's name tells where it comes from."""

    def __init__(self, graph: Graph, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.graph = graph
        self.arrays = arrays
        self.shapes = {name: array.shape for name, array in arrays.items()}
        self.rectifying = Rectifying(graph, arrays)
        self.layers = LayerCollector()
        image, turned = graph.image.name, graph.is_channels_last
        shape = self.shapes[image]
        height, width = shape[1:3] if turned else shape[2:]
        field = Field.of_image((height, width))
        self.fields: dict[str, Field | None] = {image: field.moved(TO_CHANNELS_LAST) if turned else field}
        self.makers = {image: IMAGE}  # of the tensors that a trace shows: each operator's first
        self.turned = {image} if turned else set()  # tensors (N, H, W, C), and what is made of them

    def add(self, name: str, node: "NodeProto") -> None:
        fed = [tensor for tensor in inputs_of(node) if tensor in self.fields]
        operator = Operator(self.graph, node, self.shapes[fed[0]], self.shapes[output_of(node)])
        field = operator.field([self.fields[tensor] for tensor in fed])
        turned = fed[0] in self.turned
        if operator.kind == "Transpose":
            turned = tuple(operator.settings.get("perm", ())) == TO_CHANNELS_LAST
        if turned:
            self.turned |= {*node.output}
        output_shape = self._shown(output_of(node))
        self.layers.add(
            name=name,
            kind=node.op_type,
            source=self.makers.get(fed[0]),
            input_shape=self._shown(fed[0]),
            output_shape=output_shape,
            sizes=self.graph.weights_of(node),
            weights=operator.weights,
            biased=operator.is_biased,
            products=operator.products(output_shape),
            windows=operator.windows,
            field=field,
            rectifies=operator.is_elementwise and self.rectifying.is_relu(node),
            output_bytes=self.arrays[output_of(node)].nbytes,
        )
        for tensor in fed[1:]:
            if tensor in self.makers:
                self.layers.read(self.makers[tensor])
        self.fields |= dict.fromkeys(filter(None, node.output), field)
        self.makers[output_of(node)] = name

    def _shown(self, tensor: str) -> Shape:
        shape = self.shapes[tensor]
        return shape[1:] if tensor in self.turned else channels_last(shape)
