"""``faceloupe merge``: merge two people of a gallery who are one."""

from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json
from faceloupe.numerals import counted


def merge(
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    into: Annotated[str, typer.Argument(metavar="INTO")],
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Merge two people who are one. Everything of SOURCE moves to INTO; this cannot be undone."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery) as people:
        person = people.merge(source, into)
    words = f"{source} is part of {person.name} now, who has {counted(person.references, 'reference')}."
    echo_json(person.to_document()) if json else echo(words)
