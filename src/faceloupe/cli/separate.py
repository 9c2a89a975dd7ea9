"""``faceloupe separate``: take faces out of their group of a collection."""

from typing import Annotated

import typer

from faceloupe.cli.options import CollectionName
from faceloupe.cli.terminal import echo


def separate(
    faces: Annotated[list[int], typer.Argument(metavar="FACE...", help="Numbers of faces of one group.")],
    collection: CollectionName = "collection.db",
) -> None:
    """Take faces out of a group: they are another person. Later groupings respect it, and undo reverts it."""
    from faceloupe.collection.collection import open_collection

    with open_collection(collection) as photographs:
        echo(f"They are group {photographs.separate(faces)} now.")
