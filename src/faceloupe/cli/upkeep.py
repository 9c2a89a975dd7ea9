"""``faceloupe export``, ``import``, ``check``, ``audit``: a gallery as a whole."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.tables import history
from faceloupe.cli.talk import dumped, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

__all__ = ["audit", "check", "export", "import_"]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    gallery: GalleryName = "faceloupe.db",
) -> None:
    """Write everybody with their references into one file. It is personal data, as the gallery is."""
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        count = opened.export(file)
    say(f"{counted(count, 'subject')} exported. The file holds names and biometric templates: keep it as carefully as "
        "the gallery, and delete it after use.")  # fmt: skip
    typer.echo(file)


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
        say(f"not imported: {conflict.path}: {conflict.reason}")
    if json:
        typer.echo(dumped(result.to_document()))
    else:
        typer.echo(
            f"{counted(len(result.imported), 'subject')} imported into {opened.name}, "
            f"{len(result.already_here):,} were there already, {counted(len(result.conflicts), 'conflict')}."
        )
    if result.conflicts:
        raise typer.Exit(1)


def check(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Look for what is wrong in a gallery, or looks wrong. Exit status 1 if something was found.

    Damage to the file or to a reference; people whom one embedder knows and another does not; one photograph enrolled
    as two people; two people who look like one; a reference unlike all others of its subject. The last two are found in
    sound galleries too: they are named, and set the exit status only if there are more than chance explains.
    """
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        report = opened.check()
    if json:
        typer.echo(dumped(report.to_document()))
    else:
        for kind, found in groupby(report.findings, key=lambda finding: finding.kind):
            typer.echo(_some(kind, [finding.words for finding in found]))
        looked_at = f"{counted(report.subjects, 'subject')}, {counted(report.references, 'reference')}"
        verdict = counted(len(report.findings), "finding") if report.findings else "nothing wrong"
        typer.echo(f"{opened.name}: {looked_at}, {verdict}.")
    for remark in report.remarks:
        say(remark)
    if report.faults:
        raise typer.Exit(1)


def audit(gallery: GalleryName = "faceloupe.db", json: AsJson = False) -> None:
    """Print who did what in a gallery, and when: the trail, without names and templates."""
    from faceloupe.gallery import open_gallery
    from faceloupe.gallery.records import audit_document

    with open_gallery(gallery) as opened:
        entries = opened.audit()
    if json:
        typer.echo(dumped(audit_document(entries)))
    elif entries:
        typer.echo(history(entries))


def _some(kind: str, words: list[str], most: int = 20) -> str:
    lines = [f"{kind}: {text}" for text in words[:most]]
    if len(words) > most:
        lines.append(f"{kind}: {len(words) - most:,} more; --json lists all")
    return "\n".join(lines)
