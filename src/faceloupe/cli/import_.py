"""``faceloupe import``: import people from an exported file or another gallery."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, legible, say
from faceloupe.numerals import counted


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File written by faceloupe export, or a gallery's file.")
    ],
    gallery: GalleryName = "faceloupe.db",
    with_thresholds: Annotated[
        bool,
        typer.Option(
            "--with-thresholds",
            help="Also take its thresholds where this gallery has none, trusting the FMR that the file states.",
        ),
    ] = False,
    signed_by: Annotated[
        str | None, typer.Option(metavar="KEY", help="Refuse a file that export --sign KEY has not signed.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Import people from an exported file or another gallery. Nothing already in this gallery changes.

    A file's checksum shows whether it was cut short or damaged on its way; a signature shows that nobody without the
    key changed it. Each subject is imported whole or not at all. Exit status 1 if one was not imported because the
    gallery has another subject of that name, or one of the photographs as somebody else.
    """
    from faceloupe.gallery.opening import GalleryToBe

    with GalleryToBe(gallery) as people:
        result = people.import_(file, key=signed_by, thresholds=with_thresholds)
    for conflict in result.conflicts:
        say(f"not imported: {legible(conflict.path)}: {conflict.reason}")
    for threshold in result.thresholds:
        say(
            f"not taken: the threshold of the file, {threshold}. It decides who is whom, and its FMR is what the file "
            "says: nothing here measured it. --with-thresholds believes it; faceloupe calibrate measures one."
        )
    if json:
        echo_json(result.to_document())
    else:
        echo(
            f"{counted(len(result.imported), 'subject')} imported into {people.name}, "
            f"{len(result.already_here):,} were there already, {counted(len(result.conflicts), 'conflict')}."
        )
    if result.conflicts:
        raise typer.Exit(1)
