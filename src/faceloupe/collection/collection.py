"""A collection: the faces of photographs, the groups they are in, and what people said of both."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, delete, func, insert, inspect, select

from faceloupe.collection import rulings
from faceloupe.collection.schema import SCHEMA, faces, groups, metadata, photographs, places, settings
from faceloupe.collection.schema import rulings as ruling_rows
from faceloupe.documents import parse_json
from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery.database import Database
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.recognition.templates import Template

__all__ = ["Collection", "IndexedFaces", "open_collection"]


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
        """Where it lies: a file or a URL without its password."""
        return self._database.name

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state of the collection."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that alone may write."""
        return self._database.writing()

    def embedder(self) -> EmbedderId | None:
        """Return what made the templates; None before the first photograph."""
        with self.reading() as connection:
            value = connection.scalar(select(settings.c.value).where(settings.c.name == "embedder"))
        return EmbedderId(*value) if value else None

    def counts(self) -> dict[str, int]:
        """Return how many photographs, files, faces and groups there are."""
        tables = {"photographs": photographs, "files": places, "faces": faces, "groups": groups}
        with self.reading() as connection:
            return {name: connection.scalar(select(func.count()).select_from(t)) or 0 for name, t in tables.items()}

    def faces(self) -> IndexedFaces:
        """Return all faces as arrays."""
        query = (
            select(faces.c.id, faces.c.vector, faces.c.photograph_id, faces.c.unfit, faces.c.group_id)
            .join_from(faces, photographs)
            .order_by(photographs.c.sha256, faces.c.number)
        )
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return IndexedFaces(
            np.array([row.id for row in rows], dtype=np.int64),
            np.stack([row.vector for row in rows]) if rows else np.zeros((0, 1), dtype=np.float32),
            np.array([row.photograph_id for row in rows], dtype=np.int64),
            np.array([not row.unfit for row in rows], dtype=bool),
            np.array([row.group_id or 0 for row in rows], dtype=np.int64),
        )

    def templates(self, group: int | str) -> tuple[Template, ...]:
        """Return the templates of a group, told by its number or name, those of good quality first.

        Raises
        ------
        InputError
            If there is no such group.
        """
        with self.reading() as connection:
            own = _group_id(connection, group)
            rows = connection.execute(_of_group(own)).all()
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
            rows = connection.execute(_of_group(group)).all()
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
        query = (
            select(ruling_rows.c.one, ruling_rows.c.two).where(ruling_rows.c.same == same).order_by(ruling_rows.c.id)
        )
        with self.reading() as connection:
            return [(row.one, row.two) for row in connection.execute(query)]

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
        """Remove photographs none of whose files is there any more, with their faces; return how many."""
        with self.writing() as connection:
            connection.execute(delete(places).where(places.c.gone.is_(True)))
            left = select(places.c.photograph_id)
            lost = select(photographs.c.id).where(photographs.c.id.not_in(left))
            own = select(faces.c.id).where(faces.c.photograph_id.in_(lost))
            connection.execute(delete(ruling_rows).where(ruling_rows.c.one.in_(own) | ruling_rows.c.two.in_(own)))
            connection.execute(delete(faces).where(faces.c.photograph_id.in_(lost)))
            dropped = connection.execute(delete(photographs).where(photographs.c.id.not_in(left))).rowcount
            rulings.drop_empty(connection)
            return dropped

    def close(self) -> None:
        """Let go of the database."""
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
    database = Database(url, from_json=parse_json)
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


def _of_group(group: int) -> Select[Any]:
    """Select what makes templates of a group's faces."""
    file = select(func.min(places.c.path)).where(places.c.photograph_id == photographs.c.id, places.c.gone.is_(False))
    return (
        select(
            faces.c.vector,
            faces.c.quality,
            photographs.c.sha256,
            photographs.c.width,
            photographs.c.height,
            file.scalar_subquery().label("path"),
        )
        .join_from(faces, photographs)
        .where(faces.c.group_id == group)
        .order_by(faces.c.unfit != "", faces.c.id)
    )


def _group_id(connection: Connection, group: int | str) -> int:
    by_name = connection.scalar(select(groups.c.id).where(groups.c.name == str(group)))
    number = by_name or (int(group) if str(group).isdigit() else 0)
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
        raise GalleryError(f"{database.name} is a database of something else, no collection. Name another file.")
    if not create:
        raise GalleryError(f"There is no collection at {database.name}. faceloupe index FOLDER makes one.")
    with database.writing() as connection:
        metadata.create_all(connection)
        connection.execute(insert(settings).values(name="schema", value=SCHEMA))
