"""A face cut out of the photograph that shows it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceloupe.collection.people import SeenFace
from faceloupe.errors import ImageError
from faceloupe.faces.images import read_image
from faceloupe.faces.pixels import to_square

__all__ = ["cut_out"]


def cut_out(face: SeenFace, side: int) -> NDArray[np.float32] | None:
    """Return a face as (side, side, 3) in [0, 1]; None where its photograph is not there any more or cannot be read."""
    if not face.path:
        return None
    try:
        image = read_image(Path(face.path), colour=True)
    except (ImageError, OSError):
        return None
    x, y, width, height = face.box
    rows = slice(max(0, round(y)), max(1, round(y + height)))
    columns = slice(max(0, round(x)), max(1, round(x + width)))
    cut = image[rows, columns]
    return to_square(cut, side) if cut.size else None
