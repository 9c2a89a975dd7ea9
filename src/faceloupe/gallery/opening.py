"""Opening a gallery: there must be one, with a schema that this code knows, or one is made, now or later."""

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text

from faceloupe.errors import GalleryError, UnavailableError
from faceloupe.gallery.database import Database
from faceloupe.gallery.enrolment import Holders
from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import REVISION, schema_versions
from faceloupe.recognition import Embedder
from faceloupe.recognition.engines import Engine

__all__ = ["GalleryToBe", "open_gallery"]

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_gallery(
    url: str | PathLike[str] = "faceloupe.db",
    *,
    create: bool = False,
    embedder: Embedder | str | PathLike[str] | None = None,
    engine: Engine = "openvino",
) -> Gallery:
    """Open a gallery; one with an older schema is brought to the newest, in one transaction.

    Parameters
    ----------
    url : str or path
        The name of an SQLite file, or a URL of SQLAlchemy: ``sqlite:///faces.db``, or
        ``postgresql+psycopg://user@host/database`` (extra ``postgres``; the server needs pgvector, and the gallery
        should have the database, or a schema there, to itself).
    create : bool
        Make the gallery if there is none. A file is made for its owner's eyes only (mode 0600).
    embedder : Embedder, str or path, optional
        What makes its templates, itself or as :func:`faceloupe.embedders.open_embedder` takes it. By default what made
        the references that are there; SFace if there are none.
    engine : {"openvino", "onnxruntime"}
        What runs SFace.

    Returns
    -------
    Gallery
        Use it in a ``with`` statement, or close it.

    Raises
    ------
    GalleryError
        If there is no gallery, what is there is none, is newer than this code, or cannot be opened.
    InputError
        If the URL cannot be understood.
    UnavailableError
        If packages of the extras ``recognition`` or ``postgres`` are missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_gallery(f"{folder}/faces.db", create=True) as gallery:
    ...     gallery.people()
    ()
    """
    database = Database(url)
    try:
        if create:
            database.make_file()
        elif database.path is not None and not database.path.exists():
            raise GalleryError(_nothing_at(database.name))
        _bring_up_to_date(database, create=create)
        database.let_readers_in()
    except BaseException:
        database.close()
        raise
    return Gallery(database, embedder=embedder, engine=engine)


class GalleryToBe(Gallery):
    """A gallery to enrol into, which is made once there is a photograph that can be enrolled.

    A file that is there, and a server's database, are brought up to date at once.

    Parameters
    ----------
    url, embedder, engine
        As for :func:`open_gallery`.

    Raises
    ------
    GalleryError, InputError, UnavailableError
        As :func:`open_gallery`; also if no file could be made.
    """

    def __init__(
        self,
        url: str | PathLike[str],
        *,
        embedder: Embedder | str | PathLike[str] | None = None,
        engine: Engine = "openvino",
    ) -> None:
        super().__init__(Database(url), embedder=embedder, engine=engine)
        self._url, path = url, self._database.path
        self._is_made = path is None or path.exists()
        if self._is_made:
            open_gallery(url, create=True).close()
        elif path is not None and not os.access(path.parent, os.W_OK):
            raise GalleryError(f"{self.name} cannot be made: there is no folder {path.parent} to write into.")

    def holders(self, hashes: Iterable[str]) -> dict[str, Holders]:
        """Return as whom photographs are enrolled, see :meth:`faceloupe.gallery.Gallery.holders`."""
        return super().holders(hashes) if self._is_made else defaultdict(set)

    def _makers(self) -> list[EmbedderId]:
        return super()._makers() if self._is_made else []

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that alone may write; make the gallery before if it must be."""
        if not self._is_made:
            open_gallery(self._url, create=True).close()
            self._is_made = True
        return super().writing()


def _bring_up_to_date(database: Database, *, create: bool) -> None:
    with database.reading() as connection:
        found = _revision(connection)
        if found == REVISION:
            return
        if found is None and database.path is not None and inspect(connection).get_table_names():
            raise GalleryError(
                f"{database.name} is an SQLite database of something else, no gallery. Name another file."
            )
        if found is None and not create:
            raise GalleryError(_nothing_at(database.name))
        if found is not None and found > REVISION:
            raise GalleryError(_newer(connection, database.name, found))
    with database.writing() as connection:
        if _revision(connection) != REVISION:  # otherwise another process was faster
            _migrate(connection)


def _revision(connection: Connection) -> str | None:
    """Return the schema's revision as Alembic notes it; importing Alembic to ask would take longer than everything."""
    if not inspect(connection).has_table("gallery_schema"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM gallery_schema"))
    return revision


def _migrate(connection: Connection) -> None:
    try:
        from alembic import command
        from alembic.config import Config
    except ImportError as error:
        raise UnavailableError(f"A new gallery needs {error.name}: pip install faceloupe[recognition]") from error
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.execute(
        insert(schema_versions).values(revision=REVISION, faceloupe=version("faceloupe"), at=datetime.now(UTC))
    )


def _nothing_at(name: str) -> str:
    return (
        f"There is no gallery at {name}. faceloupe enrol NAME PHOTO makes one there; name another with --gallery or in "
        "the environment variable FACELOUPE_GALLERY."
    )


def _newer(connection: Connection, name: str, found: str) -> str:
    made_by = connection.scalar(select(schema_versions.c.faceloupe).where(schema_versions.c.revision == found))
    return (
        f"{name} has schema {found}; this is faceloupe {version('faceloupe')}, which knows schemas up to {REVISION}. "
        f"It takes faceloupe {made_by or 'of a later version'} or later: pip install --upgrade faceloupe"
    )
