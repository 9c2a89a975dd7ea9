"""The reading of a photograph in a child; a module of its own, because a child loads all that it imports."""

import numpy as np
from numpy.typing import NDArray

from faceloupe.faces.images import decode
from faceloupe.faces.pixels import as_floats, to_square
from faceloupe.recognition.photographs import Photograph, search_photo
from faceloupe.recognition.search import FaceSearch


def search(content: bytes, faces: FaceSearch, name: str) -> Photograph:
    """Return a photograph with its faces, not embedded yet; a problem if it cannot be used."""
    return search_photo(content, faces, name=name)


def square(content: bytes, name: str, side: int) -> NDArray[np.float32]:
    """Return the largest centred square of a photograph, resized to `side` pixels.

    Raises ImageError if it cannot be read.
    """
    return to_square(as_floats(decode(content, name, colour=True)), side)
