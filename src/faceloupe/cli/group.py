"""``faceloupe group``: make people of the faces in a collection."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson
from faceloupe.cli.terminal import aligned, check_file, echo, echo_json, say

if TYPE_CHECKING:
    from faceloupe.collection.people import People

LISTED = 20


def group(
    collection: Annotated[
        str, typer.Argument(metavar="COLLECTION", help="The collection: FILE or URL.")
    ] = "collection.db",
    fpir: Annotated[
        float, typer.Option(help="Share of faces that may meet a stranger above the threshold by chance.")
    ] = 0.1,
    fmr: Annotated[float | None, typer.Option(help="False match rate of single comparisons instead.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Mean score at which groups are joined instead.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="PAGE.html", help="Write a page of the people.")] = None,
    faces: Annotated[
        bool, typer.Option("--faces", help="Show faces in the page, cut out of their photographs.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Group the faces of a collection into people, and keep the groups.

    Groups keep their numbers when photographs are added. Faces of one photograph are never one person; join, separate
    and name still hold.
    """
    from faceloupe.collection.collection import open_collection
    from faceloupe.collection.groups import group as grouped

    if out is not None:
        check_file(out, [collection])
    with open_collection(collection) as photographs:
        people = grouped(photographs, fpir=fpir, fmr=fmr, threshold=threshold)
    if out is not None:
        from faceloupe.pages import page
        from faceloupe.report.page import write_page

        write_page(out, page(people, show_faces=faces))
        say(f"written: {out}")
    if json:
        echo_json(people.to_document())
        return
    echo(_table(people))
    say(people.words())


def _table(people: "People") -> str:
    rows = [
        (str(item.id), item.name or "", str(len(item.faces)), f"{item.weakest.score:.3f}" if item.weakest else "")
        for item in people.several[:LISTED]
    ]
    text = aligned(("group", "name", "faces", "weakest join"), rows)
    more = len(people.several) - LISTED
    return f"{text}\nand {more:,} more: --out PAGE.html or --json lists all" if more > 0 else text
