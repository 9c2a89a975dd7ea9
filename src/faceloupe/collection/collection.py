"""A collection: the faces of photographs, the groups they are in, and what people said of both."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, UpdateBase, delete, event, func, inspect, select

from faceloupe.collection import rulings
from faceloupe.collection.schema import (
    SCHEMA,
    faces,
    groups,
    keep_setting,
    metadata,
    photographs,
    places,
    setting,
    settings,
)
from faceloupe.documents import parse_json
from faceloupe.errors import DamageWarning, GalleryError, InputError
from faceloupe.gallery.database import Database
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.gallery.soundness import is_quality, sound_rows
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.recognition.templates import Template

__all__ = ["Collection", "IndexedFaces", "embedder_of", "open_collection"]

PART = 10_000
"""Faces that are read at a time."""

DIGITS = 18
"""Of the number of a group, at most: databases keep 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexedFaces:
    """The faces of a collection as arrays, in an order that depends on the photographs' contents alone.

    Attributes
    ----------
    ids : array of int64, (N,)
    vectors : array of float32, (N, D)
    photographs : array of int64, (N,)
        Ids of the photographs.
    fit : array of bool, (N,)
        True if the face's quality has no shortcoming.
    groups : array of int64, (N,)
        Ids; 0 for a face that is in none yet.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    photographs: NDArray[np.int64]
    fit: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


class Collection:
    """Faces of unlabelled photographs; :func:`open_collection` opens one, :func:`index` fills it.

    Each method that writes is one transaction. What people say (:meth:`join`, :meth:`separate`, :meth:`name`) holds
    until :meth:`undo` takes it back: no later grouping goes against it.

    Parameters
    ----------
    database : Database
        File or URL of the collection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def location(self) -> str:
        """Its file, or its URL without the password."""
        return self._database.name

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state of the collection."""
        return self._database.reading()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that alone may write; where it changes rows, the state is a new one."""
        changes: list[int] = []

        def note(_: object, statement: object, *executed: Any) -> None:
            if isinstance(statement, UpdateBase):
                changes.append(executed[-1].rowcount)  # -1 where the driver does not count

        with self._database.writing() as connection:
            event.listen(connection, "after_execute", note)
            yield connection
            if any(changes):
                keep_setting(connection, "state", token_hex(8))

    def state(self) -> str | None:
        """Return a token that is another one after every change, whoever made it, and the same without any."""
        with self.reading() as connection:
            token: str | None = setting(connection, "state")
            return token

    def embedder(self) -> EmbedderId | None:
        """Return the embedder of the templates; None before the first photograph."""
        with self.reading() as connection:
            return embedder_of(connection)

    def counts(self) -> dict[str, int]:
        """Return the numbers of photographs, files, faces and groups."""
        tables = {"photographs": photographs, "files": places, "faces": faces, "groups": groups}
        with self.reading() as connection:
            return {name: connection.scalar(select(func.count()).select_from(t)) or 0 for name, t in tables.items()}

    def faces(self) -> IndexedFaces:
        """Return all faces as arrays.

        Warns
        -----
        DamageWarning
            If faces are damaged: they are left out.
        """
        query = (
            select(faces.c.id, faces.c.photograph_id, faces.c.unfit, faces.c.group_id, faces.c.vector)
            .join_from(faces, photographs)
            .order_by(photographs.c.sha256, faces.c.number)
        )
        parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        with self.reading() as connection:
            rows = connection.execution_options(yield_per=PART).execute(query)
            for part in rows.partitions():
                vectors = [row.vector for row in part]
                dimensions = parts[0][1].shape[1] if parts else _usual_length(vectors)
                sound = sound_rows(vectors, dimensions)
                _leave_out([row.id for row, whole in zip(part, sound, strict=True) if not whole])
                kept = [row for row, whole in zip(part, sound, strict=True) if whole]
                if kept:
                    numbers = np.array(
                        [(row.id, row.photograph_id, not row.unfit, row.group_id or 0) for row in kept], dtype=np.int64
                    )
                    parts.append((numbers, np.stack([row.vector for row in kept])))
        columns = np.concatenate([part for part, _ in parts]) if parts else np.zeros((0, 4), dtype=np.int64)
        matrix = np.concatenate([part for _, part in parts]) if parts else np.zeros((0, 1), dtype=np.float32)
        return IndexedFaces(columns[:, 0], matrix, columns[:, 1], columns[:, 2].astype(bool), columns[:, 3])

    def templates(self, group: int | str) -> tuple[Template, ...]:
        """Return the templates of a group, told by its number or name, those of good quality first.

        Raises
        ------
        InputError
            If there is no such group.
        """
        with self.reading() as connection:
            rows = _members(connection, _group_id(connection, group))
        embedder = self.embedder()
        return tuple(_template(row, embedder) for row in rows if embedder)

    def enrol(self, group: int, gallery: str | PathLike[str]) -> Enrolled:
        """Enrol the faces of a named group in a gallery, which is made if there is none, and return what came of it.

        Faces of low quality are not enrolled, but told.

        Raises
        ------
        InputError
            If there is no such group, or it has no name.
        GalleryError
            If the gallery cannot be written.
        """
        with self.reading() as connection:
            name = connection.scalar(select(groups.c.name).where(groups.c.id == group))
            if name is None:
                raise InputError(f"group {group} has no name; faceloupe name {group} NAME gives one")
            rows = _members(connection, group)
        embedder = self.embedder()
        taken = [
            Photograph(
                Path(row.path or row.sha256), row.sha256, (row.width, row.height), (), (_template(row, embedder),)
            )
            for row in rows
            if embedder
        ]
        with open_gallery(gallery, create=True) as people:
            return people.enrol(name, taken)

    def rulings(self, *, same: bool) -> list[tuple[int, int]]:
        """Return ids of two faces each that somebody said show one person, or two people."""
        with self.reading() as connection:
            return rulings.said(connection, same=same)

    def join(self, one: int, other: int) -> int:
        """Say that two groups are one person, and return the id of the group they are now.

        Raises
        ------
        InputError
            If there is no such group, they are one already, two of their faces are of one photograph or were said to
            show two people, or both have names.
        """
        with self.writing() as connection:
            return rulings.join(connection, one, other)

    def separate(self, faces: Sequence[int]) -> int:
        """Say that faces of one group are not that person but another, and return the id of the group they are now.

        Raises
        ------
        InputError
            If there is no such face, they are of several groups, or nothing of the group would be left.
        """
        with self.writing() as connection:
            return rulings.separate(connection, faces)

    def confirm(self, one: int, other: int) -> bool:
        """Say that two faces are grouped rightly: one person if they are in one group, otherwise two people.

        Returns
        -------
        bool
            Whether they are one person.

        Raises
        ------
        InputError
            If there is no such face, or one was never grouped.
        """
        with self.writing() as connection:
            return rulings.confirm(connection, one, other)

    def name(self, group: int, name: str | None) -> None:
        """Give a group a name, or take its name back with None.

        Raises
        ------
        InputError
            If there is no such group, the name cannot be one, or another group has it.
        """
        with self.writing() as connection:
            rulings.name(connection, group, name)

    def undo(self) -> str | None:
        """Take back the last thing that was said, and return what it was; None if there is nothing left.

        Faces go back to the groups they were in then.
        """
        with self.writing() as connection:
            return rulings.undo(connection)

    def drop_gone(self) -> int:
        """Remove photographs none of whose files is there any more, with their faces; return how many.

        The bytes of their templates, and the names of groups that go with them, are erased from the database's files.

        Raises
        ------
        GalleryError
            If another program keeps the bytes from being erased: do the same again then.
        """
        with self.writing() as connection:
            unlisted = connection.execute(delete(places).where(places.c.gone.is_(True))).rowcount
            lost = select(photographs.c.id).where(photographs.c.id.not_in(select(places.c.photograph_id)))
            own = connection.scalars(select(faces.c.id).where(faces.c.photograph_id.in_(lost)))
            rulings.drop_faces(connection, set(own))
            connection.execute(delete(faces).where(faces.c.photograph_id.in_(lost)))
            dropped = connection.execute(delete(photographs).where(photographs.c.id.in_(lost))).rowcount
            rulings.drop_empty(connection)
            if rulings.forget_names(connection) or unlisted or dropped:
                keep_setting(connection, "to_erase", token_hex(8))
            to_erase = setting(connection, "to_erase")  # also what could not be erased at an earlier call
        if to_erase:
            self._database.erase([table.name for table in metadata.sorted_tables])
            with self._database.writing() as connection:
                if setting(connection, "to_erase") == to_erase:
                    keep_setting(connection, "to_erase", None)
        return dropped

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> "Collection":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        numbers = ", ".join(f"{count:,} {noun}" for noun, count in self.counts().items())
        return f"Collection({self.location!r}: {numbers})"


def open_collection(url: str | PathLike[str] = "collection.db", *, create: bool = False) -> Collection:
    """Open a collection.

    Parameters
    ----------
    url : str or path
        An SQLite file, or a URL of SQLAlchemy as for :func:`faceloupe.open_gallery`.
    create : bool
        Make it if there is none; a file for its owner's eyes only (mode 0600).

    Raises
    ------
    GalleryError
        If there is none, what is there is something else or newer than this code, or it cannot be opened.
    InputError
        If the URL cannot be understood.
    """
    database = Database(url, from_json=_json)
    try:
        if create:
            database.make_file()
        elif database.path is not None and not database.path.exists():
            raise GalleryError(f"There is no collection at {database.name}. faceloupe index FOLDER makes one.")
        _prepare(database, create=create)
        database.let_readers_in()
    except BaseException:
        database.close()
        raise
    return Collection(database)


def embedder_of(connection: Connection) -> EmbedderId | None:
    """Return the embedder of a collection's templates; None where none is noted, or what is noted is damaged."""
    value = setting(connection, "embedder")
    whole = isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)
    return EmbedderId(*value) if whole else None


def _members(connection: Connection, group: int) -> list[Any]:
    """Return the faces of a group, those of good quality first, without the damaged ones."""
    file = select(func.min(places.c.path)).where(places.c.photograph_id == photographs.c.id, places.c.gone.is_(False))
    query = (
        select(
            faces.c.id, faces.c.vector, faces.c.quality, photographs.c.sha256, photographs.c.width,
            photographs.c.height, file.scalar_subquery().label("path"),
        )
        .join_from(faces, photographs)
        .where(faces.c.group_id == group)
        .order_by(faces.c.unfit != "", faces.c.id)
    )  # fmt: skip
    rows = connection.execute(query).all()
    vectors = [row.vector for row in rows]
    sound = sound_rows(vectors, _usual_length(vectors))
    whole = [bool(fits) and is_quality(row.quality) for row, fits in zip(rows, sound, strict=True)]
    _leave_out([row.id for row, kept in zip(rows, whole, strict=True) if not kept])
    return [row for row, kept in zip(rows, whole, strict=True) if kept]


def _usual_length(vectors: Sequence[NDArray[np.float32]]) -> int:
    return Counter(map(len, vectors)).most_common(1)[0][0] if vectors else 0


def _leave_out(numbers: Sequence[int]) -> None:
    """Say that damaged faces are not part of an answer."""
    if numbers:
        shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        words = f"damaged, and left out: face {shown}. Index the photographs again into another collection"
        warnings.warn(words, DamageWarning, stacklevel=3)


def _json(content: Any) -> Any:
    """Return the value of a JSON column; None where another program wrote something else."""
    try:
        return parse_json(content)
    except InputError:
        return None


def _group_id(connection: Connection, group: int | str) -> int:
    by_name = connection.scalar(select(groups.c.id).where(groups.c.name == str(group)))
    number = by_name or (int(group) if str(group).isdecimal() and len(str(group)) <= DIGITS else 0)
    if connection.scalar(select(groups.c.id).where(groups.c.id == number)) is None:
        raise InputError(
            f"there is no photograph {group}, and no group of that name or number; faceloupe group lists them"
        )
    return number


def _template(row: Row[Any], embedder: EmbedderId) -> Template:
    quality = Quality(**{**row.quality, "pose": Pose(**row.quality["pose"])})
    return Template(row.vector, embedder.name, embedder.sha256, quality)


def _prepare(database: Database, *, create: bool) -> None:
    with database.reading() as connection:
        tables = inspect(connection).get_table_names()
        if settings.name in tables:
            version = connection.scalar(select(settings.c.value).where(settings.c.name == "schema"))
            if version != SCHEMA:
                raise GalleryError(
                    f"{database.name} has schema {version} of collections; this faceloupe knows {SCHEMA}. Upgrade it, "
                    "or index the photographs again into another file."
                )
            return
    if tables and database.path is not None:
        raise GalleryError(f"{database.name} is a database of something else, not a collection. Name another file.")
    if not create:
        raise GalleryError(f"There is no collection at {database.name}. faceloupe index FOLDER makes one.")
    with database.writing() as connection:
        metadata.create_all(connection)  # those that are missing: another program may just have made it
        keep_setting(connection, "schema", SCHEMA)
