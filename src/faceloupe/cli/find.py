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
    CollectionDetectorName,
    CollectionEmbedderName,
    EngineName,
    TargetFmr,
    detector_for,
    embedder_for,
    gallery_if_any,
    open_gallery_if_any,
)
from faceloupe.cli.terminal import aligned, echo, echo_json, progress, say, say_skipped
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.collection.collection import Collection
    from faceloupe.collection.finding import Sightings
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.search import FaceSearch
    from faceloupe.recognition.templates import Template


def find(
    who: Annotated[
        str, typer.Argument(metavar="WHO", help="A photograph of the person, or the name or number of a group.")
    ],
    place: Annotated[
        str, typer.Option("--in", metavar="COLLECTION|DIR", help="The collection, or a folder to look through once.")
    ] = "collection.db",
    fmr: TargetFmr = None,
    central: Central = False,
    gallery: Annotated[str | None, gallery_if_any("Use the threshold calibrated for this gallery.")] = None,
    embedder: CollectionEmbedderName = None,
    detector: CollectionDetectorName = None,
    engine: EngineName = "openvino",
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the list as CSV.")] = None,
    copy_to: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the photographs there.")] = None,
    link_to: Annotated[Path | None, typer.Option(metavar="DIR", help="Make links to the photographs there.")] = None,
    json: AsJson = False,
) -> None:
    """Find all photographs that show a person, best first.

    The expected number of wrong ones is printed too. Exit status 1 if none is found.
    """
    from faceloupe.collection.finding import find as search
    from faceloupe.files import write_whole
    from faceloupe.recognition.search import FaceSearch
    from faceloupe.recognition.thresholds import choose_point

    with (
        open_gallery_if_any(gallery, embedder, engine) as people,
        _open_collection(place, people, embedder, detector, engine) as photographs,
    ):
        maker = photographs.embedder()
        if maker is None:
            raise InputError(f"{photographs.location} holds no faces yet: faceloupe index FOLDER")
        point = choose_point(maker, saved=people.point(maker) if people else None, fmr=fmr)
        if Path(who).is_file():
            faces = FaceSearch("central" if central else "one", detector=detector_for(photographs, detector, engine))
            templates = _templates(who, embedder_for(photographs, embedder, engine), faces)
        else:
            templates = photographs.templates(who)
        sightings = search(photographs, templates, point)
    if csv is not None:
        write_whole(csv, sightings.to_csv().encode(errors="backslashreplace"))
        say(f"written: {csv}")
    for folder, how in ((copy_to, "copy"), (link_to, "link")):
        if folder is not None:
            made, lost = sightings.gather(folder, "copy" if how == "copy" else "link")
            say_skipped("left out", lost)
            say(f"{how}: {counted(len(made), 'photograph')} in {folder}")
    if json:
        echo_json(sightings.to_document())
    else:
        echo(_table(sightings))
        say(sightings.words())
    if not sightings.sightings:
        raise typer.Exit(1)


@contextmanager
def _open_collection(
    place: str, gallery: "Gallery | None", embedder: str | None, detector: str | None, engine: "Engine"
) -> "Iterator[Collection]":
    """Open a collection, or make one of a folder for as long as the search takes, with what the gallery notes."""
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
        made_by = gallery.embedder if gallery else embedder_for(photographs, embedder, engine)
        finder = gallery.detector if gallery and not detector else detector_for(photographs, detector, engine)
        say_skipped("not read", index(photographs, [place], made_by, detector=finder, progress=show).skipped)
        yield photographs


def _templates(photo: str, embedder: "Embedder", faces: "FaceSearch") -> "Sequence[Template]":
    from faceloupe.recognition.recognise import recognise

    photograph = next(recognise([photo], embedder, faces=faces))
    if photograph.problem is not None:
        raise InputError(f"{photo}: {photograph.problem.reason}; give a photograph with one face, or --central")
    return photograph.templates


def _table(sightings: "Sightings") -> str:
    if not sightings.sightings:
        return "nobody like that"
    rows = [
        (item.face.path or "(no file left)", str(item.face.number), f"{item.score:.4f}", str(item.group or ""))
        for item in sightings.sightings
    ]
    return aligned(("photograph", "face", "score", "group"), rows)
