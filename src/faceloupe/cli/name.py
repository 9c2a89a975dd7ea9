"""``faceloupe name``: give a group of a collection a name, and put it into a gallery."""

from typing import Annotated

import typer

from faceloupe.cli.options import CollectionName, gallery_if_any
from faceloupe.cli.terminal import echo, say
from faceloupe.errors import InputError


def name(
    group: Annotated[int, typer.Argument(metavar="GROUP", help="Number of a group, as faceloupe group lists it.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name of the person.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove the name.")] = False,
    gallery: Annotated[str | None, gallery_if_any("Enrol the group's faces there under the name.")] = None,
    collection: CollectionName = "collection.db",
) -> None:
    """Name a group. With --gallery its faces become references there."""
    if (name is None) != none:
        raise InputError("name takes a group and a name (name 3 Ann), or a group and --none")
    from faceloupe.collection.collection import open_collection

    with open_collection(collection) as photographs:
        if name is None or gallery is None:
            photographs.name(group, name)
            echo(f"Group {group} is called {name}." if name else f"Group {group} has no name.")
            return
        enrolled = photographs.enrol(group, gallery, name=name)  # where that cannot be, the group gets no name either
        photographs.name(group, name)
    for refused in enrolled.refused:
        say(f"not enrolled: {refused.path}: {refused.reason}")
    already = f", {len(enrolled.already_enrolled):,} were there" if enrolled.already_enrolled else ""
    echo(f"Group {group} is called {name}; {len(enrolled.enrolled):,} photographs enrolled in {gallery}{already}.")
