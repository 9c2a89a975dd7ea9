"""The command line: the library spoken aloud. Data goes to stdout, talk to stderr.

What computes is imported inside the commands, so that ``--help`` answers at once.
"""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloupe import __version__
from faceloupe.errors import FaceloupeError, InputError, UnavailableError

if TYPE_CHECKING:
    from faceloupe.faces import FaceSet
    from faceloupe.studies import Study
    from faceloupe.studies.run import Progress

__all__ = ["app", "main"]

app = typer.Typer(
    help="Face recognition with convolutional networks that you can see through.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Rich would take half of the time that --help takes
    pretty_exceptions_enable=False,
)


class Preprocess(StrEnum):
    """What is done to the pixels before a network sees them."""

    none = "none"
    centre = "centre"
    standardise = "standardise"


class Format(StrEnum):
    """File formats for exported figures."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


def main() -> None:
    """Run the command line; errors that faceloupe or the system foresees become a message and exit status 2."""
    try:
        app()
    except (FaceloupeError, OSError) as problem:
        typer.echo(f"faceloupe: {problem}", err=True)
        sys.exit(2)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"faceloupe {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Face recognition with convolutional networks that you can see through."""


@app.command()
def study(
    data: Annotated[
        str | None,
        typer.Option(
            help="olivetti, orl or a folder NAME/*.jpg. By default olivetti, or orl where that is not to be had."
        ),
    ] = None,
    people: Annotated[
        tuple[int, int], typer.Option(help="The two subjects that the tutorial's figures show, from 0.")
    ] = (0, 1),
    pairs: Annotated[
        str | None, typer.Option(help="How many pairs of people to draw, or 'all'. By default 24, or all there are.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Fits of each network for each pair.")] = 8,
    epochs: Annotated[int, typer.Option(help="Epochs of a fit.")] = 20,
    preprocess: Annotated[
        list[Preprocess] | None, typer.Option(help="May be given several times. By default none and centre.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What pairs, splits, weights and orders are drawn from.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="All pairs, and the side experiments at full size.")] = False,
    out: Annotated[Path, typer.Option(help="The folder that keeps the study.")] = Path("study"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the study in the folder.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes; -1 is one a core.")] = -1,
    faces: Annotated[
        bool | None,
        typer.Option("--faces/--no-faces", help="Show faces in the report. By default only those of olivetti and orl."),
    ] = None,
    figures: Annotated[Format | None, typer.Option(help="Also save every figure in this format.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the study's document instead of the report's path.")
    ] = False,
) -> None:
    """Train both networks on many people and seeds, and write one page on what happens."""
    from faceloupe.documents import write_whole
    from faceloupe.report import render_page, save_figures
    from faceloupe.studies import make_plan, run_study
    from faceloupe.studies.run import estimate_seconds

    loaded, note = _load(data)
    kinds = [kind.value for kind in preprocess or (Preprocess.none, Preprocess.centre)]
    plan = make_plan(
        loaded, people=people, pairs=_count(pairs), seeds=seeds, epochs=epochs, preprocess=kinds, full=full, seed=seed
    )
    if full:
        _say(
            f"About {_minutes(estimate_seconds(plan, loaded, jobs))} for {len(plan.pairs)} pairs × {plan.seeds} seeds."
        )
    with _stoppable(out), _progress() as progress:
        found = run_study(
            plan, loaded, out, resume=resume, command=_command(), note=note, n_jobs=jobs, progress=progress
        )
    document = found.to_document(show_faces=faces)
    page = out / "report.html"
    write_whole(page, render_page(document).encode())
    if figures is not None:
        written = save_figures(document, out / "figures", figures.value)
        _say(f"{len(written)} figures in {out / 'figures'}")
    _summarise(found, document)
    typer.echo(_dumped(document) if json else str(page))


@app.command()
def look(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A folder saved by faceloupe, an ONNX file, or module:function that makes a torch module (runs it).",
        ),
    ],
    faces: Annotated[
        list[str],
        typer.Argument(metavar="FACE", help="Image files, or olivetti:3 or orl:3, the number of a capture from 0."),
    ],
    compare: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Another network to show the same faces.")
    ] = None,
    layers: Annotated[list[str] | None, typer.Option(help="A layer to show; may be given several times.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Attribution method, may be given several times. By default occlusion; none for no maps."),
    ] = None,
    certificate: Annotated[
        bool, typer.Option(help="Check each map; that takes 10 to 40 times as long as making it.")
    ] = True,
    weights: Annotated[Path | None, typer.Option(help="Safetensors file for module:function.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the faces in pixels, where MODEL does not say.")] = None,
    pixels: Annotated[
        str | None,
        typer.Option(metavar="0..1|0..255|-1..1", help="What an ONNX file or module expects; 0..1 by default."),
    ] = None,
    bgr: Annotated[bool, typer.Option("--bgr", help="An ONNX file or module expects blue first.")] = False,
    answers: Annotated[
        str | None,
        typer.Option(metavar="classes|template", help="What its numbers are. By default judged by how many they are."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The page. By default look.html.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the document instead.")] = False,
    figures: Annotated[Path | None, typer.Option(help="A folder for every picture as a PNG file instead.")] = None,
) -> None:
    """Look inside a network while it looks at faces, and write one page on it."""
    from faceloupe import looking
    from faceloupe.documents import write_whole
    from faceloupe.report import render_page, save_figures

    page = out or (None if json or figures else Path("look.html"))
    if page is not None and not page.absolute().parent.is_dir():
        raise InputError(f"{page.parent} is not a folder; make it first")

    def write(found: looking.Look) -> None:
        if page is not None:
            write_whole(page, render_page(found.to_document()).encode())

    with _first_part_kept(page), _progress("looking", transient=True) as progress:
        given: dict[str, Any] = {"size": size, "pixels": pixels, "bgr": bgr, "answers": answers}
        saved_beside = compare and Path(compare).is_dir()
        saved = Path(model).is_dir() and compare and not saved_beside  # then what is given is for the other one
        opened = looking.open_model(model, weights=weights, **({} if saved else given))
        beside = compare and looking.open_model(compare, **({} if saved_beside else given))
        found = looking.look(
            opened, faces, layers=layers, methods=[one for one in method or ["occlusion"] if one != "none"],
            compare=beside, certify=certificate, progress=progress, preview=write,
        )  # fmt: skip
        write(found)
    document = found.to_document()
    if figures is not None:
        _say(f"{len(save_figures(document, figures))} figures in {figures}")
    _say("\n\n".join(paragraph.replace("**", "") for paragraph in document["lead"]))
    typer.echo(_dumped(document) if json else str(page or figures))


@contextmanager
def _first_part_kept(page: Path | None) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        kept = page is not None and page.exists()
        _say(f"Stopped. {page} is whole, as it was last written." if kept else "Stopped; nothing was written.")
        raise typer.Exit(130) from None


def _load(data: str | None) -> "tuple[FaceSet, str]":
    """Load what was asked for, or else what is there; return it with what a reader must know of it."""
    from faceloupe.faces import load_faces

    note = ""
    try:
        faces = load_faces(data or "olivetti")
    except UnavailableError:
        if data is not None:
            raise
        note = "The Olivetti faces are neither cached nor reachable: this study used the ORL photographs instead."
        _say(note)
        faces = load_faces("orl")
    for skipped in faces.skipped if data not in (None, "orl") else ():
        _say(f"skipped {skipped.path}: {skipped.reason}")
    for group in faces.duplicates:
        _say(f"same pixels: {', '.join(group)}")
    return faces, note


def _count(pairs: str | None) -> Any:
    if pairs in ("all", None):
        return pairs
    try:
        return int(pairs)
    except ValueError:
        raise InputError(f"--pairs takes a number or 'all'; got {pairs!r}.") from None


def _command() -> str:
    return shlex.join(["faceloupe", *sys.argv[1:]])


@contextmanager
def _stoppable(out: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _say(f"Stopped. What was measured is kept in {out}; give the same command with --resume to go on.")
        raise typer.Exit(130) from None


@contextmanager
def _progress(doing: str = "fitting", *, transient: bool = False) -> "Iterator[Progress]":
    """Show how far the work is and how long it will still take."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    console = Console(stderr=True)
    silent = transient and not console.is_terminal  # nothing would be seen, but an empty line be left
    with Progress(*columns, console=console, transient=transient, disable=silent) as bar:
        work = bar.add_task(doing, total=None)
        yield lambda done, whole: bar.update(work, completed=done, total=whole)


def _summarise(found: "Study", document: dict[str, Any]) -> None:
    for paragraph in document["lead"]:
        _say("\n" + paragraph.replace("**", ""))
    _say("")
    blocks = [block for section in document["sections"] for block in section["blocks"] if block["type"] == "statement"]
    for block in blocks:
        _say(f"{block['verdict']:>12}  {block['claim']}")
    _say(f"\n{len(found.trials):,} trials in {found.folder}, {found.seconds:.0f} s.")


def _dumped(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def _say(text: str) -> None:
    typer.echo(text, err=True)
