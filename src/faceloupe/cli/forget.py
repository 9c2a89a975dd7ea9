"""``faceloupe forget``: erase somebody from a gallery for good."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName, Name
from faceloupe.cli.terminal import echo, echo_json, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery import Forgotten

__all__ = ["forget"]


def forget(
    name: Name,
    reference: Annotated[
        int | None, typer.Option(metavar="ID", help="Erase only this reference; faceloupe show lists them.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Erase somebody for good: name, consent, references, and the bytes of them in the gallery's files.

    The trail keeps the subject's number, and when it was forgotten by whom. Backups, exports and the template cache of
    evaluate and calibrate are not reached.
    """
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        if name in opened and not yes:  # for somebody who is not there it only finishes an earlier erasing
            what = "everything that is kept of this subject" if reference is None else f"only reference {reference}"
            _ask(f"Erase {name!r}, {what}, from {opened.name} for good?")
        gone = opened.forget(name, reference)
    echo_json(gone.to_document()) if json else echo(_erased(gone, name, reference, opened.name))
    if gone.subject_id is not None:
        number = gone.subject_id if reference is None else reference
        say(
            f"The trail keeps the number {number}, and who forgot it when. Not reached: backups, exports, the "
            "template cache of evaluate and calibrate (faceloupe evaluate --forget-cache), and what a disk or a server "
            "has given up but not overwritten yet."
        )


def _erased(gone: "Forgotten", name: str, reference: int | None, place: str) -> str:
    if gone.subject_id is None:
        missing = f"no {name!r}" if reference is None else f"no reference {reference} of {name!r}"
        return f"There is {missing} in {place}. Bytes that an earlier forget had left in its files are erased now."
    if reference is not None:
        return f"Erased from {place}: reference {reference} of {gone.name}."
    return f"Erased from {place}: the name, the consent note and {counted(gone.references, 'reference')}."


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise InputError("forget asks before it erases, and there is no terminal to ask at: give --yes")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise typer.Exit(130) from None
    if not agreed:
        raise typer.Exit(1)
