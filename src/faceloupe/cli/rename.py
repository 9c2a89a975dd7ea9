"""``faceloupe rename``: give a person in a gallery another name."""

from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="As for show: a name, an external id or number:N.")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Give a person another name."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery) as people:
        person = people.rename(old, new)
    echo_json(person.to_document()) if json else echo(f"{old} is called {person.name} now.")
