"""Small networks to look at, each kind once."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from faceloupe.faces import load_faces
from faceloupe.training import CNNClassifier, FCNNClassifier
from helpers import onnx_files


@pytest.fixture(scope="session")
def two_people():
    """Twenty captures of two subjects of ORL, 64x64."""
    return load_faces("orl", subjects=[0, 1])


@pytest.fixture(scope="session")
def saved(tmp_path_factory, two_people):
    """A folder with a trained CNN and a trained FCNN that tell s1 from s2."""
    folder = tmp_path_factory.mktemp("saved")
    subjects = [two_people.names[who] for who in two_people.subject]
    for name, kind in (("cnn", CNNClassifier), ("fcnn", FCNNClassifier)):
        kind(preprocess="centre", epochs=8).fit(two_people.images, subjects).save(folder / name)
    return folder


@pytest.fixture(scope="session")
def embedder(tmp_path_factory):
    """An ONNX file that makes 64 numbers of a face of 16x16 pixels in colour."""
    torch.manual_seed(0)
    layers = {
        "conv": nn.Conv2d(3, 20, 3, stride=2), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2), "flat": nn.Flatten(),
        "fc": nn.Linear(20 * 3 * 3, 64),
    }  # fmt: skip
    path = tmp_path_factory.mktemp("onnx") / "embedder.onnx"
    return onnx_files.of_layers(path, layers, (1, 3, 16, 16))


@pytest.fixture
def made_faces():
    """Five made-up faces, (5, 16, 16, 3) in [0, 1]."""
    return np.random.default_rng(0).random((5, 16, 16, 3), dtype=np.float32)


MYNETS = '''
import torch
from torch import nn

GREETING = "hello"

def build():
    """Two classes, told by which half of an 8x8 face is brighter; pixel (2, 3) counts double."""
    network = nn.Sequential()
    network.add_module("flatten", nn.Flatten())
    network.add_module("hidden", nn.Linear(64, 2))
    network.add_module("relu", nn.ReLU())
    network.add_module("output", nn.Linear(2, 1))
    with torch.no_grad():
        half = torch.ones(64)
        half[19], half[32:] = 2, -1
        network.hidden.weight.copy_(torch.stack([half, -half]) / 20)
        network.hidden.bias.zero_()
        network.output.weight.copy_(torch.tensor([[1.0, -1.0]]))
        network.output.bias.fill_(0.25)
    return network

def many():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))

def wide():
    return nn.Conv2d(4, 1, 3)

def slow():
    """Answers after a tenth of a second."""
    import time
    network = build()
    network.register_forward_pre_hook(lambda *_: time.sleep(0.1))
    return network

def number():
    return 7

def broken():
    raise ValueError("no weights today")
'''


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """The current folder, with a module mynets and two pictures: bright above, and bright below."""
    (tmp_path / "mynets.py").write_text(MYNETS)
    for name, rows in (("above", slice(0, 4)), ("below", slice(4, 8))):
        pixels = np.full((8, 8), 51, np.uint8)
        pixels[rows] = 204
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mynets", raising=False)
    return tmp_path
