"""Taking in what was exported: each subject whole or not at all, and nothing is overwritten."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, insert, select

from faceloupe.arrays import decode_array
from faceloupe.documents import parse_json
from faceloupe.errors import GalleryError
from faceloupe.faces import Skipped
from faceloupe.gallery import saved_points, trail
from faceloupe.gallery.enrolment import Holders, holders_of, refusal_of_holder
from faceloupe.gallery.exporting import SCHEMA
from faceloupe.gallery.people import checked_consent, checked_name, joined_consent
from faceloupe.gallery.records import EmbedderId, Imported
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import is_quality, is_unit
from faceloupe.scores import OperatingPoint

__all__ = ["import_"]

_ANOTHER = (
    "somebody of this name is here already, with other references or another consent note. Rename the one here "
    "(faceloupe rename), import again, and if the two are one person merge them (faceloupe merge)"
)

Document = dict[str, Any]


def import_(connection: Connection, path: Path) -> Imported:
    """Take in a file, see :meth:`faceloupe.gallery.Gallery.import_`.

    The file is read to its end, where its checksum is, while subjects are added already: on an error the transaction
    is to be undone.
    """
    try:
        return _taken_in(connection, _documents(path))
    except OSError as problem:
        raise GalleryError(f"{path} cannot be read: {problem.strerror}.") from problem
    except (KeyError, TypeError, ValueError) as problem:
        what = f"it has no {problem}" if isinstance(problem, KeyError) else str(problem)
        raise GalleryError(f"{path} is damaged or no export of a gallery ({what}). Nothing was imported.") from problem


def _documents(path: Path) -> Iterator[Document]:
    """Yield the documents of a file without the last one, whose checksum they must have."""
    digest, before = sha256(), b""
    with path.open("rb") as file:
        for line in file:
            if before:
                digest.update(before)
                yield _parsed(before)
            before = line
    if _parsed(before)["sha256"] != digest.hexdigest():
        raise ValueError("its checksum is wrong: it was changed or cut short after it was written")


def _parsed(line: bytes) -> Document:
    document = parse_json(line)
    if not isinstance(document, dict):
        raise TypeError("a line of it holds no object")
    return document


def _taken_in(connection: Connection, documents: Iterator[Document]) -> Imported:
    head = next(documents, {})
    if head.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {head.get('schema')!r}, expected {SCHEMA!r}")
    imported: list[str] = []
    already: list[str] = []
    conflicts: list[Skipped] = []
    for subject in map(_subject, documents):
        here = connection.execute(select(subjects).where(subjects.c.name == subject.name)).one_or_none()
        holders = holders_of(connection, [digest for digest, _ in subject.references])
        if here is not None and _is_all_here(subject, here, holders):
            already.append(subject.name)
        elif conflict := _ANOTHER if here is not None else _conflict(subject, holders):
            conflicts.append(Skipped(subject.name, conflict))
        else:
            _add(connection, subject)
            imported.append(subject.name)
    offered = [OperatingPoint.from_document(point) for point in head["operating_points"]]
    taken = [point for point in offered if _takes(connection, point)]
    conflicts += [
        Skipped(f"threshold for {point.embedder}", "this gallery has another one, and keeps it")
        for point in offered
        if saved_points.latest(connection, EmbedderId(point.embedder, point.weights_sha256)) != point
    ]
    return Imported(tuple(imported), tuple(already), tuple(conflicts), len(taken))


def _takes(connection: Connection, point: OperatingPoint) -> bool:
    """Save an operating point unless there is one for its embedder, and return whether it was saved."""
    if saved_points.latest(connection, EmbedderId(point.embedder, point.weights_sha256)) is not None:
        return False
    saved_points.save(connection, point)
    return True


@dataclass(frozen=True, slots=True)
class _Subject:
    """Somebody in the file; the references are rows of the table, by source hash, embedder and weights."""

    name: str
    consent: str
    created: datetime
    references: dict[tuple[str, EmbedderId], Document]


def _subject(document: Document) -> _Subject:
    rows = [_row(reference) for reference in document["references"]]
    keyed = {(row["source_sha256"], EmbedderId(row["embedder"], row["weights_sha256"])): row for row in rows}
    if not rows or len(keyed) < len(rows):
        raise ValueError("a subject has no reference, or one twice")
    name, consent, created = (_text(document, part) for part in ("name", "consent", "created"))
    return _Subject(checked_name(name), checked_consent(consent), datetime.fromisoformat(created), keyed)


def _row(document: Document) -> Document:
    """Return the row of a reference that the document is of."""
    vector, face = decode_array(document["vector"]), document["face"]
    if vector.dtype != np.float32 or vector.shape != (document["dimensions"],) or not is_unit(vector):
        raise ValueError("a vector is not of float32, of the length stated and of norm 1")
    if not is_quality(document["quality"]):
        raise TypeError("a quality is no table of numbers")
    return {
        **{part: _text(document, part) for part in ("embedder", "weights_sha256", "source_sha256")},
        "dimensions": len(vector),
        "vector": vector,
        "quality": document["quality"],
        "face": None if face is None else base64.b64decode(face, validate=True),
        "created": datetime.fromisoformat(_text(document, "created")),
    }


def _text(document: Document, part: str) -> str:
    if not isinstance(document[part], str):
        raise TypeError(f"its {part!r} is no text")
    return str(document[part])


def _is_all_here(subject: _Subject, here: Row[Any], holders: dict[str, Holders]) -> bool:
    """Return whether the subject of that name has all references and consent notes already."""
    if joined_consent(here.consent, *subject.consent.splitlines()) != here.consent:
        return False
    return all((subject.name, embedder) in holders[digest] for digest, embedder in subject.references)


def _conflict(subject: _Subject, holders: dict[str, Holders]) -> str | None:
    """Return as whom else a photograph is enrolled here; None if none is."""
    refusals = (refusal_of_holder(held, subject.name) for held in holders.values())
    refusal = next(filter(None, refusals), None)
    return refusal and f"a photograph is {refusal}"


def _add(connection: Connection, subject: _Subject) -> None:
    row = {"name": subject.name, "consent": subject.consent, "created": subject.created}
    subject_id = connection.scalar(insert(subjects).returning(subjects.c.id), row)
    connection.execute(insert(references), [{"subject_id": subject_id, **kept} for kept in subject.references.values()])
    trail.note(connection, "import", subject_id, references=len(subject.references))
