import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations, product

import cv2
import numpy as np
import pytest

from faceloupe.errors import InputError, UnavailableError
from faceloupe.recognition import SFace, Template, compare, measure, templates_of
from faceloupe.recognition.weights import SFACE, find_weights

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture(scope="module")
def sface(published):  # noqa: ARG001 - a fixture that skips
    if find_spec("openvino") is None:  # importing it here would let its telemetry in
        pytest.skip("openvino is not installed")
    return SFace()


@pytest.fixture(scope="module")
def faces(chips):
    return np.stack([chip.image for chip in chips])


def test_a_batch_is_its_faces_one_by_one(sface, faces):
    single = np.concatenate([sface.embed(face[np.newaxis]) for face in faces])
    np.testing.assert_allclose(sface.embed(faces), single, atol=1e-5)


def test_more_faces_than_a_batch(sface, faces, monkeypatch):
    whole = sface.embed(faces)
    monkeypatch.setattr("faceloupe.recognition.engines.BATCH", 4)  # 4, 4 and 2 faces
    np.testing.assert_allclose(sface.embed(faces), whole, atol=1e-5)


def test_the_vectors_are_those_of_opencv(sface, faces):
    recogniser = cv2.FaceRecognizerSF.create(str(find_weights(SFACE)), "")
    samples = np.rint(faces * 255).astype(np.uint8)
    theirs = np.concatenate([recogniser.feature(np.ascontiguousarray(face[..., ::-1])).copy() for face in samples])
    np.testing.assert_allclose(sface.embed(samples.astype(np.float32) / 255), theirs, atol=1e-4)


def test_onnx_runtime_gives_the_same_vectors(sface, faces):
    pytest.importorskip("onnxruntime")
    other = SFace(engine="onnxruntime")
    np.testing.assert_allclose(other.embed(faces), sface.embed(faces), atol=1e-4)
    single = np.concatenate([other.embed(face[np.newaxis]) for face in faces[:3]])
    np.testing.assert_allclose(other.embed(faces[:3]), single, atol=1e-5)


def test_templates_are_unit_vectors_that_remember_what_made_them(sface, chips, faces):
    templates = templates_of(chips)
    vectors = sface.embed(faces)
    for template, vector, chip in zip(templates, vectors, chips, strict=True):
        np.testing.assert_allclose(template.vector, vector / np.linalg.norm(vector), atol=1e-6)
        assert (template.embedder, template.sha256) == ("sface", SFACE.sha256)
        assert template.quality.embedding_norm == pytest.approx(np.linalg.norm(vector), rel=1e-5)
        assert replace(template.quality, embedding_norm=None) == measure(chip)
    assert templates_of([]) == ()


def test_two_people_are_told_apart(chips):
    templates = templates_of(chips)
    first, second = templates[:5], templates[5:]
    mated = [compare(a, b) for person in (first, second) for a, b in combinations(person, 2)]
    non_mated = [compare(a, b) for a, b in product(first, second)]
    assert min(mated) > max(non_mated)


def test_flipping_makes_mirrored_faces_alike(sface, faces):
    both = SFace(flip=True)
    np.testing.assert_allclose(both.embed(faces[:2]), both.embed(faces[:2, :, ::-1]), atol=1e-5)
    mirrored = sface.embed(np.ascontiguousarray(faces[:2, :, ::-1]))
    np.testing.assert_allclose(both.embed(faces[:2]), sface.embed(faces[:2]) + mirrored, atol=1e-5)


def test_flipped_templates_compare_with_their_like_only(chips):
    (plain,), (flipped,) = templates_of(chips[:1]), templates_of(chips[:1], SFace(flip=True))
    with pytest.raises(InputError, match=r"different embedders.*sface\+flip"):
        compare(plain, flipped)


@pytest.mark.parametrize("shape", [(112, 112, 3), (0, 112, 112, 3), (1, 3, 112, 112), (1, 100, 100, 3)])
def test_faces_of_another_shape_are_refused(sface, shape):
    with pytest.raises(InputError, match=r"expected \(N, 112, 112, 3\)"):
        sface.embed(np.zeros(shape, np.float32))


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match=r"openvino.*onnxruntime.*got 'tensorrt'"):
        SFace(engine="tensorrt")


def test_what_failed_to_open_says_so_when_it_is_needed_and_is_tried_again(sface, faces, monkeypatch):
    def missing(_):
        raise UnavailableError("no weights")

    monkeypatch.setattr("faceloupe.recognition.openings._openings", {})
    with monkeypatch.context() as moment:
        moment.setattr("faceloupe.recognition.embed.read_published", missing)
        late = SFace()
        with pytest.raises(UnavailableError, match="no weights"):
            late.embed(faces[:1])
    np.testing.assert_allclose(late.embed(faces[:1]), sface.embed(faces[:1]), atol=1e-6)
    np.testing.assert_allclose(SFace().embed(faces[:1]), sface.embed(faces[:1]), atol=1e-6)


class Means:
    """Somebody's own embedder: the mean of each channel."""

    name, sha256 = "means", "0" * 64

    def embed(self, faces):
        return faces.mean(axis=(1, 2))


class Nothing(Means):
    def embed(self, faces):
        return np.zeros((len(faces), 3), np.float32)


def test_whoever_makes_vectors_is_an_embedder(chips):
    (template,) = templates_of(chips[:1], Means())
    assert isinstance(template, Template)
    assert (template.embedder, len(template.vector)) == ("means", 3)


def test_a_vector_without_direction_is_refused(chips):
    with pytest.raises(InputError, match="means returned zeros"):
        templates_of(chips[:1], Nothing())


def test_openvino_reports_to_nobody(tmp_path):
    """Its telemetry would leave a client's number in the home folder and send an event at import."""
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('connected')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import numpy as np\n"
        "from faceloupe.recognition import SFace\n"
        "SFace().embed(np.zeros((1, 112, 112, 3), np.float32))\n"
        "assert 'openvino_telemetry' not in sys.modules\n"
    )
    weights = str(find_weights(SFACE).parent)
    environment = {"HOME": str(tmp_path), "FACELOUPE_WEIGHTS": weights, "PATH": ""}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert not list(tmp_path.iterdir())
