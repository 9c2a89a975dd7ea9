"""embedder add, list, check and remove as somebody types them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from faceloupe.cli.app import app
from faceloupe.embedders import open_embedder
from faceloupe.gallery import open_gallery
from faceloupe.recognition.adapted import AdaptedEmbedder, Head, write_adapted
from faceloupe.scores import ScoreSet, operating_point
from helpers import networks
from helpers.commands import run_command


def run(*arguments):
    return run_command(app, *arguments)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A network with its manifest, in a folder of one's own."""
    monkeypatch.setenv("FACELOUPE_NETWORKS", str(tmp_path / "networks"))
    monkeypatch.chdir(tmp_path)
    content, _ = networks.projection()
    (tmp_path / "toy.onnx").write_bytes(content)
    fields = networks.fields(content)
    (tmp_path / "toy.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    return "toy.onnx", "--manifest", "toy.toml"


def test_an_embedder_is_added_listed_and_removed(toy):
    code, out, talk = run("embedder", "add", *toy)
    assert code == 0
    assert out.startswith("toy: 4 numbers a face, added as ")
    assert "no threshold yet" in talk
    assert "faceloupe embedder check toy --on DATA" in talk
    assert run("embedder", "add", *toy, "--name", "again")[0] == 0
    out = run("embedder", "list")[1]
    assert "toy         added     8x8 RGB" in out
    assert "Trained on: none: drawn at random." in out
    document = json.loads(run("embedder", "list", "--json")[1])
    assert [each["name"] for each in document["added"]] == ["again", "toy"]
    assert run("embedder", "remove", "toy") == (0, "toy removed\n", "")
    assert run("embedder", "remove", "toy")[0] == 2


@pytest.mark.parametrize("name", ["sface", "pca"])
def test_what_is_built_in_keeps_its_name(toy, name):
    code, _, talk = run("embedder", "add", *toy, "--name", name)
    assert (code, talk) == (2, f"{name} is built in; --name gives another name")


def test_without_a_threshold_it_says_how_to_get_one(toy, workplace):  # noqa: ARG001 - a folder of photographs
    run("embedder", "add", *toy)
    code, _, talk = run("verify", "ann.jpg", "bob.jpg", "--embedder", "toy")
    assert code == 2
    assert "no operating point was published for toy" in talk
    assert "faceloupe calibrate DATA --embedder toy --gallery people.db --create" in talk


def test_of_an_embedder_in_a_folder_the_folder_is_what_to_calibrate(toy, workplace):  # noqa: ARG001
    folder = workplace / "mine"
    folder.mkdir()
    shutil.copy("toy.onnx", folder / "network.onnx")
    shutil.copy("toy.toml", folder / "manifest.toml")
    code, _, talk = run("verify", "ann.jpg", "bob.jpg", "--embedder", folder)
    assert code == 2
    assert f"faceloupe calibrate DATA --embedder {folder} --gallery people.db --create" in talk


def test_a_gallery_is_made_anew_with_the_embedder_of_a_folder(toy, workplace):  # noqa: ARG001 - its files are in the folder
    folder = workplace / "my network"
    folder.mkdir()
    shutil.copy("toy.onnx", folder / "network.onnx")
    shutil.copy("toy.toml", folder / "manifest.toml")
    head = workplace / "my head"
    head.mkdir()
    base = open_embedder(folder)
    turn = Head(np.zeros(4, np.float32), np.eye(4, dtype=np.float32)[::-1])
    write_adapted(head, AdaptedEmbedder(base, turn, "turned"), str(folder), {})
    run("enrol", "Ann", "ann.jpg", "--keep-faces", "--force", "--gallery", "old.db")
    run("enrol", "Bob", "bob.jpg", "--force", "--gallery", "old.db")
    for made_by in (folder, head):
        new = f"of {made_by.name}.db"
        choices = ("--embedder", made_by, "--gallery", "old.db", "--photographs", "people")
        code, out, talk = run("embedder", "reembed", new, *choices)
        assert code == 0, talk
        assert f"{new}: 2 references of 2 subjects." in out
        assert f"faceloupe calibrate DATA --gallery '{new}' --embedder '{made_by}' measures one" in talk
        code, _, talk = run("identify", "ann.jpg", "--gallery", new)
        assert (code, "--embedder DIR" in talk) == (2, True)
        code, _, talk = run("identify", "ann.jpg", "--gallery", new, "--embedder", made_by)
        assert code == 2
        assert f"faceloupe calibrate DATA --embedder '{made_by}'" in talk


def test_people_are_found_by_what_a_collection_was_embedded_with(toy, workplace):  # noqa: ARG001
    run("embedder", "add", *toy)
    assert run("index", "ann.jpg", "ann_later.jpg", "bob.jpg", "--embedder", "toy")[0] == 0
    code, _, talk = run("find", "ann.jpg")
    assert code == 2
    assert "no operating point was published for toy" in talk
    assert "--gallery people.db" in talk
    scores = ScoreSet(mated=np.linspace(0.7, 1, 50), non_mated=np.linspace(0, 0.9, 5000))
    embedder = open_embedder("toy")
    point = operating_point(scores, 0.01, source="made up", embedder=embedder.name, weights_sha256=embedder.sha256)
    with open_gallery("people.db", create=True, embedder=embedder) as gallery:
        gallery.save_point(point)
    for place in ((), ("--in", ".", "--embedder", "toy")):
        code, out, talk = run("find", "ann.jpg", "--gallery", "people.db", "--json", *place)
        assert code == 0, talk
        found = json.loads(out)
        assert found["point"]["threshold"] == point.threshold
        assert found["sightings"][0]["score"] == pytest.approx(1, abs=1e-4)


def test_what_cannot_be_checked_is_said(toy):  # noqa: ARG001
    for name, words in (
        ("nobody", "There is no embedder 'nobody'; there are sface, sface+flip"),
        ("sface", "sface has no manifest that could be wrong"),
        ("toy.onnx", "toy.onnx is a file: --manifest FILE.toml says how it is read"),
    ):
        code, _, talk = run("embedder", "check", name, "--on", "orl")
        assert code == 2
        assert words in talk


def test_a_name_a_folder_and_a_file_are_checked_alike(toy, workplace):
    run("embedder", "add", *toy)
    folder = workplace / "trained"
    folder.mkdir()
    shutil.copy("toy.onnx", folder / "network.onnx")
    shutil.copy("toy.toml", folder / "manifest.toml")
    Path("toy").write_text("a file that happens to be called as the network that was added")
    choices = ("--on", "orl", "--photographs", 20, "--json")
    answers = [run("embedder", "check", *what, *choices) for what in (("toy",), (folder,), toy)]
    assert [code for code, _, _ in answers] == [answers[0][0]] * 3
    assert len({out for _, out, _ in answers}) == 1
    assert json.loads(answers[0][1])["captures"] >= 10


def test_a_device_that_is_not_known_is_refused(toy):  # noqa: ARG001
    code, _, talk = run("verify", "a.jpg", "b.jpg", "--device", "tpu")
    assert code == 2
    assert 'expected "auto", "cpu", "gpu" or "cuda"' in talk
