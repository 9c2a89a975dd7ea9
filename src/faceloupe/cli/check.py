"""``faceloupe check``: look for faults in a gallery."""

from itertools import groupby
from typing import Annotated

import typer

from faceloupe.cli.options import AsJson, GalleryName
from faceloupe.cli.terminal import echo, echo_json, say
from faceloupe.numerals import counted


def check(
    gallery: GalleryName = "faceloupe.db",
    trail: Annotated[
        str | None, typer.Option(metavar="HASH", help="Hash of a line of the trail: check that it is still there.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Look for faults and suspicions in a gallery. Exit status 1 if there is a fault.

    Damage to the file or to a reference; people whom one embedder knows and another does not; one photograph enrolled
    as two people; two people who look like one; a reference unlike all others of its subject. The last two are found in
    sound galleries too: they are named, and set the exit status only if there are more than chance explains.
    """
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery) as people:
        report = people.check(trail)
    if json:
        echo_json(report.to_document())
    else:
        for kind, findings in groupby(report.findings, key=lambda finding: finding.kind):
            echo(_some(kind, [finding.words for finding in findings]))
        looked_at = f"{counted(report.subjects, 'subject')}, {counted(report.references, 'reference')}"
        verdict = counted(len(report.findings), "finding") if report.findings else "nothing wrong"
        echo(f"{people.name}: {looked_at}, {verdict}.")
    for remark in report.remarks:
        say(remark)
    if report.faults:
        raise typer.Exit(1)


def _some(kind: str, words: list[str], most: int = 20) -> str:
    lines = [f"{kind}: {text}" for text in words[:most]]
    if len(words) > most:
        lines.append(f"{kind}: {len(words) - most:,} more; --json lists all")
    return "\n".join(lines)
