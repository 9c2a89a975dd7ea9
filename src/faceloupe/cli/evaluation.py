"""``faceloupe evaluate`` and ``calibrate``: how good recognisers are on labelled photographs, and thresholds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloupe.cli.options import AsJson, EmbedderName, EngineName
from faceloupe.cli.outputs import check_file
from faceloupe.cli.tables import aligned, legible
from faceloupe.cli.talk import dumped, progress, say, say_lead
from faceloupe.errors import GalleryError

if TYPE_CHECKING:
    from faceloupe.evaluation import Evaluation, Failure
    from faceloupe.recognition import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.scores import OperatingPoint

__all__ = ["calibrate", "evaluate"]

DEFAULT_GALLERY = "faceloupe.db"
SQLITE = b"SQLite format 3\0"  # what such a file begins with

Central = Annotated[
    bool, typer.Option("--central", help="Of several faces take the one nearest the centre; always so with LFW.")
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor write the cache of templates, which are personal data.")
]
LabelledData = "lfw, orl, a folder NAME/*.jpg, or a CSV file photo_a,photo_b,same[,fold]."


def _forget(wanted: bool) -> None:
    if not wanted:
        return
    from faceloupe.evaluation import cache_folder, forget_cache

    typer.echo(f"{forget_cache()} templates deleted from {cache_folder()}")
    raise typer.Exit


def evaluate(
    data: Annotated[str, typer.Argument(metavar="DATA", help=LabelledData)],
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|DIR",
            help="sface, sface+flip, a folder saved by faceloupe, or pca, cnn, deep, fitted on development subjects. "
            "May be given several times. By default sface.",
        ),
    ] = None,
    central: Central = False,
    development: Annotated[
        float, typer.Option(metavar="SHARE", help="Of a folder's subjects, to choose and fit on; 0 measures all.")
    ] = 0.5,
    fmr: Annotated[float, typer.Option(help="The FMR that a threshold is chosen for.")] = 1e-3,
    gallery: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Also check the threshold calibrated for this gallery.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Galleries drawn for identification.")] = 10,
    seed: Annotated[int, typer.Option(help="What subjects, galleries, bands and fits are drawn from.")] = 0,
    engine: EngineName = "openvino",
    out: Annotated[Path | None, typer.Option(help="The report. By default evaluation.html.")] = None,
    faces: Annotated[bool, typer.Option("--faces", help="Show faces in the report: the worst comparisons.")] = False,
    json: AsJson = False,
    no_cache: NoCache = False,
    forget_cache: Annotated[  # noqa: ARG001 - it has done its work before
        bool,
        typer.Option("--forget-cache", callback=_forget, is_eager=True, help="Delete all cached templates, and leave."),
    ] = False,
) -> None:
    """Measure recognisers on labelled photographs by the field's protocols, and write one page on it.

    Templates are kept in your cache, so that the same command goes on where it was stopped. They are personal data:
    --no-cache keeps none, --forget-cache deletes them.
    """
    from faceloupe.evaluation import evaluate as evaluated
    from faceloupe.report import write_page

    page = out or (None if json else Path("evaluation.html"))
    if page is not None:
        check_file(page, (data, gallery))
    names = tuple(embedder or ("sface",))
    points = _calibrated(gallery, names, engine)
    with _stoppable(cached=not no_cache), progress("evaluating", transient=True) as told:
        found = evaluated(
            data, names, faces="central" if central else None, development=development, fmr=fmr,
            points=points, draws=draws, seed=seed, engine=engine, cached=not no_cache, progress=told,
        )  # fmt: skip
    document = found.to_document(show_faces=faces)
    if page is not None:
        write_page(page, document)
    _summarise(found, document)
    typer.echo(dumped(document) if json else legible(str(page)))


def calibrate(
    data: Annotated[str, typer.Argument(metavar="DATA|GALLERY", help=f"A gallery's own references, or {LabelledData}")],
    fmr: Annotated[float, typer.Option(help="The false match rate that the threshold is for.")] = 1e-3,
    gallery: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            envvar="FACELOUPE_GALLERY",
            help="Save the point with this gallery. By default the GALLERY, or faceloupe.db if it is there.",
        ),
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="Make the gallery if there is none.")] = False,
    central: Central = False,
    embedder: EmbedderName = "sface",
    engine: EngineName = "openvino",
    no_cache: NoCache = False,
    json: AsJson = False,
) -> None:
    """Choose a threshold for a false match rate, and save it with a gallery.

    Every two captures are compared. A rate that they cannot support is refused, with how many comparisons it would
    take.
    """
    from faceloupe.embedders import open_embedder

    own = _is_gallery(data)
    home = gallery or (data if own else None)
    _check_gallery(home, create=create)
    made_by = open_embedder(embedder, engine=engine)
    if own:
        point = _from_gallery(data, fmr, made_by)
    else:
        point = _from_photographs(data, fmr, made_by, central=central, cached=not no_cache)
    say(
        "The threshold was chosen and its rates were measured on the same comparisons, which flatters it a little: "
        "faceloupe evaluate --gallery checks it on other photographs."
    )
    say(_saved(point, home, create=create))
    words = f"Match when score >= {point.threshold:.4f}. {point.words()}"
    typer.echo(dumped({"schema": "faceloupe.operating_point/1", **point.to_document()}) if json else words)


def _from_gallery(url: str, fmr: float, embedder: "Embedder") -> "OperatingPoint":
    from faceloupe.evaluation import calibrate_gallery
    from faceloupe.gallery import open_gallery

    with open_gallery(url) as opened:
        return calibrate_gallery(opened, fmr, embedder)


def _from_photographs(data: str, fmr: float, embedder: "Embedder", *, central: bool, cached: bool) -> "OperatingPoint":
    from faceloupe.evaluation import calibrate as calibrated

    with _stoppable(cached=cached), progress("embedding", transient=True) as told:
        return calibrated(
            data, fmr, embedder=embedder, faces="central" if central else None, cached=cached, progress=told,
            failed=_name,
        )  # fmt: skip


def _check_gallery(gallery: str | None, *, create: bool) -> None:
    """Let a gallery through that is there, before the work begins."""
    from faceloupe.gallery import open_gallery

    if gallery is None or create:
        return
    try:
        open_gallery(gallery).close()
    except GalleryError as problem:
        raise GalleryError(f"{problem} calibrate --create makes an empty one too.") from problem


def _saved(point: "OperatingPoint", gallery: str | None, *, create: bool) -> str:
    """Save a point with the gallery meant; return where that was."""
    from faceloupe.gallery import open_gallery

    if gallery is None and not create and not Path(DEFAULT_GALLERY).exists():
        return f"Not saved: there is no gallery {DEFAULT_GALLERY} here. --gallery names one, --create makes it."
    with open_gallery(gallery or DEFAULT_GALLERY, create=create) as opened:
        opened.save_point(point)
        return (
            f"Saved with the gallery {opened.name}: identify takes it for {point.embedder} from now on; verify and "
            f"explain take it with --gallery {opened.name}."
        )


def _calibrated(gallery: str | None, names: Sequence[str], engine: "Engine") -> "list[OperatingPoint]":
    """Return the points that were calibrated for a gallery, of those embedders that need not be fitted."""
    from faceloupe.embedders import open_embedder
    from faceloupe.evaluation import FITTED
    from faceloupe.gallery import open_gallery

    if gallery is None:
        return []
    with open_gallery(gallery) as opened:
        found = [opened.point(open_embedder(name, engine=engine)) for name in names if name not in FITTED]
    return [point for point in found if point is not None]


def _is_gallery(data: str) -> bool:
    if "://" in data:
        return True
    path = Path(data).expanduser()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


@contextmanager
def _stoppable(*, cached: bool) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped. Templates made so far are cached; the same command goes on." if cached else "Stopped.")
        raise typer.Exit(130) from None


def _summarise(found: "Evaluation", document: dict[str, Any]) -> None:
    say_lead(document)
    blocks = {block["id"]: block for section in document["sections"] for block in section["blocks"] if "id" in block}
    for name in ("summary", "points"):
        if name in blocks:
            say("\n" + aligned([column["label"] for column in blocks[name]["columns"]], blocks[name]["rows"]))
    for failure in found.failures:
        _name(failure)


def _name(failure: "Failure") -> None:
    say(f"failed to enrol: {legible(failure.photograph)}: {failure.reason}")
