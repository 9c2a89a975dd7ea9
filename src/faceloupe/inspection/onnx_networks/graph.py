"""The graph in an ONNX file: which of its operators work on the image, and which of its numbers are weights."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceloupe.errors import InputError
from faceloupe.inspection.onnx_networks.rewriting import without_prelu

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

MOST_BYTES = 2**31  # what one message of protobuf can hold
# Where an operator takes numbers that are not weights: measured statistics, sizes, limits.
_SETTINGS = {
    "BatchNormalization": {3, 4},
    "Clip": {1, 2},
    "ConvInteger": {2, 3},
    "DequantizeLinear": {1, 2},
    "Dropout": {1, 2},
    "MatMulInteger": {2, 3},
    "Pad": {1, 2, 3},
    "QGemm": {1, 2, 4, 5, 7, 8},
    "QLinearConv": {1, 2, 4, 5, 6, 7},
    "QLinearMatMul": {1, 2, 4, 5, 6, 7},
    "QuantizeLinear": {1, 2},
    "Resize": {1, 2, 3},
    "Upsample": {1},
}
# Elsewhere a single number is a constant of the arithmetic (x · 0.0078), no weight.
_SINGLE_WEIGHTS = {
    *("BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "Gemm", "MatMul", "MatMulInteger", "PRelu"),
    *("QGemm", "QLinearConv", "QLinearMatMul"),
}
# Operators that hand numbers on as they are, and those that make probabilities: an answer may end in them.
_HANDING_ON = {
    *("Cast", "Clip", "DequantizeLinear", "Flatten", "Gather", "Identity", "QuantizeLinear", "Reshape", "Slice"),
    *("Squeeze", "Transpose", "Unsqueeze"),
}
_NUMBER_BY_NUMBER = {"Cast", "DequantizeLinear", "Identity"}
_UNITS = {"HardSigmoid": "probability", "LogSoftmax": "log-probability", "Sigmoid": "probability",
          "Softmax": "probability"}  # fmt: skip
# The orders of axes that turn (N, H, W, C) into (N, C, H, W), and captures for a network of the former.
TO_CHANNELS_FIRST, TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A model that takes one image, tidied so that weights are initialisers and inputs are inputs; never changed."""

    model: "ModelProto"

    @classmethod
    def of(cls, model: "ModelProto") -> "Graph":
        """Tidy a model, in place, and return its graph.

        Weights listed among the inputs, as files before IR version 4 must, and weights in Constant operators become
        plain initialisers.
        """
        graph = model.graph
        for node in [node for node in graph.node if node.op_type == "Constant"]:
            for attribute in node.attribute:
                if attribute.name == "value":
                    attribute.t.name = node.output[0]
                    graph.initializer.append(attribute.t)
                    graph.node.remove(node)
        weights = {tensor.name for tensor in graph.initializer}
        for value in [value for value in graph.input if value.name in weights]:
            graph.input.remove(value)
        model.ir_version = max(model.ir_version, 4)
        return cls(model)

    @property
    def sha256(self) -> str:
        """Hash of the tidied model's bytes."""
        return hashlib.sha256(self.model.SerializeToString(deterministic=True)).hexdigest()

    @property
    def image(self) -> "ValueInfoProto":
        """The input that takes the captures."""
        image: ValueInfoProto = self.model.graph.input[0]
        return image

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        """The shape that it takes, with the batch, in its own order of axes; None where any size goes."""
        return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in self.image.type.tensor_type.shape.dim)

    @cached_property
    def is_channels_last(self) -> bool:
        """True if it takes (N, H, W, C), as Keras exports it: by its sizes, their names, or what it does first."""
        _, second, _, last = self.image_shape
        if {second, last} & {1, 3}:
            return last in (1, 3) and second not in (1, 3)
        names = [dim.dim_param.lower() for dim in self.image.type.tensor_type.shape.dim]
        if names[3].startswith("c") or names[1].startswith(("h", "y")):
            return True
        first = next((node for node in self.nodes.values() if self.image.name in node.input), None)
        turns = first is not None and first.op_type == "Transpose"
        return turns and tuple(settings_of(first).get("perm", ())) == TO_CHANNELS_FIRST  # type: ignore[arg-type]

    @property
    def unit(self) -> str:
        """Kind of its answer: "probability", "log-probability", or else "logit"."""
        last = self._maker(self.answer)
        if last is None:
            return "logit"
        return "probability" if self._is_written_out(last) else _UNITS.get(last.op_type, "logit")

    def _is_written_out(self, last: "NodeProto") -> bool:
        """Return whether a sigmoid or softmax written with other operators ends in this one.

        Those known are 1 / (1 + exp x), exp x / (1 + exp x), exp x / sum(exp x) and (1 + tanh x) / 2.
        """
        match last.op_type:
            case "Reciprocal":
                return self._one_more_than(last.input[0], "Exp") is not None
            case "Mul":
                ways = (last.input, last.input[::-1])
                return any(self._is_all(half, 0.5) and self._one_more_than(sum_, "Tanh") for half, sum_ in ways)
            case "Div" if self._is_all(last.input[1], 2):
                return self._one_more_than(last.input[0], "Tanh") is not None
            case "Div":
                above, below = last.input
                one_more, total = self._one_more_than(below, "Exp"), self._maker(below)
                if one_more is not None and self._is_all(above, 1):
                    return True
                summed = self._maker(total.input[0]) if total and total.op_type == "ReduceSum" else one_more
                share = self._maker(above)
                if share is None or summed is None:
                    return False
                return share.op_type == summed.op_type == "Exp" and share.input == summed.input
        return False

    def _one_more_than(self, name: str, kind: str) -> "NodeProto | None":
        """Return the operator of a kind whose output, and 1, a tensor is the sum of; None for other tensors."""
        sum_ = self._maker(name)
        if sum_ is None or sum_.op_type not in ("Add", "Sum") or len(sum_.input) != 2:
            return None
        makers = [self._maker(rest) for term, rest in (sum_.input, sum_.input[::-1]) if self._is_all(term, 1)]
        return makers[0] if makers and makers[0] and makers[0].op_type == kind else None

    def _maker(self, name: str) -> "NodeProto | None":
        """Return the last operator that changed a tensor's numbers; None if it does not depend on the image."""
        while name in self.makers and self.makers[name].op_type in _HANDING_ON:
            name = self.makers[name].input[0]
        return None if name in self.constants else self.makers.get(name)

    @cached_property
    def makers(self) -> "Mapping[str, NodeProto]":
        """The operator that makes each tensor, by the tensor's name."""
        return {output: node for node in self.model.graph.node for output in node.output}

    def _is_all(self, name: str, number: float) -> bool:
        """Return whether a constant holds one number only."""
        if name in self.tensors:
            return bool(np.all(self.constant(name) == number))
        maker = self.makers.get(name)
        if maker is not None and maker.op_type == "Constant":
            return settings_of(maker).get("value_float") == number
        return maker is not None and maker.op_type in ("Cast", "Identity") and self._is_all(maker.input[0], number)

    @cached_property
    def answer(self) -> str:
        """The output that is its answer: of several what is called "logits", else the first of fractions."""
        outputs = self.model.graph.output
        names = [output.name for output in outputs if output.name.lower() == "logits"]
        names += [output.name for output in outputs if _is_of_fractions(output)]
        return str((names or [outputs[0].name])[0])

    def shape_of(self, name: str) -> Sequence[int] | None:
        """Return the shape of an initialiser, or of what is made of one number by number; None for other tensors."""
        if name in self.tensors:
            return tuple(self.tensors[name].dims)
        maker = self.makers.get(name)
        return self.shape_of(maker.input[0]) if maker and maker.op_type in _NUMBER_BY_NUMBER else None

    @cached_property
    def nodes(self) -> "Mapping[str, NodeProto]":
        """The operators that work on the image, by name, in the order of running.

        What works on constants alone, or on the mere shape of the image, is left out. A node without a name goes by
        its first output's; the second of a name is ``name (2)``.
        """
        carried = {self.image.name}
        names: Counter[str] = Counter()
        nodes: dict[str, NodeProto] = {}
        for node in self.model.graph.node:
            if node.op_type not in {"Shape", "Size"} and not carried.isdisjoint(inputs_of(node)):
                carried.update(filter(None, node.output))
                name = node.name or output_of(node)
                names[name] += 1
                nodes[name if names[name] == 1 else f"{name} ({names[name]})"] = node
        return nodes

    @cached_property
    def tensors(self) -> "Mapping[str, TensorProto]":
        """The initialisers by name."""
        return {tensor.name: tensor for tensor in self.model.graph.initializer}

    @cached_property
    def constants(self) -> Mapping[str, frozenset[str]]:
        """Name of each tensor that does not depend on the pixels -> the initialisers it was made of."""
        sources = {name: frozenset([name]) for name in self.tensors}
        carried = {output for node in self.nodes.values() for output in node.output}
        for node in self.model.graph.node:
            if carried.isdisjoint(node.output):
                used = frozenset(source for name in node.input for source in sources.get(name, ()))
                sources |= dict.fromkeys(node.output, used)
        return sources

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """Name -> size of every initialiser that holds parameters, used or not.

        Integers that are places, shapes or sizes, single numbers of the arithmetic, limits of a Clip, scales of a
        Resize and the mean and variance of a batch normalisation are not parameters.
        """
        from onnx import TensorProto

        no_weights = {TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING}
        settings = {
            source
            for node in self.model.graph.node
            for place, name in enumerate(node.input)
            for source in self.constants.get(name, ())
            if place in _SETTINGS.get(node.op_type, ())
            or (node.op_type not in _SINGLE_WEIGHTS and self._size(source) == 1)
        }
        return {
            name: self._size(name)
            for name, tensor in self.tensors.items()
            if tensor.data_type not in no_weights and name not in settings
        }

    def weights_of(self, node: "NodeProto") -> Mapping[str, tuple[int, int]]:
        """Return name -> (size, bytes of a number) of what an operator uses, through operators on constants too."""
        used = [source for name in node.input for source in self.constants.get(name, ())]
        return {name: (self.weights[name], self.bytes_of(name)) for name in used if name in self.weights}

    def bytes_of(self, name: str) -> int:
        """Return the bytes of one number of an initialiser."""
        from onnx import helper

        return int(helper.tensor_dtype_to_np_dtype(self.tensors[name].data_type).itemsize)

    def constant(self, name: str) -> Any:
        """Return the value of an initialiser as an array."""
        from onnx import numpy_helper

        return numpy_helper.to_array(self.tensors[name])

    def showing(self, tensors: tuple[str, ...]) -> bytes:
        """Return the model as bytes for ONNX Runtime, with these tensors as its only outputs."""
        from onnx import GraphProto, ModelProto, ValueInfoProto

        outputs = GraphProto(output=[ValueInfoProto(name=name) for name in tensors])
        # Two messages of protobuf, one after the other, are one message that holds what both hold.
        content: bytes = self._without_outputs + ModelProto(graph=outputs).SerializeToString()
        return content

    @cached_property
    def _without_outputs(self) -> bytes:
        from onnx import ModelProto

        model = ModelProto()
        model.CopyFrom(self.model)
        del model.graph.output[:], model.graph.node[:]
        model.graph.node.extend(without_prelu(self.model.graph.node, self.tensors))
        content: bytes = model.SerializeToString()
        return content

    def permuted(self, seed: int) -> "Graph":
        """Return the graph with the values of each weight put in random order within it."""
        from onnx import ModelProto, numpy_helper

        rng = np.random.default_rng(seed)
        model = ModelProto()
        model.CopyFrom(self.model)
        for tensor in model.graph.initializer:
            if tensor.name in self.weights:
                values = numpy_helper.to_array(tensor)
                mixed = rng.permutation(values.ravel()).reshape(values.shape)
                tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
        return Graph(model)

    def _size(self, name: str) -> int:
        return int(np.prod(self.tensors[name].dims, dtype=np.int64))


def read(path: Path) -> tuple["ModelProto", str]:
    """Return the model in a file and its SHA-256; weights in files beside it are read and hashed after it.

    Raises InputError if there is no such file, it is not an ONNX file, is damaged, or weights that belong beside it are
    missing.
    """
    import onnx
    from onnx.external_data_helper import load_external_data_for_model, uses_external_data

    if not path.is_file():
        raise InputError(f"{path} is not a file; give the path of an .onnx file")
    _check_room(path, path.stat().st_size)
    content = path.read_bytes()
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError, whose home differs between its versions
        raise InputError(f"{path} is not an ONNX file, or only a part of one{_hint(content)}") from error
    if not model.graph.node:
        raise InputError(f"{path} is not an ONNX file: it holds no graph ({len(content):,} bytes){_hint(content)}")
    outside = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    _check_room(path, sum(map(_external_size, outside)))
    digest = hashlib.sha256(content)
    try:
        load_external_data_for_model(model, str(path.parent))
    except Exception as error:
        raise InputError(
            f"{path} keeps weights in a file beside it, which cannot be read; put it into the same folder: {error}"
        ) from error
    for tensor in outside:
        digest.update(tensor.raw_data)
    return model, digest.hexdigest()


def _check_room(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise InputError(f"{path} and its weights take {size / 1e9:.1f} GB; at most {MOST_BYTES / 1e9:.1f} GB are read")


def _external_size(tensor: "TensorProto") -> int:
    """Return the bytes that a tensor keeps outside, as its shape or the file says: the larger."""
    from onnx import helper

    lengths = [int(entry.value) for entry in tensor.external_data if entry.key == "length" and entry.value.isdecimal()]
    bytes_of_number = int(helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    return max(math.prod(map(int, tensor.dims)) * bytes_of_number, *lengths, 0)


def _is_of_fractions(output: "ValueInfoProto") -> bool:
    from onnx import TensorProto

    unknown, kinds = TensorProto.UNDEFINED, (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    return output.type.tensor_type.elem_type in (unknown, *kinds)


def output_of(node: "NodeProto") -> str:
    """Return the first thing that an operator puts out; those that nothing reads may have no name."""
    return str(next(filter(None, node.output)))


def inputs_of(node: "NodeProto") -> Iterator[str]:
    """Go through what an operator takes; a branch or loop also takes what the graphs inside it do."""
    yield from node.input
    for attribute in node.attribute:
        for inner in (*attribute.g.node, *(node for graph in attribute.graphs for node in graph.node)):
            yield from inputs_of(inner)


def settings_of(node: "NodeProto") -> dict[str, Any]:
    """Return the attributes of an operator by name."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _hint(content: bytes) -> str:
    is_torch = content.startswith((b"PK\x03\x04", b"\x80\x02"))
    return "; it looks like a file of torch.save: export the network with torch.onnx.export" if is_torch else ""
