"""Whether what is kept of a face is whole: a damaged reference is named, and never carried on."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, cast, func, select

from faceloupe.documents import parse_json
from faceloupe.errors import GalleryError
from faceloupe.gallery.schema import references, subjects

__all__ = ["REMEDY", "damage_in_words", "flaws", "is_quality", "is_unit"]

REMEDY = "Forget the subject and enrol the photographs again"

_MEASURED = ("eye_distance", "sharpness", "brightness", "clipped", "detection_score")
_ANGLES = ("yaw", "pitch", "roll")


def flaws(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each damaged reference, and the name of its subject."""
    vector, dimensions, quality = references.c.vector, references.c.dimensions, cast(references.c.quality, Text)
    if connection.dialect.name == "sqlite":
        misfit = func.length(vector) != 4 * dimensions
    else:
        misfit = func.vector_dims(vector) != dimensions
    named = select(references.c.id, subjects.c.name).join_from(references, subjects).order_by(references.c.id)
    for reference, name in connection.execute(named.where(misfit)):
        yield f"reference {reference} of {name!r} is not as long as it should be", name
    for reference, name, kept, measured in connection.execute(named.add_columns(vector, quality).where(~misfit)):
        if not is_unit(kept):
            yield f"reference {reference} of {name!r} is no unit vector", name
        elif not is_quality(_parsed(measured)):
            yield f"reference {reference} of {name!r} has a quality that is no table of numbers", name


def is_unit(vector: NDArray[np.float32]) -> bool:
    """Return whether a vector is of length 1, as a template's is."""
    return bool(abs(np.linalg.norm(vector.astype(np.float64)) - 1) < 1e-4)  # NaN is not


def is_quality(document: Any) -> bool:
    """Return whether a document is of a :class:`faceloupe.recognition.Quality`."""
    try:
        numbers = [*(document[name] for name in _MEASURED), *(document["pose"][name] for name in _ANGLES)]
        numbers += [norm for norm in [document["embedding_norm"]] if norm is not None]
        return all(map(isfinite, numbers))
    except (KeyError, TypeError, OverflowError):
        return False


@contextmanager
def damage_in_words() -> Iterator[None]:
    """Say of rows that are no arrays and no documents how to find out which.

    Raises
    ------
    GalleryError
        If they cannot be read within.
    """
    try:
        yield
    except ValueError as problem:
        raise GalleryError(f"A reference in the gallery is damaged ({problem}). faceloupe check names it.") from problem


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None
