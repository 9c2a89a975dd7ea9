"""detector add, list and remove as somebody types them, and --detector. Also tests ``cli/added.py``."""

import json
import shutil
from pathlib import Path

import pytest

from cli.test_embedder import run
from faceloupe.recognition import find_faces
from faceloupe.recognition.weights import YUNET
from helpers import networks
from helpers.detectors import SIZE, constant, scrfd


@pytest.fixture
def toy(workplace, monkeypatch):
    """A detector with its manifest, in a folder of photographs."""
    monkeypatch.setenv("FACELOUPE_NETWORKS", str(workplace / "networks"))
    monkeypatch.delenv("FACELOUPE_GALLERY", raising=False)
    monkeypatch.chdir(workplace)
    content = constant(scrfd())
    (workplace / "toy.onnx").write_bytes(content)
    fields = networks.fields(content, size=list(SIZE), kind="detector", decoder="scrfd", points="none", name="finder")
    (workplace / "toy.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    return "toy.onnx", "--manifest", "toy.toml"


def test_a_detector_is_added_listed_and_removed(toy, workplace):
    code, out, talk = run("detector", "add", *toy)
    assert code == 0
    assert out.startswith("finder: scrfd, looks at 96x128 pixels, added as ")
    assert "faceloupe calibrate DATA --detector finder" in talk
    out = run("detector", "list")[1]
    assert "yunet   built in              MIT" in out
    assert "finder  added     96x128 RGB" in out
    assert "Trained on: none: drawn at random." in out
    assert "finder" not in run("embedder", "list")[1]
    document = json.loads(run("detector", "list", "--json")[1])
    assert (document["schema"], document["built_in"]) == ("faceloupe.detectors/1", ["yunet"])
    listed = json.loads(run("weights", "--json")[1])["weights"]
    assert [(file["name"], file["state"]) for file in listed] == [("yunet", "ok"), ("sface", "ok"), ("finder", "ok")]
    (file,) = (workplace / "networks").glob("*.onnx")
    file.write_bytes(b"changed")
    code, _, talk = run("weights")
    assert code == 1
    assert "finder: the file of this network is not the one that was added" in talk
    assert run("embedder", "remove", "finder")[0] == 2
    assert run("detector", "remove", "finder") == (0, "finder removed\n", "")
    assert run("detector", "remove", "finder")[0] == 2


def test_what_is_no_detector_is_not_added(toy, tmp_path):
    assert run("detector", "add", *toy, "--name", "yunet")[2] == "yunet is built in; --name gives another name"
    content, _ = networks.projection()
    (tmp_path / "other.onnx").write_bytes(content)
    fields = networks.fields(content)
    (tmp_path / "other.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    code, _, talk = run("detector", "add", tmp_path / "other.onnx", "--manifest", tmp_path / "other.toml")
    assert (code, talk) == (2, "toy is an embedder, not a detector: on the command line faceloupe embedder adds it")
    code, _, talk = run("embedder", "add", *toy)
    assert (code, talk) == (2, "finder is a detector, not an embedder: on the command line faceloupe detector adds it")
    wrong = Path("toy.toml").read_text().replace("scrfd", "retinaface")
    (tmp_path / "wrong.toml").write_text(wrong)
    code, _, talk = run("detector", "add", "toy.onnx", "--manifest", tmp_path / "wrong.toml")
    assert code == 2
    assert "its outputs are not those of retinaface" in talk


def test_faces_are_found_by_the_detector_that_is_named_and_a_threshold_of_another_is_told(toy):
    run("detector", "add", *toy)
    code, out, talk = run("verify", "ann.jpg", "ann.jpg", "--detector", "finder", "--json")
    document = json.loads(out)
    assert code == 0, talk
    detector = document["photographs"][0]["face"]["detection"]["detector"]
    assert detector.startswith("finder ")
    assert document["point"]["detector"] == "yunet"
    caution = f"the faces were found by {detector}, and the threshold was measured on faces found by yunet"
    assert any(caution in words for words in document["warnings"])
    assert "found by" not in run("verify", "ann.jpg", "ann_later.jpg")[2]
    code, _, talk = run("crop", "people/Ann", "--to", "crops", "--detector", "finder")
    assert code == 0, talk


def test_a_gallery_keeps_to_its_detector(toy):
    run("detector", "add", *toy)
    of_people = ("--gallery", "people.db")
    assert run("enrol", "Ann", "ann.jpg", *of_people, "--force", "--detector", "finder")[0] == 0
    code, out, talk = run("identify", "ann.jpg", *of_people)
    assert code == 0, talk
    assert "Ann" in out
    assert "measured on faces found by yunet" in talk
    document = json.loads(run("verify", "ann.jpg", "ann.jpg", *of_people, "--json")[1])
    assert document["photographs"][0]["face"]["detection"]["detector"].startswith("finder ")
    shown = json.loads(run("show", "Ann", *of_people, "--json")[1])
    assert shown["references"][0]["detector"].startswith("finder ")
    for command in (
        ("enrol", "Bob", "bob.jpg"), ("identify", "bob.jpg"), ("verify", "ann.jpg", "bob.jpg"),
        ("calibrate", "people", "--threshold", 0.5, "--no-cache"), ("serve", "--no-browser", "--port", 0),
    ):  # fmt: skip
        code, _, talk = run(*command, *of_people, "--detector", "yunet")
        assert code == 2, command
        assert "the faces of this gallery were found by finder " in talk
        assert "embedder reembed NEW.db --embedder NAME --detector yunet --photographs DIR" in talk
    made = ("embedder", "reembed", "new.db", "--embedder", "sface", *of_people, "--photographs", ".")
    assert run(*made, "--detector", "yunet")[0] == 0
    assert run("enrol", "Bob", "bob.jpg", "--gallery", "new.db")[0] == 0


def test_a_detector_that_is_not_there_is_refused_in_words(toy):
    run("detector", "add", *toy)
    networks_of = "There is no detector 'nobody'; there are yunet, finder. faceloupe detector add brings one"
    for command in (
        ("verify", "ann.jpg", "bob.jpg"), ("identify", "ann.jpg"), ("index", "ann.jpg"), ("evaluate", "."),
        ("enrol", "Ann", "ann.jpg"), ("serve", "--no-browser", "--port", 0),
        ("train", "people", "--for", "strangers", "--out", "net"),
    ):  # fmt: skip
        code, _, talk = run(*command, "--detector", "nobody")
        assert code == 2
        assert networks_of in talk


def test_a_collection_keeps_to_its_detector(toy):
    run("detector", "add", *toy)
    assert run("index", "ann.jpg", "--detector", "finder")[0] == 0
    assert run("index", "ann_later.jpg")[0] == 0  # by the detector that the collection notes
    code, _, talk = run("index", "bob.jpg", "--detector", "yunet")
    assert code == 2
    assert "were found by finder " in talk
    assert "not by yunet" in talk
    by_the_noted, by_the_named = (
        run("find", "ann.jpg", "--json"),
        run("find", "ann.jpg", "--json", "--detector", "finder"),
    )
    assert by_the_noted == by_the_named
    assert json.loads(by_the_noted[1])["sightings"][0]["score"] == pytest.approx(1)
    assert run("index", "ann.jpg", "--collection", "usual.db")[0] == 0
    assert run("index", "bob.jpg", "--collection", "usual.db", "--detector", "finder")[0] == 2


def test_evaluation_and_calibration_tell_the_detector(toy):
    run("detector", "add", *toy)
    shutil.copy("ann_later.jpg", "people/Ann/later.jpg")
    choices = ("--detector", "finder", "--no-cache", "--json")
    code, out, talk = run("evaluate", "people", "--development", 0, *choices)
    assert code == 0, talk
    document = json.loads(out)
    assert document["provenance"]["detector_sha256"] != YUNET.sha256
    assert document["recognisers"][0]["operating_points"][0]["here"]["detector"].startswith("finder ")
    code, out, talk = run("calibrate", "people", "--threshold", 0.5, *choices)
    assert code == 0, talk
    assert json.loads(out)["detector"].startswith("finder ")


def test_faces_to_train_on_are_found_by_the_detector_that_is_named(toy):
    run("detector", "add", *toy)
    shutil.copy("ann_later.jpg", "people/Ann/later.jpg")
    choices = ("--network", "dense 4 relu; epochs 1", "--size", 24, "--detector", "finder")
    code, _, talk = run("train", "people", "--out", "net", *choices, "--crop")
    assert code == 0, talk
    assert "Faces were found by finder " in talk
    for given in (("people", "--no-crop"), ("orl",)):
        code, _, talk = run("train", *given, "--out", "other", *choices)
        assert code == 2
        assert "--detector finds the faces that are cut out of a folder's photographs" in talk


def test_a_damaged_manifest_stands_in_nobody_s_way_and_can_be_removed(toy, workplace):
    run("detector", "add", *toy)
    (workplace / "networks" / "broken.toml").write_text("no manifest")
    code, out, talk = run("detector", "list")
    assert code == 0
    assert "finder" in out
    assert "The manifest of broken is damaged" in talk
    code, _, talk = run("verify", "ann.jpg", "bob.jpg", "--detector", "broken")
    assert code == 2
    assert "faceloupe embedder remove broken" in talk
    assert len(find_faces("ann.jpg")) == 1
    assert run("embedder", "remove", "broken")[0] == 0
    assert "broken" not in run("detector", "list")[2]
