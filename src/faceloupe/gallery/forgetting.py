"""Forgetting somebody: the rows go, and then the bytes.

On SQLite deleted rows are overwritten with zeros (``secure_delete``); the file is then built anew (``VACUUM``), because
pages may hold older copies of rows that were moved, and the write-ahead log is emptied. What a file system or a drive
keeps of blocks that a file gave up is beyond a program's reach: encrypt the disk.

On PostgreSQL the two tables are built anew (``VACUUM FULL``). The server's own write-ahead log holds the old rows until
its segments are recycled, archives and replicas as long as they are kept; rows that another transaction could still see
survive that rebuilding. Backups and exports hold what they held, whatever the database.
"""

from sqlalchemy import delete

from faceloupe.errors import GalleryError, SubjectError
from faceloupe.gallery import people, trail
from faceloupe.gallery.database import BUSY_SECONDS, Database
from faceloupe.gallery.records import Forgotten
from faceloupe.gallery.schema import references, subjects

__all__ = ["forget"]


def forget(database: Database, name: str) -> Forgotten:
    """Remove a subject and the bytes of it, see :meth:`faceloupe.gallery.Gallery.forget`."""
    forgotten, mistyped = _delete(database, name)
    try:
        _erase(database)
    except GalleryError as problem:
        raise GalleryError(
            f"{name!r} is out of the gallery, but the bytes are not erased yet: {problem} Give the same command again "
            "then, to finish."
        ) from problem
    if mistyped is not None:
        raise SubjectError(f"{mistyped} Bytes that an earlier forget had left are erased now.") from mistyped
    return forgotten


def _delete(database: Database, name: str) -> tuple[Forgotten, SubjectError | None]:
    """Delete the rows of a subject; if there is none, but an erasure to finish, return whether the name is mistyped."""
    with database.writing() as connection:
        try:
            subject_id = people.find(connection, name).id
        except SubjectError as problem:
            if not trail.erasure_is_pending(connection):
                raise
            # The same command, cut off after the rows had gone? No name is kept of those; one that is near tells.
            return Forgotten(name, None, 0), problem if people.near(connection, name) else None
        gone = connection.execute(delete(references).where(references.c.subject_id == subject_id)).rowcount
        connection.execute(delete(subjects).where(subjects.c.id == subject_id))
        trail.note(connection, "forget", subject_id, references=gone)
    return Forgotten(name, subject_id, gone), None


def _erase(database: Database) -> None:
    with database.reading() as connection:
        reached = trail.last_forget(connection)  # one that comes after the VACUUM is not
    with database.bare() as connection:
        if database.path is None:
            connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_SECONDS}s'")
            connection.exec_driver_sql("VACUUM FULL face_references")
            connection.exec_driver_sql("VACUUM FULL subjects")
        else:
            connection.exec_driver_sql("VACUUM")
            if connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
                raise GalleryError(
                    f"{database.name} is being read by another program. Wait for it to finish, or end it."
                )
    with database.writing() as connection:
        trail.note(connection, "erase", upto=reached)
