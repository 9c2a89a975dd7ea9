"""ReLUs of an ONNX graph, however they are written: recognised by what they make of numbers of both signs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.onnx_networks.graph import Graph, output_of
from faceloupe.inspection.relu_probes import acts_as_relu, relu_probes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Arrays = Mapping[str, NDArray[Any]]


class Rectifying:
    """The operators of a graph that make each number from those at its place, to be run alone on other numbers.

    `arrays` are the image, and every tensor made of it, as they are in one run.
    """

    def __init__(self, graph: Graph, arrays: Arrays) -> None:
        self._graph = graph
        self._arrays = arrays
        self._makers: dict[str, NodeProto] = {}  # by what they put out, but for ReLUs

    def is_relu(self, node: "NodeProto") -> bool:
        """Return whether an operator's output is the ReLU of another tensor, up to a ceiling.

        The operator makes each number from those at its place. One that is no ReLU may be a part of one that follows.
        """
        name = output_of(node)
        made = self._arrays[name]
        if node.op_type == "Relu" or (
            made.size and made.dtype.kind == "f" and made.min() >= 0 and self._is_relu_of_any(node, made)
        ):
            return True
        self._makers[name] = node
        return False

    def _is_relu_of_any(self, node: "NodeProto", made: NDArray[Any]) -> bool:
        waiting, roots = list(node.input), set[str]()
        while waiting:
            root = waiting.pop()
            if root in self._arrays and root not in roots:
                roots.add(root)
                waiting += self._makers[root].input if root in self._makers else ()
        return any(self._is_relu_of(node, root, made) for root in sorted(roots))

    def _is_relu_of(self, node: "NodeProto", root: str, made: NDArray[Any]) -> bool:
        given = self._arrays[root]
        is_possible = given.dtype.kind == "f" and given.shape == made.shape
        if not is_possible or not np.array_equal(made, np.clip(given, 0, made.max())):
            return False
        part = self._part(node, root)
        if part is None:
            return False
        from onnxruntime import InferenceSession, SessionOptions

        def trial(numbers: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
            tried = numbers.reshape(given.shape).astype(given.dtype)
            [output] = session.run([output_of(node)], {root: tried})
            return tried, np.asarray(output)

        options = SessionOptions()
        options.log_severity_level = 4  # nothing: it need not run
        try:
            session = InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
            return acts_as_relu(map(trial, relu_probes(given.size)))
        except Exception:  # ONNX Runtime's errors have no other class in common
            return False  # it does not run on other numbers

    def _part(self, node: "NodeProto", root: str) -> "ModelProto | None":
        """Return the part of the graph that makes an operator's output of `root`.

        None if the image reaches it by another way too: a maximum of two maps is no ReLU, whatever one of them happens
        to be.
        """
        from onnx import ModelProto, helper

        nodes, weights, waiting = [node], [], [*node.input]
        constants = self._graph.constants.keys() - self._graph.tensors.keys()
        passed = {root, ""}
        while waiting:
            name = waiting.pop()
            if name in passed:
                continue
            passed.add(name)
            maker = self._graph.makers[name] if name in constants else self._makers.get(name)
            if name in self._graph.tensors:
                weights.append(self._graph.tensors[name])
            elif maker is None:
                return None
            else:
                nodes.append(maker)
                waiting += maker.input
        model, given, made = self._graph.model, self._arrays[root], self._arrays[output_of(node)]
        given_kind, made_kind = (helper.np_dtype_to_tensor_dtype(array.dtype) for array in (given, made))
        ordered = [each for each in model.graph.node if any(each is node_ for node_ in nodes)]
        inputs = [helper.make_tensor_value_info(root, given_kind, given.shape)]
        outputs = [helper.make_tensor_value_info(output_of(node), made_kind, None)]
        graph = helper.make_graph(ordered, "part", inputs, outputs, weights)
        part: ModelProto = helper.make_model(
            graph, opset_imports=model.opset_import, functions=model.functions, ir_version=model.ir_version
        )
        return part
