"""``faceloupe evaluate``: measure recognisers on labelled photographs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloupe.cli.options import (
    CACHED,
    LABELLED_DATA,
    AsJson,
    CentralOfLabelled,
    DetectorName,
    DeviceName,
    EngineName,
    NoCache,
    OnCluster,
)
from faceloupe.cli.terminal import (
    aligned,
    check_file,
    echo,
    echo_json,
    progress,
    say,
    say_failures,
    say_lead,
    stoppable,
    typed,
)
from faceloupe.errors import InputError
from faceloupe.numerals import listed

if TYPE_CHECKING:
    from faceloupe.evaluation.evaluate import Evaluation
    from faceloupe.recognition.engines import Engine
    from faceloupe.scores.points import OperatingPoint

PROBES = 100  # spoilt by --robustness


def _forget(wanted: bool) -> None:
    if not wanted:
        return
    from faceloupe.evaluation.cache import cache_folder, forget_cache

    echo(f"{forget_cache()} templates deleted from {cache_folder()}")
    raise typer.Exit


def evaluate(
    context: typer.Context,
    data: Annotated[str, typer.Argument(metavar="DATA", help=LABELLED_DATA)],
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|DIR",
            help="sface, sface+flip, an added one, a folder saved by faceloupe, or pca, cnn, deep, fitted on "
            "development subjects. May be given several times. By default sface.",
        ),
    ] = None,
    central: CentralOfLabelled = False,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV name,group: error rates by group. By default groups.csv of the folder."),
    ] = None,
    development: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of a folder's subjects to choose and fit on; 0 measures all.")
    ] = 0.5,
    fmr: Annotated[
        float,
        typer.Option(
            help="FMR to choose a threshold for: by default 1e-3, which papers report and few photographs support. "
            "(calibrate puts a threshold in force, by default at 1e-4.)"
        ),
    ] = 1e-3,
    gallery: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Also check the threshold calibrated for this gallery.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Galleries drawn for identification.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the subjects, galleries, bands and fits drawn.")] = 0,
    detector: DetectorName = "yunet",
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    impostors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Non-mated scores, where DATA is a file of mated ones.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The report. By default evaluation.html.")] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also measure on photographs spoilt by blur, noise, masks ...")
    ] = False,
    probes: Annotated[
        int | None, typer.Option(min=1, help="Photographs that --robustness spoils. By default 100.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE.zip", help="Also write page, numbers and scores into one sealed file.")
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option(metavar="KEY", help="A file of 32 bytes or more: sign the bundle, or check one that is DATA."),
    ] = None,
    faces: Annotated[bool, typer.Option("--faces", help="Show faces in the report: the worst comparisons.")] = False,
    json: AsJson = False,
    no_cache: NoCache = False,
    on: OnCluster = None,
    forget_cache: Annotated[  # noqa: ARG001 - it has done its work before
        bool,
        typer.Option("--forget-cache", callback=_forget, is_eager=True, help="Delete all cached templates, and leave."),
    ] = False,
) -> None:
    """Measure recognisers on labelled photographs, or the scores in a file.

    The protocols are standard, and the result is one page. Templates are cached, so that the same command resumes
    where it was interrupted. They are personal data: --no-cache keeps none, --forget-cache deletes them.
    """
    from faceloupe.cluster import on_cluster
    from faceloupe.evaluation.bundle import is_bundle, write_bundle
    from faceloupe.evaluation.evaluate import evaluate as evaluated
    from faceloupe.evaluation.score_files import is_score_file
    from faceloupe.pages import page as make_page
    from faceloupe.recognition.onnx_detector import open_detector
    from faceloupe.report.page import write_page

    page = out or (None if json else Path("evaluation.html"))
    bundled, scored = is_bundle(data), impostors is not None or is_score_file(data)
    if bundled or scored:
        _check_options(context, data, ("sign",) if bundled else ("impostors",))
    if probes and not robustness:
        raise InputError("--probes is for --robustness: give both")
    _check_bundle(bundle, sign, page, bundled=bundled)
    for written in filter(None, (page, bundle)):
        check_file(written, (data, gallery, sign, impostors, groups))
    if bundled:
        _unbundle(data, sign, page, json=json)
        return
    if scored:
        _scores(data, impostors, page, json=json)
        return
    names = tuple(embedder or ("sface",))
    points = _calibrated(gallery, names, engine)
    finder = open_detector(detector, engine=engine)
    with stoppable("Stopped." if no_cache else CACHED), on_cluster(on), progress("evaluating", transient=True) as show:
        evaluation = evaluated(
            data, names, faces="central" if central else None, detector=finder, groups=groups,
            development=development, fmr=fmr, points=points, draws=draws, seed=seed, engine=engine, cached=not no_cache,
            robustness=(probes or PROBES) if robustness else 0, command=typed(), progress=show,
        )  # fmt: skip
    document = make_page(evaluation, show_faces=faces)
    if page is not None:
        write_page(page, document)
    if bundle is not None:
        write_bundle(bundle, evaluation, key=sign, show_faces=faces)
        say(f"Bundled in {bundle}; faceloupe evaluate {bundle} makes the page again from it.")
    _summarise(evaluation, document)
    echo_json(evaluation.to_document()) if json else echo(str(page))


def _check_options(context: typer.Context, data: str, more: tuple[str, ...]) -> None:
    """Refuse what was given and has no use where there are no photographs."""
    names = [name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"]  # type: ignore[union-attr]
    options = [f"--{name.replace('_', '-')}" for name in names if name not in ("data", "out", "json", *more)]
    if options:
        kind = "a bundle" if "sign" in more else "a file of scores"
        raise InputError(f"{data} is {kind}; {listed(options)} {'is' if len(options) == 1 else 'are'} for photographs")


def _check_bundle(bundle: Path | None, sign: Path | None, page: Path | None, *, bundled: bool) -> None:
    """Let choices through that make a bundle, before the work begins."""
    from faceloupe.seals import read_secret

    if sign is not None and bundle is None and not bundled:
        raise InputError("--sign signs a bundle: give --bundle FILE.zip too, or a bundle as DATA")
    if bundle is not None and bundle.suffix.lower() != ".zip":
        raise InputError(f"{bundle}: the name of a bundle ends in .zip, by which it is known when it is read again")
    if bundle is not None and page is not None and bundle.absolute() == page.absolute():
        raise InputError(f"{bundle} cannot be page and bundle both; name another one with --out")
    if sign is not None:
        read_secret(sign)


def _unbundle(data: str, key: Path | None, page: Path | None, *, json: bool) -> None:
    """Make the page of a bundle again, once it is known to be unchanged."""
    from faceloupe.evaluation.bundle import read_bundle
    from faceloupe.pages import page as make_page
    from faceloupe.report.page import write_page

    bundle = read_bundle(data, key=key)
    document = make_page(bundle)
    try:
        if page is not None:
            write_page(page, document)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise InputError(f"The page in {data} cannot be drawn: {type(problem).__name__} {problem}") from problem
    say(repr(bundle))
    say_lead(document)
    echo_json(bundle.to_document()) if json else echo(str(page))


def _scores(data: str, impostors: Path | None, page: Path | None, *, json: bool) -> None:
    """Measure the scores of another program."""
    from faceloupe.evaluation.score_evaluation import evaluate_scores
    from faceloupe.pages import page as make_page
    from faceloupe.report.page import write_page

    evaluation = evaluate_scores(data, impostors)
    document = make_page(evaluation)
    if page is not None:
        write_page(page, document)
    say_lead(document)
    for part in document["sections"]:
        for block in part["blocks"]:
            if block["type"] == "table":
                say("\n" + aligned([column["label"] for column in block["columns"]], block["rows"]))
    for note in evaluation.notes:
        say(note)
    echo_json(evaluation.to_document()) if json else echo(str(page))


def _calibrated(gallery: str | None, names: Sequence[str], engine: "Engine") -> "list[OperatingPoint]":
    """Return the points that were calibrated for a gallery, of those embedders that need not be fitted."""
    from faceloupe.embedders import open_embedder
    from faceloupe.evaluation.baselines import FITTED
    from faceloupe.gallery.opening import open_gallery

    if gallery is None:
        return []
    with open_gallery(gallery) as people:
        points = [people.point(open_embedder(name, engine=engine)) for name in names if name not in FITTED]
    return [point for point in points if point is not None]


def _summarise(evaluation: "Evaluation", document: dict[str, Any]) -> None:
    say_lead(document)
    blocks = {block["id"]: block for section in document["sections"] for block in section["blocks"] if "id" in block}
    for name in ("summary", "points"):
        if name in blocks:
            say("\n" + aligned([column["label"] for column in blocks[name]["columns"]], blocks[name]["rows"]))
    say_failures(evaluation.failures)
    for note in (
        *evaluation.notes,
        *(f"{measured.label}: {note}" for measured in evaluation.recognisers for note in measured.notes),
    ):
        say(note)
