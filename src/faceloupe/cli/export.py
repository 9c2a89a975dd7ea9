"""``faceloupe export``: write everybody of a gallery into one file."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import GalleryName
from faceloupe.cli.terminal import echo, say
from faceloupe.numerals import counted


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    gallery: GalleryName = "faceloupe.db",
    sign: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Sign it with a file of 32 secret bytes or more, or keyring:SERVICE/NAME, for import --signed-by KEY.",
        ),
    ] = None,
) -> None:
    """Write all people with their references into one file. It is personal data, like the gallery."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery) as people:
        count = people.export(file, key=sign)
    say(f"{counted(count, 'subject')} exported. The file holds names and biometric templates: keep it as carefully as "
        "the gallery, and delete it after use.")  # fmt: skip
    echo(str(file))
