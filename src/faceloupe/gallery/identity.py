"""Who is meant: a subject by its name, its external id or its number, and what each of them may be.

A number is an int; a text is a name or an external id. Where only texts can be given, ``id:E-17`` is an
external id and no name, and ``number:5`` a number: no name and no external id begins so. Whatever fits several subjects
is refused. Where photographs are enrolled a text is a name, for there it may be that of somebody new.
"""

import json
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, false, select

from faceloupe.documents import json_text, parse_json
from faceloupe.errors import AmbiguousNameError, InputError, NameTakenError, SubjectError
from faceloupe.gallery.schema import subjects
from faceloupe.gallery.soundness import unprintable

LONGEST = 200
"""Letters of a name, and of an external id, at most."""

BY_ID, BY_NUMBER = "id:", "number:"

LARGEST = 2**63 - 1
"""Number of a row, at most."""

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


def checked_new(what: str, text: str) -> str:
    """Return a new name, or a new external id, as it is kept: composed letters (Unicode NFC), no space around it.

    Raises
    ------
    InputError
        If it is empty, too long, holds what cannot be printed, or begins with "id:" or "number:"; `what` it is called.
    """
    checked = checked_text(what, text)
    if checked.startswith((BY_ID, BY_NUMBER)):
        raise InputError(
            f"{what}: expected one that does not begin with {BY_ID!r} or {BY_NUMBER!r}, which tell who is meant by "
            f"external id and by number; got {checked!r}"
        )
    return checked


def checked_text(what: str, text: str, longest: int = LONGEST) -> str:
    """Return a name or an external id that somebody has already, or may have, as it is kept.

    Raises
    ------
    InputError
        If it is empty, too long or holds what cannot be printed.
    """
    composed = _composed(text)
    if unprintable(composed):
        raise InputError(f"{what}: {composed!r} holds characters that cannot be printed")
    if not 0 < len(composed) <= longest:
        raise InputError(f"{what}: expected 1 to {longest} characters, got {len(composed)}")
    return composed


def checked_whom(name: str, external_id: str | None = None) -> Whom:
    """Return whom photographs are to be enrolled as: a name, or without an external id "id:E-17" or "number:5".

    Raises
    ------
    InputError
        If the name or the external id cannot be one.
    """
    if external_id is not None:
        return Whom(None, checked_new("name", name), checked_new("external id", external_id))
    text = _composed(name)
    is_address = text.startswith((BY_ID, BY_NUMBER))
    checked = checked_text("name", text, LONGEST + len(BY_NUMBER)) if is_address else checked_new("name", text)
    return Whom(None, checked, None)


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
    external_id : str, optional
        As :func:`checked_whom` returns them.

    Raises
    ------
    AmbiguousNameError
        If there is no external id, and several subjects have the name, or nobody has it but somebody's external id is
        just so.
    NameTakenError
        If the subject with the external id has another name, or one of that name has no external id.
    SubjectError
        If the name is "id:" or "number:" of nobody.
    """
    if external_id is None:
        return find(connection, name) if name.startswith((BY_ID, BY_NUMBER)) else _of_name(connection, name)
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
    others = select(subjects).order_by(subjects.c.id)
    if own is not None:
        others = others.where(subjects.c.id != own.id)
    named = others.where(subjects.c.name == name)
    if external_id is not None:
        holder = connection.execute(others.where(subjects.c.external_id == external_id)).first()
        if holder is not None:
            raise NameTakenError(
                f"There is another subject with the external id {external_id!r} already, {holder.name!r}. If the two "
                f"are one person, {_joining(holder, own)}."
            )
        named = named.where(subjects.c.external_id.is_(None))
    if (holder := connection.execute(named).first()) is not None:
        lacking = "this one lacks it"
        if holder.external_id is None:
            lacking = f"faceloupe describe {BY_NUMBER}{holder.id} --external-id ID gives it to the other"
        raise NameTakenError(
            f"There is another subject {name!r} already. If the two are one person, {_joining(holder, own)}. If not, "
            f"both need an external id: {lacking}."
        )


def _joining(holder: Row[Any], own: Row[Any] | None) -> str:
    """Return how to say that a subject, or the photographs of one to be, are the holder's."""
    address = f"{BY_NUMBER}{holder.id}"
    return f"enrol the photographs as {address}" if own is None else f"merge {own.name!r} into {address}"


def near(connection: Connection, name: str) -> list[str]:
    """Return up to three names in the gallery that a mistyped one may mean."""
    return get_close_matches(name, list(connection.scalars(select(subjects.c.name))), n=3)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


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
        return subjects.c.id == subject if 0 < subject <= LARGEST else false()
    text = _composed(subject)
    if unprintable(text):  # a database cannot even compare some of it; who has such a name is told by number
        return false()
    if text.startswith(BY_ID):
        return subjects.c.external_id == text.removeprefix(BY_ID).strip()
    if text.startswith(BY_NUMBER):
        number = text.removeprefix(BY_NUMBER)
        return _is(int(number)) if number.isascii() and number.isdecimal() and len(number) < 20 else false()
    return (subjects.c.name == text) | (subjects.c.external_id == text)


def _of_name(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of the subject of that very name, for photographs to be enrolled; None if nobody has it."""
    rows = connection.execute(select(subjects).where(subjects.c.name == name).order_by(subjects.c.id)).all()
    if rows:
        return _only(rows, name)
    holder = connection.execute(select(subjects).where(subjects.c.external_id == name)).first()
    if holder is not None:
        raise AmbiguousNameError(
            f"{name!r} is nobody's name here, but the external id of {holder.name!r}. To add photographs of that "
            f"person, enrol {BY_ID}{name}; somebody new called {name!r} needs an external id (--external-id ID)."
        )
    return None


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
