"""Whatever an embedder decides, its licence and its training data are told."""

from types import SimpleNamespace

import numpy as np
import pytest

from faceloupe.embedders import TRAINED_MANIFEST, TRAINED_NETWORK, open_embedder
from faceloupe.recognition.adapted import AdaptedEmbedder, Head
from faceloupe.recognition.installed import add_network
from faceloupe.recognition.manifests import read_manifest
from faceloupe.recognition.provenance import provenance_of
from faceloupe.recognition.weights import SFACE
from helpers import networks


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELOUPE_NETWORKS", str(tmp_path / "networks"))


def test_of_sface_it_is_said_that_nobody_knows_its_photographs():
    known = provenance_of(SFACE.sha256)
    assert known.words() == ("licence Apache-2.0; trained on: not documented by the publisher (opencv_zoo #124, #313)")
    assert known.to_document()["licence"] == "Apache-2.0"


def test_of_an_added_network_its_manifest_says_it(tmp_path):
    content, _ = networks.projection(seed=1909)  # one that no other test opens in this process
    (tmp_path / "toy.onnx").write_bytes(content)
    manifest = read_manifest(networks.fields(content))
    assert provenance_of(manifest.reading) is None
    add_network(tmp_path / "toy.onnx", manifest)
    assert provenance_of(manifest.reading).words() == "licence CC0; trained on: none: drawn at random"


def test_of_a_folder_s_network_and_of_a_head_on_it_too(tmp_path):
    content, _ = networks.projection(seed=1910)
    (tmp_path / TRAINED_NETWORK).write_bytes(content)
    manifest = read_manifest(networks.fields(content))
    (tmp_path / TRAINED_MANIFEST).write_text(manifest.to_toml())
    base = open_embedder(tmp_path)
    assert provenance_of(base.sha256).words() == "licence CC0; trained on: none: drawn at random"
    head = Head(np.zeros(4, np.float32), np.eye(4, dtype=np.float32))
    known = provenance_of(AdaptedEmbedder(base, head, "centre").sha256)
    assert known.licence == "CC0"
    assert known.training_data == "none: drawn at random; its centre head: labelled photographs of the user's own"


def test_a_head_on_an_embedder_of_the_user_s_own_reads_no_manifest_of_another_network(tmp_path):
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "damaged.toml").write_text("no manifest")
    base = SimpleNamespace(name="own", sha256="cd" * 32)
    head = Head(np.zeros(4, np.float32), np.eye(4, dtype=np.float32))
    assert AdaptedEmbedder(base, head, "centre").name.startswith("own+centre-")
