"""``faceloupe find``: all photographs of a collection that show one person."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import (
    AsJson,
    Central,
    DetectorName,
    EmbedderName,
    EngineName,
    TargetFmr,
    gallery_if_any,
    open_gallery_if_any,
)
from faceloupe.cli.terminal import aligned, echo, echo_json, legible, progress, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.collection.collection import Collection
    from faceloupe.collection.finding import Sightings
    from faceloupe.recognition.detections import Detector
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.templates import Template


def find(
    who: Annotated[
        str, typer.Argument(metavar="WHO", help="A photograph of the person, or a name or number of a group.")
    ],
    place: Annotated[
        str, typer.Option("--in", metavar="COLLECTION|DIR", help="The collection, or a folder to look through once.")
    ] = "collection.db",
    fmr: TargetFmr = None,
    central: Central = False,
    gallery: Annotated[str | None, gallery_if_any("Take the threshold calibrated there.")] = None,
    embedder: EmbedderName = None,
    detector: DetectorName = "yunet",
    engine: EngineName = "openvino",
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the list as CSV.")] = None,
    copy_to: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the photographs there.")] = None,
    link_to: Annotated[Path | None, typer.Option(metavar="DIR", help="Make links to the photographs there.")] = None,
    json: AsJson = False,
) -> None:
    """Find all photographs that show somebody, best first.

    The number of them that is expected to be wrong is printed too. Exit status 1 if there is none.
    """
    from faceloupe.collection.finding import find as search
    from faceloupe.embedders import open_embedder
    from faceloupe.files import write_whole
    from faceloupe.recognition.onnx_detector import open_detector
    from faceloupe.recognition.thresholds import choose_point

    with open_gallery_if_any(gallery, embedder, engine) as people:
        asked_for = open_embedder(embedder, engine=engine) if embedder else None
        for_folder = people.embedder if people and not asked_for and Path(place).is_dir() else asked_for
        finder = open_detector(detector, engine=engine)
        with _collection(place, for_folder, finder) as photographs:
            made_by = photographs.embedder()
            if made_by is None:
                raise InputError(f"{photographs.location} holds no faces yet: faceloupe index FOLDER")
            point = choose_point(made_by, saved=people.point(made_by) if people else None, fmr=fmr)
            templates = _templates(photographs, who, asked_for, finder, engine, central=central)
            sightings = search(photographs, templates, point)
    if csv is not None:
        write_whole(csv, sightings.to_csv().encode(errors="backslashreplace"))
        say(f"written: {csv}")
    for folder, how in ((copy_to, "copy"), (link_to, "link")):
        if folder is not None:
            made, lost = sightings.gather(folder, "copy" if how == "copy" else "link")
            for skipped in lost:
                say(f"left out: {legible(skipped.path)}: {skipped.reason}")
            say(f"{how}: {counted(len(made), 'photograph')} in {folder}")
    if json:
        echo_json(sightings.to_document())
    else:
        echo(_table(sightings))
        say(sightings.words())
    if not sightings.sightings:
        raise typer.Exit(1)


@contextmanager
def _collection(place: str, embedder: "Embedder | None", detector: "Detector") -> "Iterator[Collection]":
    """Open a collection, or make one of a folder by this embedder for as long as the search takes."""
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
        for skipped in index(photographs, [place], embedder, detector=detector, progress=show).skipped:
            say(f"not read: {legible(skipped.path)}: {skipped.reason}")
        yield photographs


def _templates(
    collection: "Collection",
    who: str,
    asked_for: "Embedder | None",
    detector: "Detector",
    engine: "Engine",
    *,
    central: bool,
) -> "Sequence[Template]":
    from faceloupe.embedders import open_embedder_of
    from faceloupe.recognition.recognise import recognise
    from faceloupe.recognition.search import FaceSearch

    made_by = collection.embedder()
    if made_by is None or not Path(who).is_file():
        return collection.templates(who)
    embedder = asked_for or open_embedder_of([made_by], collection.location, engine=engine)
    search = FaceSearch("central" if central else "one", detector=detector)
    photograph = next(recognise([who], embedder, faces=search))
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
