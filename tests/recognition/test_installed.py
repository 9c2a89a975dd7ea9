"""Added networks lie under their hashes, are whole or not there, and one name is one network."""

import numpy as np
import pytest

from faceloupe.embedders import embedder_names, open_embedder
from faceloupe.errors import InputError
from faceloupe.recognition.installed import (
    add_network,
    installed,
    installed_manifest,
    network_file,
    networks_folder,
    remove_network,
)
from faceloupe.recognition.manifests import read_manifest
from faceloupe.recognition.onnx_embedder import OnnxEmbedder
from helpers import networks

CHIPS = np.random.default_rng(0).random((3, 112, 112, 3), dtype=np.float32)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELOUPE_NETWORKS", str(tmp_path / "networks"))


@pytest.fixture
def toy(tmp_path):
    content, _ = networks.projection()
    (tmp_path / "toy.onnx").write_bytes(content)
    return tmp_path / "toy.onnx", read_manifest(networks.fields(content))


def test_an_added_network_is_an_embedder_by_its_name(toy):
    assert installed() == ()
    assert add_network(*toy) == network_file(toy[1])
    assert installed() == (toy[1],)
    assert "toy" in embedder_names()
    np.testing.assert_array_equal(open_embedder("toy").embed(CHIPS), OnnxEmbedder(*toy).embed(CHIPS))


def test_a_name_is_one_network_and_a_file_may_have_two(toy):
    file, manifest = toy
    add_network(file, manifest)
    add_network(file, manifest)
    with pytest.raises(InputError, match="another network is called toy: faceloupe embedder remove toy"):
        add_network(file, read_manifest({**manifest.to_document(), "channels": "BGR"}))
    other = read_manifest({**manifest.to_document(), "name": "toy-bgr", "channels": "BGR"})
    add_network(file, other)
    remove_network("toy", "embedder")
    assert network_file(other).is_file()
    remove_network("toy-bgr", "embedder")
    assert list(networks_folder().iterdir()) == []


def test_a_file_that_a_damaged_manifest_may_need_stays(toy):
    file, manifest = toy
    add_network(file, manifest)
    other = read_manifest({**manifest.to_document(), "name": "toy-bgr", "channels": "BGR"})
    add_network(file, other)
    (networks_folder() / "toy-bgr.toml").write_text("damaged")
    remove_network("toy", "embedder")
    assert network_file(manifest).is_file()
    (networks_folder() / "toy-bgr.toml").write_text(other.to_toml())
    remove_network("toy-bgr", "embedder")
    assert list(networks_folder().iterdir()) == []


def test_a_file_that_was_changed_is_never_run(tmp_path):
    content, _ = networks.projection(seed=1911)  # one that is not open yet in this process
    (tmp_path / "toy.onnx").write_bytes(content)
    manifest = read_manifest(networks.fields(content))
    add_network(tmp_path / "toy.onnx", manifest)
    network_file(manifest).write_bytes(b"changed")
    with pytest.raises(InputError, match="is not the file of the manifest of toy"):
        open_embedder("toy").embed(CHIPS)
    with pytest.raises(InputError, match="its SHA-256 is"):
        add_network(network_file(manifest), read_manifest({**manifest.to_document(), "name": "again"}))
    assert installed_manifest("again") is None


@pytest.mark.parametrize("name", ["nobody", "../networks/toy", "", "a/b"])
def test_what_was_not_added_is_said(toy, name):
    add_network(*toy)
    with pytest.raises(InputError, match=r"no embedder called .* there are: toy"):
        remove_network(name, "embedder")
