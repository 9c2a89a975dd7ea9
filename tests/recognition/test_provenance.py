"""Whatever an embedder decides, its licence and its training data are told."""

import pytest

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
    content, _ = networks.projection()
    (tmp_path / "toy.onnx").write_bytes(content)
    manifest = read_manifest(networks.fields(content))
    assert provenance_of(manifest.reading) is None
    add_network(tmp_path / "toy.onnx", manifest)
    assert provenance_of(manifest.reading).words() == "licence CC0; trained on: none: drawn at random"
