"""Photographs with faces, and the weights if this machine has them."""

import numpy as np
import pytest

from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl
from faceloupe.recognition import find_faces


@pytest.fixture(scope="session")
def photographs():
    """Five whole ORL photographs of a person, then five of another: grey, 112 x 92."""
    root = find_orl()
    return [read_image(root / f"s{who}" / f"{number}.pgm") for who in (1, 2) for number in range(1, 6)]


@pytest.fixture(scope="session")
def portrait(photographs):
    """One face in colour on a grey wall, (300, 400, 3)."""
    photo = np.full((300, 400, 3), 0.5, dtype=np.float32)
    photo[80:192, 130:222] = photographs[0][..., np.newaxis] * np.float32([1.0, 0.9, 0.8])
    return photo


@pytest.fixture(scope="session")
def chips(published, photographs):  # noqa: ARG001 - a fixture that skips
    """A face chip of each of the ten photographs."""
    return [find_faces(photo)[0] for photo in photographs]
