"""Backups: the whole gallery in one file, also while others write to it; and a gallery again of such a file.

A copy of a gallery's file that is made while a program has it open can lack what is in the log beside it. SQLite itself
writes a whole one (``VACUUM INTO``, or SQLCipher's export where source and copy have different keys).
"""

import os
from contextlib import ExitStack, closing
from os import PathLike
from pathlib import Path

from faceloupe.errors import GalleryError
from faceloupe.files import check_name, naming, unfinished
from faceloupe.gallery import trail
from faceloupe.gallery.database import Database
from faceloupe.gallery.encryption import Key, is_plain, key_of_environment, read_key


def backup(database: Database, path: Path) -> None:
    """Write the whole gallery into one new file, see :meth:`faceloupe.gallery.Gallery.backup`."""
    if database.path is None:
        raise GalleryError(f"{database.name} lies on a server: back it up there, with pg_dump")
    copy(database, path, database.key)
    try:  # the trail tells of copies that were made, and so the copy cannot tell of itself
        with database.writing() as connection:
            trail.note(connection, "backup")
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def restore(source: Path, target: Path, key: str | PathLike[str] | None = None) -> None:
    """Make a gallery of a backup.

    Parameters
    ----------
    source : Path
        File that :func:`backup` wrote.
    target : Path
        File of the new gallery. Nothing may be there: move what it replaces away first.
    key : str or path, optional
        The file of the key that the new gallery is encrypted with, or ``keyring:SERVICE/NAME``; otherwise it has that
        of the backup, or none.

    Raises
    ------
    GalleryError
        If something is at the target, or the backup is damaged or no gallery.
    InputError
        If the key cannot be one.
    """
    if not source.is_file():
        raise GalleryError(f"{source} is not a file; faceloupe backup FILE makes one")
    new = None if key is None else read_key(key)
    own = None if is_plain(source) else key_of_environment()
    with closing(Database(source, key=own, cipher=new is not None)) as backup_file:
        with backup_file.reading() as connection:
            problems = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            tables = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
        if problems != ["ok"] or not {"subjects", "face_references", "audit"} <= tables:
            raise GalleryError(f"{source} is damaged or not a gallery, and was not restored ({problems[0]}).")
        copy(backup_file, target, new or own)


def copy(database: Database, path: Path, key: Key | None) -> None:
    """Write an SQLite database into a new file (mode 0600), whole or not at all, with this key or none."""
    _check_new(path)
    with ExitStack() as stack:
        try:
            temporary = stack.enter_context(unfinished(path)) / path.name
            temporary.touch(0o600)
        except OSError as problem:
            raise GalleryError(f"{path} cannot be made: {problem.strerror}.") from problem
        with database.bare(writes=path) as connection:
            if key == database.key:
                connection.exec_driver_sql("VACUUM INTO ?", (str(temporary),))
            else:
                connection.exec_driver_sql("ATTACH ? AS copy KEY ?", (str(temporary), key.literal if key else ""))
                connection.exec_driver_sql("SELECT sqlcipher_export('copy')")
                connection.exec_driver_sql("DETACH copy")
        with naming(path):
            with temporary.open("r+b") as file:  # SQLite does not wait until a copy is on the disk
                os.fsync(file.fileno())
            temporary.replace(path)


def _check_new(path: Path) -> None:
    check_name(path)
    if path.exists():
        raise GalleryError(f"{path} exists already; name a file that does not, or move that one away first.")
