"""Galleries of older schemas."""

import json
import sqlite3
from contextlib import closing

from alembic import command
from alembic.config import Config

from faceloupe.gallery import revisions
from faceloupe.gallery.database import Database
from helpers.galleries import photograph, unit


def migrate_only_to(place, revision):
    """Make a gallery of an older schema, in a file or on a server."""
    with closing(Database(place)) as database:
        database.make_file()
        with database.migrating() as connection:
            config = Config()
            config.set_main_option("script_location", str(revisions._MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)


def make_before(path, revision):
    """Make a gallery of schema "0001" or "0002" with subject 3, Ann, of one reference."""
    migrate_only_to(path, revision)
    vector = unit(1).astype("<f4").tobytes()
    quality = json.dumps(photograph("1.jpg").templates[0].quality.to_document())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO subjects VALUES (3, 'Ann', 'form 12', '2026-01-01 00:00:00')")
        connection.execute(
            "INSERT INTO face_references VALUES (1, 3, 'toy', 'w', 16, ?, ?, 's', NULL, '2026-01-01 00:00:00')",
            (vector, quality),
        )
