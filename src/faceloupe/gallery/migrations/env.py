"""Alembic runs this file for every command; who calls it hands over the connection, in a transaction."""

from alembic import context

from faceloupe.gallery.schema import metadata

__all__: list[str] = []

VERSION_TABLE = "gallery_schema"
"""Not Alembic's usual name: on a server the database may hold other tables with migrations of their own."""


def migrate() -> None:
    """Run the migrations within the transaction that is open."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        transactional_ddl=True,  # SQLite can, where the driver does not interfere
    )
    with context.begin_transaction():
        context.run_migrations()


if hasattr(context, "config"):  # run by Alembic; whoever only imports this file migrates nothing
    migrate()
