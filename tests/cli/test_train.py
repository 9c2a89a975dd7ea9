"""``faceloupe train``, as somebody types it. Also tests ``cli/folders.py``."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from faceloupe import load_faces, load_network, look
from faceloupe.embedders import open_embedder
from faceloupe.faces.sources import find_orl
from helpers.commands import run

SENTENCE = "conv 4 5x5 relu, pool 3, dense 12 leaky; preprocess centre, optimiser adam, epochs 4"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Three subjects of ORL with four captures each, and a fourth with one."""
    root = tmp_path_factory.mktemp("people")
    for who in ("s1", "s2", "s3", "s4"):
        (root / who).mkdir()
        for number in range(1, 5 if who != "s4" else 2):
            shutil.copy(find_orl() / who / f"{number}.pgm", root / who)
    return root


def test_what_is_trained_is_saved_measured_and_opened_everywhere(people, tmp_path):
    out = tmp_path / "net"
    code, printed, talk = run("train", people, "--network", SENTENCE, "--out", out, "--size", 24, "--json")
    document = json.loads(printed)
    assert (code, document["folder"], document["subjects"], document["held_out"]) == (0, str(out), 3, 6)
    assert "held-out captures of 3 people" in talk
    assert "95 % interval" in talk
    assert "Caution" not in talk
    assert "skipped: s4: this subject has 1 capture, and" in talk
    network = load_network(out)
    assert str(network.spec_) == document["network"]
    assert network.classes_.tolist() == ["s1", "s2", "s3"]
    faces = load_faces(people, size=24)
    assert look(network, faces.images[:2], methods=[]).outputs.shape == (2, 3)
    vectors = open_embedder(out).embed(np.random.default_rng(0).random((2, 112, 112, 3), dtype=np.float32))
    assert vectors.shape == (2, 12)


@pytest.mark.usefixtures("published")
def test_faces_in_larger_photographs_are_found_and_cropped_and_that_is_said(people, tmp_path):
    data = shutil.copytree(people, tmp_path / "data")
    for path in (data / "s1").iterdir():
        with Image.open(path) as face:
            photo = Image.new("L", (500, 400), 128)
            photo.paste(face.resize((184, 224)), (150, 100))
        path.unlink()
        photo.save(path.with_suffix(".png"))
    Image.new("L", (500, 400), 128).save(data / "s2" / "nobody.png")
    code, _, talk = run("train", data, "--network", SENTENCE, "--out", tmp_path / "net", "--size", 24)
    assert code == 0, talk
    assert "aligned and cropped in 4 photographs; 9 of at most 112 pixels a side were taken as they are." in talk
    assert "skipped: s2/nobody.png: " in talk
    code, _, talk = run("train", data, "--network", SENTENCE, "--out", tmp_path / "whole", "--no-crop")
    assert code == 0, talk
    assert "cropped" not in talk
    code, _, talk = run("train", "orl", "--crop", "--out", tmp_path / "none")
    assert (code, "--crop is for a folder of photographs" in talk) == (2, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--network": "conv 4 5x5 rellu"}, "Did you mean relu?"),
        ({"--held-out": "1.5"}, "--held-out takes a share between 0 and 1"),
        ({"--network": "conv 4 5x5, dense 3; epochs"}, "the number of epochs"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_trained(changes, message, people, tmp_path):
    options = {"--network": "dense 4", "--out": tmp_path / "net", **changes}
    code, printed, talk = run("train", people, *(part for option in options.items() for part in option))
    assert (code, printed) == (2, "")
    assert message in talk
    assert not (tmp_path / "net").exists()


@pytest.fixture(scope="module")
def many(tmp_path_factory, published):  # noqa: ARG001 - a fixture that skips
    root = tmp_path_factory.mktemp("many")
    for who in range(1, 23):
        (root / f"s{who}").mkdir()
        for number in (1, 2):
            shutil.copy(find_orl() / f"s{who}" / f"{number}.pgm", root / f"s{who}")
    return root


def test_an_embedder_for_strangers_is_trained_and_opened(many, tmp_path):
    out = tmp_path / "mine"
    code, printed, talk = run(
        "train", many, "--for", "strangers", "--out", out, "--epochs", 1, "--held-out", 0.46, "--json"
    )
    document = json.loads(printed)
    assert (code, document["folder"], document["people"]) == (0, str(out), 12)
    assert document["provenance"]["command"].startswith(f"faceloupe train {many} --for strangers")
    assert "others, the EER is" in talk
    assert f"--embedder {out}" in talk
    assert open_embedder(out).name == document["embedder"]["name"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--for", "strangers", "--no-crop"], "aligned to 112 x 112 pixels"),
        (["--for", "strangers", "--size", "48"], "aligned to 112 x 112 pixels"),
        (["--for", "strangers", "--network", "deep"], "small or large; got 'deep'"),
        (["--epochs", "5"], "--epochs and --central are for strangers"),
    ],
)
def test_options_of_the_other_kind_are_refused(arguments, message, people, tmp_path):
    code, printed, talk = run("train", people, "--out", tmp_path / "net", *arguments)
    assert (code, printed) == (2, "")
    assert message in talk
    assert not (tmp_path / "net").exists()


def test_nothing_is_saved_over_what_is_there(people, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    code, _, talk = run("train", people, "--out", tmp_path)
    assert code == 2
    assert "exists already" in talk
