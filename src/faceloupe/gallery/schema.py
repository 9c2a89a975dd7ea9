"""The tables of a gallery: one schema for SQLite and PostgreSQL.

The migrations in ``migrations/versions`` make them; a test compares the two. SQLite lets another program write anything
into a column. What cannot be what the column is for is read as an empty value, which :mod:`faceloupe.gallery.soundness`
finds, so that one damaged row does not keep the others from being read.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite

REVISIONS = ("0001", "0002", "0003", "0004")
"""All schemas there have been, the scripts in ``migrations/versions``."""

REVISION = REVISIONS[-1]
"""Of the schema that this code reads and writes."""


UNKNOWN = datetime.min.replace(tzinfo=UTC)
"""What is read where a column holds no date."""


class Vector(TypeDecorator[NDArray[np.float32]]):
    """A template's vector: its little-endian bytes on SQLite, pgvector's type without fixed dimension on PostgreSQL."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the type that a database has for it."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(LargeBinary())
        from pgvector.sqlalchemy import VECTOR

        return dialect.type_descriptor(VECTOR())

    def process_bind_param(self, value: NDArray[np.float32] | None, dialect: Dialect) -> Any:
        """Turn (D,) float32 into what the database stores."""
        if value is None or dialect.name == "postgresql":
            return value
        return np.ascontiguousarray(value, dtype="<f4").tobytes()

    def process_result_value(self, value: Any, dialect: Dialect) -> NDArray[np.float32]:
        """Turn what the database stores into (D,) float32; (0,) if that is not a vector."""
        if dialect.name == "postgresql":
            return np.asarray(value, dtype=np.float32)
        whole = isinstance(value, bytes) and len(value) % 4 == 0
        return np.frombuffer(value if whole else b"", dtype="<f4")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn any moment into UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime:  # noqa: ARG002
        """Return the moment with its time zone; ``UNKNOWN`` if there is none."""
        return UNKNOWN if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the type that a database has for it."""
        forgiving: Any = _Forgiving
        return dialect.type_descriptor(forgiving() if dialect.name == "sqlite" else DateTime(timezone=True))


class _Forgiving(sqlite.DATETIME):
    """A date that is None where the text is none."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return the reader of a date."""
        read = super().result_processor(dialect, coltype)

        def process(value: Any) -> datetime | None:
            try:
                moment: datetime | None = read(value)  # type: ignore[misc]
            except (TypeError, ValueError):
                return None
            return moment

        return process


class Label(TypeDecorator[str]):
    """A text, also where another program has written numbers or bytes."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """Return the text."""
        if isinstance(value, bytes):
            return value.decode(errors="backslashreplace")
        return "" if value is None else str(value)


class OptionalLabel(Label):
    """A text, or none."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # type: ignore[override]
        """Return the text; None if there is none."""
        return None if value is None else super().process_result_value(value, dialect)


class Note(Label):
    """A text of any length."""

    impl = Text
    cache_ok = True


def big_integer() -> Any:
    """Return a type of 64 bits that SQLite takes for the number of a row."""
    return BigInteger().with_variant(Integer(), "sqlite")


metadata = MetaData()

subjects = Table(
    "subjects",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("name", Label(200), nullable=False),
    Column("consent", Note, nullable=False, default=""),
    Column("created", Instant, nullable=False),
    Column("external_id", OptionalLabel(200)),
    Column("metadata", JSON, nullable=False, default=dict, server_default="{}"),
    Index("subjects_by_name", "name"),
    Index("subjects_by_external_id", "external_id", unique=True),
    sqlite_autoincrement=True,  # ids are never used again, also not after a subject was forgotten
)
"""The people. Two may have one name where each has an external id: without one a name is a subject's alone."""

Index(
    "names_without_external_id", subjects.c.name, unique=True,
    sqlite_where=subjects.c.external_id.is_(None), postgresql_where=subjects.c.external_id.is_(None),
)  # fmt: skip

references = Table(
    "face_references",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("subject_id", big_integer(), ForeignKey("subjects.id"), nullable=False),
    Column("embedder", Label(200), nullable=False),
    Column("weights_sha256", Label(64), nullable=False),
    Column("dimensions", Integer, nullable=False),
    Column("vector", Vector, nullable=False),
    Column("quality", JSON, nullable=False),
    Column("source_sha256", Label(64), nullable=False),
    Column("face", LargeBinary),  # the face chip as PNG, where somebody asked to keep it
    Column("created", Instant, nullable=False),
    Column("detector", Label(200), nullable=False, default="", server_default=""),  # "" from before it was noted
    UniqueConstraint("subject_id", "source_sha256", "embedder", "weights_sha256", name="a_photograph_once"),
    Index("references_by_source", "source_sha256"),
    Index("references_by_detector", "detector"),  # with which the one that is noted is looked up at once
    sqlite_autoincrement=True,
)
"""Their templates, each with the photograph's hash; the photograph itself is not kept."""

audit = Table(
    "audit",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", Label(200), nullable=False),
    Column("what", Label(40), nullable=False),
    Column("subject_id", big_integer()),  # no foreign key: the trail of a forgotten subject stays
    Column("details", JSON, nullable=False),
    Column("chain", Label(64), nullable=False, default="", server_default=""),  # a hash of this line and the one before
    Index("audit_by_subject", "subject_id"),
    sqlite_autoincrement=True,
)
"""Who did what, and when. Only ever added to, in the order of the ids: whoever holds a copy of the references reads
the subjects again that rows after the last one he saw name. No name and no template: those could not be forgotten."""

operating_points = Table(
    "operating_points",
    metadata,
    Column("id", big_integer(), primary_key=True),
    Column("embedder", String(200), nullable=False),
    Column("weights_sha256", String(64), nullable=False),
    Column("document", JSON, nullable=False),
    Column("created", Instant, nullable=False),
    sqlite_autoincrement=True,
)
"""Thresholds that were calibrated for this gallery; of each embedder the latest one holds."""

schema_versions = Table(
    "gallery_schema_versions",
    metadata,
    Column("revision", String(32), primary_key=True),
    Column("faceloupe", String(40), nullable=False),
    Column("at", Instant, nullable=False),
)
"""Which faceloupe brought the gallery to which revision. Never changed by a migration: older versions read it."""
