"""``faceloupe import``: take in what ``faceloupe export`` wrote."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, legible, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

__all__ = ["import_"]


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What faceloupe export wrote.")],
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Take in what faceloupe export wrote. Nothing that is in the gallery is changed.

    Each subject comes whole or not at all. Exit status 1 if one did not come because the gallery has another one of
    that name, or one of the photographs as somebody else.
    """
    from faceloupe.gallery import open_gallery

    if not file.exists():  # or an empty gallery would be made
        raise InputError(f"{file} cannot be read: there is no such file")
    with open_gallery(gallery, create=True) as opened:
        result = opened.import_(file)
    for conflict in result.conflicts:
        say(f"not imported: {legible(conflict.path)}: {conflict.reason}")
    if json:
        echo_json(result.to_document())
    else:
        echo(
            f"{counted(len(result.imported), 'subject')} imported into {opened.name}, "
            f"{len(result.already_here):,} were there already, {counted(len(result.conflicts), 'conflict')}."
        )
    if result.conflicts:
        raise typer.Exit(1)
