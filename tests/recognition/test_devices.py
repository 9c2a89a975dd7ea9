"""A device that is not there is an error that says what is."""

import types

import pytest

from faceloupe.errors import InputError, UnavailableError
from faceloupe.recognition import devices
from faceloupe.recognition.devices import (
    check_provider,
    chosen_device,
    onnxruntime_providers,
    openvino_device,
    use_device,
)

CPU, CUDA, ROCM = "CPUExecutionProvider", "CUDAExecutionProvider", "ROCMExecutionProvider"


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setattr(devices, "_chosen", [])
    monkeypatch.delenv("FACELOUPE_DEVICE", raising=False)


def runtime(*offered):
    return types.SimpleNamespace(__version__="1.0", get_available_providers=lambda: list(offered))


def test_a_device_is_chosen_for_the_process_or_by_the_environment(monkeypatch):
    assert chosen_device() == "auto"
    monkeypatch.setenv("FACELOUPE_DEVICE", "cpu")
    assert chosen_device() == "cpu"
    use_device("cuda")
    assert chosen_device() == "cuda"
    with pytest.raises(InputError, match='expected "auto", "cpu", "gpu" or "cuda", got \'tpu\''):
        use_device("tpu")


@pytest.mark.parametrize(
    ("device", "offered", "taken"),
    [
        ("auto", (CPU,), [CPU]),
        ("auto", (CUDA, CPU), [CUDA, CPU]),
        ("auto", (ROCM, CPU), [CPU]),
        ("cpu", (CUDA, CPU), [CPU]),
        ("gpu", (ROCM, CPU), [ROCM, CPU]),
        ("cuda", (CUDA, CPU), [CUDA, CPU]),
    ],
)
def test_providers_of_a_device(device, offered, taken):
    assert onnxruntime_providers(runtime(*offered), device) == taken


@pytest.mark.parametrize("device", ["gpu", "cuda"])
def test_onnx_runtime_without_the_device_says_what_it_offers(device):
    with pytest.raises(UnavailableError, match=rf"runs on no {device.upper()} here; it offers CPU.*--device cpu"):
        onnxruntime_providers(runtime(CPU), device)


def test_a_silent_fall_back_to_the_processor_is_an_error():
    session = types.SimpleNamespace(get_providers=lambda: [CPU])
    check_provider(session, "auto")
    with pytest.raises(UnavailableError, match="fell back to the processor"):
        check_provider(session, "cuda")


def test_openvino_s_devices():
    core = types.SimpleNamespace(available_devices=["CPU"])
    assert openvino_device(core, "auto") == openvino_device(core, "cpu") == "CPU"
    with pytest.raises(UnavailableError, match=r"it has CPU.*--engine onnxruntime"):
        openvino_device(core, "gpu")
    with pytest.raises(UnavailableError, match="does not run on CUDA: take --engine onnxruntime"):
        openvino_device(core, "cuda")
    assert openvino_device(types.SimpleNamespace(available_devices=["CPU", "GPU.0"]), "gpu") == "GPU"
