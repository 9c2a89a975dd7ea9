"""Taking in what was exported, or another gallery: each subject whole or not at all, and nothing is overwritten."""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, insert, select

from faceloupe.arrays import decode_array
from faceloupe.documents import parse_json
from faceloupe.errors import GalleryError, InputError, NameTakenError
from faceloupe.faces.faceset import Skipped
from faceloupe.files import open_regular, unfinished
from faceloupe.gallery import saved_points, trail
from faceloupe.gallery.backups import copy
from faceloupe.gallery.consents import checked_consent, joined_consent
from faceloupe.gallery.database import Database
from faceloupe.gallery.detectors import clash_of_detectors
from faceloupe.gallery.exporting import BEFORE_IDS, SCHEMA, documents
from faceloupe.gallery.holders import Holders, has_reference, holders_of, refusal_of_holder
from faceloupe.gallery.identity import check_free, checked_metadata, checked_text
from faceloupe.gallery.records import EmbedderId, Imported
from faceloupe.gallery.revisions import bring_up_to_date, is_up_to_date
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import PNG, is_quality, is_unit, usual_dimensions
from faceloupe.scores.points import OperatingPoint
from faceloupe.seals import Seals, read_secret

MAX_BYTES, MAX_LINE = 64 << 30, 256 << 20
"""Of a file, and of all that belongs to one subject, at most."""

DIMENSIONS = range(16, 8193)
"""Numbers in a template: fewer cannot tell people apart."""

YEARS = range(1970, 9000)
"""In which something can have been enrolled; what time zones add to the last year is a date, too."""

_ANOTHER = (
    "somebody of this {} is here already, with other references, metadata or consent notes. Rename "
    "the one here (faceloupe rename), or give it another id (faceloupe describe), import again, and if the two are one "
    "person merge them (faceloupe merge)"
)

_KINDS = {
    b"\x80": "a pickle, as face_recognition and DeepFace keep encodings in",
    b"PK\x03\x04": "a ZIP archive, such as NumPy's .npz",
    b"\x93NUMPY": "an array of NumPy",
}

Document = dict[str, Any]


def import_(
    connection: Connection,
    path: Path,
    *,
    key: str | PathLike[str] | None = None,
    thresholds: bool = False,
    folder: Path | None = None,
) -> Imported:
    """Take in a file, see :meth:`faceloupe.gallery.Gallery.import_`.

    The file is read to its end, where its checksum is, while subjects are added already: on an error the transaction
    is to be undone. A copy that is made for a time goes into the folder, by default the system's for such files.
    """
    secret = None if key is None else read_secret(key)
    try:
        with _open_documents(path, secret, folder) as lines:
            return _taken_in(connection, lines, thresholds=thresholds)
    except OSError as problem:
        raise GalleryError(f"{path} cannot be read: {problem.strerror}.") from problem
    except (KeyError, TypeError, ValueError) as problem:
        what = f"it has no {problem}" if isinstance(problem, KeyError) else str(problem)
        raise GalleryError(
            f"{path} is damaged or not an export of a gallery ({what}). Nothing was imported."
        ) from problem


@contextmanager
def _open_documents(path: Path, secret: bytes | None, folder: Path | None) -> Iterator[Iterator[Document]]:
    """Open an export, or another gallery, as documents."""
    with open_regular(path, MAX_BYTES) as file:
        start = file.read(16)
    if start == b"SQLite format 3\0":
        if secret is not None:
            raise InputError("it is a gallery, and only an export can be signed")
        with (
            closing(Database(path, key=None)) as other,
            _newest(other, folder) as newest,
            newest.reading() as connection,
        ):
            yield documents(connection)
        return
    for sign, kind in _KINDS.items():
        if start.startswith(sign):
            raise InputError(
                f"it is {kind}; nothing of it is loaded. Vectors of one network cannot be compared with another's: "
                "enrol the photographs again, see the guide 'Moving from another tool' (docs/guides/moving.md)"
            )
    yield _documents(path, secret)


@contextmanager
def _newest(other: Database, folder: Path | None) -> Iterator[Database]:
    """Open another gallery with the newest schema: itself, or a copy, for its own file is not written."""
    if is_up_to_date(other, create=False):
        yield other
        return
    with unfinished(Path(folder or tempfile.gettempdir(), "import")) as place:
        copy(other, place / "copy.db", None)
        with closing(Database(place / "copy.db", key=None)) as newest:
            bring_up_to_date(newest, create=False)
            yield newest


def _documents(path: Path, secret: bytes | None) -> Iterator[Document]:
    """Yield the documents of a file without the last one, whose checksum and signature they must have."""
    seals, before = Seals(secret), b""
    with open_regular(path, MAX_BYTES) as file:
        while line := file.readline(MAX_LINE + 1):
            if before:
                seals.update(before)
                yield _parse_line(before)
            before = line
    seals.check(_parse_line(before))


def _parse_line(line: bytes) -> Document:
    document = parse_json(line, max_bytes=MAX_LINE)
    if not isinstance(document, dict):
        raise TypeError("a line of it holds no object")
    return document


def _taken_in(connection: Connection, lines: Iterator[Document], *, thresholds: bool) -> Imported:
    head = next(lines, {})
    if head.get("schema") not in (SCHEMA, BEFORE_IDS):
        raise ValueError(f"its schema is {head.get('schema')!r}, expected {SCHEMA!r} or {BEFORE_IDS!r}")
    imported: list[str] = []
    already: list[str] = []
    conflicts: list[Skipped] = []
    lengths: dict[EmbedderId, int] = {}
    for subject in map(_subject, lines):
        _check_lengths(connection, subject, lengths)
        holders = holders_of(connection, [digest for digest, _ in subject.references])
        if _is_all_here(subject, _here(connection, subject), holders):
            already.append(subject.name)
        elif conflict := _conflict(connection, subject, holders):
            conflicts.append(Skipped(subject.name, conflict))
        else:
            _add(connection, subject)
            imported.append(subject.name)
    offered = _offered(connection, [OperatingPoint.from_document(point) for point in head["operating_points"]])
    refused = {point.embedder: words for point in offered if thresholds and (words := _refusal(connection, point))}
    conflicts += [Skipped(f"threshold for {embedder}", words) for embedder, words in refused.items()]
    accepted = [point for point in offered if thresholds and point.embedder not in refused]
    for point in accepted:
        saved_points.save(connection, point, noted="import")
    not_accepted = () if thresholds else tuple(map(_in_words, offered))
    return Imported(tuple(imported), tuple(already), tuple(conflicts), len(accepted), not_accepted)


def _offered(connection: Connection, points: list[OperatingPoint]) -> list[OperatingPoint]:
    """Return the thresholds of a file that this gallery has not."""
    return [point for point in points if saved_points.latest(connection, _maker(point)) != point]


def _refusal(connection: Connection, point: OperatingPoint) -> str | None:
    """Return the reason why a threshold asked for is not taken; None if it is."""
    if saved_points.latest(connection, _maker(point)) is not None:
        return "this gallery has another one, and keeps it"
    if clash := clash_of_detectors(connection, {point.detector}):
        return f"{_in_words(point)}: {clash}"
    if not (-1 < point.threshold <= 1 and max(point.target_fmr, point.fmr) <= saved_points.LOOSEST):
        return f"{_in_words(point)}: more than 1 stranger in 100 would match. Calibrate here (faceloupe calibrate)"
    return None


def _in_words(point: OperatingPoint) -> str:
    return f"{point.embedder}: match from a score of {point.threshold:.4f} on, for an FMR of {point.target_fmr:g}"


def _maker(point: OperatingPoint) -> EmbedderId:
    return EmbedderId(point.embedder, point.weights_sha256)


@dataclass(frozen=True, slots=True)
class _Subject:
    """Somebody in the file; the references are rows of the table, by source hash, embedder and weights."""

    name: str
    external_id: str | None
    metadata: Document
    consent: str
    created: datetime
    references: dict[tuple[str, EmbedderId], Document]


def _subject(document: Document) -> _Subject:
    rows = [_row(reference) for reference in document["references"]]
    keyed = {(row["source_sha256"], EmbedderId(row["embedder"], row["weights_sha256"])): row for row in rows}
    if not rows or len(keyed) < len(rows):
        raise ValueError("a subject has no reference, or one twice")
    metadata = document.get("metadata", {})
    if not isinstance(metadata, dict):
        raise TypeError("its 'metadata' are no object")
    return _Subject(
        checked_text("name", _text(document, "name")),  # also one from before, which begins as nobody's may now
        None if document.get("external_id") is None else checked_text("external id", _text(document, "external_id")),
        checked_metadata(metadata),
        checked_consent(_text(document, "consent")),
        _moment(document),
        keyed,
    )


def _row(document: Document) -> Document:
    """Return the row of a reference that the document is of."""
    dimensions, face = document["dimensions"], document["face"]
    if dimensions not in DIMENSIONS or document["vector"]["shape"] != [dimensions]:
        raise ValueError(f"a vector of {dimensions} numbers, expected {DIMENSIONS.start} to {DIMENSIONS.stop - 1}")
    vector = decode_array(document["vector"])
    if vector.dtype != np.float32 or not is_unit(vector):
        raise ValueError("a vector is not of float32 and of norm 1")
    if not is_quality(document["quality"]):
        raise TypeError("a quality is not a table of numbers")
    return {
        **{part: _text(document, part) for part in ("embedder", "weights_sha256", "source_sha256")},
        "dimensions": len(vector),
        "vector": vector,
        "quality": document["quality"],
        "face": None if face is None else _png(face),
        "created": _moment(document),
        "detector": _text({"detector": "", **document}, "detector"),  # earlier exports do not tell it
    }


def _png(encoded: str) -> bytes:
    content = base64.b64decode(encoded, validate=True)
    if not content.startswith(PNG):
        raise ValueError("a face is not a PNG")
    return content


def _moment(document: Document) -> datetime:
    moment = datetime.fromisoformat(_text(document, "created"))
    if moment.year not in YEARS or moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} is not a time of enrolment with its time zone")
    return moment


def _check_lengths(connection: Connection, subject: _Subject, lengths: dict[EmbedderId, int]) -> None:
    """Refuse vectors of another length than all others by their embedder, here and in the file."""
    for (_, maker), row in subject.references.items():
        if maker not in lengths:
            lengths[maker] = usual_dimensions(connection, maker) or row["dimensions"]
        if row["dimensions"] != lengths[maker]:
            raise ValueError(f"a vector of {row['dimensions']} numbers, where others by {maker} have {lengths[maker]}")


def _text(document: Document, part: str) -> str:
    if not isinstance(document[part], str):
        raise TypeError(f"its {part!r} is not text")
    return str(document[part])


def _here(connection: Connection, subject: _Subject) -> Row[Any] | None:
    """Return the one subject here that has the external id, or the name where the file tells none; None otherwise."""
    same = subjects.c.name == subject.name
    if subject.external_id is not None:
        same &= subjects.c.external_id == subject.external_id
    rows = connection.execute(select(subjects).where(same)).all()
    return rows[0] if len(rows) == 1 else None


def _is_all_here(subject: _Subject, here: Row[Any] | None, holders: dict[str, Holders]) -> bool:
    """Return whether a subject here has all references, metadata and consent notes already."""
    if here is None or joined_consent(here.consent, *subject.consent.splitlines()) != here.consent:
        return False
    if {**here._mapping["metadata"], **subject.metadata} != here._mapping["metadata"]:
        return False
    return all(has_reference(holders[digest], here.id, embedder) for digest, embedder in subject.references)


def _conflict(connection: Connection, subject: _Subject, holders: dict[str, Holders]) -> str | None:
    """Return why a subject cannot be added: who has its name, its external id or a photograph; None if it can."""
    if clash := clash_of_detectors(connection, {row["detector"] for row in subject.references.values()}):
        return clash
    try:
        check_free(connection, subject.name, subject.external_id)
    except NameTakenError:
        return _ANOTHER.format("name" if subject.external_id is None else "name or external id")
    refusal = next(filter(None, (refusal_of_holder(each, None) for each in holders.values())), None)
    return refusal and f"a photograph is {refusal}"


def _add(connection: Connection, subject: _Subject) -> None:
    row = {
        "name": subject.name, "external_id": subject.external_id, "metadata": subject.metadata,
        "consent": subject.consent, "created": subject.created,
    }  # fmt: skip
    subject_id = connection.scalar(insert(subjects).returning(subjects.c.id), row)
    rows = [{"subject_id": subject_id, **reference} for reference in subject.references.values()]
    connection.execute(insert(references), rows)
    trail.note(connection, "import", subject_id, references=len(subject.references))
