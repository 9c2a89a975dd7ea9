"""``faceloupe index``: put the faces of unlabelled photographs into a collection."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import (
    AsJson,
    CollectionDetectorName,
    CollectionEmbedderName,
    CollectionName,
    DeviceName,
    EngineName,
    OnCluster,
    detector_for,
    embedder_for,
)
from faceloupe.cli.terminal import IN_JSON, echo, echo_json, progress, say, say_skipped, stoppable
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.collection.collection import Collection


def index(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Photographs, clips, and folders of them.")],
    collection: CollectionName = "collection.db",
    keep_faces: Annotated[
        bool, typer.Option("--keep-faces", help="Keep the cut-out faces too. Photographs are never copied.")
    ] = False,
    drop_gone: Annotated[
        bool, typer.Option("--drop-gone", help="Remove photographs whose files are all gone.")
    ] = False,
    embedder: CollectionEmbedderName = None,
    detector: CollectionDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    on: OnCluster = None,
    json: AsJson = False,
) -> None:
    """Put the faces of photographs and clips into a collection.

    Photographs are identified by their content: one that is in the collection already is not read again, even if its
    file was renamed or copied. The same command resumes after an interruption. Unusable files are listed with the
    reason. Exit status 1 if there is no photograph.
    """
    from faceloupe.cluster import on_cluster
    from faceloupe.collection.collection import open_collection
    from faceloupe.collection.indexing import index as filled

    with (
        stoppable("Stopped. What was indexed stays; the same command goes on from there."),
        open_collection(collection, create=True) as photographs,
    ):
        made_by = embedder_for(photographs, embedder, engine)
        finder = detector_for(photographs, detector, engine)
        with on_cluster(on), progress("indexing", transient=True) as show:
            indexed = filled(photographs, paths, made_by, detector=finder, keep_faces=keep_faces, progress=show)
        say_skipped("not indexed", indexed.skipped, rest=IN_JSON)
        if json:
            echo_json(indexed.to_document())
        else:
            echo(indexed.words())
        dropped = photographs.drop_gone() if drop_gone else 0
        if not json:
            _tell(photographs, indexed.gone, dropped)
    if not (indexed.new or indexed.known or indexed.moved):
        raise typer.Exit(1)


def _tell(collection: "Collection", gone: int, dropped: int) -> None:
    if dropped:
        echo(f"{counted(dropped, 'photograph')} without a file removed.")
    elif gone:
        say(f"{counted(gone, 'photograph')} gone from there; --drop-gone removes what is kept of them.")
    counts = collection.counts()
    of = f"{counted(counts['faces'], 'face')} in {counted(counts['photographs'], 'photograph')}"
    echo(f"{collection.location}: {of}.")
