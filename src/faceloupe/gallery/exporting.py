"""A gallery in one file, to carry it elsewhere. It is personal data.

The file is JSON, a line for each subject. The first line says what the file is and holds the operating points; the
last one says how many subjects there are and the SHA-256 of all lines before it. That shows whether a file was cut
short or damaged on its way. It does not show who wrote it: whoever changes the file can write the right sum below it. A
file that is signed with a key (HMAC-SHA256, RFC 2104) shows that nobody changed it who has not the key. The trail stays
where it was made.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from faceloupe.arrays import encode_array
from faceloupe.errors import GalleryError
from faceloupe.files import write_whole
from faceloupe.gallery import saved_points
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import flaws, leave_out
from faceloupe.seals import Seals, read_secret

SCHEMA, BEFORE_IDS = "faceloupe.gallery/2", "faceloupe.gallery/1"
"""Of the files that are written, and of those without external ids and metadata, which are read too."""

_NOTICE = "Personal data: names and biometric templates. Keep it as carefully as the gallery, and delete it after use."
PART = 1000
"""References that are read at a time."""

_AS_THEY_ARE = ("embedder", "weights_sha256", "dimensions", "quality", "source_sha256", "detector")

Document = dict[str, Any]


def export(connection: Connection, path: Path, key: str | PathLike[str] | None = None) -> int:
    """Write all subjects into a file and return how many, see :meth:`faceloupe.gallery.Gallery.export`."""
    if path.exists():
        raise GalleryError(f"{path} exists already; name a file that does not.")
    secret = None if key is None else read_secret(key)
    written = -1  # the first document is not of a subject

    def lines() -> Iterator[bytes]:
        nonlocal written
        seals = Seals(secret)
        for document in documents(connection):
            line = _line(document)
            written += 1
            seals.update(line)
            yield line
        yield _line({"subjects": written, **seals.to_document()})

    try:
        write_whole(path, lines())
    except OSError as problem:
        raise GalleryError(f"{path} cannot be written: {problem.strerror}.") from problem
    return written


def documents(connection: Connection) -> Iterator[Document]:
    """Yield what an export says of itself, then each subject, without the references that are damaged.

    Warns
    -----
    DamageWarning
        If there are such references.
    """
    damaged = {number for number, _, _ in flaws(connection)}
    leave_out(sorted(damaged))
    yield {
        "schema": SCHEMA,
        "notice": _NOTICE,
        "exported": datetime.now(UTC).isoformat(),
        "operating_points": [point.to_document() for point in saved_points.latest_of_all(connection).values()],
    }
    query = (
        select(
            references,
            subjects.c.name,
            subjects.c.external_id,
            subjects.c["metadata"],
            subjects.c.consent,
            subjects.c.created.label("since"),
        )
        .join_from(references, subjects)
        .order_by(references.c.subject_id, references.c.id)
        .execution_options(yield_per=PART)
    )
    sound = (row for row in connection.execute(query) if row.id not in damaged)
    for _, own in groupby(sound, key=lambda row: row.subject_id):
        rows = list(own)
        yield {
            "name": rows[0].name,
            "external_id": rows[0].external_id,
            "metadata": rows[0]._mapping["metadata"],
            "consent": rows[0].consent,
            "created": rows[0].since.isoformat(),
            "references": [_reference_document(row) for row in rows],
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
