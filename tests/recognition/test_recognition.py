import subprocess
import sys

import faceloupe.recognition as room

HEAVY = {"cv2", "openvino", "onnx", "onnxruntime", "pooch", "PIL", "torch", "sklearn", "scipy"}


def test_the_room_opens_without_anything_heavy():
    code = "import faceloupe.recognition, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_what_is_offered_is_there_and_described():
    for name in room.__all__:
        assert getattr(room, name).__doc__
