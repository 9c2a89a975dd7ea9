"""The trail: who did what, and when. It is only ever added to, and is the list of changes for whoever keeps a copy.

Each line holds a hash of itself and of the line before (a hash chain): a line that is changed, put in or taken out
shows in the next. Who can write the file can also write the whole chain anew, and take lines off its end. That
shows only to somebody who has noted the hash of a line elsewhere: ``faceloupe audit`` tells the last one, and
``faceloupe check --trail HASH`` whether it is still there.
"""

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from faceloupe.gallery.records import Entry
from faceloupe.gallery.schema import audit

_ACTOR: ContextVar[str | None] = ContextVar("actor", default=None)


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Name somebody else in the trail than the user of the operating system, as a server acts for its callers."""
    before = _ACTOR.set(who)
    try:
        yield
    finally:
        _ACTOR.reset(before)


def note(connection: Connection, what: str, subject_id: int | None = None, **details: Any) -> None:
    """Add a line to the trail. `details` hold numbers and embedders; never a name or a template."""
    at, who = datetime.now(UTC), current_user()
    row = {"at": at, "who": who, "what": what, "subject_id": subject_id, "details": details}
    before = head(connection)
    number = connection.scalar(insert(audit).returning(audit.c.id), row)
    chained = _link(before, number, at, who, what, subject_id, details)
    connection.execute(update(audit).where(audit.c.id == number).values(chain=chained))


def head(connection: Connection) -> str:
    """Return the hash of the last line, which rests on all lines before it; empty if there is none."""
    return connection.scalar(select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)) or ""


def broken_links(connection: Connection) -> Iterator[int]:
    """Yield the numbers of lines that are not what was written, or not after the line that they were written after."""
    before = ""
    for row in connection.execute(select(audit).order_by(audit.c.id)):
        if row.chain != _link(before, row.id, row.at, row.who, row.what, row.subject_id, row.details):
            yield row.id
        before = row.chain


def holds(connection: Connection, link: str) -> bool:
    """Return whether the trail has a line with this hash, as somebody noted it elsewhere."""
    return connection.scalar(select(audit.c.id).where(audit.c.chain == link)) is not None


def chain_all(connection: Connection) -> None:
    """Chain all lines as they are, for a gallery that was made before they were chained."""
    before = ""
    for row in connection.execute(select(audit).order_by(audit.c.id)).all():
        before = _link(before, row.id, row.at, row.who, row.what, row.subject_id, row.details)
        connection.execute(update(audit).where(audit.c.id == row.id).values(chain=before))


def _link(
    before: str, number: int | None, at: datetime, who: str, what: str, subject_id: int | None, details: dict[str, Any]
) -> str:
    """Return the SHA-256 of a line and of the one before it."""
    line = [before, number, at.astimezone(UTC).isoformat(), who, what, subject_id, details]
    return sha256(json.dumps(line, sort_keys=True, default=repr).encode()).hexdigest()


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


def references_forgotten(connection: Connection, after: int) -> int:
    """Return how many references were forgotten after a line of the trail."""
    lines = select(audit.c.details).where(audit.c.what == "forget", audit.c.id > after)
    return sum(details.get("references", 0) for details in connection.scalars(lines))


def last_forget(connection: Connection) -> int:
    """Return the number of the last line of a subject, or reference, that was forgotten; 0 if there is none."""
    return connection.scalar(select(func.max(audit.c.id)).where(audit.c.what == "forget")) or 0


def current_user() -> str:
    """Return the actor: whom :func:`acting_as` names, or the user of the operating system."""
    if (acting := _ACTOR.get()) is not None:
        return acting
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, as in some containers; on Windows ImportError
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "user without a name"
