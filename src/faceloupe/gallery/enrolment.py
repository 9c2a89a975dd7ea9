"""Enrolment: photographs of a subject become references, or are refused with a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Row, insert, select, update

from faceloupe.errors import InputError, SubjectError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.files import sha256_of
from faceloupe.gallery import trail
from faceloupe.gallery.consents import checked_consent, joined_consent
from faceloupe.gallery.detectors import check_detectors
from faceloupe.gallery.holders import has_reference, holders_of, refusal_of_holder
from faceloupe.gallery.identity import checked_metadata, checked_whom, to_enrol
from faceloupe.gallery.people import change
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.gallery.saved_points import point_for
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import sound_rows
from faceloupe.gallery.strangers import unlike_all
from faceloupe.gallery.templates import made_by
from faceloupe.progress import Progress
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.photos import Photo, is_photo
from faceloupe.recognition.recognise import recognise_numbered
from faceloupe.recognition.search import Faces, FaceSearch

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery


def enrol(
    gallery: "Gallery",
    name: str,
    photos: "Photo | Iterable[Photo]",
    *,
    faces: Faces = "one",
    external_id: str | None = None,
    metadata: dict[str, Any] | None = None,
    consent: str = "",
    keep_faces: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Enrolled:
    """Recognise photographs of a subject and enrol them, see :meth:`faceloupe.gallery.Gallery.enrol`."""
    _, name, external_id = checked_whom(name, external_id)
    consent, metadata = checked_consent(consent), None if metadata is None else checked_metadata(metadata)
    whom = gallery.whom_to_enrol(name, external_id)
    held: list[Photo] = [photos] if is_photo(photos) else list(photos)  # type: ignore[list-item, arg-type]
    already, refused, fresh = _sorted_out(gallery, whom.id, held)
    photographs: list[Photograph] = []
    for photograph in _recognised(gallery, fresh, FaceSearch.of_one_face(faces)):
        # The chips of many photographs take memory.
        photographs.append(photograph if keep_faces else replace(photograph, chips=()))
        if progress is not None:
            progress(len(held) - len(fresh) + len(photographs), len(held))
    unusable = refusals(photographs, force=force)
    has_notes = bool(consent) or metadata is not None
    if len(unusable) == len(photographs) and not (has_notes and (already or not held)):
        return Enrolled(whom.name, False, (), tuple(already), (*refused, *unusable), (), whom.id, whom.external_id)
    alike = gallery.known_as(whom.id, photographs)
    with gallery.writing() as connection:
        result = add_references(
            connection, name, photographs, expected=whom.id, external_id=external_id, metadata=metadata,
            consent=consent, keep_faces=keep_faces, force=force,
        )  # fmt: skip
    chosen = (Skipped(as_text(str(photograph.path)), photograph.note) for photograph in photographs if photograph.note)
    return replace(
        result,
        already_enrolled=(*already, *result.already_enrolled),
        refused=(*refused, *result.refused),
        doubtful=(*result.doubtful, *(skipped for skipped in (*alike, *chosen) if skipped.path in result.enrolled)),
    )


def _sorted_out(
    gallery: "Gallery", subject_id: int | None, photos: Sequence[Photo]
) -> tuple[list[str], list[Skipped], list[tuple[int, Photo]]]:
    """Return the files that are enrolled already, those that cannot be, and numbered photos to recognise.

    What is enrolled already is known by its hash and not recognised again: the same call goes on after a stop.
    """
    already, refused, fresh = [], [], []
    files = {photo: _hash(Path(photo)) for photo in photos if isinstance(photo, str | PathLike)}
    holders = gallery.holders(files.values()) if files else {}
    for number, photo in enumerate(photos, 1):
        holding = holders[files[photo]] if isinstance(photo, str | PathLike) else set()
        path = as_text(str(photo))
        if reason := refusal_of_holder(holding, subject_id):
            refused.append(Skipped(path, reason))
        elif holding and has_reference(holding, subject_id, EmbedderId(gallery.embedder.name, gallery.embedder.sha256)):
            already.append(path)
        else:
            fresh.append((number, photo))
    return already, refused, fresh


def _recognised(gallery: "Gallery", photos: list[tuple[int, Photo]], search: FaceSearch) -> Iterator[Photograph]:
    """Yield photographs as they are; all else as what the gallery's embedder makes of it."""
    if all(isinstance(photo, Photograph) for _, photo in photos):
        yield from (photo for _, photo in photos if isinstance(photo, Photograph))
    else:
        yield from recognise_numbered(photos, gallery.embedder, gallery.face_search(search))


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except (InputError, OSError, ValueError):
        return ""  # whoever opens it next says why


def add_references(
    connection: Connection,
    name: str,
    photographs: Sequence[Photograph],
    *,
    expected: int | None = None,
    external_id: str | None = None,
    metadata: dict[str, Any] | None = None,
    consent: str = "",
    keep_faces: bool = False,
    force: bool = False,
) -> Enrolled:
    """Make references of photographs of a subject, all in one transaction; what is said of it is checked already.

    Raises
    ------
    SubjectError
        If it is not the subject of the expected number any more.
    """
    subject = to_enrol(connection, name, external_id)
    if expected is not None and (subject is None or subject.id != expected):
        raise SubjectError(
            f"{name!r} was forgotten, or is another subject, since these photographs were looked at. Nothing was "
            "enrolled; enrol them again if they are to be."
        )
    subject_id = None if subject is None else subject.id
    usable: dict[tuple[str, EmbedderId], Photograph] = {}
    already: list[str] = []
    refused: list[Skipped] = []
    holders_by_hash = holders_of(connection, [photograph.sha256 for photograph in photographs])
    for photograph in photographs:
        holders, path = holders_by_hash[photograph.sha256], as_text(str(photograph.path))
        if reason := refusal_of_holder(holders, subject_id) or _refusal(photograph, force=force):
            refused.append(Skipped(path, reason))
        elif has_reference(holders, subject_id, _maker(photograph)) or _key(photograph) in usable:
            already.append(path)
        else:
            usable[_key(photograph)] = photograph
    new = subject is None and bool(usable)
    if subject is not None:
        _note(connection, subject, consent, metadata)
    elif usable:
        row = {
            "name": name, "external_id": external_id, "metadata": metadata or {}, "consent": consent,
            "created": datetime.now(UTC),
        }  # fmt: skip
        subject_id = connection.scalar(insert(subjects).returning(subjects.c.id), row)
    check_detectors(connection, {photograph.templates[0].detector for photograph in usable.values()})
    if usable:
        rows = [_row(photograph, subject_id, keep_face=keep_faces) for photograph in usable.values()]
        connection.execute(insert(references), rows)
    for embedder, count in Counter(embedder for _, embedder in usable).items():
        trail.note(connection, "enrol", subject_id, references=count, embedder=embedder.name, new=new)
    enrolled = tuple(as_text(str(photograph.path)) for photograph in usable.values())
    doubtful = _doubtful(connection, subject_id, list(usable.values()))
    if subject is not None:
        name, external_id = subject.name, subject.external_id
    return Enrolled(name, new, enrolled, tuple(already), tuple(refused), doubtful, subject_id, external_id)


def _doubtful(connection: Connection, subject_id: int | None, photographs: list[Photograph]) -> tuple[Skipped, ...]:
    """Return the photographs just enrolled that look like none of the subject's other references."""
    paths = {_key(photograph): as_text(str(photograph.path)) for photograph in photographs}
    doubtful = []
    dimensions = {_maker(photograph): len(photograph.templates[0].vector) for photograph in photographs}
    for maker in sorted(dimensions):
        if (point := point_for(connection, maker)) is None:
            continue
        of_subject = select(references.c.source_sha256, references.c.vector).where(
            references.c.subject_id == subject_id, made_by(maker)
        )
        rows = connection.execute(of_subject).all()
        sound = sound_rows([row.vector for row in rows], dimensions[maker])
        rows = [row for row, is_sound in zip(rows, sound, strict=True) if is_sound]
        alone = unlike_all(np.stack([row.vector for row in rows]), point.threshold) if rows else []
        for row, best in alone:
            if path := paths.get((rows[row].source_sha256, maker)):
                reason = (
                    f"looks like none of the other references: best score {best:.3f}, threshold {point.threshold:.3f}; "
                    "does it show somebody else?"
                )
                doubtful.append(Skipped(path, reason))
    return tuple(doubtful)


def refusals(photographs: Iterable[Photograph], *, force: bool) -> tuple[Skipped, ...]:
    """Return the photographs that cannot be enrolled as anybody, and why."""
    reasons = ((photograph.path, _refusal(photograph, force=force)) for photograph in photographs)
    return tuple(Skipped(as_text(str(path)), reason) for path, reason in reasons if reason)


def _refusal(photograph: Photograph, *, force: bool) -> str | None:
    """Return why a photograph cannot be enrolled, whoever it shows: a problem, or an unfit face; None if it can."""
    if photograph.problem is not None:
        return photograph.problem.reason
    if len(photograph.templates) != 1:
        raise InputError(
            f"{photograph.path}: expected one face, got {len(photograph.templates)}; recognise(..., faces='one') says "
            "which photographs have it, faces='central' takes the one nearest the centre"
        )
    template = photograph.templates[0]
    if force:
        return None
    return "; ".join(shortcomings(template.quality, limits_of(template.embedder))) or None


def _maker(photograph: Photograph) -> EmbedderId:
    return EmbedderId(photograph.templates[0].embedder, photograph.templates[0].sha256)


def _key(photograph: Photograph) -> tuple[str, EmbedderId]:
    return photograph.sha256, _maker(photograph)


def _note(connection: Connection, subject: Row[Any], consent: str, metadata: dict[str, Any] | None) -> None:
    """Add a note on consent to those of a subject, and put metadata in the place of what it has."""
    notes = joined_consent(subject.consent, *consent.splitlines())
    if notes != subject.consent:
        connection.execute(update(subjects).where(subjects.c.id == subject.id).values(consent=notes))
        trail.note(connection, "consent", subject.id)
    if metadata is not None:
        change(connection, subject, {"metadata": metadata})


def _row(photograph: Photograph, subject_id: int | None, *, keep_face: bool) -> dict[str, Any]:
    template = photograph.templates[0]
    return {
        "subject_id": subject_id,
        "embedder": template.embedder,
        "weights_sha256": template.sha256,
        "dimensions": len(template.vector),
        "vector": template.vector,
        "quality": template.quality.to_document(),
        "source_sha256": photograph.sha256,
        "face": photograph.chips[0].png() if keep_face else None,
        "created": datetime.now(UTC),
        "detector": template.detector,
    }
