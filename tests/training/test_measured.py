"""Training on a part of some captures and measuring on the rest."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.faces import FaceSet, load_faces, split_by_capture
from faceloupe.training import FCNNClassifier, NetworkClassifier
from faceloupe.training.measured import train_and_measure


def test_the_accuracy_is_that_on_captures_not_seen():
    faces = load_faces("orl", subjects=range(5), size=24)
    network = NetworkClassifier("dense 16 relu; preprocess centre, epochs 10", seed=2)
    measured = train_and_measure(network, faces, 0.3, seed=2)
    split = split_by_capture(faces.subject, train=3, seed=2)
    names = np.array(faces.names)[faces.subject]
    again = NetworkClassifier("dense 16 relu; preprocess centre, epochs 10", seed=2)
    again.fit(faces.images[split.train], names[split.train])
    assert measured.accuracy == again.score(faces.images[split.held_out], names[split.held_out])
    document = measured.to_document()
    assert (document["train"], document["held_out"], document["chance"]) == (15, 35, 0.2)
    assert document["train_accuracy"] == again.score(faces.images[split.train], names[split.train])
    assert document["interval"]["low"] < measured.accuracy <= document["interval"]["high"]
    assert document["network"] == "dense 16 relu; epochs 10, preprocess centre"
    assert f"{100 * measured.accuracy:.1f} %" in measured.words


def test_dead_units_and_copies_are_told():
    faces = load_faces("orl", subjects=[0, 1], size=24)
    dead = train_and_measure(FCNNClassifier(learning_rate=1.0), faces)
    assert dead.dead == {"hidden_relu": (4, 4)}
    assert "All 4 units of hidden_relu are dead" in dead.warnings[0]
    copies = faces.take([0, 0, 10, 10])
    assert "same pixels" in train_and_measure(FCNNClassifier(preprocess="centre"), copies).warnings[-1]


def test_a_share_is_of_each_subjects_own_captures():
    images = np.random.default_rng(0).random((13, 8, 8))
    subject = [0] * 2 + [1] * 11
    faces = FaceSet(images, subject, ["ann", "bo"], [str(place) for place in range(13)], "made up", "CC0")
    split = split_by_capture(faces.subject, train=0.7, seed=0)
    assert np.bincount(faces.subject[split.train]).tolist() == [1, 7]
    with pytest.raises(InputError, match="needs at least 2 captures of every subject"):
        split_by_capture([0, 1, 1], train=0.5, seed=0)
