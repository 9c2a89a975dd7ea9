"""The templates of a gallery's references: which embedders made them, and those of one embedder as arrays."""

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from faceloupe.gallery.records import EmbedderId, Templates
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import leave_out, sound_rows, usual_dimensions

if TYPE_CHECKING:
    from faceloupe.scores.points import Maker


def made_by(embedder: "Maker") -> ColumnElement[bool]:
    """Return the condition that an embedder made a reference: one of that name, with those weights."""
    return (references.c.embedder == embedder.name) & (references.c.weights_sha256 == embedder.sha256)


def embedders(connection: Connection) -> list[EmbedderId]:
    """Return the embedders of the references that are here, by name."""
    made = select(references.c.embedder, references.c.weights_sha256).distinct()
    return sorted(EmbedderId(*row) for row in connection.execute(made))


def templates(connection: Connection, embedder: "Maker") -> Templates:
    """Return the references of one embedder as arrays.

    Warns
    -----
    DamageWarning
        If some are damaged: they are left out.
    """
    query = select(references.c.id, references.c.subject_id, references.c.vector).where(made_by(embedder))
    query = query.where(references.c.subject_id.in_(select(subjects.c.id)))
    rows = connection.execute(query.order_by(references.c.id)).all()
    sound = sound_rows([row.vector for row in rows], usual_dimensions(connection, embedder))
    leave_out([row.id for row, whole in zip(rows, sound, strict=True) if not whole])
    rows = [row for row, whole in zip(rows, sound, strict=True) if whole]
    vectors = np.stack([row.vector for row in rows]) if rows else np.empty((0, 0), np.float32)
    ids = np.array([(row.id, row.subject_id) for row in rows], dtype=np.int64).reshape(-1, 2)
    return Templates(vectors, ids[:, 1], ids[:, 0])
