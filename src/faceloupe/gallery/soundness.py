"""Checks that references are whole: what is damaged is named, and never passed on."""

import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from faceloupe.documents import parse_json
from faceloupe.errors import DamageWarning, InputError
from faceloupe.gallery.schema import UNKNOWN, references, subjects

if TYPE_CHECKING:
    from faceloupe.scores.points import Maker

REMEDY = "Forget the subject and enrol the photographs again"

PNG = b"\x89PNG\r\n"
"""How the bytes of a face that was kept begin."""

_MEASURED = ("eye_distance", "sharpness", "brightness", "clipped", "detection_score")
_ANGLES = ("yaw", "pitch", "roll")

_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that cannot be seen: two names that look the same shall be one name."""

_JOINERS = "\u200c\u200d"  # Persian, Hindi and others spell names with them


def flaws(connection: Connection) -> Iterator[tuple[int, str, str]]:
    """Yield the number of each damaged reference, what is wrong with it, and the name of its subject."""
    query = select(
        references.c.id, subjects.c.name, references.c.embedder, references.c.weights_sha256, references.c.dimensions,
        references.c.vector, references.c.quality, references.c.created,
        references.c.face.is_not(None).label("has_face"), func.substr(references.c.face, 1, len(PNG)).label("face"),
    ).join_from(references, subjects)  # fmt: skip
    usual: dict[tuple[str, str], int] = {}
    for row in connection.execute(query.order_by(references.c.id)):
        maker = (row.embedder, row.weights_sha256)
        if maker not in usual:
            usual[maker] = _usual(connection, *maker)
        if wrong := _wrong_with(row, usual[maker]):
            yield row.id, f"reference {row.id} of {row.name!r} {wrong}", row.name


def _wrong_with(row: Any, dimensions: int) -> str | None:
    if not len(row.vector):
        return "has no vector"
    if len(row.vector) != row.dimensions:
        return "is not as long as it should be"
    if len(row.vector) != dimensions:
        return f"has {len(row.vector)} numbers, and others by its embedder have {dimensions}"
    if not is_unit(row.vector):
        return "is not a unit vector"
    if not is_quality(row.quality):
        return "has a quality that is not a table of numbers"
    if row.has_face and (not row.face or isinstance(row.face, str) or bytes(row.face) != PNG):
        return "has a face that is not a picture"
    return "has no date" if row.created == UNKNOWN else None


def usual_dimensions(connection: Connection, embedder: "Maker") -> int:
    """Return the dimensions of most vectors by an embedder; 0 if there is none."""
    return _usual(connection, embedder.name, embedder.sha256)


def _usual(connection: Connection, embedder: str, weights: str) -> int:
    made = (references.c.embedder == embedder) & (references.c.weights_sha256 == weights)
    counts = select(references.c.dimensions).where(made).group_by(references.c.dimensions)
    most = connection.scalar(counts.order_by(func.count().desc(), references.c.dimensions.desc()).limit(1))
    return most if isinstance(most, int) else 0


def sound_rows(vectors: Sequence[NDArray[np.float32]], dimensions: int) -> NDArray[np.bool_]:
    """Return which of some vectors are of length 1 and have so many dimensions, (N,)."""
    sound = np.array([len(vector) == dimensions > 0 for vector in vectors], dtype=bool)
    if sound.any():
        stacked = np.stack([vector for vector, fits in zip(vectors, sound, strict=True) if fits]).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            sound[sound] = np.abs(np.sqrt(np.einsum("nd,nd->n", stacked, stacked)) - 1) < 1e-4  # NaN is not
    return sound


def is_unit(vector: NDArray[np.float32]) -> bool:
    """Return whether a vector is of length 1, as a template's is."""
    return bool(sound_rows([vector], len(vector))[0])


def is_object(text: Any) -> bool:
    """Return whether a column of JSON holds an object."""
    try:
        return isinstance(parse_json(text), dict) if isinstance(text, str | bytes) else False
    except InputError:
        return False


def is_quality(document: Any) -> bool:
    """Return whether a document is of a :class:`faceloupe.recognition.Quality`."""
    try:
        numbers = [*(document[name] for name in _MEASURED), *(document["pose"][name] for name in _ANGLES)]
        numbers += [norm for norm in [document["embedding_norm"]] if norm is not None]
        return all(map(isfinite, numbers))
    except (KeyError, TypeError, OverflowError):
        return False


def unprintable(text: str, *, note: bool = False) -> bool:
    """Return whether a name holds what cannot be printed; a note may have several lines and writing directions."""
    if note:
        return any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text if letter not in "\n\t")
    return any(unicodedata.category(letter) in _UNSEEN for letter in text if letter not in _JOINERS)


def leave_out(
    numbers: Sequence[int], what: str = "reference", remedy: str = "faceloupe check says what is wrong, and what to do"
) -> None:
    """Warn that damaged references, or other rows, are not part of an answer."""
    if numbers:
        shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        warnings.warn(f"damaged, and left out: {what} {shown}. {remedy}", DamageWarning, stacklevel=3)
