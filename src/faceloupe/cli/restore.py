"""``faceloupe restore``: make a gallery from a backup."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import GalleryName
from faceloupe.cli.terminal import echo
from faceloupe.errors import InputError


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File written by faceloupe backup.")],
    gallery: GalleryName = "faceloupe.db",
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Encrypt the new gallery with the key in this file, or with keyring:SERVICE/NAME; see FACELOUPE_KEY.",
        ),
    ] = None,
) -> None:
    """Make a new gallery from a backup. With --key it is encrypted, or encrypted anew with another key."""
    from faceloupe.gallery.backups import restore as make
    from faceloupe.seals import IN_KEYRING

    if "://" in gallery:
        raise InputError("--gallery: expected the name of a file; on a server restore with pg_restore")
    make(file, Path(gallery).expanduser(), key)
    place = key if key is None or key.startswith(IN_KEYRING) else Path(key).expanduser().absolute()
    echo(f"{file} is restored as {gallery}." + (f" Set FACELOUPE_KEY={place} to use it." if place else ""))
