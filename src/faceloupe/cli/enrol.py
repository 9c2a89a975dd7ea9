"""``faceloupe enrol``: put people into a gallery."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from faceloupe.cli.options import AsJson, Central, EmbedderName, EngineName, GalleryName
from faceloupe.cli.terminal import echo, echo_json, legible, progress, say, stoppable
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery import Enrolled

__all__ = ["enrol"]


def enrol(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whom the photographs show.")] = None,
    photographs: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO...", help="Image files with one face each.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Enrol DIR/NAME/*.jpg instead, one folder a subject.")
    ] = None,
    consent: Annotated[str, typer.Option(help="A note on the subject's consent, kept with the name.")] = "",
    central: Central = False,
    force: Annotated[bool, typer.Option("--force", help="Enrol unfit faces too: small, blurred, turned away.")] = False,
    keep_faces: Annotated[
        bool, typer.Option("--keep-faces", help="Keep the cut-out faces too. Photographs are never kept.")
    ] = False,
    gallery: GalleryName = "faceloupe.db",
    embedder: EmbedderName = "sface",
    engine: EngineName = "openvino",
    json: AsJson = False,
) -> None:
    """Put people into a gallery: enrol NAME PHOTO..., or enrol --folder DIR.

    The gallery is made if there is none, once there is a photograph to enrol. A photograph that shows no face, several
    faces or an unfit one is not enrolled but named, with the reason. What is enrolled already is passed over, and so
    the same command goes on after a stop. Exit status 1 if not one photograph could be enrolled.
    """
    if (folder is None) == (name is None) or bool(photographs) != bool(name):
        raise InputError("enrol takes a name and photographs (enrol Ann 1.jpg 2.jpg), or --folder DIR, a folder a name")
    from faceloupe.embedders import open_embedder
    from faceloupe.gallery import enrol_folder, enrol_photographs
    from faceloupe.gallery.opening import GalleryToBe
    from faceloupe.gallery.people import checked_consent, checked_name

    checked_consent(consent)
    if folder is None:
        checked_name(name or "")
    made_by = open_embedder(embedder, engine=engine)
    faces: Literal["one", "central"] = "central" if central else "one"
    results: list[Enrolled] = []
    with (
        stoppable(lambda: _stopped(results)),
        closing(GalleryToBe(gallery)) as opened,
        progress("enrolling", transient=True) as told,
    ):
        how: dict[str, Any] = {"faces": faces, "consent": consent, "keep_faces": keep_faces, "force": force}
        if folder is None:
            results.append(enrol_photographs(opened, name or "", photographs or (), made_by, progress=told, **how))
        else:
            results.extend(enrol_folder(opened, folder, made_by, progress=told, **how))
    _tell(results)
    if json:
        echo_json({"schema": "faceloupe.enrolled/1", "enrolled": [one.to_document() for one in results]})
    else:
        echo(_summary(results, opened.name))
    if keep_faces and (count := sum(len(result.already_enrolled) for result in results)):
        already = f"{counted(count, 'photograph')} enrolled already"
        say(f"--keep-faces added none to {already}: to keep those faces, forget the subject and enrol it again.")
    if not any(result.enrolled or result.already_enrolled for result in results):
        raise typer.Exit(1)


def _tell(results: "list[Enrolled]") -> None:
    for refused in (skipped for result in results for skipped in result.refused):
        say(f"not enrolled: {legible(refused.path)}: {refused.reason}")
    for doubtful in (one for result in results for one in result.doubtful):
        say(f"enrolled, but look at it: {legible(doubtful.path)}: {doubtful.reason}; does it show somebody else?")


def _stopped(results: "list[Enrolled]") -> str:
    _tell(results)
    enrolled = sum(bool(result.enrolled) for result in results)
    return f"Stopped. {counted(enrolled, 'subject')} enrolled so far stay; the same command goes on from there."


def _summary(results: "list[Enrolled]", gallery: str) -> str:
    enrolled, already, refused = (
        sum(len(getattr(result, kind)) for result in results) for kind in ("enrolled", "already_enrolled", "refused")
    )
    new = sum(result.new for result in results)
    people = sum(bool(result.enrolled) for result in results)
    whom = results[0].name if len(results) == 1 else counted(people, "subject")
    parts = [f"{counted(enrolled, 'photograph')} of {whom}" if enrolled else "nothing new"]
    if new:
        parts[0] += ", who is new" if len(results) == 1 else f", {new:,} of them new"
    if already:
        parts.append(f"{already:,} enrolled already")
    if refused:
        parts.append(f"{refused:,} not enrolled, named above with the reason")
    return f"{gallery}: {'; '.join(parts)}."
