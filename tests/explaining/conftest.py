"""Photographs of ORL, large enough for the detector, and an embedder of which it is known what it reads."""

import numpy as np
import pytest
from PIL import Image

from faceloupe.faces.sources import find_orl
from faceloupe.scores import OperatingPoint
from faceloupe.scores.confidence import Interval

EYES = (slice(38, 66), slice(20, 92))  # rows and columns of a chip


class Reader:
    """Reads the luma of some rows and columns of a chip, less its mean over the face, and nothing else."""

    def __init__(self, name="eyes", region=EYES):
        self.name, self.sha256 = name, "0" * 64
        self.region = region
        self.batches = []

    def embed(self, faces):
        self.batches.append(len(faces))
        luma = faces.mean(axis=3)[:, *self.region]
        return np.ascontiguousarray(luma - 0.5).reshape(len(faces), -1)


def point_for(embedder, threshold=0.5):
    """Return an operating point with made-up rates."""
    rate = Interval(0.0, 0.01, 0.95, 300.0, "made up")
    return OperatingPoint(
        threshold, 0.01, 0.005, rate, 0.02, rate, 100, 400, 0, "made-up comparisons", embedder.name, embedder.sha256
    )


@pytest.fixture(scope="session")
def photographs(published, tmp_path_factory):  # noqa: ARG001 - a fixture that skips
    """A folder with s1.png, s1-again.png, s2.png, both.png (two faces) and wall.png (none)."""
    root = find_orl()
    folder = tmp_path_factory.mktemp("photographs")
    faces = {}
    for name, file in (("s1", "s1/1.pgm"), ("s1-again", "s1/5.pgm"), ("s2", "s2/1.pgm")):
        face = Image.open(root / file).resize((184, 224), Image.Resampling.BICUBIC)
        faces[name] = np.pad(np.asarray(face), ((40, 40), (60, 60)), constant_values=128)
        Image.fromarray(faces[name]).save(folder / f"{name}.png")
    Image.fromarray(np.hstack([faces["s1"], faces["s2"]])).save(folder / "both.png")
    Image.fromarray(np.full_like(faces["s1"], 128)).save(folder / "wall.png")
    return folder


@pytest.fixture
def eyes():
    """An embedder that reads the eyes."""
    return Reader()


@pytest.fixture
def mouth():
    """An embedder that reads the mouth."""
    return Reader("mouth", (slice(80, 104), slice(30, 82)))


@pytest.fixture(name="point_for", scope="session")
def _point_for():
    """A function that makes an operating point for an embedder."""
    return point_for


@pytest.fixture(scope="session")
def mated(photographs):
    """The explanation of two photographs of one person, checked."""
    from faceloupe.explaining import explain

    embedder = Reader()
    return explain(photographs / "s1.png", photographs / "s1-again.png", point=point_for(embedder), embedder=embedder)
