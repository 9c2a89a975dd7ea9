"""``faceloupe people``, ``show``, ``rename``, ``merge``, ``forget``: who is in a gallery."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName, Name
from faceloupe.cli.tables import aligned, history, moment
from faceloupe.cli.talk import dumped, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery import Forgotten, Record

__all__ = ["forget", "merge", "people", "rename", "show"]


def people(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """List who is in a gallery."""
    from faceloupe.gallery import open_gallery
    from faceloupe.gallery.records import people_document

    with open_gallery(gallery) as opened:
        found = opened.people()
    if json:
        typer.echo(dumped(people_document(found)))
        return
    if found:
        rows = [
            (
                person.name,
                str(person.references),
                ", ".join(sorted({embedder.name for embedder in person.embedders})),
                moment(person.created),
            )
            for person in found
        ]
        typer.echo(aligned(("name", "references", "embedders", "created (UTC)"), rows))
    say(f"{counted(len(found), 'subject')} in {opened.name}.")


def show(name: Name, gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Show what is kept of somebody: references with their quality, consent, and what was done when."""
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        record = opened.person(name)
    if json:
        typer.echo(dumped(record.to_document()))
        return
    typer.echo(_shown(record))


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Give somebody another name."""
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        person = opened.rename(old, new)
    typer.echo(dumped(person.to_document()) if json else f"{old} is called {person.name} now.")


def merge(
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    into: Annotated[str, typer.Argument(metavar="INTO")],
    gallery: GalleryName = "faceloupe.db",
    json: AsJson = False,
) -> None:
    """Move everything of SOURCE to INTO and remove SOURCE: the two are one person. This cannot be undone."""
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        person = opened.merge(source, into)
    said = f"{source} is part of {person.name} now, who has {counted(person.references, 'reference')}."
    typer.echo(dumped(person.to_document()) if json else said)


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
    typer.echo(dumped(gone.to_document()) if json else _erased(gone, name, reference, opened.name))
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
    typer.confirm(question, abort=True, err=True)


def _shown(record: "Record") -> str:
    person = record.person
    facts = [("number", str(person.id)), ("enrolled", f"{moment(person.created)} UTC")]
    facts += [("consent", line) for line in person.consent.splitlines() or ["no note"]]
    blocks = [
        person.name,
        "\n".join(f"  {name:<10}{fact}" for name, fact in facts),
        counted(len(record.references), "reference") + "\n" + _references(record),
        "What was done (UTC)\n" + history(record.history),
    ]
    return "\n\n".join(blocks)


def _references(record: "Record") -> str:
    headings = (
        "id",
        "made by",
        "eyes px",
        "sharpness",
        "brightness",
        "yaw °",
        "norm",
        "face kept",
        "photograph's SHA-256",
    )
    rows = [
        (
            str(reference.id),
            reference.embedder.name,
            f"{reference.quality['eye_distance']:.0f}",
            f"{reference.quality['sharpness']:.1f}",
            f"{reference.quality['brightness']:.2f}",
            f"{reference.quality['pose']['yaw']:.0f}",
            "" if (norm := reference.quality["embedding_norm"]) is None else f"{norm:.1f}",
            "yes" if reference.has_face else "no",
            f"{reference.source_sha256[:16]}…",
        )
        for reference in record.references
    ]
    return aligned(headings, rows)
