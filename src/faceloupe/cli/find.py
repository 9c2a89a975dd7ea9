"""``faceloupe find``: all photographs of a collection that show one person."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, Central, TargetFmr
from faceloupe.cli.terminal import aligned, echo, echo_json, legible, progress, say
from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.collection.collection import Collection
    from faceloupe.collection.finding import Sightings
    from faceloupe.recognition.templates import Template

__all__ = ["find"]


def find(
    who: Annotated[
        str, typer.Argument(metavar="WHO", help="A photograph of the person, or a name or number of a group.")
    ],
    place: Annotated[
        str, typer.Option("--in", metavar="COLLECTION|DIR", help="The collection, or a folder to look through once.")
    ] = "collection.db",
    fmr: TargetFmr = None,
    central: Central = False,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the list as CSV.")] = None,
    copy_to: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the photographs there.")] = None,
    link_to: Annotated[Path | None, typer.Option(metavar="DIR", help="Make links to the photographs there.")] = None,
    json: AsJson = False,
) -> None:
    """Find all photographs that show somebody, best first.

    The number of them that is expected to be wrong is printed too. Exit status 1 if there is none.
    """
    from faceloupe.collection.finding import find as search
    from faceloupe.files import write_whole
    from faceloupe.recognition.thresholds import DEFAULT_FMR, published_point

    with _collection(place) as photographs:
        embedder = photographs.embedder()
        if embedder is None:
            raise InputError(f"{photographs.location} holds no faces yet: faceloupe index FOLDER")
        point = published_point(embedder, DEFAULT_FMR if fmr is None else fmr)
        sightings = search(photographs, _templates(photographs, who, central=central), point)
    if csv is not None:
        write_whole(csv, sightings.to_csv().encode(errors="backslashreplace"))
        say(f"written: {csv}")
    for folder, how in ((copy_to, "copy"), (link_to, "link")):
        if folder is not None:
            count = sightings.gather(folder, "copy" if how == "copy" else "link")
            say(f"{how}: {count:,} photographs in {folder}")
    if json:
        echo_json(sightings.to_document())
    else:
        echo(_table(sightings))
        say(sightings.words())
    if not sightings.sightings:
        raise typer.Exit(1)


@contextmanager
def _collection(place: str) -> "Iterator[Collection]":
    """Open a collection, or make one of a folder for as long as the search takes."""
    from faceloupe.collection.collection import open_collection
    from faceloupe.collection.indexing import index

    if not Path(place).is_dir():
        with open_collection(place) as photographs:
            yield photographs
        return
    with (
        tempfile.TemporaryDirectory(prefix="faceloupe-") as folder,
        open_collection(Path(folder, "once.db"), create=True) as photographs,
        progress("indexing", transient=True) as show,
    ):
        for skipped in index(photographs, [place], progress=show).skipped:
            say(f"not read: {legible(skipped.path)}: {skipped.reason}")
        yield photographs


def _templates(collection: "Collection", who: str, *, central: bool) -> "Sequence[Template]":
    from faceloupe.recognition.embed import SFace
    from faceloupe.recognition.recognise import recognise

    if not Path(who).is_file():
        return collection.templates(who)
    embedder = collection.embedder()
    if embedder is not None and embedder.name not in ("sface", "sface+flip"):
        raise InputError(f"the collection's faces were embedded by {embedder}; name a group instead of a photograph")
    made_by = SFace(flip=embedder is not None and embedder.name == "sface+flip")
    photograph = next(recognise([who], made_by, faces="central" if central else "one"))
    if photograph.problem is not None:
        raise InputError(f"{who}: {photograph.problem.reason}; give a photograph with one face, or --central")
    return photograph.templates


def _table(sightings: "Sightings") -> str:
    if not sightings.sightings:
        return "nobody like that"
    rows = [
        (item.face.path or "(no file left)", str(item.face.number), f"{item.score:.4f}", str(item.group or ""))
        for item in sightings.sightings
    ]
    return aligned(("photograph", "face", "score", "group"), rows)
