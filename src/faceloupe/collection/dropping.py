"""Removals from a collection: the rows at once, then the bytes that they leave in the database's files."""

from collections.abc import Set
from secrets import token_hex

from sqlalchemy import Connection, delete, select

from faceloupe.collection import rulings
from faceloupe.collection.schema import faces, keep_setting, metadata, parts, photographs, places, setting
from faceloupe.gallery.database import Database


def drop_gone(connection: Connection) -> int:
    """Remove photographs none of whose files is there any more, with their faces; return how many."""
    unlisted = connection.execute(delete(places).where(places.c.gone.is_(True))).rowcount
    lost = photographs.c.id.not_in(select(places.c.photograph_id))
    of_lost = select(faces.c.id).join_from(faces, photographs).where(lost)
    dropped_faces = drop_faces(connection, set(connection.scalars(of_lost)))
    dropped: int = connection.execute(delete(photographs).where(lost)).rowcount
    if unlisted or dropped or dropped_faces:
        _note_to_erase(connection)
    return dropped


def drop_faces(connection: Connection, lost: Set[int]) -> int:
    """Remove faces, with what was said of them and the names of groups that go with them; return how many."""
    rulings.drop_faces(connection, lost)
    dropped = 0
    for part in parts(lost):
        dropped += connection.execute(delete(faces).where(faces.c.id.in_(part))).rowcount
    rulings.drop_empty(connection)
    if rulings.forget_names(connection) or dropped:
        _note_to_erase(connection)
    return dropped


def erase(database: Database) -> None:
    """Erase the bytes of what was removed, also by an earlier call that could not; nothing where there are none.

    Raises
    ------
    GalleryError
        If another program keeps them from being erased: do the same again then.
    """
    with database.reading() as connection:
        to_erase = setting(connection, "to_erase")
    if to_erase:
        database.erase([table.name for table in metadata.sorted_tables])
        with database.writing() as connection:
            if setting(connection, "to_erase") == to_erase:
                keep_setting(connection, "to_erase", None)


def _note_to_erase(connection: Connection) -> None:
    keep_setting(connection, "to_erase", token_hex(8))
