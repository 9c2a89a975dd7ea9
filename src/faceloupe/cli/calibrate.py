"""``faceloupe calibrate``: a threshold from one's own photographs."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import (
    CACHED,
    DEFAULT_GALLERY,
    LABELLED_DATA,
    AsJson,
    CentralOfLabelled,
    DeviceName,
    EmbedderName,
    EngineName,
    GalleryDetectorName,
    NoCache,
)
from faceloupe.cli.terminal import aligned, echo, echo_json, moment, progress, say, say_failures, stoppable
from faceloupe.errors import GalleryError, InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from faceloupe.evaluation.failures import Failure
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.engines import Engine

SQLITE = b"SQLite format 3\0"  # what such a file begins with


def calibrate(
    data: Annotated[
        str, typer.Argument(metavar="DATA|GALLERY", help=f"A gallery's own references, or {LABELLED_DATA}")
    ],
    fmr: Annotated[
        float | None,
        typer.Option(
            help="False match rate of the threshold. By default 1e-4, as for the published one: it is put in force. "
            "(evaluate only measures, by default at 1e-3.)"
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(metavar="SCORE", help="Measure and save this threshold instead of choosing one.")
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            envvar="FACELOUPE_GALLERY",
            help="Save the point with this gallery. By default the GALLERY, or faceloupe.db if it is there.",
        ),
    ] = None,
    loose: Annotated[bool, typer.Option("--loose", help="Confirm a rate above 1 in 100.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the thresholds saved with the GALLERY instead.")] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Remove the GALLERY's thresholds: the published one applies again.")
    ] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the gallery if there is none.")] = False,
    central: CentralOfLabelled = False,
    embedder: EmbedderName = None,
    detector: GalleryDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    no_cache: NoCache = False,
    json: AsJson = False,
) -> None:
    """Choose a threshold for a false match rate and save it with a gallery.

    All pairs of captures are compared. A rate that they cannot support is refused, with the number of comparisons or
    people it would take. One photograph of each person is enough; then the FNMR is not known.
    """
    from faceloupe.embedders import DEFAULT, open_embedder
    from faceloupe.evaluation.calibrate import calibrate as calibrated
    from faceloupe.evaluation.calibrate import calibrate_gallery
    from faceloupe.gallery.opening import open_gallery
    from faceloupe.recognition.onnx_detector import open_detector
    from faceloupe.recognition.thresholds import DEFAULT_FMR

    if fmr is not None and threshold is not None:
        raise InputError("give --fmr, for which a threshold is chosen, or --threshold, which is measured; not both")
    is_gallery = _is_gallery(data)
    if listed or reset:
        if listed and reset:
            raise InputError("give --list, which lists thresholds, or --reset, which removes them; not both")
        if not is_gallery and Path(data).expanduser().exists():
            raise InputError(f"{data} is no gallery: --list and --reset take one")
        with open_gallery(data, embedder=embedder, engine=engine) as people:
            _reset(people) if reset else _list(people)
        return
    home = gallery or (data if is_gallery else DEFAULT_GALLERY if create or Path(DEFAULT_GALLERY).exists() else None)
    target = DEFAULT_FMR if fmr is None else fmr
    with _open_home(home, embedder, detector, engine, create=create) as people:
        made_by = people.embedder if people else open_embedder(embedder or DEFAULT, engine=engine)
        if is_gallery:
            with nullcontext(people) if home == data and people else open_gallery(data) as measured:
                point = calibrate_gallery(measured, target, made_by, threshold=threshold, on_note=say)
        else:
            finder = people.detector if people else open_detector(detector or "yunet", engine=engine)
            failures: list[Failure] = []
            try:
                with stoppable("Stopped." if no_cache else CACHED), progress("embedding", transient=True) as show:
                    point = calibrated(
                        data, target, threshold=threshold, embedder=made_by, faces="central" if central else None,
                        detector=finder, cached=not no_cache, progress=show, on_failure=failures.append, on_note=say,
                    )  # fmt: skip
            finally:
                say_failures(failures)
        if threshold is None:
            say(
                "The threshold was chosen and its rates were measured on the same comparisons, which flatters it a "
                "little: faceloupe evaluate --gallery checks it on other photographs."
            )
        if people:
            people.save_point(point, loose=loose)
            say(
                f"Saved with the gallery {people.name}: identify takes it for {point.embedder} from now on; verify and "
                f"explain take it with --gallery {people.name}."
            )
        else:
            say(f"Not saved: there is no gallery {DEFAULT_GALLERY} here. --gallery names one, --create makes it.")
    words = f"Match when score >= {point.threshold:.4f}. {point.words()}"
    echo_json({"schema": "faceloupe.operating_point/1", **point.to_document()}) if json else echo(words)


def _open_home(
    gallery: str | None, embedder: str | None, detector: str | None, engine: "Engine", *, create: bool
) -> "AbstractContextManager[Gallery | None]":
    """Open the gallery to save the point with, if it is named; it must exist before the work begins, or be made."""
    from faceloupe.gallery.opening import GalleryToBe, open_gallery

    if gallery is None:
        return nullcontext()
    if create:
        return GalleryToBe(gallery, embedder=embedder, detector=detector, engine=engine)
    try:
        return open_gallery(gallery, embedder=embedder, detector=detector, engine=engine)
    except GalleryError as problem:
        raise GalleryError(f"{problem} calibrate --create makes an empty one too.") from problem


def _list(people: "Gallery") -> None:
    """Print the thresholds that were saved with a gallery, the newest, which holds, first."""
    from faceloupe.scores.points import one_in

    saved = people.calibrations(people.embedder)
    rows = [
        (moment(entry.created), f"{entry.point.threshold:.4f}", one_in(entry.point.target_fmr), entry.point.source)
        for entry in saved
    ]
    echo(aligned(("saved", "threshold", "for FMR", "measured on"), rows))
    say("The first one holds; --reset takes them all back." if saved else "None: the published threshold holds.")


def _reset(people: "Gallery") -> None:
    embedder = people.embedder
    count = people.reset_points(embedder)
    say(f"{counted(count, 'threshold')} taken back; the published one holds for {embedder.name}, if there is one.")


def _is_gallery(data: str) -> bool:
    if "://" in data:
        return True
    path = Path(data).expanduser()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE
