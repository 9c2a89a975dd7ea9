"""Chain the lines of the trail, so that one that is changed, put in or taken out shows."""

import sqlalchemy as sa
from alembic import op

from faceloupe.gallery.trail import chain_all

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, and chain what is there."""
    op.add_column("audit", sa.Column("chain", sa.String(64), nullable=False, server_default=""))
    chain_all(op.get_bind())
