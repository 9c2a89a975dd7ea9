"""The subjects of a gallery: listed, described anew, merged, and everything kept about each."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from faceloupe.errors import InputError
from faceloupe.gallery import trail
from faceloupe.gallery.consents import joined_consent
from faceloupe.gallery.identity import check_free, checked_metadata, checked_new, find
from faceloupe.gallery.records import EmbedderId, Person, Record, Reference
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import is_quality, leave_out


def names(connection: Connection) -> list[tuple[str, int]]:
    """Return names and numbers, by name."""
    # Sorted here, for a database may have another order of letters.
    return sorted((row.name, row.id) for row in connection.execute(select(subjects.c.name, subjects.c.id)))


def people(connection: Connection, subject_ids: Collection[int] | None = None) -> tuple[Person, ...]:
    """Return the subjects of the gallery by name, or only those with these numbers."""
    made = select(references.c.subject_id, references.c.embedder, references.c.weights_sha256, func.count()).group_by(
        references.c.subject_id, references.c.embedder, references.c.weights_sha256
    )
    who = select(subjects)
    if subject_ids is not None:
        made, who = made.where(references.c.subject_id.in_(subject_ids)), who.where(subjects.c.id.in_(subject_ids))
    counts: dict[int, dict[EmbedderId, int]] = defaultdict(dict)
    for subject, embedder, sha256, count in connection.execute(made):
        counts[subject][EmbedderId(embedder, sha256)] = count
    return tuple(
        Person(
            row.id,
            row.name,
            row.consent,
            row.created,
            sum(counts[row.id].values()),
            tuple(sorted(counts[row.id])),
            row.external_id,
            row.metadata,
        )
        for row in sorted(connection.execute(who), key=lambda row: (str(row.name), row.id))
    )


def record(connection: Connection, subject: str | int) -> Record:
    """Return everything kept about a subject, without the vectors."""
    number = find(connection, subject).id
    columns = (references.c.id, references.c.embedder, references.c.weights_sha256, references.c.dimensions,
               references.c.quality, references.c.source_sha256, references.c.created, references.c.detector,
               references.c.face.is_not(None).label("has_face"))  # fmt: skip
    rows = connection.execute(select(*columns).where(references.c.subject_id == number).order_by(references.c.id)).all()
    leave_out([row.id for row in rows if not is_quality(row.quality)])
    sound = tuple(
        Reference(row.id, EmbedderId(row.embedder, row.weights_sha256), row.dimensions, row.quality, row.source_sha256,
                  row.created, bool(row.has_face), row.detector)
        for row in rows if is_quality(row.quality)
    )  # fmt: skip
    return Record(people(connection, [number])[0], sound, trail.entries(connection, number))


def describe(
    connection: Connection,
    subject: str | int,
    *,
    name: str | None = None,
    external_id: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> Person:
    """Give a subject another name or external id, or metadata, see :meth:`faceloupe.gallery.Gallery.describe`."""
    row = find(connection, subject)
    new: dict[str, Any] = {}
    if name is not None:
        new["name"] = checked_new("name", name)
    if external_id is not None:
        new["external_id"] = checked_new("external id", external_id) if external_id.strip() else None
    if metadata is not None:
        new["metadata"] = checked_metadata(_patched(row.metadata, checked_metadata(metadata)))
    change(connection, row, new)
    return people(connection, [row.id])[0]


def change(connection: Connection, row: Row[Any], new: dict[str, Any]) -> None:
    """Put a new name, external id or metadata, as they are kept, in the place of a subject's, and note that.

    Raises
    ------
    NameTakenError
        If another one has the external id, or the name and not both have an external id.
    """
    check_free(connection, new.get("name", row.name), new.get("external_id", row.external_id), row)
    changed = {part: value for part, value in new.items() if value != row._mapping[part]}
    if changed:
        connection.execute(update(subjects).where(subjects.c.id == row.id).values(changed))
    if "name" in changed:
        trail.note(connection, "rename", row.id)
    if described := sorted(changed.keys() - {"name"}):
        trail.note(connection, "describe", row.id, changed=described)


def _patched(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return an object of JSON with a merge patch (RFC 7396) applied to it."""
    patched = dict(document)
    for name, value in patch.items():
        if value is None:
            patched.pop(name, None)
        elif isinstance(value, dict):
            before = patched.get(name)
            patched[name] = _patched(before if isinstance(before, dict) else {}, value)
        else:
            patched[name] = value
    return patched


def merge(connection: Connection, source: str | int, into: str | int) -> Person:
    """Move everything of one subject to another, and remove the one, see :meth:`faceloupe.gallery.Gallery.merge`."""
    source_row, into_row = find(connection, source), find(connection, into)
    if source_row.id == into_row.id:
        raise InputError(f"{source!r} and {into!r} are one subject already; there is nothing to merge")
    _drop_twins(connection, source_row.id, into_row.id)
    moved = connection.execute(
        update(references).where(references.c.subject_id == source_row.id).values(subject_id=into_row.id)
    ).rowcount
    joined = {
        "consent": joined_consent(into_row.consent, *source_row.consent.splitlines()),
        "external_id": into_row.external_id or source_row.external_id,
        "metadata": checked_metadata({**source_row.metadata, **into_row.metadata}),
    }
    connection.execute(delete(subjects).where(subjects.c.id == source_row.id))  # its external id is free then
    connection.execute(update(subjects).where(subjects.c.id == into_row.id).values(joined))
    trail.note(connection, "merge", source_row.id, into=into_row.id, references=moved)
    trail.note(connection, "merge", into_row.id, source=source_row.id, references=moved)
    return people(connection, [into_row.id])[0]


def _drop_twins(connection: Connection, gone: int, into: int) -> None:
    """Delete references of the same photograph, made by the same embedder, that both subjects have."""
    ours, theirs = references, references.alias()
    same = [ours.c[name] == theirs.c[name] for name in ("source_sha256", "embedder", "weights_sha256")]
    twins = select(theirs.c.id).where(theirs.c.subject_id == into, *same).exists()
    connection.execute(delete(ours).where(ours.c.subject_id == gone, twins))
