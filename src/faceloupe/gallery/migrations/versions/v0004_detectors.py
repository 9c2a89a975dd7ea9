"""The detector that found the face of each reference; empty for those that are here, which any may have found."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, and an index in which the one that is noted is looked up."""
    op.add_column("face_references", sa.Column("detector", sa.String(200), nullable=False, server_default=""))
    op.create_index("references_by_detector", "face_references", ["detector"])
