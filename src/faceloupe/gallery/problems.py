"""Complaints of a database, in words that say what to do."""

from sqlalchemy.exc import DBAPIError, OperationalError

from faceloupe.errors import GalleryError

_IMMUTABLE = "sqlite:///file:FILE?immutable=1&uri=true"

_UNREADABLE = (
    "cannot be read, for SQLite keeps a log beside a file while it reads, and here it may write neither. While nobody "
    f"else writes to it, it can be read as {_IMMUTABLE}"
)

_SQLITE = {
    "SQLITE_BUSY": "is locked: another program has been writing to it for too long. Wait for it to finish, or end it, "
    "and give the command again",
    "SQLITE_LOCKED": "is locked by another part of this program",
    "SQLITE_READONLY": "is read-only: nothing was written, nor exported (the trail would note it). Give yourself the "
    "right to write to the file and its folder",
    "SQLITE_PERM": "may not be opened (permission denied)",
    "SQLITE_FULL": "cannot grow: the disk or quota is full. Nothing of this step was written, what was there before "
    "is whole. Free some space and give the command again",
    "SQLITE_IOERR": "cannot be read or written: the disk or file system reports an error. Nothing of this step was "
    "written. Is there space left, and is the disk healthy?",
    "SQLITE_CANTOPEN": "cannot be opened: is it a file, and may you read it and write to its folder? From a disk "
    f"that is read-only it can be read as {_IMMUTABLE}",
    "SQLITE_NOTADB": "is not an SQLite database, as galleries and collections are, or it is encrypted with another key "
    "than the one FACELOUPE_KEY names. Name another file (--gallery, --collection); how to move from another tool says "
    "docs/guides/moving.md",
    "SQLITE_CORRUPT": "is damaged. Restore a backup (faceloupe restore) or an export (faceloupe import)",
}
_CHANGED = (
    "is damaged: another program has changed its tables. Restore a backup (faceloupe restore) or an export (faceloupe "
    "import)"
)

_POSTGRESQL = {
    "55P03": "is locked: another program has been writing to it for too long. Wait for it to finish and try again",
    "53100": "cannot grow: the server's disk is full. Nothing of this step was written",
    "25006": "is read-only: the server takes no writes. Nothing was written",
    "42501": "may not be used like this: the user of the URL lacks the right",
    "58P01": "cannot be made: the server has no extension 'vector'. Install pgvector there",
    "0A000": "cannot be made: the server has no extension 'vector'. Install pgvector there",
}

_UNREACHABLE = (
    "cannot be reached: is the server running, and are user, password and database of the URL right? createdb makes a "
    "database"
)


_OF_WRITING = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def in_words(problem: DBAPIError, name: str, *, reading: bool = False, copy: str | None = None) -> GalleryError:
    """Return what a database's complaint means for the gallery of that name, which was to be read or written.

    Where a copy of it was written, what a disk complains of is the copy's.
    """
    complaint = str(problem.orig).partition("\n")[0]
    code = getattr(problem.orig, "sqlite_errorname", None)
    if code is not None:
        primary = "_".join(code.split("_")[:2])  # SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR
        if copy is not None and primary in _OF_WRITING:
            name = copy
        if reading and primary == "SQLITE_READONLY":
            return GalleryError(f"{name} {_UNREADABLE} ({complaint}).")
        changed = complaint.startswith(("no such table", "no such column")) or " has no column " in complaint
        return GalleryError(f"{name} {_SQLITE.get(primary, _CHANGED if changed else 'cannot be used')} ({complaint}).")
    state = getattr(problem.orig, "sqlstate", None)
    if state is None and isinstance(problem, OperationalError):
        return GalleryError(f"{name} {_UNREACHABLE} ({complaint}).")
    return GalleryError(f"{name} {_POSTGRESQL.get(state or '', 'cannot be used')} ({complaint}).")
