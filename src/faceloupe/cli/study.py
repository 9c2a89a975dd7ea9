"""``faceloupe study``: train the tutorial's two networks on many people and seeds, and write one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from faceloupe.cli.folders import Crop, is_folder, load_folder, refuse_crop
from faceloupe.cli.options import OnCluster
from faceloupe.cli.terminal import echo, echo_json, legible, progress, say, say_lead, say_skipped, stoppable, typed
from faceloupe.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from faceloupe.faces.faceset import FaceSet
    from faceloupe.studies.comparison.run import Comparison
    from faceloupe.studies.run import Study


def study(
    data: Annotated[
        str | None,
        typer.Option(
            help="olivetti, orl or a folder NAME/*.jpg. By default olivetti, or orl where olivetti cannot be had."
        ),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SENTENCE",
            help="Compare these networks instead, two or more: a sentence such as 'conv 16 5x5 relu, pool 2', or "
            "'NAME=SENTENCE'.",
        ),
    ] = None,
    crop: Crop = None,
    people: Annotated[
        tuple[int, int], typer.Option(help="The two subjects that the tutorial's figures show, from 0.")
    ] = (0, 1),
    pairs: Annotated[
        str | None, typer.Option(help="Number of pairs of people to draw, or 'all'. By default 24, or all there are.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Fits of each network for each pair.")] = 8,
    epochs: Annotated[int, typer.Option(help="Epochs of a fit.")] = 20,
    preprocess: Annotated[
        list[str] | None,
        typer.Option(
            metavar="none|centre|standardise",
            help="Another preprocessing to fit with, beside none and centre. May be given several times.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the pairs, splits, weights and orders.")] = 0,
    full: Annotated[
        bool, typer.Option("--full", help="All pairs, finer shifts, and more fits where no verdict depends on them.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder that keeps the study.")] = Path("study"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the study in the folder.")] = False,
    jobs: Annotated[int, typer.Option(help="Number of processes; -1 takes one per core.")] = -1,
    on: OnCluster = None,
    faces: Annotated[
        bool | None,
        typer.Option("--faces/--no-faces", help="Show faces in the report. By default only those of olivetti and orl."),
    ] = None,
    figures: Annotated[
        Literal["png", "svg", "pdf"] | None, typer.Option(help="Also save every figure in this format.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the study's document instead of the report's path.")
    ] = False,
) -> None:
    """Train the tutorial's two networks and write one page on the results.

    They are trained on many pairs of people with many seeds; --network compares networks of your own instead.
    """
    from faceloupe.cluster import on_cluster
    from faceloupe.pages import page as make_page
    from faceloupe.report.figures import save_figures
    from faceloupe.report.page import write_page
    from faceloupe.studies.comparison.networks import plan_comparison
    from faceloupe.studies.comparison.run import run_comparison
    from faceloupe.studies.plan import make_plan
    from faceloupe.studies.run import estimate_seconds, run_study

    loaded, note = _load(data, crop)
    options: dict[str, Any] = {"people": people, "pairs": _count(pairs), "seeds": seeds, "epochs": epochs,
                               "preprocess": preprocess or ["none", "centre"], "full": full, "seed": seed}  # fmt: skip
    running: dict[str, Any] = {"resume": resume, "command": typed(), "note": note, "n_jobs": jobs}
    result: Study | Comparison
    if network:
        compared = plan_comparison(network, loaded, **options)
        with stoppable(_stopped(out)), on_cluster(on), progress("fitting") as tell:
            result = run_comparison(compared, loaded, out, progress=tell, **running)
        document = make_page(result)
    else:
        plan = make_plan(loaded, **options)
        if full:
            expected = estimate_seconds(plan, loaded, jobs)
            minutes = f"{expected:.0f} seconds" if expected < 90 else f"{expected / 60:.0f} minutes"
            say(f"About {minutes} for {len(plan.pairs)} pairs × {plan.seeds} seeds.")
        with stoppable(_stopped(out)), on_cluster(on), progress("fitting") as tell:
            result = run_study(plan, loaded, out, progress=tell, **running)
        document = make_page(result, show_faces=faces)
    page = out / "report.html"
    write_page(page, document)
    if figures is not None:
        written = save_figures(document, out / "figures", figures)
        say(f"{len(written)} figures in {out / 'figures'}")
    numbers = result.to_document()
    _summarise(result, document, numbers)
    echo_json(numbers) if json else echo(str(page))


def _load(data: str | None, crop: bool | None) -> "tuple[FaceSet, str]":
    """Load what was asked for, or else what is there; return it with what a reader must know of it."""
    from faceloupe.faces.sources import load_faces
    from faceloupe.studies.plan import CAPTURES

    if data is not None and is_folder(data):
        faces, note = load_folder(data, crop)
        faces = faces.with_captures(CAPTURES)
        _tell(faces)
        return faces, note
    refuse_crop(crop)
    note = ""
    try:
        faces = load_faces(data or "olivetti")
    except UnavailableError:
        if data is not None:
            raise
        note = "The Olivetti faces are neither cached nor reachable: this study used the ORL photographs instead."
        say(note)
        faces = load_faces("orl")
    if data == "lfw":
        faces = faces.with_captures(CAPTURES)
    _tell(faces, skipped=data not in (None, "orl"))
    return faces, note


def _tell(faces: "FaceSet", *, skipped: bool = True) -> None:
    say_skipped("skipped", faces.skipped if skipped else ())
    for group in faces.duplicates:
        say(f"same pixels: {legible(', '.join(group))}")


def _count(pairs: str | None) -> Any:
    if pairs in ("all", None):
        return pairs
    try:
        return int(pairs)
    except ValueError:
        raise InputError(f"--pairs takes a number or 'all'; got {pairs!r}.") from None


def _stopped(out: Path) -> str:
    return f"Stopped. What was measured is kept in {out}; give the same command with --resume to go on."


def _summarise(result: "Study | Comparison", document: dict[str, Any], numbers: dict[str, Any]) -> None:
    from faceloupe.report.rendering import ANSWERS

    say("")
    say_lead(document)
    for statement in numbers.get("statements", ()):
        say(f"\nThe tutorial {statement['manner']}: {statement['claim']}")
        words = ANSWERS if statement["manner"] == "asks" else {}
        for judged in statement["judged"]:
            of = f"{judged['of']}. " if judged["of"] else ""
            verdict = words.get(judged["verdict"], judged["verdict"])
            say(f"{verdict:>14}  {of}{judged['quantity']}".rstrip())
        rules = dict.fromkeys(judged["rule"] for judged in statement["judged"] if judged["rule"])
        if rules:
            say(f"{'the limit':>14}  {'; '.join(rules)}")
    say(f"\n{len(result.trials):,} trials in {result.folder}, {result.seconds:.0f} s.")
