"""``faceloupe separate``: say that faces of a collection are not the person of their group."""

from typing import Annotated

import typer

from faceloupe.cli.options import CollectionName
from faceloupe.cli.terminal import echo

__all__ = ["separate"]


def separate(
    faces: Annotated[list[int], typer.Argument(metavar="FACE...", help="Numbers of faces of one group.")],
    collection: CollectionName = "collection.db",
) -> None:
    """Say that faces are another person than the rest of their group; later groupings keep to it."""
    from faceloupe.collection.collection import open_collection

    with open_collection(collection) as photographs:
        echo(f"They are group {photographs.separate(faces)} now.")
