"""The subjects of a gallery: their names, and everything kept about each."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from datetime import date
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from faceloupe.errors import InputError, NameTakenError, SubjectError
from faceloupe.gallery import trail
from faceloupe.gallery.records import EmbedderId, Person, Record, Reference
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.soundness import is_quality, leave_out, unprintable

__all__ = ["checked_consent", "checked_name", "consent_end", "consent_ended", "ending_consent", "find", "has_subject",
           "joined_consent", "merge", "names", "near", "people", "record", "rename"]  # fmt: skip

LONGEST_NAME = 200


def checked_name(name: str) -> str:
    """Return a name as it is kept: composed letters (Unicode NFC), no space around it.

    Raises
    ------
    InputError
        If it is empty, too long or holds what cannot be printed.
    """
    composed = unicodedata.normalize("NFC", name).strip()
    if unprintable(composed):
        raise InputError(f"name: {composed!r} holds characters that cannot be printed")
    if not 0 < len(composed) <= LONGEST_NAME:
        raise InputError(f"name: expected 1 to {LONGEST_NAME} characters, got {len(composed)}")
    return composed


def checked_consent(note: str) -> str:
    """Return a consent note as it is kept: with one sign for the end of a line.

    Raises
    ------
    InputError
        If it holds what cannot be printed.
    """
    unified = note.replace("\r\n", "\n")
    if unprintable(unified, note=True):
        raise InputError(f"consent: {unified!r} holds characters that cannot be printed")
    return unified


def ending_consent(note: str, until: date | None) -> str:
    r"""Return a consent note with the last day on which the consent holds, as a line of its own.

    >>> ending_consent("form 12", date(2030, 5, 1))
    'form 12\nuntil 2030-05-01'
    """
    return note if until is None else joined_consent(note, f"until {until.isoformat()}")


def consent_end(note: str) -> date | None:
    r"""Return the last day on which a consent holds: of the last line "until YYYY-MM-DD"; None if no line says so.

    >>> consent_end("until 2030-05-01\nform 30\nuntil 2031-05-01")
    datetime.date(2031, 5, 1)
    """
    for line in reversed(note.splitlines()):
        with suppress(ValueError):
            if line.startswith("until "):
                return date.fromisoformat(line.removeprefix("until ").strip())
    return None


def consent_ended(connection: Connection, day: date) -> list[tuple[int, str, date]]:
    """Return number, name and last day of those whose consent had ended before a day, by number."""
    rows = connection.execute(select(subjects.c.id, subjects.c.name, subjects.c.consent).order_by(subjects.c.id))
    ends = ((row.id, row.name, consent_end(row.consent)) for row in rows)
    return [(number, name, end) for number, name, end in ends if end is not None and end < day]


def find(connection: Connection, subject: str | int) -> Row[Any]:
    """Return the row of the subject with that name, or that number.

    Raises
    ------
    SubjectError
        If there is none.
    """
    row = connection.execute(select(subjects).where(_is(subject))).one_or_none()
    if row is None:
        raise SubjectError(_missing(connection, subject))
    return row


def has_subject(connection: Connection, subject: str | int) -> bool:
    """Return whether there is a subject of that name, or that number."""
    return connection.scalar(select(subjects.c.id).where(_is(subject))) is not None


def near(connection: Connection, name: str) -> list[str]:
    """Return up to three names in the gallery that a mistyped one may mean."""
    return get_close_matches(name, list(connection.scalars(select(subjects.c.name))), n=3)


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
        Person(row.id, row.name, row.consent, row.created, sum(counts[row.id].values()), tuple(sorted(counts[row.id])))
        for row in sorted(connection.execute(who), key=lambda row: str(row.name))
    )


def record(connection: Connection, subject: str | int) -> Record:
    """Return everything kept about a subject, without the vectors."""
    number = find(connection, subject).id
    columns = (references.c.id, references.c.embedder, references.c.weights_sha256, references.c.dimensions,
               references.c.quality, references.c.source_sha256, references.c.created,
               references.c.face.is_not(None).label("has_face"))  # fmt: skip
    rows = connection.execute(select(*columns).where(references.c.subject_id == number).order_by(references.c.id)).all()
    leave_out([row.id for row in rows if not is_quality(row.quality)])
    sound = tuple(
        Reference(row.id, EmbedderId(row.embedder, row.weights_sha256), row.dimensions, row.quality, row.source_sha256,
                  row.created, bool(row.has_face))
        for row in rows if is_quality(row.quality)
    )  # fmt: skip
    return Record(people(connection, [number])[0], sound, trail.entries(connection, number))


def rename(connection: Connection, old: str | int, new: str) -> Person:
    """Give a subject another name.

    Raises
    ------
    SubjectError
        If there is no such subject.
    NameTakenError
        If another one has the name.
    """
    row, name = find(connection, old), checked_name(new)
    holder = connection.scalar(select(subjects.c.id).where(subjects.c.name == name))
    if holder not in (None, row.id):
        raise NameTakenError(
            f"There is another subject {name!r} already. If the two are one person, merge {row.name!r} into it."
        )
    connection.execute(update(subjects).where(subjects.c.id == row.id).values(name=name))
    trail.note(connection, "rename", row.id)
    return people(connection, [row.id])[0]


def merge(connection: Connection, source: str | int, into: str | int) -> Person:
    """Move everything of one subject to another, and remove the one.

    Raises
    ------
    SubjectError
        If there is no such subject.
    InputError
        If the two are the same.
    """
    source_row, into_row = find(connection, source), find(connection, into)
    if source_row.id == into_row.id:
        raise InputError(f"{source!r} and {into!r} are one subject already; there is nothing to merge")
    _drop_twins(connection, source_row.id, into_row.id)
    moved = connection.execute(
        update(references).where(references.c.subject_id == source_row.id).values(subject_id=into_row.id)
    ).rowcount
    consent = joined_consent(into_row.consent, *source_row.consent.splitlines())
    connection.execute(update(subjects).where(subjects.c.id == into_row.id).values(consent=consent))
    connection.execute(delete(subjects).where(subjects.c.id == source_row.id))
    trail.note(connection, "merge", source_row.id, into=into_row.id, references=moved)
    trail.note(connection, "merge", into_row.id, source=source_row.id, references=moved)
    return people(connection, [into_row.id])[0]


def joined_consent(consent: str, *notes: str) -> str:
    r"""Return a consent note with further lines, each once.

    >>> joined_consent("form 12", "form 30", "form 12")
    'form 12\nform 30'
    """
    return "\n".join(dict.fromkeys([*consent.splitlines(), *notes]))


def _missing(connection: Connection, subject: str | int) -> str:
    if isinstance(subject, int):
        return f"The gallery has no subject {subject}."
    alike = near(connection, subject)
    hint = f"Did you mean {' or '.join(repr(name) for name in alike)}?" if alike else "faceloupe people lists who is."
    return f"There is no {subject!r} in the gallery. {hint}"


def _is(subject: str | int) -> ColumnElement[bool]:
    if isinstance(subject, int):
        return subjects.c.id == subject
    # What cannot be printed is in no name that was enrolled, but another program may have written one.
    return subjects.c.name == (subject if unprintable(subject) else checked_name(subject))


def _drop_twins(connection: Connection, gone: int, into: int) -> None:
    """Delete references of the same photograph, made by the same embedder, that both subjects have."""
    ours, theirs = references, references.alias()
    same = [ours.c[name] == theirs.c[name] for name in ("source_sha256", "embedder", "weights_sha256")]
    twins = select(theirs.c.id).where(theirs.c.subject_id == into, *same).exists()
    connection.execute(delete(ours).where(ours.c.subject_id == gone, twins))
