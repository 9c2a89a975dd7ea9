"""``faceloupe enrol``: put people into a gallery."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloupe.cli.options import AsJson, EmbedderName, EngineName, GalleryName
from faceloupe.cli.tables import counted
from faceloupe.cli.talk import dumped, progress, say
from faceloupe.errors import InputError

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
    central: Annotated[
        bool, typer.Option("--central", help="Of several faces take the one nearest the centre.")
    ] = False,
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

    The gallery is made if there is none. A photograph that shows no face, several faces or an unfit one is not
    enrolled but named, with the reason. What is enrolled already is passed over, and so the same command goes on after
    a stop. Exit status 1 if not one photograph could be enrolled.
    """
    if (folder is None) == (name is None) or bool(photographs) != bool(name):
        raise InputError("enrol takes a name and photographs (enrol Ann 1.jpg 2.jpg), or --folder DIR, a folder a name")
    from faceloupe.embedders import open_embedder
    from faceloupe.gallery import enrol_folder, enrol_photographs, open_gallery

    made_by = open_embedder(embedder, engine=engine)
    how: dict[str, Any] = {"faces": "central" if central else "one", "consent": consent, "keep_faces": keep_faces,
                           "force": force}  # fmt: skip
    results: list[Enrolled] = []
    with (
        open_gallery(gallery, create=True) as opened,
        _stoppable(results),
        progress("enrolling", transient=True) as told,
    ):
        if folder is None:
            results.append(enrol_photographs(opened, name or "", photographs or (), made_by, progress=told, **how))
        else:
            results.extend(enrol_folder(opened, folder, made_by, progress=told, **how))
    for refused in (skipped for result in results for skipped in result.refused):
        say(f"not enrolled: {refused.path}: {refused.reason}")
    if json:
        typer.echo(dumped({"schema": "faceloupe.enrolled/1", "enrolled": [one.to_document() for one in results]}))
    else:
        typer.echo(_summary(results, opened.name))
    if not any(result.enrolled or result.known for result in results):
        raise typer.Exit(1)


@contextmanager
def _stoppable(results: "list[Enrolled]") -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        enrolled = sum(bool(result.enrolled) for result in results)
        say(f"Stopped. {counted(enrolled, 'subject')} enrolled so far stay; the same command goes on from there.")
        raise typer.Exit(130) from None


def _summary(results: "list[Enrolled]", gallery: str) -> str:
    enrolled, known, refused = (
        sum(len(getattr(result, kind)) for result in results) for kind in ("enrolled", "known", "refused")
    )
    new = sum(result.new for result in results)
    people = sum(bool(result.enrolled) for result in results)
    whom = results[0].name if len(results) == 1 else counted(people, "subject")
    parts = [f"{counted(enrolled, 'photograph')} of {whom}" if enrolled else "nothing new"]
    if new:
        parts[0] += ", who is new" if len(results) == 1 else f", {new:,} of them new"
    if known:
        parts.append(f"{known:,} enrolled already")
    if refused:
        parts.append(f"{refused:,} not enrolled, named above with the reason")
    return f"{gallery}: {'; '.join(parts)}."
