"""The templates of a gallery's references: which embedders made them, and those of one embedder as arrays."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, select

from faceloupe.gallery.records import EmbedderId, Templates
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import leave_out, sound_rows, usual_dimensions

if TYPE_CHECKING:
    from faceloupe.scores.points import Maker

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

PART = 10_000
"""Rows that are read from a database at a time, and the most values that a query names: databases limit those."""


def made_by(embedder: "Maker") -> ColumnElement[bool]:
    """Return the condition that an embedder made a reference: one of that name, with those weights."""
    return (references.c.embedder == embedder.name) & (references.c.weights_sha256 == embedder.sha256)


def embedders(connection: Connection) -> list[EmbedderId]:
    """Return the embedders of the references that are here, by name."""
    query = select(references.c.embedder, references.c.weights_sha256).distinct()
    return sorted(EmbedderId(*row) for row in connection.execute(query))


def references_by(embedder: "Maker") -> Select[Any]:
    """Select number, subject and vector of the references by an embedder whose subject is there."""
    columns = references.c.id, references.c.subject_id, references.c.vector
    return select(*columns).join_from(references, subjects).where(made_by(embedder))


def identities(connection: Connection, embedder: "Maker") -> set[tuple[str, str | None]]:
    """Return name and external id of everybody with a reference by an embedder."""
    columns = select(subjects.c.name, subjects.c.external_id)
    rows = connection.execute(columns.join_from(subjects, references).where(made_by(embedder)).distinct())
    return {(row.name, row.external_id) for row in rows}


def parts(connection: Connection, rows: Select[Any], dimensions: int) -> Iterator[Templates]:
    """Yield the sound references that a query like :func:`references_by` selects, ``PART`` at a time.

    Warns
    -----
    DamageWarning
        At the end, if some are damaged: they are left out.
    """
    damaged: list[int] = []
    result = connection.execute(rows, execution_options={"yield_per": PART})
    for part in result.partitions():
        numbers, owners, vectors = (list(column) for column in zip(*part, strict=True))
        sound = sound_rows(vectors, dimensions)
        damaged += [number for number, is_sound in zip(numbers, sound, strict=True) if not is_sound]
        if sound.any():
            sound_vectors = [vector for vector, is_sound in zip(vectors, sound, strict=True) if is_sound]
            ids = np.array([owners, numbers], dtype=np.int64)[:, sound]
            yield Templates(np.stack(sound_vectors), ids[0], ids[1])
    leave_out(damaged)


def templates(connection: Connection, embedder: "Maker") -> Templates:
    """Return the references of one embedder as arrays.

    Warns
    -----
    DamageWarning
        If some are damaged: they are left out.
    """
    query = references_by(embedder).order_by(references.c.id)
    read = list(parts(connection, query, usual_dimensions(connection, embedder)))
    if not read:
        return Templates(np.empty((0, 0), np.float32), np.empty(0, np.int64), np.empty(0, np.int64))
    return Templates(
        np.concatenate([part.vectors for part in read]),
        np.concatenate([part.subjects for part in read]),
        np.concatenate([part.references for part in read]),
    )


def vectors_of(connection: Connection, numbers: Ids) -> Floats:
    """Return the vectors of references, (N, D), in the order of their numbers, (N,)."""
    vectors: dict[int, Floats] = {}
    for start in range(0, len(numbers), PART):
        part = numbers[start : start + PART].tolist()
        query = select(references.c.id, references.c.vector).where(references.c.id.in_(part))
        vectors.update((row.id, row.vector) for row in connection.execute(query))
    return np.stack([vectors[number] for number in numbers.tolist()])
