"""The detector that found the face of each reference; until then it was YuNet."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("face_references", sa.Column("detector", sa.String(200), nullable=False, server_default="yunet"))
