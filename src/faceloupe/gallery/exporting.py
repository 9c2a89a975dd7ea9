"""A gallery in one file, to carry it elsewhere. It is personal data.

The file is JSON, a line for each subject. The first line says what the file is and holds the operating points; the
last one says how many subjects there are and the SHA-256 of all lines before it, so that a file that was cut short or
touched by hand is refused whole. The trail stays where it was made.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from faceloupe.arrays import encode_array
from faceloupe.errors import GalleryError
from faceloupe.files import write_whole
from faceloupe.gallery import saved_points
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import REMEDY, flaws

__all__ = ["SCHEMA", "export"]

SCHEMA = "faceloupe.gallery/1"
_NOTICE = "Personal data: names and biometric templates. Keep it as carefully as the gallery, and delete it after use."
_AS_THEY_ARE = ("embedder", "weights_sha256", "dimensions", "quality", "source_sha256")

Document = dict[str, Any]


def export(connection: Connection, path: Path) -> int:
    """Write all subjects into a file and return how many, see :meth:`faceloupe.gallery.Gallery.export`."""
    if path.exists():
        raise GalleryError(f"{path} exists already; name a file that does not.")
    for words, _ in flaws(connection):
        raise GalleryError(f"Nothing was exported: {words}. {REMEDY}; faceloupe check names all that is damaged.")
    lines = [_line(document) for document in _documents(connection)]
    body = b"".join(lines)
    end = _line({"subjects": len(lines) - 1, "sha256": sha256(body).hexdigest()})
    try:
        write_whole(path, body + end)
    except OSError as problem:
        raise GalleryError(f"{path} cannot be written: {problem.strerror}.") from problem
    return len(lines) - 1


def _documents(connection: Connection) -> Iterator[Document]:
    """Yield what the file says of itself, then each subject."""
    yield {
        "schema": SCHEMA,
        "notice": _NOTICE,
        "exported": datetime.now(UTC).isoformat(),
        "operating_points": [point.to_document() for point in saved_points.latest_of_all(connection).values()],
    }
    people = {row.id: row for row in connection.execute(select(subjects))}
    rows = connection.execute(select(references).order_by(references.c.subject_id, references.c.id))
    for subject_id, kept in groupby(rows, key=lambda row: row.subject_id):
        subject = people[subject_id]
        yield {
            "name": subject.name,
            "consent": subject.consent,
            "created": subject.created.isoformat(),
            "references": [_reference_document(row) for row in kept],
        }


def _reference_document(row: Row[Any]) -> Document:
    return {
        **{name: row._mapping[name] for name in _AS_THEY_ARE},
        "created": row.created.isoformat(),
        "vector": encode_array(row.vector),
        "face": row.face and base64.b64encode(row.face).decode("ascii"),
    }


def _line(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"
