"""From photographs to a folder that is an embedder: whole, resumed, and nothing left of the faces.

Also tests ``strangers/training_article.py``.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from faceloupe.embedders import open_embedder
from faceloupe.errors import InputError
from faceloupe.evaluation.datasets import LabelledPhotographs, Pairs, open_data
from faceloupe.pages import page
from faceloupe.report.page import render_page
from faceloupe.strangers.train import CHECKPOINT, FACES, train_for_strangers
from faceloupe.strangers.training import StrangersPlan

PLAN = StrangersPlan(epochs=2, batch_size=16, held_out=0.45)


class StoppedError(Exception):
    pass


def stop(*_, **__):
    raise StoppedError


def stop_in_the_last_epoch(done, whole):
    if whole < 50 and done == whole:  # batches, not the 96 photographs
        raise StoppedError


@pytest.fixture(scope="module")
def made(people, tmp_path_factory):
    """A training that was stopped in its last epoch and went on, and its folder."""
    folder = tmp_path_factory.mktemp("made") / "mine"
    with pytest.raises(StoppedError):
        train_for_strangers(people, folder, PLAN, progress=stop_in_the_last_epoch)
    assert {path.name for path in folder.iterdir()} == {FACES, CHECKPOINT}
    with pytest.raises(InputError, match=r"epochs 2 \(now 3\)"):
        train_for_strangers(people, folder, StrangersPlan(epochs=3, batch_size=16, held_out=0.45))
    photographs = []
    training = train_for_strangers(people, folder, PLAN, progress=lambda _, whole: photographs.append(whole))
    assert 96 not in photographs  # no face was looked for again
    return training, folder


def test_the_folder_is_an_embedder_and_holds_no_face(made):
    training, folder = made
    assert {path.name for path in folder.iterdir()} == {"manifest.toml", "network.onnx", "report.html", "training.json"}
    embedder = open_embedder(folder)
    chips = np.random.default_rng(0).random((3, 112, 112, 3), dtype=np.float32)
    vectors = embedder.embed(chips)
    assert vectors.shape == (3, 128)
    assert embedder.name == training.manifest.name
    np.testing.assert_allclose(embedder.embed(chips[:, :, ::-1]), vectors, rtol=1e-3, atol=1e-3)  # mirrored
    other = open_embedder(folder, engine="onnxruntime").embed(chips)
    np.testing.assert_allclose(other, vectors, atol=1e-3 * np.linalg.norm(vectors, axis=1).max())


def test_the_document_and_the_page_say_how_it_was_made(made):
    training, folder = made
    document = json.loads((folder / "training.json").read_text())
    assert document == json.loads(json.dumps(training.to_document()))
    assert (document["people"], document["held_out_people"], document["resumed"]) == (13, 11, 1)
    assert document["plan"]["epochs"] == len(document["epochs"]) == 2
    assert "52 photographs of 13 people" in document["embedder"]["training_data"]
    html = render_page(page(training))
    assert "People held out" in html
    assert training.provenance.data_sha256 in html


def test_what_is_finished_is_not_written_over(made, people):
    (made[1] / CHECKPOINT).touch()  # as after a kill between the removals of faces and checkpoint
    with pytest.raises(InputError, match="holds no unfinished training"):
        train_for_strangers(people, made[1], PLAN)
    assert not (made[1] / CHECKPOINT).exists()


def test_a_kill_just_before_the_end_leaves_no_face_once_the_command_goes_on(people, tmp_path, monkeypatch):
    once, folder = StrangersPlan(epochs=1, batch_size=16, held_out=0.45), tmp_path / "mine"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stop)
        with pytest.raises(StoppedError):
            train_for_strangers(people, folder, once)
    (folder / f".{CHECKPOINT}.half").touch()
    before = (folder / "network.onnx").read_bytes()
    assert {FACES, "manifest.toml"} <= {path.name for path in folder.iterdir()}
    train_for_strangers(people, folder, once)
    assert {path.name for path in folder.iterdir()} == {"manifest.toml", "network.onnx", "report.html", "training.json"}
    assert (folder / "network.onnx").read_bytes() == before


def test_a_photograph_that_became_another_is_not_resumed_with(people, tmp_path):
    changing, folder = tmp_path / "people", tmp_path / "mine"
    shutil.copytree(people, changing)
    with pytest.raises(StoppedError):
        train_for_strangers(changing, folder, PLAN, progress=stop_in_the_last_epoch)
    shutil.copy(changing / "s1" / "1.pgm", changing / "s1" / "2.pgm")
    with pytest.raises(InputError, match="an unfinished training on other photographs"):
        train_for_strangers(changing, folder, PLAN)


def test_damaged_faces_of_an_unfinished_training_are_refused(people, tmp_path):
    (tmp_path / FACES).write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="is damaged; remove"):
        train_for_strangers(people, tmp_path, PLAN)


def test_nobody_in_test_is_learned_from(people, tmp_path):
    data = open_data(people)
    captures = np.array([[0, 1], [0, 4], [92, 93], [92, 88]])
    pairs = Pairs(captures, np.array([True, False, True, False]), ("train", "train", "test", "test"))
    listed = LabelledPhotographs("pairs", data.paths, data.names, data.subjects, pairs)
    training = train_for_strangers(listed, tmp_path / "mine", StrangersPlan(epochs=1, batch_size=16, held_out=0.46))
    assert training.trained.people + training.trained.held_out_people == 22
    assert training.source == "pairs without the people of test"


def test_too_few_people_are_told_before_the_training(people, tmp_path):
    data = open_data(people)
    few = LabelledPhotographs("few", data.paths[:12], data.names[:3], data.subjects[:12])
    with pytest.raises(InputError, match="3 people have two usable photographs"):
        train_for_strangers(few, tmp_path / "mine", PLAN)
