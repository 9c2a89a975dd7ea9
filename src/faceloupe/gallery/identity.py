"""Who is meant: a subject by its name, its external id or its number, and what each of them may be.

A number is an int; a text is a name or an external id. Where only texts can be given, ``id:E-17`` is an
external id and no name, and ``number:5`` a number. Whatever fits several subjects is refused.
"""

import json
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, select

from faceloupe.documents import json_text, parse_json
from faceloupe.errors import AmbiguousNameError, InputError, NameTakenError, SubjectError
from faceloupe.gallery.schema import subjects
from faceloupe.gallery.soundness import unprintable

__all__ = [
    "BY_ID",
    "BY_NUMBER",
    "Whom",
    "check_free",
    "checked_external_id",
    "checked_metadata",
    "checked_name",
    "find",
    "has_subject",
    "label",
    "near",
    "to_enrol",
]

LONGEST = 200
"""Letters of a name, and of an external id, at most."""

BY_ID, BY_NUMBER = "id:", "number:"

MOST_BYTES, MOST_DEPTH = 4096, 3
"""Bytes of a subject's metadata as JSON without spaces and escapes, and objects and lists within one another, at most.
"""

MOST_READ = 16 * MOST_BYTES
"""Bytes of JSON that metadata are read from: escapes and spaces take more than what is kept."""


class Whom(NamedTuple):
    """The subject that photographs are enrolled as; the number is None of somebody new."""

    id: int | None
    name: str
    external_id: str | None


def checked_name(name: str) -> str:
    """Return a name as it is kept: composed letters (Unicode NFC), no space around it.

    Raises
    ------
    InputError
        If it is empty, too long or holds what cannot be printed.
    """
    return _checked("name", name, LONGEST)


def checked_external_id(external_id: str) -> str:
    """Return an external id as it is kept: as names are.

    Raises
    ------
    InputError
        If it is empty, too long or holds what cannot be printed.
    """
    return _checked("external id", external_id, LONGEST)


def checked_metadata(metadata: dict[str, Any] | str | bytes) -> dict[str, Any]:
    """Return metadata as they are kept: an object that JSON can hold, of 4,096 bytes at most.

    Parameters
    ----------
    metadata : dict, str or bytes
        The object, or JSON.

    Raises
    ------
    InputError
        If they are not an object, are too large, too deep, or hold what JSON cannot or what cannot be printed.
    """
    try:
        text = metadata if isinstance(metadata, str | bytes) else json_text(metadata)
        document = parse_json(text, max_bytes=MOST_READ, max_depth=MOST_DEPTH)
    except (InputError, TypeError, ValueError, RecursionError) as problem:
        raise InputError(f"metadata: expected an object that JSON can hold: {problem}") from problem
    if not isinstance(document, dict):
        raise InputError(f'metadata: expected an object of JSON, such as {{"floor": 3}}, got {type(document).__name__}')
    if any(unprintable(each, note=True) for each in _texts(document)):
        raise InputError("metadata: a text in them holds characters that cannot be printed")
    # Not what came, nor what the database holds: the same wherever it is measured.
    if (size := len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())) > MOST_BYTES:
        raise InputError(f"metadata: expected {MOST_BYTES:,} bytes of JSON without spaces at most, got {size:,}")
    return document


def label(name: str, external_id: str | None) -> str:
    """Return a name with the external id that tells two of one name apart."""
    return name if external_id is None else f"{name} ({external_id})"


def find(connection: Connection, subject: str | int) -> Row[Any]:
    """Return the row of the subject with that name or external id, or that number.

    Raises
    ------
    SubjectError
        If there is none.
    AmbiguousNameError
        If there are several.
    """
    rows = _matching(connection, subject)
    if not rows:
        raise SubjectError(_missing(connection, subject))
    return _only(rows, subject)


def has_subject(connection: Connection, subject: str | int) -> bool:
    """Return whether there is a subject of that name or external id, or that number."""
    return bool(_matching(connection, subject))


def to_enrol(connection: Connection, name: str, external_id: str | None = None) -> Row[Any] | None:
    """Return the row of the subject that photographs are to be enrolled as; None for somebody new.

    Parameters
    ----------
    connection : Connection
    name : str
        As :func:`checked_name` returns it. Without an external id, whatever :func:`find` takes.
    external_id : str, optional
        As :func:`checked_external_id` returns it.

    Raises
    ------
    AmbiguousNameError
        If there is no external id, and several subjects fit the name.
    NameTakenError
        If the subject with the external id has another name, or one of that name has no external id.
    SubjectError
        If the name is "id:" or "number:" of nobody.
    """
    if external_id is None:
        rows = _matching(connection, name)
        if not rows and name.startswith((BY_ID, BY_NUMBER)):
            raise SubjectError(_missing(connection, name))
        return _only(rows, name) if rows else None
    row = connection.execute(select(subjects).where(subjects.c.external_id == external_id)).one_or_none()
    if row is None:
        check_free(connection, name, external_id)
    elif row.name != name:
        raise NameTakenError(
            f"The external id {external_id!r} belongs to {row.name!r} here, not to {name!r}. Is it another name of the "
            f"same person? faceloupe rename {BY_ID}{external_id} gives it."
        )
    return row


def check_free(connection: Connection, name: str, external_id: str | None, own: Row[Any] | None = None) -> None:
    """Refuse a name and an external id for a subject, of this row if it is there, if another subject has them.

    Raises
    ------
    NameTakenError
        If another subject has the external id, or the name and not both have an external id.
    """
    remedy = "enrol it as that one" if own is None else f"merge {own.name!r} into it"
    others = select(subjects).order_by(subjects.c.id)
    if own is not None:
        others = others.where(subjects.c.id != own.id)
    named = others.where(subjects.c.name == name)
    if external_id is not None:
        holder = connection.execute(others.where(subjects.c.external_id == external_id)).first()
        if holder is not None:
            raise NameTakenError(
                f"There is another subject with the external id {external_id!r} already, {holder.name!r}. If the two "
                f"are one person, {remedy}."
            )
        named = named.where(subjects.c.external_id.is_(None))
    if (holder := connection.execute(named).first()) is not None:
        lacking = "this one needs one"
        if holder.external_id is None:
            lacking = f"faceloupe describe {BY_NUMBER}{holder.id} --external-id ID gives that one one"
        raise NameTakenError(
            f"There is another subject {name!r} already. If the two are one person, {remedy}. Two people may have one "
            f"name where each has an external id: {lacking}."
        )


def near(connection: Connection, name: str) -> list[str]:
    """Return up to three names in the gallery that a mistyped one may mean."""
    return get_close_matches(name, list(connection.scalars(select(subjects.c.name))), n=3)


def _checked(what: str, text: str, longest: int) -> str:
    composed = unicodedata.normalize("NFC", text).strip()
    if unprintable(composed):
        raise InputError(f"{what}: {composed!r} holds characters that cannot be printed")
    if not 0 < len(composed) <= longest:
        raise InputError(f"{what}: expected 1 to {longest} characters, got {len(composed)}")
    return composed


def _texts(value: Any) -> Sequence[str]:
    """Return all texts in a document, names of objects too."""
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in _texts(each))]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _matching(connection: Connection, subject: str | int) -> Sequence[Row[Any]]:
    return connection.execute(select(subjects).where(_is(subject)).order_by(subjects.c.id)).all()


def _is(subject: str | int) -> ColumnElement[bool]:
    if isinstance(subject, int):
        return subjects.c.id == subject
    # What cannot be printed is in no name that was enrolled, but another program may have written one.
    text = subject if unprintable(subject) else _checked("name", subject, LONGEST + len(BY_NUMBER))
    meant = (subjects.c.name == text) | (subjects.c.external_id == text)
    if text.startswith(BY_ID):
        return meant | (subjects.c.external_id == text.removeprefix(BY_ID).strip())
    number = text.removeprefix(BY_NUMBER)
    return meant | (subjects.c.id == int(number)) if number != text and _is_number(number) else meant


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20


def _only(rows: Sequence[Row[Any]], subject: str | int) -> Row[Any]:
    if len(rows) == 1:
        return rows[0]
    ways = [
        f"{row.name!r}, {BY_NUMBER}{row.id}" + ("" if row.external_id is None else f" or {BY_ID}{row.external_id}")
        for row in rows
    ]
    raise AmbiguousNameError(f"{subject!r} may be {len(rows)} subjects: {'; '.join(ways)}. Say which by id or number.")


def _missing(connection: Connection, subject: str | int) -> str:
    if isinstance(subject, int):
        return f"The gallery has no subject {subject}."
    alike = near(connection, subject)
    hint = f"Did you mean {' or '.join(repr(name) for name in alike)}?" if alike else "faceloupe people lists who is."
    return f"There is no {subject!r} in the gallery. {hint}"
