"""Photographs of a few people, an embedder that takes no time, and a cache of the test's own."""

import shutil

import numpy as np
import pytest

from faceloupe.embedders import grey_faces
from faceloupe.faces.sources import find_orl

ORL = find_orl()


class Coarse:
    """The face in 8 x 8 grey pixels, without their mean: quick, and good enough to tell some people apart."""

    sha256 = "0" * 64

    def __init__(self, name="coarse"):
        self.name = name
        self.seen = 0

    def embed(self, faces):
        self.seen += len(faces)
        grey = grey_faces(faces, (8, 8)).reshape(len(faces), -1)
        return grey - grey.mean(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def new_coarse():
    """What makes such an embedder."""
    return Coarse


@pytest.fixture
def coarse():
    return Coarse()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep templates in the test's own folder."""
    folder = tmp_path / "cache" / "templates"
    monkeypatch.setattr("faceloupe.evaluation.cache.cache_folder", lambda: folder)
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory, published):  # noqa: ARG001 - a fixture that skips
    """A folder with eight people of ORL, four photographs of each."""
    root = tmp_path_factory.mktemp("people")
    for who in range(1, 9):
        (root / f"s{who}").mkdir()
        for number in range(1, 5):
            shutil.copy(ORL / f"s{who}" / f"{number}.pgm", root / f"s{who}" / f"{number}.pgm")
    return root


@pytest.fixture
def made_up():
    """Unit vectors of ten captures each of twelve people, and whom they show."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(12), 10)
    vectors = rng.normal(size=(12, 16))[subjects] + 0.7 * rng.normal(size=(120, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), subjects
