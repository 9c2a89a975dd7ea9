"""``faceloupe crop``: write the faces of photographs as pictures, aligned."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import DetectorName, MinSize, Turned
from faceloupe.cli.terminal import echo, progress, say, say_skipped, stoppable


def crop(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Photographs, and folders of them.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder to write to.")],
    min_size: MinSize = 20,
    turned: Turned = True,
    detector: DetectorName = "yunet",
) -> None:
    """Cut out every face as a PNG of 112 x 112 pixels.

    Faces are upright and aligned as embedders expect. DIR/faces.csv has one row per face: photograph, file, place,
    quality. Unusable files are listed with the reason; the same command resumes after an interruption. Exit status 1
    if there is no usable photograph.
    """
    from faceloupe.faces.trees import list_tree
    from faceloupe.recognition.cropping import TABLE, crop_tree
    from faceloupe.recognition.onnx_detector import open_detector
    from faceloupe.recognition.search import FaceSearch

    search = FaceSearch(min_size=min_size, turned=turned, detector=open_detector(detector))
    tree = list_tree(paths)
    with (
        stoppable(f"Stopped. What was written stays in {to}; the same command goes on from there."),
        progress("cropping", transient=True) as show,
    ):
        cropped = crop_tree(tree, to, search, show)
    say_skipped("not cropped", cropped.skipped)
    echo(cropped.words())
    say(f"written: {to / TABLE}")
    if not (cropped.photographs or cropped.known):
        raise typer.Exit(1)
