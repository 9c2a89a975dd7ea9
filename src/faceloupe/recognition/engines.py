"""Running a network from its ONNX file, many faces at a time.

A published network may say that it takes one face, and list its weights among its inputs, where a caller could replace
them. Each engine here opens it for any number of faces, with the weights fixed; the numbers stay the same.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, UnavailableError, extra
from faceloupe.recognition.chips import CHIP_SIDE
from faceloupe.recognition.devices import check_provider, chosen_device, onnxruntime_providers, openvino_device
from faceloupe.recognition.openings import forks_held_back

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]
"""(N, C, H, W) -> (N, D); may be called from several threads."""
Outputs = Callable[[Floats], list[Floats]]
"""Inputs -> every output, in the order of the file; may be called from several threads."""

Engine = Literal["openvino", "onnxruntime"]

BATCH = 32
"""Faces that go through a network at once, at most: more are no faster and need more memory."""

MANY = 8  # faces from which on it pays that cores do not wait for each other
PART = 2  # faces that OpenVINO is given at a time: for every other number it keeps what it needs to run so many


def check_engine(engine: str) -> None:
    """Check the name of an engine.

    Raises
    ------
    InputError
        If there is no such engine.
    """
    if engine not in get_args(Engine):
        raise InputError(f'engine: expected "openvino" or "onnxruntime", got {engine!r}')


def open_network(content: bytes, engine: Engine, *, output: str | None = None, many: bool = True) -> Run:
    """Return a function that runs the network in an ONNX file, on the device of :func:`use_device`.

    Parameters
    ----------
    content : bytes
        Bytes of the file: a network with one input (1, C, H, W) beside its weights.
    engine : {"openvino", "onnxruntime"}
        OpenVINO in 32-bit floats, or ONNX Runtime. Where OpenVINO is not installed, as on Macs with Intel processors,
        ONNX Runtime takes its place: the vectors are the same to the sixth digit.
    output : str, optional
        Name of the output (1, D) to return; by default the first.
    many : bool
        Whether it may be opened for any number of faces; otherwise they go through it one after another.

    Raises
    ------
    InputError
        If there is no such engine or output, or the engine cannot run the network.
    UnavailableError
        If its packages or the device are missing.
    """
    run: Run = _run_by(engine, lambda: _OpenVINO(content, output, many), lambda: _onnxruntime(content, output, many))
    return run


def open_outputs(content: bytes, engine: Engine) -> Outputs:
    """Return a function that runs a network for inputs of the size in the file, and returns all its outputs.

    Raises
    ------
    InputError, UnavailableError
        As :func:`open_network`.
    """
    run: Outputs = _run_by(engine, lambda: _openvino_outputs(content), lambda: _onnxruntime_outputs(content))
    return run


def _run_by(engine: Engine, openvino: Callable[[], Any], onnxruntime: Callable[[], Any]) -> Any:
    check_engine(engine)
    with forks_held_back():
        opened = _opened(engine, openvino, onnxruntime)

    def run(inputs: Floats) -> Any:
        with forks_held_back():
            return opened(inputs)

    return run


def _opened(engine: Engine, openvino: Callable[[], Any], onnxruntime: Callable[[], Any]) -> Any:
    if engine == "openvino":
        try:
            _import_openvino()
        except UnavailableError as missing:
            with suppress(UnavailableError):
                return onnxruntime()
            raise missing
        return openvino()
    return onnxruntime()


class _OpenVINO:
    """Runs few faces with all cores on each, which is soonest, and of many each on a core of its own: the fastest."""

    def __init__(self, content: bytes, output: str | None, many: bool) -> None:
        self._many = many
        self._openvino = _import_openvino()
        self._core = _new_core()
        self._device = openvino_device(self._core, chosen_device())
        self._model = _read_model(self._core, content)
        with _errors_of("OpenVINO"):
            if many:
                self._model.reshape([-1, *list(self._model.input(0).partial_shape)[1:]])
            self._output = _output_index(output, [sorted(output.get_names()) for output in self._model.outputs])
            self._compiled_model = self._compile("LATENCY")
        self._lock = Lock()

    def __call__(self, faces: Floats) -> Floats:
        if not self._many:
            return _run_one_by_one(self._run, faces)
        if len(faces) >= MANY:
            return self._run_many(faces)
        return np.concatenate([self._run(faces[start : start + PART]) for start in range(0, len(faces), PART)])

    def _run(self, faces: Floats) -> Floats:
        with _errors_of("OpenVINO"):
            outputs = self._compiled_model.create_infer_request().infer([faces], share_inputs=True)
        return np.array(outputs[self._output], dtype=np.float32)

    def _run_many(self, faces: Floats) -> Floats:
        vectors, output = {}, self._output

        def store(request: Any, start: int) -> None:  # it is the queue's: with `self` it would hold itself for ever
            vectors[start] = np.array(request.get_output_tensor(output).data, dtype=np.float32)

        with self._lock:
            self._queue.set_callback(store)
            try:
                for start in range(0, len(faces), PART):
                    self._queue.start_async([faces[start : start + PART]], start, share_inputs=True)
            finally:  # Ctrl-C must not end the interpreter while a callback may still come
                self._queue.wait_all()
        return np.concatenate([vectors[start] for start in sorted(vectors)])

    @cached_property
    def _queue(self) -> Any:
        queue = self._openvino.AsyncInferQueue(self._compile("THROUGHPUT"))
        del self._model  # both ways of running have its weights now
        return queue

    def _compile(self, hint: str) -> Any:
        return self._core.compile_model(self._model, self._device, _precise(hint))


def _precise(hint: str) -> dict[str, str]:
    return {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": hint}  # else 16-bit floats where the CPU has them


def _new_core() -> Any:
    """Return OpenVINO with threads that are bound to no core of the processor.

    By default it binds them, every process to the same cores, and a forked child waits for ever, where it ends its own
    threads, for those of its parent that were being bound.
    """
    core = _import_openvino().Core()
    core.set_property("CPU", {"ENABLE_CPU_PINNING": False})
    return core


def _read_model(core: Any, content: bytes) -> Any:
    with _errors_of("OpenVINO"):
        return core.read_model(content)  # weights become constants


def _openvino_outputs(content: bytes) -> Outputs:
    core = _new_core()
    device = openvino_device(core, chosen_device())
    model = _read_model(core, content)
    with _errors_of("OpenVINO"):
        compiled = core.compile_model(model, device, _precise("LATENCY"))

    def run(inputs: Floats) -> list[Floats]:
        with _errors_of("OpenVINO"):
            outputs = compiled.create_infer_request().infer([inputs], share_inputs=True)
        return [np.array(outputs[place], dtype=np.float32) for place in range(len(compiled.outputs))]

    return run


def _onnxruntime(content: bytes, output: str | None, many: bool) -> Run:
    session = _session(content, many=many)
    place = _output_index(output, [[value.name] for value in session.get_outputs()])
    name = session.get_inputs()[0].name

    def run(faces: Floats) -> Floats:
        with _errors_of("ONNX Runtime"):
            return np.asarray(session.run(None, {name: faces})[place], dtype=np.float32)

    return run if many else lambda faces: _run_one_by_one(run, faces)


def _run_one_by_one(run: Run, faces: Floats) -> Floats:
    return np.concatenate([run(faces[place : place + 1]) for place in range(len(faces))])


def _onnxruntime_outputs(content: bytes) -> Outputs:
    session = _session(content, many=False)
    name = session.get_inputs()[0].name

    def run(inputs: Floats) -> list[Floats]:
        with _errors_of("ONNX Runtime"):
            return [np.asarray(output, dtype=np.float32) for output in session.run(None, {name: inputs})]

    return run


def _session(content: bytes, *, many: bool) -> Any:
    with extra("onnx"):
        import onnx
        import onnxruntime
    device = chosen_device()
    providers = onnxruntime_providers(onnxruntime, device)
    with _errors_of("ONNX Runtime"):
        model = _with_fixed_weights(onnx.load_from_string(content), many=many)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
    check_provider(session, device)
    return session


def embed_chips(faces: Floats, run: Callable[[Floats], Floats], *, flip: bool) -> Floats:
    """Return a vector for each chip, some at a time; with `flip`, those of the chip and of its mirror image added.

    Raises
    ------
    InputError
        If `faces` are not chips, (N, 112, 112, 3).
    """
    if faces.ndim != 4 or faces.shape[1:] != (CHIP_SIDE, CHIP_SIDE, 3) or not len(faces):
        raise InputError(f"faces: expected (N, {CHIP_SIDE}, {CHIP_SIDE}, 3) with N > 0, got {faces.shape}")

    def vectors(chips: Floats) -> Floats:
        return np.concatenate([run(chips[start : start + BATCH]) for start in range(0, len(chips), BATCH)])

    return vectors(faces) + vectors(faces[:, :, ::-1]) if flip else vectors(faces)


def _with_fixed_weights(model: Any, *, many: bool) -> Any:
    """Remove weights from the inputs; for many faces free the first dimension of inputs and outputs."""
    fixed = {weight.name for weight in model.graph.initializer}
    faces = [value for value in model.graph.input if value.name not in fixed]
    del model.graph.input[:]
    model.graph.input.extend(faces)
    for value in (*model.graph.input, *model.graph.output) if many else ():
        dimensions = value.type.tensor_type.shape.dim
        if dimensions:
            dimensions[0].dim_param = "faces"
    return model


def _output_index(output: str | None, names: list[list[str]]) -> int:
    """Return the place of an output among all, each of which may have several names; the first if none is asked for."""
    if output is None:
        return 0
    for place, aliases in enumerate(names):
        if output in aliases:
            return place
    raise InputError(f"output: there is no {output!r}; there are {', '.join(chain.from_iterable(names))}")


@contextmanager
def _errors_of(engine: str) -> Iterator[None]:
    """Turn what an engine raises about a network into an InputError."""
    try:
        yield
    except (InputError, UnavailableError, MemoryError):
        raise
    except Exception as problem:  # engines raise what their C++ does: RuntimeError, and classes of their own
        reason = " ".join(str(problem).split())[:300]
        raise InputError(f"{engine} cannot run this network: {reason}") from problem


def _import_openvino() -> Any:
    with extra("recognition"), _silenced("openvino_telemetry"):
        import openvino
    return openvino


@contextmanager
def _silenced(package: str) -> Iterator[None]:
    """Hide a package: with its telemetry at hand, OpenVINO reports every import to Google Analytics."""
    module = sys.modules.pop(package, None)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop(package, None)  # another thread that imports it may have been first
        if module is not None:
            sys.modules[package] = module
