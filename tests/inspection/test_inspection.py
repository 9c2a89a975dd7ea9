"""The door of the inspection: chosen names, and light."""

import subprocess
import sys

from faceloupe import inspection


def test_every_chosen_name_is_there_and_documented():
    for name in inspection.__all__:
        assert getattr(inspection, name).__doc__, name
        assert getattr(inspection, name).__module__.startswith("faceloupe.inspection."), name
    assert sorted(set(inspection.__all__)) == inspection.__all__


def test_looking_inside_loads_nothing_heavy_before_there_is_a_network():
    code = "import faceloupe.inspection, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & {"torch", "onnx", "onnxruntime", "sklearn", "scipy", "captum", "matplotlib"}


def test_tracing_loads_no_compiler():
    code = """
import sys, numpy, torch, faceloupe
faceloupe.trace(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)), numpy.zeros((1, 1, 8, 8), numpy.float32))
print("torch._dynamo" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n", "it takes seconds to load"
