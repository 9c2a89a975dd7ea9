"""People whose vectors are made up, and photographs of some that are not."""

import shutil

import numpy as np
import pytest

from faceloupe.embedders import grey_faces
from faceloupe.faces.sources import find_orl

DIMENSIONS = 24


class Coarse:
    """The face in 8 x 8 grey pixels: quick, and whitening helps it."""

    name, sha256 = "coarse", "0" * 64

    def embed(self, faces):
        return grey_faces(faces, (8, 8)).reshape(len(faces), -1)


@pytest.fixture(scope="session")
def coarse():
    return Coarse()


@pytest.fixture
def made_up():
    """Return a maker of vectors that differ within a person mostly along a third of the axes, and their subjects."""
    return _made_up


def _made_up(people, captures, seed=0, nuisance=4.0):
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), captures)
    within = np.where(np.arange(DIMENSIONS) < DIMENSIONS // 3, nuisance, 0.6)
    vectors = rng.normal(size=(people, DIMENSIONS))[subjects] + within * rng.normal(size=(len(subjects), DIMENSIONS))
    return (vectors + 3).astype(np.float32), subjects


@pytest.fixture(scope="session")
def people(tmp_path_factory, published):  # noqa: ARG001 - a fixture that skips
    """A folder with 24 people of ORL, four photographs of each."""
    root = tmp_path_factory.mktemp("people")
    for who in range(1, 25):
        (root / f"s{who}").mkdir()
        for number in range(1, 5):
            shutil.copy(find_orl() / f"s{who}" / f"{number}.pgm", root / f"s{who}" / f"{number}.pgm")
    return root
