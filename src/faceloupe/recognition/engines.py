"""Running a network from its ONNX file, many faces at a time.

A published network may say that it takes one face, and list its weights among its inputs, where a caller could replace
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

from faceloupe.errors import InputError, UnavailableError, extra
from faceloupe.recognition.chips import CHIP_SIDE
from faceloupe.recognition.devices import check_provider, chosen_device, onnxruntime_providers, openvino_device

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]
"""(N, C, H, W) -> (N, D); may be called from several threads."""
Outputs = Callable[[Floats], list[Floats]]
"""What goes in -> every output, in the order of the file; may be called from several threads."""

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
    run: Run = _either(engine, lambda: _OpenVINO(content, output, many), lambda: _onnxruntime(content, output, many))
    return run


def open_outputs(content: bytes, engine: Engine) -> Outputs:
    """Return a function that runs a network for inputs of the size in the file, and returns all its outputs.

    Raises
    ------
    InputError, UnavailableError
        As :func:`open_network`.
    """
    run: Outputs = _either(engine, lambda: _openvino_outputs(content), lambda: _onnxruntime_outputs(content))
    return run


def _either(engine: Engine, openvino: Callable[[], Any], onnxruntime: Callable[[], Any]) -> Any:
    check_engine(engine)
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
    """Few faces are run by all cores together, which is soonest; of many each core runs its own, which is fastest."""

    def __init__(self, content: bytes, output: str | None, many: bool) -> None:
        self._many = many
        self._openvino = _import_openvino()
        self._core = self._openvino.Core()
        self._device = openvino_device(self._core, chosen_device())
        self._model = _read(self._core, content)
        with _runs("OpenVINO"):
            if many:
                self._model.reshape([-1, *list(self._model.input(0).partial_shape)[1:]])
            self._output = _place(output, [sorted(each.get_names()) for each in self._model.outputs])
            self._together = self._compiled("LATENCY")
        self._lock = Lock()

    def __call__(self, faces: Floats) -> Floats:
        if not self._many:
            return _singly(self._run, faces)
        if len(faces) >= MANY:
            return self._run_many(faces)
        return np.concatenate([self._run(faces[start : start + PART]) for start in range(0, len(faces), PART)])

    def _run(self, faces: Floats) -> Floats:
        with _runs("OpenVINO"):
            outputs = self._together.create_infer_request().infer([faces], share_inputs=True)
        return np.array(outputs[self._output], dtype=np.float32)

    def _run_many(self, faces: Floats) -> Floats:
        vectors = {}

        def keep(request: Any, start: int) -> None:
            vectors[start] = np.array(request.get_output_tensor(self._output).data, dtype=np.float32)

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
        queue = self._openvino.AsyncInferQueue(self._compiled("THROUGHPUT"))
        del self._model  # both ways of running have its weights now
        return queue

    def _compiled(self, hint: str) -> Any:
        return self._core.compile_model(self._model, self._device, _precise(hint))


def _precise(hint: str) -> dict[str, str]:
    return {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": hint}  # else 16-bit floats where the CPU has them


def _read(core: Any, content: bytes) -> Any:
    with _runs("OpenVINO"):
        return core.read_model(content)  # weights become constants


def _openvino_outputs(content: bytes) -> Outputs:
    core = _import_openvino().Core()
    device = openvino_device(core, chosen_device())
    model = _read(core, content)
    with _runs("OpenVINO"):
        compiled = core.compile_model(model, device, _precise("LATENCY"))

    def run(inputs: Floats) -> list[Floats]:
        with _runs("OpenVINO"):
            outputs = compiled.create_infer_request().infer([inputs], share_inputs=True)
        return [np.array(outputs[place], dtype=np.float32) for place in range(len(compiled.outputs))]

    return run


def _onnxruntime(content: bytes, output: str | None, many: bool) -> Run:
    session = _session(content, many=many)
    place = _place(output, [[each.name] for each in session.get_outputs()])
    face = session.get_inputs()[0].name

    def run(faces: Floats) -> Floats:
        with _runs("ONNX Runtime"):
            return np.asarray(session.run(None, {face: faces})[place], dtype=np.float32)

    return run if many else lambda faces: _singly(run, faces)


def _singly(run: Run, faces: Floats) -> Floats:
    return np.concatenate([run(faces[place : place + 1]) for place in range(len(faces))])


def _onnxruntime_outputs(content: bytes) -> Outputs:
    session = _session(content, many=False)
    name = session.get_inputs()[0].name

    def run(inputs: Floats) -> list[Floats]:
        with _runs("ONNX Runtime"):
            return [np.asarray(each, dtype=np.float32) for each in session.run(None, {name: inputs})]

    return run


def _session(content: bytes, *, many: bool) -> Any:
    with extra("onnx"):
        import onnx
        import onnxruntime
    device = chosen_device()
    providers = onnxruntime_providers(onnxruntime, device)
    with _runs("ONNX Runtime"):
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


def _place(output: str | None, names: list[list[str]]) -> int:
    """Return which output is meant."""
    if output is None:
        return 0
    for place, known in enumerate(names):
        if output in known:
            return place
    raise InputError(
        f"output: there is no {output!r}; there are {', '.join(name for known in names for name in known)}"
    )


@contextmanager
def _runs(engine: str) -> Iterator[None]:
    """Turn an engine's complaint about a network into an error of ours."""
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
    before = sys.modules.pop(package, None)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before
