"""The chip that networks run on: the processor, or a graphics chip that an engine here can use."""

import os
from contextlib import suppress
from typing import Any, Literal, get_args

from faceloupe.errors import InputError, UnavailableError

Device = Literal["auto", "cpu", "gpu", "cuda"]
"""What to run on: "auto" takes CUDA where ONNX Runtime offers it, and otherwise the processor."""

GPUS = (
    "CUDAExecutionProvider",
    "ROCMExecutionProvider",
    "MIGraphXExecutionProvider",
    "DmlExecutionProvider",
    "CoreMLExecutionProvider",
)
_WANTED = {"cuda": GPUS[:1], "gpu": GPUS, "auto": GPUS[:1], "cpu": ()}

_chosen: list[Device] = []


def use_device(device: str) -> None:
    """Run networks that are opened from now on in this process on a device.

    The environment variable ``FACELOUPE_DEVICE`` says it for every process. YuNet, which finds faces, is run by OpenCV
    on the processor whatever the device.

    Raises
    ------
    InputError
        If it is none of "auto", "cpu", "gpu" and "cuda".
    """
    _chosen[:] = [_checked(device)]


def chosen_device() -> Device:
    """Return the device that was chosen, "auto" if none was."""
    return _chosen[0] if _chosen else _checked(os.environ.get("FACELOUPE_DEVICE") or "auto")


def onnxruntime_providers(onnxruntime: Any, device: Device) -> list[str]:
    """Return the providers with which ONNX Runtime runs on a device, the processor last.

    Raises
    ------
    UnavailableError
        If the device is asked for and ONNX Runtime cannot use it here.
    """
    offered = onnxruntime.get_available_providers()
    wanted = [name for name in _WANTED[device] if name in offered]
    if device in ("gpu", "cuda") and not wanted:
        raise UnavailableError(
            f"ONNX Runtime {onnxruntime.__version__} runs on no {device.upper()} here; it offers {', '.join(offered)}. "
            "For CUDA: pip uninstall onnxruntime, pip install onnxruntime-gpu; or take --device cpu"
        )
    with suppress(AttributeError):  # older ones lack it; the libraries of CUDA and cuDNN may come with PyTorch
        if "CUDAExecutionProvider" in wanted:
            onnxruntime.preload_dlls()
    return [*wanted, "CPUExecutionProvider"]


def check_provider(session: Any, device: Device) -> None:
    """Check that a session runs on the device asked for: ONNX Runtime falls back to the processor silently.

    Raises
    ------
    UnavailableError
        If it does not.
    """
    if device in ("gpu", "cuda") and session.get_providers()[0] not in _WANTED[device]:
        raise UnavailableError(
            f"ONNX Runtime could not start on {device.upper()} and fell back to the processor: its libraries (CUDA, "
            "cuDNN) or the chip are missing, as its own message above says. Or take --device cpu"
        )


def openvino_device(core: Any, device: Device) -> str:
    """Return OpenVINO's name of a device.

    Raises
    ------
    UnavailableError
        If OpenVINO has no such device here.
    """
    if device in ("auto", "cpu"):
        return "CPU"
    if device == "cuda":
        raise UnavailableError("OpenVINO does not run on CUDA: take --engine onnxruntime, or --device cpu")
    if not any(name.startswith("GPU") for name in core.available_devices):
        raise UnavailableError(
            f"OpenVINO finds no GPU here; it has {', '.join(core.available_devices)}. It runs on those of Intel, with "
            "their driver; take --engine onnxruntime for others, or --device cpu"
        )
    return "GPU"


def _checked(device: str) -> Device:
    if device not in get_args(Device):
        raise InputError(f'device: expected "auto", "cpu", "gpu" or "cuda", got {device!r}')
    return device  # type: ignore[return-value]  # one of them
