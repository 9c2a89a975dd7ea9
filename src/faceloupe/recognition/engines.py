"""Running an embedding network from its ONNX file, many faces at a time.

The published SFace says that it takes one face, and lists its weights among its inputs, where a caller could replace
them. Each engine here opens it for any number of faces, with the weights fixed; the numbers stay the same.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, UnavailableError

__all__ = ["Engine", "Run", "check_engine", "open_network"]

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]
"""(N, C, H, W) -> (N, D); may be called from several threads."""

Engine = Literal["openvino", "onnxruntime"]

MANY = 8  # faces from which on it pays that cores do not wait for each other
PART = 2  # of many faces: what a core works on at a time


def check_engine(engine: str) -> None:
    """Let the name of an engine through.

    Raises
    ------
    InputError
        If there is no such engine.
    """
    if engine not in get_args(Engine):
        raise InputError(f'engine: expected "openvino" or "onnxruntime", got {engine!r}')


def open_network(content: bytes, engine: Engine) -> Run:
    """Return a function that runs the network in an ONNX file.

    Parameters
    ----------
    content : bytes
        Bytes of the file: a network with one input (1, C, H, W) beside its weights and one output (1, D).
    engine : {"openvino", "onnxruntime"}
        OpenVINO in 32-bit floats on the CPU, or ONNX Runtime, on CUDA where it offers that. Where OpenVINO is not
        installed, as on Macs with Intel processors, ONNX Runtime takes its place: the vectors are the same to the sixth
        digit.

    Raises
    ------
    InputError
        If there is no such engine.
    UnavailableError
        If its packages are missing.
    """
    check_engine(engine)
    if engine == "openvino":
        try:
            return _OpenVINO(content)
        except UnavailableError as missing:
            with suppress(UnavailableError):
                return _onnxruntime(content)
            raise missing
    return _onnxruntime(content)


class _OpenVINO:
    """Few faces are run by all cores together, which is soonest; of many each core runs its own, which is fastest."""

    def __init__(self, content: bytes) -> None:
        self._openvino = _import_openvino()
        self._core = self._openvino.Core()
        self._model = self._core.read_model(content)  # weights become constants
        self._model.reshape([-1, *list(self._model.input(0).partial_shape)[1:]])
        self._together = self._compiled("LATENCY")
        self._lock = Lock()

    def __call__(self, faces: Floats) -> Floats:
        if len(faces) >= MANY:
            return self._run_many(faces)
        outputs = self._together.create_infer_request().infer([faces], share_inputs=True)
        return np.array(outputs[0], dtype=np.float32)

    def _run_many(self, faces: Floats) -> Floats:
        vectors = {}

        def keep(request: Any, start: int) -> None:
            vectors[start] = np.array(request.get_output_tensor().data, dtype=np.float32)

        with self._lock:
            self._apart.set_callback(keep)
            try:
                for start in range(0, len(faces), PART):
                    self._apart.start_async([faces[start : start + PART]], start, share_inputs=True)
            finally:  # Ctrl-C must not end the interpreter while a callback may still come
                self._apart.wait_all()
        return np.concatenate([vectors[start] for start in sorted(vectors)])

    @cached_property
    def _apart(self) -> Any:
        return self._openvino.AsyncInferQueue(self._compiled("THROUGHPUT"))

    def _compiled(self, hint: str) -> Any:
        # Where the CPU has them OpenVINO would take 16-bit floats.
        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": hint}
        return self._core.compile_model(self._model, "CPU", options)


def _onnxruntime(content: bytes) -> Run:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise UnavailableError(f"ONNX Runtime needs {error.name}: pip install faceloupe[onnx]") from error
    offered = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in offered]
    model = _for_any_number(onnx.load_from_string(content))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
    face = session.get_inputs()[0].name

    def run(faces: Floats) -> Floats:
        return np.asarray(session.run(None, {face: faces})[0], dtype=np.float32)

    return run


def _for_any_number(model: Any) -> Any:
    """Free the first dimension of what goes in and out, and let no weight be an input."""
    fixed = {weight.name for weight in model.graph.initializer}
    faces = [value for value in model.graph.input if value.name not in fixed]
    del model.graph.input[:]
    model.graph.input.extend(faces)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "faces"
    return model


def _import_openvino() -> Any:
    try:
        with _silenced("openvino_telemetry"):
            import openvino
    except ImportError as error:
        raise UnavailableError("Embedding needs openvino: pip install faceloupe[recognition]") from error
    return openvino


@contextmanager
def _silenced(package: str) -> Iterator[None]:
    """Let a package look missing: with its telemetry at hand, OpenVINO reports every import to Google Analytics."""
    before = sys.modules.pop(package, None)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before
