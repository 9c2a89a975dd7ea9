"""External ids and metadata; two subjects of one name, where each has an external id."""

import sqlalchemy as sa
from alembic import op

from faceloupe.gallery.schema import Instant, big_integer

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns, and let a name be one subject's alone only where there is no external id."""
    if op.get_bind().dialect.name == "sqlite":
        _build_anew()
    else:
        op.drop_constraint("subjects_name_key", "subjects", type_="unique")
        for column in _columns():
            op.add_column("subjects", column)
    op.create_index("subjects_by_name", "subjects", ["name"])
    op.create_index("subjects_by_external_id", "subjects", ["external_id"], unique=True)
    without = sa.text("external_id IS NULL")
    op.create_index(
        "names_without_external_id", "subjects", ["name"], unique=True, sqlite_where=without, postgresql_where=without
    )


def _columns() -> tuple[sa.Column[str | None], sa.Column[str]]:
    return (
        sa.Column("external_id", sa.String(200)),
        sa.Column("metadata", sa.JSON, nullable=False, server_default="{}"),
    )


def _build_anew() -> None:
    """Build the table anew: SQLite drops no constraint (https://sqlite.org/lang_altertable.html, section 7)."""
    connection = op.get_bind()
    last = connection.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'subjects'")).scalar()
    op.create_table(
        "subjects_anew",
        sa.Column("id", big_integer(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("created", Instant, nullable=False),
        *_columns(),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO subjects_anew (id, name, consent, created) SELECT id, name, consent, created FROM subjects")
    op.drop_table("subjects")
    op.rename_table("subjects_anew", "subjects")
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'subjects'")
    if last is not None:  # the numbers of those who were forgotten are never used again
        sequence = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
        op.execute(sequence.insert().values(name="subjects", seq=last))
