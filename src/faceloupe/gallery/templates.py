"""The templates of a gallery's references: which embedders made them, and those of one embedder as arrays."""

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from faceloupe.gallery.records import EmbedderId, Templates
from faceloupe.gallery.schema import references
from faceloupe.gallery.soundness import damage_in_words

if TYPE_CHECKING:
    from faceloupe.recognition import Embedder

__all__ = ["embedders", "made_by", "templates"]


def made_by(embedder: "Embedder | EmbedderId") -> ColumnElement[bool]:
    """Return the condition that an embedder made a reference: one of that name, with those weights."""
    return (references.c.embedder == embedder.name) & (references.c.weights_sha256 == embedder.sha256)


def embedders(connection: Connection) -> list[EmbedderId]:
    """Return what made the references that are here, by name."""
    made = select(references.c.embedder, references.c.weights_sha256).distinct()
    return sorted(EmbedderId(*row) for row in connection.execute(made))


def templates(connection: Connection, embedder: "Embedder | EmbedderId") -> Templates:
    """Return the references of one embedder as arrays.

    Raises
    ------
    GalleryError
        If one is damaged.
    """
    query = select(references.c.id, references.c.subject_id, references.c.vector).where(made_by(embedder))
    with damage_in_words():
        rows = connection.execute(query.order_by(references.c.id)).all()
        vectors = np.stack([row.vector for row in rows]) if rows else np.empty((0, 0), np.float32)
    ids = np.array([(row.id, row.subject_id) for row in rows], dtype=np.int64).reshape(-1, 2)
    return Templates(vectors, ids[:, 1], ids[:, 0])
