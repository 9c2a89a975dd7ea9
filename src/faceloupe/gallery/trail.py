"""The trail: who did what, and when. It is only ever added to, and is the list of changes for whoever keeps a copy."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from faceloupe.gallery.records import Entry
from faceloupe.gallery.schema import audit

__all__ = [
    "acting_as",
    "current_user",
    "entries",
    "erasure_is_pending",
    "last",
    "last_forget",
    "note",
    "tells_of_forgetting",
]

_ACTOR: ContextVar[str | None] = ContextVar("actor", default=None)


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Let the trail name somebody else than the user of the operating system, as a server acts for its callers."""
    before = _ACTOR.set(who)
    try:
        yield
    finally:
        _ACTOR.reset(before)


def note(connection: Connection, what: str, subject_id: int | None = None, **details: Any) -> None:
    """Add a line to the trail. `details` hold numbers and embedders; never a name or a template."""
    row = {"at": datetime.now(UTC), "who": current_user(), "what": what, "subject_id": subject_id, "details": details}
    connection.execute(insert(audit), row)


def entries(
    connection: Connection, subject_id: int | None = None, *, first: int = 1, last: int | None = None
) -> tuple[Entry, ...]:
    """Return the lines of the trail in their order, of one subject or all, from one number to another."""
    query = select(audit.c.id, audit.c.at, audit.c.who, audit.c.what, audit.c.subject_id, audit.c.details)
    query = query.where(audit.c.id >= first)
    if last is not None:
        query = query.where(audit.c.id <= last)
    if subject_id is not None:
        query = query.where(audit.c.subject_id == subject_id)
    return tuple(Entry(*row) for row in connection.execute(query.order_by(audit.c.id)))


def erasure_is_pending(connection: Connection) -> bool:
    """Return whether somebody, or a reference, was forgotten, and the process ended before the bytes were gone."""
    erased = connection.execute(select(audit.c.id, audit.c.details).where(audit.c.what == "erase"))
    # An erasing reaches the forgets before its VACUUM, not all before its line; older lines do not say which.
    return last_forget(connection) > max((row.details.get("upto", row.id) for row in erased), default=0)


def last(connection: Connection) -> int:
    """Return the number of the last line; 0 if there is none."""
    return connection.scalar(select(func.max(audit.c.id))) or 0


def tells_of_forgetting(connection: Connection, subject_id: int, reference: int | None) -> bool:
    """Return whether a subject was forgotten, or one reference of it."""
    lines = select(audit.c.details).where(audit.c.what == "forget", audit.c.subject_id == subject_id)
    return any(details.get("reference") == reference for details in connection.scalars(lines))


def last_forget(connection: Connection) -> int:
    """Return the number of the last line of a subject, or reference, that was forgotten; 0 if there is none."""
    return connection.scalar(select(func.max(audit.c.id)).where(audit.c.what == "forget")) or 0


def current_user() -> str:
    """Return who acts: whom :func:`acting_as` names, or the user of the operating system."""
    if (acting := _ACTOR.get()) is not None:
        return acting
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return f"user {os.getuid()}"
