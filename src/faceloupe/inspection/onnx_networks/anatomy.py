"""The anatomy of an ONNX graph: its operators as they ran."""

from collections.abc import Mapping, Sequence
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

if TYPE_CHECKING:
    from onnx import NodeProto


def onnx_anatomy(network: OnnxNetwork, image_shape: tuple[int, int, int]) -> Anatomy:
    """Take an ONNX network for captures of shape (C, H, W) apart; see :func:`faceloupe.inspection.anatomy.anatomy`."""
    channels, height, width = image_shape
    nodes = network.graph.nodes
    names = [output for node in nodes.values() for output in node.output if output]
    image = np.random.default_rng(0).random((1, *image_shape), dtype=np.float32)  # a ReLU is known by its numbers
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
        self.made_of: dict[str, list[str]] = {}  # from what a tensor is made number by number, but for ReLUs
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
        rectifies = operator.rectifies or (operator.is_elementwise and self._is_relu(output_of(node), fed))
        if operator.is_elementwise and not rectifies:
            self.made_of[output_of(node)] = fed
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
            rectifies=rectifies,
            output_bytes=self.arrays[output_of(node)].nbytes,
        )
        for tensor in fed[1:]:
            if tensor in self.makers:
                self.layers.read(self.makers[tensor])
        self.fields |= dict.fromkeys(filter(None, node.output), field)
        self.makers[output_of(node)] = name

    def _is_relu(self, tensor: str, fed: Sequence[str]) -> bool:
        """Return whether a tensor's numbers are those of one that it is made of, 0 in place of negative ones."""
        made = self.arrays[tensor]
        if made.dtype.kind != "f" or not made.any() or made.min() < 0:
            return False
        waiting, roots = list(fed), set()
        while waiting:
            root = waiting.pop()
            if root not in roots:
                roots.add(root)
                waiting += self.made_of.get(root, [])
        held = [self.arrays[root] for root in roots if self.arrays[root].shape == made.shape]
        return any(each.min() < 0 and np.array_equal(made, np.clip(each, 0, made.max())) for each in held)

    def _shown(self, tensor: str) -> Shape:
        shape = self.shapes[tensor]
        return shape[1:] if tensor in self.turned else channels_last(shape)
