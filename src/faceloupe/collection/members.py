"""The faces of a collection as they are read: whole, or the members of one group; damaged ones are left out, and said.

What is shown, grouped, found and enrolled all comes from here, so that one rule says which faces count.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select

from faceloupe.collection.schema import faces, groups, photographs, places, setting
from faceloupe.errors import InputError
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.soundness import is_quality, leave_out, sound_rows
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.recognition.templates import Template
from faceloupe.recognition.weights import YUNET

PART = 10_000
"""Faces that are read at a time."""

REMEDY = "Index the photographs again into another collection"

DIGITS = 18
"""Digits of a group's number, at most: databases keep 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexedFaces:
    """The faces of a collection as arrays, in an order that depends on the photographs' contents alone.

    Attributes
    ----------
    ids : array of int64, (N,)
    vectors : array of float32, (N, D)
    photographs : array of int64, (N,)
        Ids of the photographs.
    fit : array of bool, (N,)
        True if the face's quality has no shortcoming.
    groups : array of int64, (N,)
        Ids; 0 for a face that is in none yet.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    photographs: NDArray[np.int64]
    fit: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


def all_faces(connection: Connection) -> IndexedFaces:
    """Return all faces, see :meth:`faceloupe.collection.Collection.faces`."""
    query = (
        select(faces.c.id, faces.c.photograph_id, faces.c.unfit, groups.c.id.label("home"), faces.c.vector)
        .join_from(faces, photographs)
        .outerjoin(groups, faces.c.group_id == groups.c.id)  # a group that is not there is none
        .order_by(photographs.c.sha256, faces.c.number)
    )
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    rows = connection.execute(query.execution_options(yield_per=PART))
    for part in rows.partitions():
        vectors = [row.vector for row in part]
        sound = sound_rows(vectors, parts[0][1].shape[1] if parts else _usual_length(vectors))
        leave_out([row.id for row, is_sound in zip(part, sound, strict=True) if not is_sound], "face", REMEDY)
        sound_rows_of_part = [row for row, is_sound in zip(part, sound, strict=True) if is_sound]
        if sound_rows_of_part:
            numbers = [(row.id, row.photograph_id, not row.unfit, row.home or 0) for row in sound_rows_of_part]
            parts.append((np.array(numbers, dtype=np.int64), np.stack([row.vector for row in sound_rows_of_part])))
    columns = np.concatenate([part for part, _ in parts]) if parts else np.zeros((0, 4), dtype=np.int64)
    matrix = np.concatenate([part for _, part in parts]) if parts else np.zeros((0, 1), dtype=np.float32)
    return IndexedFaces(columns[:, 0], matrix, columns[:, 1], columns[:, 2].astype(bool), columns[:, 3])


def members(connection: Connection, group: int) -> list[Any]:
    """Return the rows of a group's faces, those of good quality first.

    Of each there are id, number, vector, quality and chip, and of its photograph sha256, width, height, a path and the
    number of its faces.
    """
    file = select(func.min(places.c.path)).where(places.c.photograph_id == photographs.c.id, places.c.gone.is_(False))
    others = faces.alias()
    face_count = select(func.count()).where(others.c.photograph_id == photographs.c.id)
    query = (
        select(
            faces.c.id, faces.c.number, faces.c.vector, faces.c.quality, faces.c.chip, photographs.c.sha256,
            photographs.c.width, photographs.c.height, file.scalar_subquery().label("path"),
            face_count.scalar_subquery().label("faces"),
        )
        .join_from(faces, photographs)
        .where(faces.c.group_id == group)
        .order_by(faces.c.unfit != "", faces.c.id)
    )  # fmt: skip
    rows = connection.execute(query).all()
    vectors = [row.vector for row in rows]
    sound = sound_rows(vectors, _usual_length(vectors))
    usable = [bool(is_sound) and is_quality(row.quality) for row, is_sound in zip(rows, sound, strict=True)]
    leave_out([row.id for row, is_usable in zip(rows, usable, strict=True) if not is_usable], "face", REMEDY)
    return [row for row, is_usable in zip(rows, usable, strict=True) if is_usable]


def embedder_of(connection: Connection) -> EmbedderId | None:
    """Return the embedder of a collection's templates; None where none is noted, or what is noted is damaged."""
    value = setting(connection, "embedder")
    is_whole = isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)
    return EmbedderId(*value) if is_whole else None


def group_number(connection: Connection, group: int | str) -> int:
    """Return the number of a group given by its number or name.

    Raises
    ------
    InputError
        If there is no such group.
    """
    by_name = connection.scalar(select(groups.c.id).where(groups.c.name == str(group)))
    number = by_name or (int(group) if str(group).isdecimal() and len(str(group)) <= DIGITS else 0)
    if connection.scalar(select(groups.c.id).where(groups.c.id == number)) is None:
        raise InputError(
            f"there is no photograph {group}, and no group of that name or number; faceloupe group lists them"
        )
    return number


def detector_of(connection: Connection) -> str:
    """Return the detector of a collection's faces, as :attr:`faceloupe.recognition.Detection.detector` names it."""
    detector = setting(connection, "detector")
    return YUNET.name if detector is None else str(detector)  # it was always that before it was noted


def template_of(row: Row[Any], embedder: EmbedderId, detector: str) -> Template:
    """Return the template of a row of :func:`members`."""
    quality = Quality(**{**row.quality, "pose": Pose(**row.quality["pose"])})
    return Template(row.vector, embedder.name, embedder.sha256, quality, detector)


def photographs_of(connection: Connection, group: int) -> list[Photograph]:
    """Return the faces of a group as photographs of each alone: in a gallery each is of one person."""
    rows, embedder, detector = members(connection, group), embedder_of(connection), detector_of(connection)
    return [_photograph(row, embedder, detector) for row in rows if embedder]


def _photograph(row: Row[Any], embedder: EmbedderId, detector: str) -> Photograph:
    digest = row.sha256 if row.faces == 1 else sha256(f"{row.sha256} face {row.number}".encode()).hexdigest()
    size = (row.width, row.height)
    return Photograph(Path(row.path or row.sha256), digest, size, (), (template_of(row, embedder, detector),))


def _usual_length(vectors: Sequence[NDArray[np.float32]]) -> int:
    return Counter(map(len, vectors)).most_common(1)[0][0] if vectors else 0
