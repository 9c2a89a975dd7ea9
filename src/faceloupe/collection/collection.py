"""A collection: the faces of photographs, the groups they are in, and what people said of both."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from os import PathLike
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, UpdateBase, event, func, inspect, select

from faceloupe.collection import dropping, rulings
from faceloupe.collection.members import (
    IndexedFaces,
    all_faces,
    detector_of,
    embedder_of,
    group_number,
    members,
    photographs_of,
    template_of,
)
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
from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery.database import Database
from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.records import EmbedderId, Enrolled
from faceloupe.recognition.templates import Template


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

    def detector(self) -> str | None:
        """Return the detector that found the faces, as `Detection.detector`; None before the first photograph."""
        with self.reading() as connection:
            return None if embedder_of(connection) is None else detector_of(connection)

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
        with self.reading() as connection:
            return all_faces(connection)

    def templates(self, group: int | str) -> tuple[Template, ...]:
        """Return the templates of a group, given by its number or name, those of good quality first.

        Raises
        ------
        InputError
            If there is no such group.
        """
        with self.reading() as connection:
            rows, embedder = members(connection, group_number(connection, group)), embedder_of(connection)
            detector = detector_of(connection)
        return tuple(template_of(row, embedder, detector) for row in rows if embedder)

    def enrol(
        self, group: int, gallery: Gallery | str | PathLike[str], *, name: str | None = None, consent: str = ""
    ) -> Enrolled:
        """Enrol the faces of a group in a gallery, which is made if there is none, and return what came of it.

        Faces of low quality are not enrolled, but told. The gallery is an open one, or its file or URL. The name is the
        group's, or one that it is to be given once this is done, by :meth:`name`.

        Raises
        ------
        InputError
            If there is no such group, it has no name and is given none, or could not be given that one.
        GalleryError
            If the gallery cannot be written.
        """
        with self.reading() as connection:
            if name is None:
                name = connection.scalar(select(groups.c.name).where(groups.c.id == group))
            else:
                name = rulings.name_for(connection, group, name)
            if name is None:
                raise InputError(f"group {group} has no name; faceloupe name {group} NAME gives one")
            photographs = photographs_of(connection, group)
        if isinstance(gallery, Gallery):
            return gallery.enrol(name, photographs, consent=consent)
        with open_gallery(gallery, create=True) as people:
            return people.enrol(name, photographs, consent=consent)

    def rulings(self, *, same: bool) -> list[tuple[int, int]]:
        """Return ids of two faces each that somebody said show one person, or two people."""
        with self.reading() as connection:
            return rulings.pairs_ruled(connection, same=same)

    def join(self, first: int, second: int) -> int:
        """Say that two groups are one person, and return the id of the group they are now.

        Raises
        ------
        InputError
            If there is no such group, they are one already, two of their faces are of one photograph or were said to
            show two people, or both have names.
        """
        with self.writing() as connection:
            return rulings.join(connection, first, second)

    def separate(self, faces: Sequence[int]) -> int:
        """Say that faces of one group are not that person but another, and return the id of the group they are now.

        Raises
        ------
        InputError
            If there is no such face, they are of several groups, or nothing of the group would be left.
        """
        with self.writing() as connection:
            return rulings.separate(connection, faces)

    def confirm(self, first: int, second: int) -> bool:
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
            return rulings.confirm(connection, first, second)

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
            dropped = dropping.drop_gone(connection)
        self.erase()
        return dropped

    def erase(self) -> None:
        """Erase the bytes of what was removed from the database's files, if there are any.

        Raises
        ------
        GalleryError
            If another program keeps them from being erased: do the same again then.
        """
        dropping.erase(self._database)

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


def _json(content: Any) -> Any:
    """Return the value of a JSON column; None where another program wrote something else."""
    try:
        return parse_json(content)
    except InputError:
        return None


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
