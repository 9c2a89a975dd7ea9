"""Additions to a collection: a photograph, and faces of it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, insert

from faceloupe.collection.schema import add_row, faces, photographs
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.photographs import Photograph


def add_photograph(connection: Connection, photograph: Photograph) -> int:
    """Add a photograph, and return its id."""
    width, height = photograph.size
    reason = photograph.problem and photograph.problem.reason
    return add_row(
        connection, photographs, sha256=photograph.sha256, width=width, height=height, problem=reason,
        indexed=datetime.now(UTC),
    )  # fmt: skip


def add_faces(
    connection: Connection, photograph: Photograph, photograph_id: int, numbers: Iterable[int], *, keep_chips: bool
) -> int:
    """Add faces of a photograph, given by their numbers in reading order, from 1; return how many.

    Chips are kept only where that is asked for.
    """
    order, rows = photograph.reading_order(), []
    for number in numbers:
        chip, template = photograph.chips[order[number - 1]], photograph.templates[order[number - 1]]
        rows.append(
            {
                "photograph_id": photograph_id,
                "number": number,
                "detection": chip.detection.to_document(),
                "vector": template.vector,
                "quality": template.quality.to_document(),
                "unfit": "; ".join(shortcomings(template.quality, limits_of(template.embedder))),
                "chip": chip.png() if keep_chips else None,
            }
        )
    if rows:
        connection.execute(insert(faces), rows)
    return len(rows)
