"""The database of a gallery: read and written in transactions, one writer at a time."""

import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from faceloupe.documents import parse_json
from faceloupe.errors import GalleryError, InputError, extra
from faceloupe.files import check_name
from faceloupe.gallery.encryption import VARIABLE, Key, is_plain, key_of_environment, sqlcipher
from faceloupe.gallery.problems import in_words

DRIVER = "postgresql+psycopg"
BUSY_SECONDS = 10
"""How long a writer waits for another one. An SQLite URL may say otherwise: ``sqlite:///faces.db?timeout=60``."""

_WRITERS = 0x66616365  # number of the lock that makes writers on PostgreSQL take turns ("face")

_ISOLATION = {
    "read": "REPEATABLE READ", "write": "READ COMMITTED", "migrate": "READ COMMITTED", "bare": "AUTOCOMMIT"
}  # fmt: skip

_KEYS_CHECKED = "PRAGMA foreign_keys = ON"

_PRAGMAS = (
    _KEYS_CHECKED,
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten with zeros
    "PRAGMA synchronous = FULL",  # a commit returns once it is on the disk
)


class Database:
    """A connection to where a gallery lies.

    All that reads or writes it raises a :class:`faceloupe.errors.GalleryError` if it cannot be read or written, or
    another program or writer does not finish in time.

    Parameters
    ----------
    url : str or path
        The name of an SQLite file, or a URL of SQLAlchemy for SQLite or PostgreSQL.
    key : Key or None, optional
        Key of an encrypted SQLite file; by default the key that ``FACELOUPE_KEY`` names, if any.
    cipher : bool
        Use SQLCipher without a key, too: such a connection can write an encrypted copy.
    from_json : function of str, optional
        Reader of JSON columns. By default it returns their object, or an empty one if that is damaged.

    Attributes
    ----------
    name : str
        For messages; without password.
    path : Path or None
        Path of an SQLite file.
    key : Key or None
        Key that encrypts the file.

    Raises
    ------
    InputError
        If the URL cannot be understood.
    UnavailableError
        If the database's driver is missing.
    """

    def __init__(
        self,
        url: str | PathLike[str],
        *,
        key: Key | Literal["of the environment"] | None = "of the environment",
        cipher: bool = False,
        from_json: Callable[[str], Any] | None = None,
    ) -> None:
        place = _parse_url(url)
        self.name = str(url) if place.password is None else place.render_as_string(hide_password=True)
        self.path = _file_of(place) if place.get_backend_name() == "sqlite" else None
        if place.get_backend_name() == "postgresql" and "connect_timeout" not in place.query:
            place = place.update_query_dict({"connect_timeout": str(BUSY_SECONDS)})
        self.key = self._key(key) if self.path is not None else None
        driver = {"module": sqlcipher()} if self.key or cipher else {}
        with extra("postgres"):
            self.engine = create_engine(  # a template is in no error message
                place, hide_parameters=True, json_deserializer=from_json or _document, **driver
            )
        if self.path is not None:
            event.listen(self.engine, "connect", partial(_prepare_sqlite, self.key))
        event.listen(self.engine, "begin", _begin)
        self._file: tuple[int, int] | None = None

    def _key(self, key: Key | Literal["of the environment"] | None) -> Key | None:
        own = key_of_environment() if key == "of the environment" else key
        if own and self.path is not None and self.path.is_file() and is_plain(self.path):
            raise GalleryError(
                f"{self.name} is not encrypted, and {VARIABLE} names a key. Without that variable: faceloupe backup "
                f"FILE --gallery {self.name}; then faceloupe restore FILE --key KEY makes a gallery that is encrypted. "
                "(A collection is made anew with it, by faceloupe index.)"
            )
        return own

    def make_file(self) -> None:
        """Make the SQLite file, for its owner's eyes only, unless it exists."""
        if self.path is None:
            return
        check_name(self.path)
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
        except OSError as problem:
            raise GalleryError(f"{self.name} cannot be made: {problem.strerror}.") from problem

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the gallery."""
        with self._connected("read") as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that alone may write; it is on the disk once the block is left, or else undone."""
        with self._connected("write") as connection, connection.begin():
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Open a transaction that alone may write, and may build anew a table that others refer to."""
        with self._connected("migrate") as connection:
            try:
                with connection.begin():
                    yield connection
            finally:
                if self.path is not None:
                    connection.connection.driver_connection.execute(_KEYS_CHECKED)  # type: ignore[union-attr]

    @contextmanager
    def bare(self, writes: Path | None = None) -> Iterator[Connection]:
        """Open a connection outside any transaction, for what cannot run inside one.

        On a server it is closed at the end, not used again: what is set on it holds for nobody else. Where a copy is
        what it `writes`, a disk that is full or fails is the copy's.
        """
        with self._connected("bare", str(writes) if writes else None) as connection:
            if self.path is None:
                connection.detach()
            yield connection

    def erase(self, tables: Sequence[str]) -> None:
        """Build tables anew, so that no byte of rows that were deleted is left; of an SQLite file, all tables.

        ``secure_delete`` and an emptied write-ahead log are not enough, see :mod:`faceloupe.gallery.forgetting`.
        """
        with self.bare() as connection:
            if self.path is None:
                connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_SECONDS}s'")
                for table in tables:
                    connection.exec_driver_sql(f"VACUUM FULL {table}")
                return
            # It copies everything to a temporary file: beside the database, on its disk, not in the system's folder.
            folder = str(self.path.absolute().parent).replace("'", "''")
            connection.exec_driver_sql(f"PRAGMA temp_store_directory = '{folder}'")
            try:
                connection.exec_driver_sql("VACUUM")
            finally:
                connection.exec_driver_sql("PRAGMA temp_store_directory = ''")
            if connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
                raise GalleryError(f"{self.name} is being read by another program. Wait for it to finish, or end it.")

    def let_readers_in(self) -> None:
        """Make the SQLite file one that can be read while it is written (write-ahead log); it remembers that."""
        if self.path is None:
            return
        # Where the file may not be written, or another process is just writing, it stays as it is, and is as safe.
        with suppress(OperationalError), self.engine.connect().execution_options(purpose="bare") as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    @contextmanager
    def _connected(self, purpose: str, copy: str | None = None) -> Iterator[Connection]:
        self._check_file()
        options: dict[str, Any] = {"purpose": purpose}
        if self.path is None:
            options["isolation_level"] = _ISOLATION[purpose]
        try:
            with self.engine.connect().execution_options(**options) as connection:
                yield connection
        except DBAPIError as problem:
            raise in_words(problem, self.name, reading=purpose == "read", copy=copy) from problem
        except OverflowError as problem:  # SQLite's numbers have 64 bits
            raise InputError("no row has so large a number") from problem
        except UnicodeDecodeError as problem:  # the schema itself, which the driver's complaint quotes
            raise GalleryError(f"{self.name} is damaged. Restore it from a backup (faceloupe restore).") from problem

    def _check_file(self) -> None:
        """Refuse to go on with a file that was deleted or replaced: SQLite would, and what it writes would be lost."""
        if self.path is None:
            return
        try:
            file = self.path.stat()
        except OSError as problem:
            raise GalleryError(f"{self.name} cannot be reached: {problem.strerror}.") from problem
        place = file.st_dev, file.st_ino
        self._file = self._file or place
        if place != self._file:
            raise GalleryError(f"{self.name} was replaced by another file while it was open. Open it anew.")

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()


def _parse_url(url: str | PathLike[str]) -> URL:
    text = str(url)
    if not text.strip():
        raise InputError("gallery: expected the name of a file or a URL, got an empty text")
    if text == ":memory:":
        raise InputError(
            "gallery: expected the name of a file or a URL, not ':memory:', which nothing could open again"
        )
    if "://" not in text:
        try:
            return _patient(URL.create("sqlite", database=str(Path(text).expanduser())))
        except RuntimeError as problem:
            raise InputError(f"gallery: {text[:200]!r} begins with ~, but there is no such user's folder") from problem
    try:
        place = make_url(text)
        backend = place.get_backend_name()
    except (ArgumentError, ValueError):  # what these say may hold a part of the password
        raise InputError(
            "gallery: cannot understand the URL; expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with / @ : # "
            "of a password as %2F %40 %3A %23"
        ) from None
    if backend == "sqlite" and place.database not in (None, "", ":memory:"):
        return _patient(_checked_sqlite(place))
    if place.drivername in ("postgresql", DRIVER):
        if "sslpassword" in place.query:
            raise InputError(
                "gallery: messages would show an sslpassword; name a client's key (sslkey) that has none and that you "
                "alone can read, as openssl pkey -in KEY -out NEW makes it"
            )
        if any("password" in name for name in place.query):  # messages would show it
            raise InputError(
                f"gallery: a password stands before the host, as in {DRIVER}://USER:PASSWORD@HOST/DATABASE"
            )
        return place.set(drivername=DRIVER)
    got = "SQLite without a file" if backend == "sqlite" else place.drivername
    raise InputError(f"gallery: expected the name of a file, sqlite:///FILE or {DRIVER}://..., got a URL of {got}")


def _checked_sqlite(place: URL) -> URL:
    """Return a URL of SQLite without what its driver would ignore, misunderstand or keep in memory alone."""
    allowed = {"timeout": r"\d{1,6}(\.\d+)?", "uri": "true", "mode": "ro|rw", "immutable": "1"}
    query = {name: str(value) for name, value in place.query.items()}
    if place.drivername not in ("sqlite", "sqlite+pysqlite") or place.host is not None or place.username is not None:
        raise InputError(
            "gallery: an SQLite file's URL is sqlite:///FILE, with three slashes, or four before a full path"
        )
    if not all(name in allowed and re.fullmatch(allowed[name], value) for name, value in query.items()):
        raise InputError(
            "gallery: an SQLite file's URL takes ?timeout=SECONDS; sqlite:///file:FILE ?immutable=1&uri=true or "
            "?mode=ro&uri=true"
        )
    if query.keys() & {"mode", "immutable"} and "uri" not in query:
        raise InputError("gallery: mode and immutable need uri=true beside them, and sqlite:///file:FILE")
    return place


def _file_of(place: URL) -> Path:
    """Return the path of an SQLite file; raise InputError for what cannot be a file, such as a pipe or device."""
    path = Path(str(place.database).removeprefix("file:"))
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, ValueError) as problem:  # too long, a loop of links, a null byte
        raise InputError(f"gallery: {str(path)[:200]!r} cannot be a file: {problem.args[-1]}") from problem
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(f"gallery: {path} is not a file, but a device, a pipe or a socket")
    return path


def _patient(place: URL) -> URL:
    return place if "timeout" in place.query else place.update_query_dict({"timeout": str(BUSY_SECONDS)})


def _prepare_sqlite(key: Key | None, connection: sqlite3.Connection, _: object) -> None:
    if key is not None:
        key.unlock(connection)
    connection.isolation_level = None  # the driver begins no transactions: _begin does
    connection.text_factory = lambda content: content.decode("utf-8", "backslashreplace")
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _document(content: Any) -> dict[str, Any]:
    """Return the object that a column of JSON holds; an empty one if that is damaged."""
    try:
        document = parse_json(content) if isinstance(content, str | bytes) else {}
    except InputError:
        return {}
    return document if isinstance(document, dict) else {}


def _begin(connection: Connection) -> None:
    purpose = connection.get_execution_options()["purpose"]
    if connection.dialect.name == "sqlite" and purpose != "bare":
        if purpose == "migrate":  # or to drop a table would be to delete what others refer to
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN" if purpose == "read" else "BEGIN IMMEDIATE")
    elif purpose in ("write", "migrate"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
