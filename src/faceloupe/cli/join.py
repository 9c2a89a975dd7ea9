"""``faceloupe join``: join two groups of a collection that are one person."""

from typing import Annotated

import typer

from faceloupe.cli.options import CollectionName
from faceloupe.cli.terminal import echo


def join(
    first: Annotated[int, typer.Argument(metavar="GROUP", help="Number of a group, as faceloupe group lists it.")],
    second: Annotated[int, typer.Argument(metavar="GROUP", help="Number of a second group.")],
    collection: CollectionName = "collection.db",
) -> None:
    """Join two groups: they are one person. Later groupings respect it, and undo reverts it."""
    from faceloupe.collection.collection import open_collection

    with open_collection(collection) as photographs:
        echo(f"They are group {photographs.join(first, second)} now.")
