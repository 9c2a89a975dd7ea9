"""Subjects, their references, the trail and the operating points."""

import sqlalchemy as sa
from alembic import op

from faceloupe.gallery.schema import Instant, Vector, big_integer

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "subjects",
        sa.Column("id", big_integer(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("created", Instant, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "face_references",
        sa.Column("id", big_integer(), primary_key=True),
        sa.Column("subject_id", big_integer(), sa.ForeignKey("subjects.id"), nullable=False),
        sa.Column("embedder", sa.String(200), nullable=False),
        sa.Column("weights_sha256", sa.String(64), nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.Column("vector", Vector, nullable=False),
        sa.Column("quality", sa.JSON, nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("face", sa.LargeBinary),
        sa.Column("created", Instant, nullable=False),
        sa.UniqueConstraint("subject_id", "source_sha256", "embedder", "weights_sha256", name="a_photograph_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("references_by_source", "face_references", ["source_sha256"])
    op.create_table(
        "audit",
        sa.Column("id", big_integer(), primary_key=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("subject_id", big_integer()),
        sa.Column("details", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_subject", "audit", ["subject_id"])
    op.create_table(
        "operating_points",
        sa.Column("id", big_integer(), primary_key=True),
        sa.Column("embedder", sa.String(200), nullable=False),
        sa.Column("weights_sha256", sa.String(64), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created", Instant, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "gallery_schema_versions",
        sa.Column("revision", sa.String(32), primary_key=True),
        sa.Column("faceloupe", sa.String(40), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
