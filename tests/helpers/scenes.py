"""Pictures of people of ORL who stand before a grey wall."""

import numpy as np

from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl

__all__ = ["photograph", "scene"]

SIZE = (240, 480)


def photograph(who, number):
    """Return an ORL photograph, enlarged to 224 x 184, RGB."""
    pixels = np.kron(read_image(find_orl() / f"s{who}" / f"{number}.pgm"), np.ones((2, 2)))
    return np.repeat(np.rint(pixels * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def scene(*faces):
    """Return a grey picture with photographs in it, each at (x, photograph)."""
    picture = np.full((*SIZE, 3), 110, np.uint8)
    for x, face in faces:
        picture[8 : 8 + face.shape[0], x : x + face.shape[1]] = face
    return picture
