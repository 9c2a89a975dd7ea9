"""``faceloupe undo``: undo the last join, separate, confirm or name in a collection."""

import typer

from faceloupe.cli.options import CollectionName
from faceloupe.cli.terminal import echo, say


def undo(collection: CollectionName = "collection.db") -> None:
    """Undo the last join, separate, confirm or name. Once more undoes the one before it.

    Exit status 1 if nothing is left.
    """
    from faceloupe.collection.collection import open_collection

    with open_collection(collection) as photographs:
        what = photographs.undo()
    if what is None:
        echo("Nothing to take back.")
        raise typer.Exit(1)
    echo(f"Taken back: {what}.")
    if what == "name":
        say("What was enrolled in a gallery under that name stays there; faceloupe forget NAME erases it.")
