"""The faces of a collection as they are shown: the file that each is in, and a picture cut out of it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from faceloupe.collection.schema import faces, parts, photographs, places
from faceloupe.errors import ImageError, InputError
from faceloupe.faces.images import read_image
from faceloupe.faces.pixels import to_square


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face of a collection, and where it can be looked at.

    Attributes
    ----------
    id : int
    path : str
        A file that shows it; empty if none is left.
    number : int
        Within the photograph, in reading order, from 1.
    box : tuple of float
        x, y, width and height in pixels of the photograph; no width where the row is damaged.
    unfit : str
        Reason why its quality is low; empty if it is not.
    indexed : str
        When its photograph was indexed, or seen by a server: ISO 8601, UTC.
    """

    id: int
    path: str
    number: int
    box: tuple[float, float, float, float]
    unfit: str
    indexed: str


def seen_faces(connection: Connection, only: Collection[int] | None = None) -> dict[int, SeenFace]:
    """Return every face by its id, or those of `only` that are there, each with a file that shows it."""
    if only is None:
        return _seen(connection, None)
    seen: dict[int, SeenFace] = {}
    for part in parts(only):
        seen |= _seen(connection, part)
    return seen


def _seen(connection: Connection, only: Collection[int] | None) -> dict[int, SeenFace]:
    query = select(
        faces.c.id, faces.c.photograph_id, faces.c.number, faces.c.detection, faces.c.unfit, photographs.c.indexed
    ).join_from(faces, photographs)
    lying = select(places.c.photograph_id, places.c.path).where(places.c.gone.is_(False))
    if only is not None:
        query = query.where(faces.c.id.in_(only))
        lying = lying.where(places.c.photograph_id.in_(select(faces.c.photograph_id).where(faces.c.id.in_(only))))
    files = {row.photograph_id: row.path for row in connection.execute(lying.order_by(places.c.path.desc()))}
    return {
        row.id: SeenFace(
            row.id, files.get(row.photograph_id, ""), row.number, _box(row.detection), row.unfit,
            row.indexed.isoformat(timespec="seconds"),
        )
        for row in connection.execute(query)
    }  # fmt: skip


def _box(detection: Any) -> tuple[float, float, float, float]:
    try:
        x, y, width, height = (float(detection["box"][side]) for side in ("x", "y", "width", "height"))
    except (KeyError, TypeError, ValueError):  # another program wrote it
        return 0.0, 0.0, 0.0, 0.0
    return x, y, width, height


def cut_out(face: SeenFace, side: int) -> NDArray[np.float32] | None:
    """Return a face as (side, side, 3) in [0, 1]; None where its photograph is not there any more or cannot be read."""
    if not face.path:
        return None
    try:
        image = read_image(Path(face.path), colour=True)
    except (ImageError, InputError, OSError):
        return None
    x, y, width, height = face.box
    rows = slice(max(0, round(y)), max(0, round(y + height)))
    columns = slice(max(0, round(x)), max(0, round(x + width)))
    cut = image[rows, columns]
    return to_square(cut, side) if cut.size else None
