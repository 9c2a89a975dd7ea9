"""``faceloupe backup``: the whole gallery in one file."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import GalleryName
from faceloupe.cli.terminal import echo, say


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    gallery: GalleryName = "faceloupe.db",
) -> None:
    """Write the whole gallery into one file, also while a server uses it. It is personal data, like the gallery."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery) as people:
        people.backup(file)
    say("People whom the gallery forgets later stay in this file: delete old backups.")
    echo(str(file))
