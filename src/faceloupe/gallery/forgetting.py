"""Forgetting somebody, or one reference: the rows go, and then the bytes.

On SQLite deleted rows are overwritten with zeros (``secure_delete``), and the write-ahead log is emptied. That is not
enough, because pages may hold older copies of rows that were moved: of 1,500 names deleted from a file of 3,000, 1
could still be read where rows had only been added, and 5 where half of the rows had grown since (SQLite 3.40.1). So
the file is built anew (``VACUUM``). What a file system or a drive keeps of blocks that a file gave up is beyond a
program's reach: encrypt the disk.

On PostgreSQL the two tables are built anew (``VACUUM FULL``). The server's own write-ahead log holds the old rows until
its segments are recycled, archives and replicas as long as they are kept; rows that another transaction could still see
survive that rebuilding. Backups and exports hold what they held, whatever the database.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from faceloupe.errors import GalleryError, InputError, SubjectError
from faceloupe.gallery import identity, trail
from faceloupe.gallery.database import Database
from faceloupe.gallery.records import Forgotten
from faceloupe.gallery.schema import UNKNOWN, references, subjects


def forget(database: Database, subject: str | int, reference: int | None = None, *, erased: bool = True) -> Forgotten:
    """Remove a subject, or one reference, and the bytes of it, see :meth:`faceloupe.gallery.Gallery.forget`."""
    forgotten, unknown = _delete(database, subject, reference)
    if erased or unknown is not None:
        try:
            erase(database)
        except GalleryError as problem:
            owner = f"subject {subject}" if isinstance(subject, int) else repr(subject)
            what = owner if reference is None else f"reference {reference} of {owner}"
            raise GalleryError(f"{what} is out of the gallery. {problem}") from problem
    if unknown is not None:
        raise SubjectError(f"{unknown} Bytes that an earlier forget had left are erased now.") from unknown
    return forgotten


def erase(database: Database) -> None:
    """Erase the bytes of all who were forgotten, see :meth:`faceloupe.gallery.Gallery.erase`."""
    with database.reading() as connection:
        if not trail.erasure_is_pending(connection):
            return
        reached = trail.last_forget(connection)  # one that comes after the tables are built anew is not
    try:
        database.erase([references.name, subjects.name])
    except GalleryError as problem:
        raise GalleryError(
            f"The bytes are not erased yet: {problem} Ask for the same again then, to finish."
        ) from problem
    with database.writing() as connection:
        trail.note(connection, "erase", upto=reached)


def enrolled_before(connection: Connection, moment: datetime) -> list[tuple[int, str]]:
    """Return number and name of those of whom nothing was enrolled since a moment, by number."""
    query = (
        select(subjects.c.id, subjects.c.name, subjects.c.created, references.c.created.label("enrolled"))
        .join_from(subjects, references, isouter=True)
        .order_by(subjects.c.id)
    )
    newest: dict[tuple[int, str], datetime] = {}
    for row in connection.execute(query):
        dates = [row.created, *([row.enrolled] if row.enrolled != UNKNOWN else [])]
        newest[row.id, row.name] = max(newest.get((row.id, row.name), UNKNOWN), *dates)
    return [subject for subject, at in newest.items() if UNKNOWN < at < moment]


def _delete(
    database: Database, subject: str | int, reference: int | None = None
) -> tuple[Forgotten, SubjectError | None]:
    """Delete the rows; if there are none but an erasure to finish, return what was asked for wrongly, if anything."""
    with database.writing() as connection:
        try:
            row = identity.find(connection, subject)
            if reference is None:
                return _delete_subject(connection, row), None
            return _delete_reference(connection, row, reference), None
        except SubjectError as problem:
            if not trail.erasure_is_pending(connection):
                raise
            name = subject if isinstance(subject, str) else None
            return Forgotten(name, None, 0), None if _went_before(connection, subject, reference) else problem


def _delete_subject(connection: Connection, row: Row[Any]) -> Forgotten:
    n_references = connection.execute(delete(references).where(references.c.subject_id == row.id)).rowcount
    connection.execute(delete(subjects).where(subjects.c.id == row.id))
    trail.note(connection, "forget", row.id, references=n_references)
    return Forgotten(row.name, row.id, n_references)


def _delete_reference(connection: Connection, row: Row[Any], reference: int) -> Forgotten:
    numbers = connection.scalars(select(references.c.id).where(references.c.subject_id == row.id)).all()
    if reference not in numbers:
        raise SubjectError(f"{row.name!r} has no reference {reference}. faceloupe show lists those there are.")
    if len(numbers) == 1:
        raise InputError(
            f"reference {reference} is the only one of {row.name!r}: enrol another photograph first, or forget the "
            "subject"
        )
    connection.execute(delete(references).where(references.c.id == reference))
    trail.note(connection, "forget", row.id, references=1, reference=reference)
    return Forgotten(row.name, row.id, 1)


def _went_before(connection: Connection, subject: str | int, reference: int | None) -> bool:
    """Return whether this is what was forgotten by a command that was cut off after the rows had gone."""
    if isinstance(subject, str) and not identity.has_subject(connection, subject):
        return not identity.near(connection, subject)  # no name is kept of those; one that is near tells
    number = subject if isinstance(subject, int) else identity.find(connection, subject).id
    return trail.tells_of_forgetting(connection, number, reference)
