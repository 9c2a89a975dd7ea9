"""What runs the embedder, and what takes its place where it is missing."""

import types

import numpy as np
import pytest

from faceloupe.errors import UnavailableError
from faceloupe.recognition import SFace, engines
from faceloupe.recognition.engines import open_network
from faceloupe.recognition.weights import SFACE, read_published
from faceloupe.recognition.yunet import _open


def missing():
    raise UnavailableError("This needs openvino: pip install 'faceloupe[recognition]'")


def test_onnx_runtime_serves_where_openvino_is_missing_with_the_same_numbers(monkeypatch):
    faces = np.random.default_rng(0).random((3, 112, 112, 3), dtype=np.float32)
    there = SFace().embed(faces)
    monkeypatch.setattr(engines, "_import_openvino", missing)
    content = read_published(SFACE)
    run = open_network(content, "openvino")
    assert run(np.zeros((2, 3, 112, 112), np.float32)).shape == (2, 128)
    monkeypatch.setattr(
        "faceloupe.recognition.embed.open_network", lambda content, _: open_network(content, "openvino")
    )
    here = SFace().embed(faces)
    assert (here * there).sum(axis=1).min() > 0.99999
    np.testing.assert_allclose(here, there, atol=1e-5)


def test_without_either_the_first_is_asked_for(monkeypatch):
    monkeypatch.setattr(engines, "_import_openvino", missing)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UnavailableError, match="needs openvino"):
        open_network(b"", "openvino")


def test_an_opencv_that_finds_no_faces_is_named(monkeypatch):
    old = types.SimpleNamespace(__version__="4.5.1", __file__="/usr/lib/cv2.so")
    monkeypatch.setitem(__import__("sys").modules, "cv2", old)
    with pytest.raises(UnavailableError, match=r"OpenCV 4\.5\.1 from /usr/lib/cv2\.so.*opencv-python-headless"):
        _open()


def test_an_opencv_that_has_no_log_level_is_used_all_the_same(monkeypatch):
    import cv2

    monkeypatch.setattr(cv2, "utils", types.SimpleNamespace())
    assert _open() is not None
