"""A network from a file makes what NumPy makes of the same pixels, by either engine, read as its manifest says.

Also tests ``recognition/onnx_file.py``.
"""

import cv2
import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.recognition import SFace
from faceloupe.recognition.manifests import read_manifest
from faceloupe.recognition.onnx_embedder import OnnxEmbedder, as_input
from faceloupe.recognition.weights import SFACE, find_weights
from helpers import networks

ENGINES = ("openvino", "onnxruntime")
CHIPS = np.random.default_rng(0).random((11, 112, 112, 3), dtype=np.float32)
SMALL = np.stack([cv2.resize(chip, (8, 8)) for chip in CHIPS])  # bilinear, as chips are scaled
LUMA = np.float32([0.299, 0.587, 0.114])


def opened(folder, content, engine="openvino", **more):
    path = folder / "toy.onnx"
    path.write_bytes(content)
    return OnnxEmbedder(path, networks.fields(content, **more), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("more", "by_hand"),
    [
        ({}, lambda pixels: pixels * 255),
        ({"channels": "BGR"}, lambda pixels: pixels[..., ::-1] * 255),
        ({"scale": 255, "mean": 127.5, "std": 128}, lambda pixels: (pixels * 255 - 127.5) / 128),
        (
            {"scale": 1, "mean": [0.4, 0.5, 0.6], "std": [0.1, 0.2, 0.3], "channels": "BGR"},
            lambda pixels: (pixels[..., ::-1] - np.float32([0.4, 0.5, 0.6])) / np.float32([0.1, 0.2, 0.3]),
        ),
    ],
)
def test_pixels_are_read_as_the_manifest_says(tmp_path, engine, more, by_hand):
    content, matrix = networks.projection()
    vectors = opened(tmp_path, content, engine, **more).embed(CHIPS)
    expected = by_hand(SMALL).transpose(0, 3, 1, 2).reshape(len(CHIPS), -1) @ matrix
    np.testing.assert_allclose(vectors, expected, rtol=1e-4, atol=1e-3 * abs(expected).max())


def test_channels_last_and_grey(tmp_path):
    content, matrix = networks.projection(layout="NHWC")
    expected = (SMALL * 255).reshape(len(CHIPS), -1) @ matrix
    np.testing.assert_allclose(opened(tmp_path, content, layout="NHWC").embed(CHIPS), expected, rtol=1e-3, atol=0.5)
    content, matrix = networks.projection(channels=1)
    expected = (SMALL @ LUMA * 255).reshape(len(CHIPS), -1) @ matrix
    np.testing.assert_allclose(opened(tmp_path, content, channels="grey").embed(CHIPS), expected, rtol=1e-3, atol=0.5)


def test_the_vector_of_the_mirrored_face_is_added(tmp_path):
    content, _ = networks.projection()
    plain, both = opened(tmp_path, content), opened(tmp_path, content, flip=True)
    np.testing.assert_allclose(both.embed(CHIPS), plain.embed(CHIPS) + plain.embed(CHIPS[:, :, ::-1]), rtol=1e-4)
    assert both.sha256 != plain.sha256


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("written_in", [False, True])
def test_a_network_made_for_one_face_takes_many(tmp_path, engine, written_in):
    content, matrix = networks.projection(batch=1, written_in=written_in)
    expected = (SMALL * 255).transpose(0, 3, 1, 2).reshape(len(CHIPS), -1) @ matrix
    np.testing.assert_allclose(opened(tmp_path, content, engine).embed(CHIPS), expected, rtol=1e-3, atol=0.5)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_output_is_taken_by_its_name(tmp_path, engine):
    content = networks.two_outputs(networks.projection()[0])
    first, doubled = (opened(tmp_path, content, engine, output=name).embed(CHIPS) for name in ("vector", "doubled"))
    np.testing.assert_allclose(doubled, 2 * first, rtol=1e-5)
    with pytest.raises(InputError, match=r"there is no 'fc1'; there are .*vector"):
        opened(tmp_path, content, engine, output="fc1").embed(CHIPS)


def test_landmarks_come_to_lie_where_the_network_wants_them():
    from faceloupe.recognition.chips import REFERENCE_POINTS

    halved = [(x / 2 + 3, y / 2 + 1) for x, y in REFERENCE_POINTS]
    chip = np.zeros((1, 112, 112, 3), np.float32)
    for x, y in REFERENCE_POINTS:
        chip[0, round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2] = 1
    content, _ = networks.projection()
    manifest = read_manifest(networks.fields(content, size=[64, 72], points=halved, scale=1))
    seen = as_input(chip, manifest)
    assert seen.shape == (1, 3, 64, 72)
    for x, y in halved:
        assert seen[0, 0, round(y), round(x)] > 0.5
    sides = read_manifest(networks.fields(content, size=[112, 96], points="arcface", scale=1))
    np.testing.assert_allclose(as_input(CHIPS, sides), CHIPS[:, :, 8:104].transpose(0, 3, 1, 2), atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_sface_s_own_file_gives_its_own_numbers(published, engine):  # noqa: ARG001 - a fixture that skips
    fields = networks.fields(b"", size=112, points="sface", sha256=SFACE.sha256)
    from_file = OnnxEmbedder(find_weights(SFACE), fields, engine=engine)
    np.testing.assert_array_equal(from_file.embed(CHIPS), SFace(engine=engine).embed(CHIPS))


def test_what_cannot_be_used_is_said(tmp_path):
    content, _ = networks.projection(seed=104)  # one that is not open yet in this process
    embedder = opened(tmp_path, content)
    assert repr(embedder) == "OnnxEmbedder(toy, 8x8 RGB, openvino)"
    with pytest.raises(InputError, match=r"expected \(N, 112, 112, 3\)"):
        embedder.embed(CHIPS[:, :8])
    with pytest.raises(InputError, match="cannot run this network"):
        opened(tmp_path, content, size=9).embed(CHIPS)
    (tmp_path / "toy.onnx").write_bytes(content + b"\0")
    with pytest.raises(InputError, match="is not the file of the manifest of toy"):
        OnnxEmbedder(tmp_path / "toy.onnx", networks.fields(content, scale=3)).embed(CHIPS)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        OnnxEmbedder(tmp_path / "gone.onnx", networks.fields(content, scale=4)).embed(CHIPS)
    with pytest.raises(InputError, match="cannot run this network"):
        opened(tmp_path, b"no network").embed(CHIPS)
    with pytest.raises(InputError, match="is a detector"):
        opened(tmp_path, content, kind="detector", decoder="scrfd")
    with pytest.raises(InputError, match='expected "openvino" or "onnxruntime"'):
        opened(tmp_path, content, "tensorrt")
