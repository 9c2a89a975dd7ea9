"""A network in an ONNX file, opened so that every operator's output can be seen."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError, extra
from faceloupe.inspection.layer_names import chosen_layers
from faceloupe.inspection.onnx_networks.graph import TO_CHANNELS_LAST, Graph, output_of, read
from faceloupe.inspection.outputs import Trace, relu_sides, stacked

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = NDArray[np.float32]

CORES = os.cpu_count() or 1


class OnnxNetwork:
    """A network that takes one image, read from an ONNX file and run by ONNX Runtime on the CPU.

    Captures run one at a time, on each core another one: the memory is that of one for each core, and a file exported
    for a batch of 1 works like any other.

    Parameters
    ----------
    path : str or path
        An .onnx file of at most 2 GB. Weights that it keeps in files beside it are read too.

    Attributes
    ----------
    path : Path
    sha256 : str
        Hash of the file and, after it, of any files of weights beside it: without those, what ``sha256sum`` prints.
    graph : faceloupe.inspection.onnx_networks.graph.Graph
        Graph in the file.

    Raises
    ------
    InputError
        If the file is missing, no ONNX file, damaged, lacks its weights, or its network does not take one image
        (N, C, H, W) of floating-point numbers with N = 1 or free.
    UnavailableError
        If the packages onnx and onnxruntime are not installed.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        with extra("onnx"):
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
        self.path = Path(path)
        model, self.sha256 = read(self.path)
        self.graph = Graph.of(model)
        self._check_input()
        self._note = ""
        self._runner  # noqa: B018 - an error shows now, not later

    @property
    def input_shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape that one capture must have, (C, H, W); None where any size goes."""
        _, *shape = self.graph.image_shape
        channels, height, width = [shape[-1], *shape[:-1]] if self.graph.is_channels_last else shape
        return channels, height, width

    @property
    def unit(self) -> str:
        """Unit of its answer: "probability" or "log-probability" where it ends in such an operator, else "logit"."""
        return self.graph.unit

    @property
    def chosen(self) -> str:
        """Which of several outputs its answer is, in words; "" for the only one."""
        return f"“{self.graph.answer}”, of its outputs" if len(self.graph.model.graph.output) > 1 else ""

    @property
    def layers(self) -> tuple[str, ...]:
        """The operators that work on the image, in the order of running; each is named as in the file."""
        return tuple(self.graph.nodes)

    def run(self, faces: ArrayLike) -> Floats:
        """Return the answers (N, K) to captures (N, C, H, W), prepared as the network was trained.

        Of several outputs the answer is the one called "logits", or else the first of fractions. Raises InputError if
        the captures have another shape, or the network cannot run on them.
        """
        batch = self._checked(faces)

        def answer(face: Floats) -> NDArray[Any]:
            (output,) = self._outputs(self._runner, face, (self.graph.answer,))
            if output.dtype.kind != "f":
                raise InputError(
                    f"{self.path.name} answers with {output.dtype}, what it has chosen or rounded already; expected "
                    "real numbers: export it without its last operator"
                )
            return output.reshape(-1)

        with ThreadPoolExecutor(min(CORES, len(batch))) as threads:
            return np.stack([*threads.map(answer, batch)]).astype(np.float32)

    def trace(self, faces: ArrayLike, layers: Iterable[str] | None = None) -> Trace:
        """Run captures and keep the output of every layer, as :func:`faceloupe.inspection.trace` does.

        While a capture runs, the memory is that of all its layers' outputs. Of an operator with several outputs the
        first is kept.
        """
        batch = self._checked(faces)
        names = chosen_layers(layers, self.layers)
        outputs = zip(*self.tensors(batch, [output_of(self.graph.nodes[name]) for name in names]), strict=True)
        nodes = self.graph.nodes
        makers = {output_of(node): name for name, node in nodes.items()}
        sides = relu_sides((name, node.op_type, makers.get((*node.input, "")[0])) for name, node in nodes.items())
        return Trace({name: stacked(each) for name, each in zip(names, outputs, strict=True)}, sides)

    def tensors(self, faces: ArrayLike, names: Sequence[str]) -> Iterator[list[NDArray[Any]]]:
        """Go through captures, each time with the tensors of these names in the file, as they are for a batch of 1."""
        return (self._outputs(self._tracer, face, names) for face in self._checked(faces))

    def randomised(self, seed: int) -> "OnnxNetwork":
        """Return the same network with the values of every weight tensor in random order, in memory.

        An attribution that looks at what was learnt must change with them (Adebayo et al. 2018, arXiv:1810.03292).
        Each tensor keeps its shape and its values; the running mean and variance of batch normalisations stay.
        """
        other = copy(self)
        other.graph = self.graph.permuted(seed)
        other.sha256 = other.graph.sha256
        other._note = f", weights permuted with seed {seed}"
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what ONNX Runtime made of the graph: it can be neither copied nor sent to another process."""
        state = {name: value for name, value in vars(self).items() if name not in ("_runner", "_tracer")}
        return state | {"graph": Graph(self.graph.model)}

    def __repr__(self) -> str:
        shape = "×".join("any" if size is None else str(size) for size in self.input_shape)
        name = f"{self.path.name}{self._note}"
        return f"OnnxNetwork({name}: {shape} -> {len(self.layers)} layers, sha256 {self.sha256[:12]}…)"

    @cached_property
    def _runner(self) -> "InferenceSession":
        """Puts out the answer."""
        return self._session((self.graph.answer,), threads=1)

    @cached_property
    def _tracer(self) -> "InferenceSession":
        """Can put out whatever an operator that works on the image puts out."""
        return self._session(tuple(name for node in self.graph.nodes.values() for name in node.output if name))

    def _check_input(self) -> None:
        """Refuse a network that takes anything but one image."""
        from onnx import TensorProto

        inputs = self.graph.model.graph.input
        shapes = [tuple(dim.dim_value or "any" for dim in value.type.tensor_type.shape.dim) for value in inputs]
        if len(inputs) != 1 or len(shapes[0]) != 4:
            taken = ", ".join(f"{value.name} {shape}" for value, shape in zip(inputs, shapes, strict=True)) or "nothing"
            raise InputError(
                f"{self.path} is not a network of images: expected one input (N, C, H, W), but it takes {taken}"
            )
        batch = self.graph.image_shape[0]
        if batch not in (1, None):
            raise InputError(f"{self.path} takes exactly {batch} captures at a time; export it for 1 or any number")
        kind = self.graph.image.type.tensor_type.elem_type
        if kind not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
            raise InputError(
                f"{self.path} takes numbers of type {TensorProto.DataType.Name(kind)}; expected floating point"
            )

    def _checked(self, faces: ArrayLike) -> Floats:
        batch = np.asarray(faces, dtype=np.float32)
        expected = self.input_shape
        if (
            batch.ndim != 4
            or not len(batch)
            or any(size not in (None, given) for size, given in zip(expected, batch.shape[1:], strict=True))
        ):
            shape = ", ".join(str(size or letter) for size, letter in zip(expected, "CHW", strict=True))
            raise InputError(f"faces: {self.path.name} takes (N, {shape}) with N at least 1, got {batch.shape}")
        return batch

    def _session(self, tensors: tuple[str, ...], threads: int = CORES) -> "InferenceSession":
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: they come as exceptions
        try:
            return InferenceSession(self.graph.showing(tensors), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"{self.path} is damaged, or ONNX Runtime cannot run it: {error}") from error

    def _outputs(self, session: "InferenceSession", face: Floats, names: Sequence[str]) -> list[NDArray[Any]]:
        """Return the tensors of these names for one face (C, H, W)."""
        from onnx import helper

        dtype = helper.tensor_dtype_to_np_dtype(self.graph.image.type.tensor_type.elem_type)
        turns = self.graph.is_channels_last
        image = np.ascontiguousarray(face[None].transpose(TO_CHANNELS_LAST) if turns else face[None], dtype=dtype)
        try:
            outputs: list[NDArray[Any]] = session.run([*names], {self.graph.image.name: image})
        except Exception as error:
            hint = "" if turns else "; a network of captures (H, W, C) is known by the sizes or names of its input"
            raise InputError(
                f"{self.path.name} cannot run on a capture of shape {face.shape}: {error}{hint}"
            ) from error
        return outputs
