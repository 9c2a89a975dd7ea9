"""The tables of a collection: photographs by content, where they lie, their faces, and what people said of them."""

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
)

from faceloupe.gallery.schema import Instant, Label, Note, OptionalLabel, Vector, big_integer

SCHEMA = 1
"""Version of these tables."""

PART = 10_000
"""Values that are named in a query at a time: databases limit them."""

T = TypeVar("T")

metadata = MetaData()

settings = Table("collection_settings", metadata, Column("name", String(40), primary_key=True), Column("value", JSON))
"""The schema's version, the embedder that made all templates, what the last grouping was unsure of, a token that is
another one after every change, one as long as bytes of what was removed are still to be erased, and for unknown faces
the seconds that they are kept for."""

KEPT_FOR = "kept_for"
"""The setting that tells a collection of unknown faces, which are kept for a time, from one of photographs."""

photographs = Table(
    "collection_photographs",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("problem", Text),  # why nothing was recognised
    Column("indexed", Instant, nullable=False),
    sqlite_autoincrement=True,
)
"""One row for each content, however many files hold it."""

places = Table(
    "collection_places",
    metadata,
    Column("path", Note, primary_key=True),
    Column("photograph_id", big_integer(), ForeignKey("collection_photographs.id"), nullable=False, index=True),
    Column("bytes", big_integer(), nullable=False),
    Column("modified", big_integer(), nullable=False),  # nanoseconds since 1970
    Column("gone", Boolean, nullable=False, default=False),
)
"""Files that hold a photograph. Size and time say whether one has to be read again."""

groups = Table(
    "collection_groups",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("name", OptionalLabel(200), unique=True),
    sqlite_autoincrement=True,  # numbers are never used again
)
"""Faces held to be one person."""

faces = Table(
    "collection_faces",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("photograph_id", big_integer(), ForeignKey("collection_photographs.id"), nullable=False),
    Column("number", Integer, nullable=False),  # within the photograph, in reading order, from 1
    Column("detection", JSON, nullable=False),
    Column("vector", Vector, nullable=False),
    Column("quality", JSON, nullable=False),
    Column("unfit", Note, nullable=False),  # what makes it unfit to join groups, in words; empty if nothing
    Column("chip", LargeBinary),  # PNG, where somebody asked to keep it
    Column("group_id", big_integer(), ForeignKey("collection_groups.id"), index=True),
    Index("collection_faces_by_photograph", "photograph_id", "number", unique=True),
    sqlite_autoincrement=True,
)

actions = Table(
    "collection_actions",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", Label(200), nullable=False),
    Column("what", Label(40), nullable=False),
    Column("before", JSON, nullable=False),  # what undoing it puts back
    Column("undone", Boolean, nullable=False, default=False),
    sqlite_autoincrement=True,
)
"""What people did, in order, with the name that a group had before; never a template."""

rulings = Table(
    "collection_rulings",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("action_id", big_integer(), ForeignKey("collection_actions.id"), nullable=False, index=True),
    Column("same", Boolean, nullable=False),
    Column("one", big_integer(), ForeignKey("collection_faces.id"), nullable=False),
    Column("two", big_integer(), ForeignKey("collection_faces.id"), nullable=False),
    sqlite_autoincrement=True,
)
"""Two faces that somebody said are one person, or two: no grouping goes against it."""


def add_row(connection: Connection, table: Table, **values: Any) -> int:
    """Add a row to a table and return its id."""
    added: int = connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
    return added


def setting(connection: Connection, name: str) -> Any:
    """Return a setting; None if there is none."""
    return connection.scalar(select(settings.c.value).where(settings.c.name == name))


def keep_setting(connection: Connection, name: str, value: Any) -> None:
    """Keep a setting in place of the one there is."""
    connection.execute(delete(settings).where(settings.c.name == name))
    connection.execute(insert(settings).values(name=name, value=value))


def parts(values: Collection[T]) -> Iterator[list[T]]:
    """Yield values in lists short enough for one query."""
    several = list(values)
    yield from (several[start : start + PART] for start in range(0, len(several), PART))
