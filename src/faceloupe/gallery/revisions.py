"""The schema that a gallery has: none, this one, an older one that is brought up to date, or one that is not known."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text

from faceloupe.errors import GalleryError, extra
from faceloupe.gallery.database import Database
from faceloupe.gallery.schema import REVISION, REVISIONS, schema_versions

_MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(database: Database, *, create: bool) -> None:
    """Bring a gallery to the newest schema, in one transaction, or make its tables.

    Raises
    ------
    GalleryError
        As :func:`is_up_to_date`.
    UnavailableError
        If the packages that migrate are missing.
    """
    if is_up_to_date(database, create=create):
        return
    with database.migrating() as connection:
        if _revision(connection) != REVISION:  # otherwise another process was faster
            _migrate(connection)


def is_up_to_date(database: Database, *, create: bool) -> bool:
    """Return whether a gallery has the newest schema; nothing is changed.

    Raises
    ------
    GalleryError
        If there is no gallery and none is to be made, or its schema is newer than this code, or not known.
    """
    with database.reading() as connection:
        revision = _revision(connection)
        if revision == REVISION:
            return True
        if revision is None and database.path is not None and inspect(connection).get_table_names():
            raise GalleryError(
                f"{database.name} is an SQLite database of something else, not a gallery. Name another file."
            )
        if revision is None and not create:
            raise GalleryError(nothing_at(database.name))
        if revision is not None and revision not in REVISIONS:
            raise GalleryError(_unknown(connection, database.name, revision))
    return False


def nothing_at(name: str) -> str:
    """Return the message where there is no gallery."""
    return (
        f"There is no gallery at {name}. faceloupe enrol NAME PHOTO makes one there; name another with --gallery or in "
        "the environment variable FACELOUPE_GALLERY."
    )


def _revision(connection: Connection) -> str | None:
    """Return the schema's revision as Alembic notes it; importing Alembic to ask would take longer than everything."""
    if not inspect(connection).has_table("gallery_schema"):
        return None
    revisions = connection.execute(text("SELECT version_num FROM gallery_schema")).scalars().all()
    return str(revisions[0]) if len(revisions) == 1 else f"{len(revisions)} revisions"


def _migrate(connection: Connection) -> None:
    with extra("recognition"):
        from alembic import command
        from alembic.config import Config
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.execute(
        insert(schema_versions).values(revision=REVISION, faceloupe=version("faceloupe"), at=datetime.now(UTC))
    )


def _unknown(connection: Connection, name: str, revision: str) -> str:
    """Return what is said of a gallery that a later faceloupe made, or of one whose schema nobody made."""
    made_by = None
    if inspect(connection).has_table(schema_versions.name):
        made_by = connection.scalar(select(schema_versions.c.faceloupe).where(schema_versions.c.revision == revision))
    if made_by or (len(revision) == len(REVISION) and revision.isdecimal() and revision > REVISION):
        return (
            f"{name} has schema {revision}; this is faceloupe {version('faceloupe')}, which knows schemas up to "
            f"{REVISION}. It takes faceloupe {made_by or 'of a later version'} or later: "
            "pip install --upgrade faceloupe"
        )
    return (
        f"{name} says that its schema is {revision!r}, which no faceloupe has made: its table gallery_schema is "
        "damaged. Restore a backup (faceloupe restore), or import an export into a new gallery"
    )
