"""Every kind of model opens, with what must be known to show it a face.

Also tests ``looking/factories.py``.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from faceloupe.errors import InputError
from faceloupe.inspection import OnnxNetwork
from faceloupe.looking import open_model
from faceloupe.training import DeepCNNClassifier, load_network


def test_a_saved_network_brings_size_classes_and_preprocessing(saved, two_people):
    model = open_model(saved / "cnn")
    classifier = load_network(saved / "cnn")
    assert (model.name, model.extent, model.colour, model.classes) == ("cnn", (64, 64), False, ("s1", "s2"))
    prepared = model.prepare(two_people.images[:2])
    assert np.array_equal(prepared, classifier.preprocessing_.apply(two_people.images[:2])[:, None])
    assert f"{classifier.preprocessing_.mean:.3f}" in model.pixels
    assert len(model.digest) == 64


def test_a_deep_network_is_fed_as_its_classifier_feeds_it(two_people):
    faces = two_people.images[:, ::2, ::2]
    deep = DeepCNNClassifier(epochs=2).fit(faces, two_people.subject)
    model = open_model(deep)
    assert model.extent == (32, 32)
    assert model.prepare(faces[:2]).shape == (2, 1, 64, 64)
    assert np.array_equal(model.prepare(faces[:2]), deep.prepare(faces[:2]))
    assert "mirror" in model.notes[0]


@pytest.mark.parametrize(
    ("pixels", "low", "high"), [(None, 0, 1), ("0..1", 0, 1), ("0..255", 0, 255), ("-1..1", -1, 1)]
)
def test_pixels_are_scaled_as_asked(embedder, pixels, low, high):
    prepare = open_model(embedder, pixels=pixels).prepare
    assert np.all(prepare(np.zeros((1, 16, 16, 3), np.float32)) == low)
    assert np.all(prepare(np.ones((1, 16, 16, 3), np.float32)) == high)


def test_blue_first(embedder):
    red = np.zeros((1, 16, 16, 3), np.float32)
    red[..., 0] = 1
    assert open_model(embedder).prepare(red)[0].mean(axis=(1, 2)).tolist() == [1, 0, 0]
    assert open_model(embedder, bgr=True).prepare(red)[0].mean(axis=(1, 2)).tolist() == [0, 0, 1]


def test_an_opened_onnx_network_and_a_model_pass_through(embedder):
    model = open_model(OnnxNetwork(embedder))
    assert (model.name, model.extent, model.colour) == ("embedder", (16, 16), True)
    assert open_model(model) is model


def test_a_function_of_the_current_folder(workplace):
    path = list(sys.path)
    model = open_model("mynets:build", size=8)
    assert (model.name, model.extent, model.colour) == ("mynets:build", (8, 8), False)
    assert sys.path == path
    assert open_model("mynets:many", size=8).colour
    assert str(workplace) not in sys.path


@pytest.mark.usefixtures("workplace")
def test_weights_are_loaded_and_named():
    torch.manual_seed(5)
    state = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).state_dict()
    safetensors.torch.save_file(state, "net.safetensors")
    model = open_model("mynets:many", weights="net.safetensors", size=8)
    assert torch.equal(model.network[0].weight, state["0.weight"])
    assert "net.safetensors" in model.origin
    assert len(model.digest) == 64


WRONG = [
    ("nowhere", {}, "there is no file or folder 'nowhere'; a MODEL is a folder saved by faceloupe, an ONNX file, or"),
    ("notes.txt", {}, "notes.txt"),
    (".", {}, "is not a saved classifier: it has no manifest.json"),
    ("net.safetensors", {}, "weights without a network"),
    ("nonets:build", {"size": 8}, "nonets cannot be imported"),
    ("mynets:biuld", {"size": 8}, "mynets has no function 'biuld'; it has build, many, wide, slow, number, broken"),
    ("mynets:GREETING", {"size": 8}, "no function 'GREETING'"),
    ("mynets:number", {"size": 8}, "returned a int; expected a torch.nn.Module"),
    ("mynets:broken", {"size": 8}, "failed: ValueError('no weights today')"),
    ("mynets:wide", {"size": 8}, "takes 4 channels; faces have 1 (grey) or 3 (colour)"),
    ("mynets:build", {}, "does not say how large its faces are; give the size in pixels (size, --size)"),
    ("mynets:build", {"size": 0}, "size: expected pixels of a side, 1 to 4,096; got 0"),
    ("mynets:build", {"size": 8, "weights": "missing.safetensors"}, "there is no file of weights"),
    ("mynets:build", {"size": 8, "weights": "notes.txt"}, "not a safetensors file, or is damaged"),
    ("mynets:many", {"size": 8, "weights": "net.safetensors"}, "do not fit the network"),
    (
        "mynets:build",
        {"size": 8, "pixels": "0..2"},
        "pixels: expected one of 0..1, 0..255, -1..1, imagenet; got '0..2'",
    ),
    ("mynets:build", {"size": 8, "answers": "names"}, "answers: expected classes or template; got 'names'"),
]


@pytest.mark.parametrize(("model", "options", "words"), WRONG)
def test_what_cannot_be_opened_is_explained(workplace, model, options, words):
    safetensors.torch.save_file(nn.Linear(2, 2).state_dict(), workplace / "net.safetensors")
    with pytest.raises(InputError) as raised:
        open_model(model, **options)
    assert words in str(raised.value)


def test_options_that_would_change_nothing_are_refused(saved, embedder):
    with pytest.raises(InputError, match="has its own weights, size and preprocessing; leave size and pixels out"):
        open_model(saved / "cnn", size=64, pixels="0..1")
    with pytest.raises(InputError, match="holds its weights; leave weights out"):
        open_model(embedder, weights="net.safetensors")
    with pytest.raises(InputError, match="takes faces of 16×16 pixels and no other size, not 32"):
        open_model(embedder, size=32)


@pytest.mark.usefixtures("workplace")
def test_a_broken_module_is_the_users_and_told():
    Path("badnets.py").write_text("import nothing_of_the_kind")
    with pytest.raises(InputError, match="nothing_of_the_kind"):
        open_model("badnets:build", size=8)


def test_what_is_no_model_at_all():
    with pytest.raises(InputError, match="expected a path, 'module:function', a classifier or a network"):
        open_model(7)
