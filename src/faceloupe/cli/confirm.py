"""``faceloupe confirm``: say that two faces of a collection are grouped rightly."""

from typing import Annotated

import typer

from faceloupe.cli.options import CollectionName
from faceloupe.cli.terminal import echo


def confirm(
    first: Annotated[int, typer.Argument(metavar="FACE", help="Number of a face, as the page of groups lists it.")],
    second: Annotated[int, typer.Argument(metavar="FACE", help="Number of a second face.")],
    collection: CollectionName = "collection.db",
) -> None:
    """Confirm that two faces are grouped correctly: one person if they are in one group, otherwise two people.

    Later groupings respect it, the doubt is not raised again, and undo reverts it.
    """
    from faceloupe.collection.collection import open_collection

    with open_collection(collection) as photographs:
        same = photographs.confirm(first, second)
    echo(f"Faces {first} and {second} are {'one person' if same else 'two people'}.")
