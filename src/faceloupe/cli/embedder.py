"""``faceloupe embedder``: networks from files that make vectors of faces."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli import added
from faceloupe.cli.options import LABELLED_DATA, AsJson, DeviceName, EngineName, GalleryName, open_detector_if_any
from faceloupe.cli.terminal import aligned, echo, echo_json, progress, say, say_skipped, stoppable
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.onnx_embedder import OnnxEmbedder

embedder = typer.Typer(
    name="embedder",
    help="Add, list, check and remove embedders from ONNX files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@embedder.command()
def add(file: added.NetworkFile, manifest: added.ManifestFile, name: added.OtherName = None) -> None:
    """Add an embedder from an ONNX file; from then on --embedder NAME takes it.

    The file is copied to your networks under its SHA-256 and run once, on faces made up, before it is added.
    """
    import numpy as np

    from faceloupe.embedders import PUBLISHED
    from faceloupe.evaluation.baselines import FITTED
    from faceloupe.recognition.installed import add_network
    from faceloupe.recognition.onnx_embedder import OnnxEmbedder

    description = added.read_manifest_to_add(manifest, "embedder", name, (*PUBLISHED, *FITTED))
    network = OnnxEmbedder(file, description)
    dimensions = network.embed(np.random.default_rng(0).random((1, 112, 112, 3), dtype=np.float32)).shape[1]
    where = add_network(file, description)
    name = description.name
    echo(f"{name}: {dimensions} numbers a face, added as {where}")
    say(
        f"It has no threshold yet. faceloupe embedder check {name} --on DATA measures whether the manifest reads it as "
        f"it was trained; faceloupe calibrate DATA --embedder {name} --create makes a gallery with one."
    )


@embedder.command("list")
def list_(json: AsJson = False) -> None:
    """List the embedders that --embedder takes by name."""
    from faceloupe.embedders import PUBLISHED
    from faceloupe.recognition.weights import SFACE

    added.list_networks("embedder", dict.fromkeys(PUBLISHED, SFACE), json=json)


@embedder.command()
def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR|FILE.onnx", help="A name that embedder list shows, a folder of train, or a file."
        ),
    ],
    on: Annotated[str, typer.Option("--on", metavar="DATA", help=LABELLED_DATA)],
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="The manifest of a FILE.onnx that was not added.")
    ] = None,
    photographs: Annotated[int, typer.Option(min=10, help="Most photographs to look at.")] = 200,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    json: AsJson = False,
) -> None:
    """Measure whether a manifest reads its network as it was trained: channel order, scaling, alignment, mirroring.

    Exit status 1 if another reading separates the people of the photographs better.
    """
    from faceloupe.evaluation.embedder_check import check_embedder

    from_file = _from_file(name, manifest, engine)
    with stoppable("Stopped."), progress("checking", transient=True) as show:
        checked = check_embedder(from_file, on, photographs=photographs, progress=show)
    if json:
        echo_json(checked.to_document())
    else:
        rows = [(reading.words, f"{reading.d_prime:.2f}", f"{reading.gain:+.2f}") for reading in checked.readings]
        echo(aligned(("read", "d'", "gain"), rows))
        say(checked.words())
    if checked.better is not None:
        raise typer.Exit(1)


def _from_file(name: str, manifest: Path | None, engine: "Engine") -> "OnnxEmbedder":
    """Return the embedder to check: an ONNX file with its manifest, whatever it is given by."""
    from faceloupe.embedders import PUBLISHED, open_embedder
    from faceloupe.recognition.installed import installed_manifest
    from faceloupe.recognition.onnx_embedder import OnnxEmbedder

    if manifest is not None:
        return OnnxEmbedder(Path(name), manifest, engine=engine)
    if name not in PUBLISHED and installed_manifest(name) is None and Path(name).is_file():
        raise InputError(f"{name} is a file: --manifest FILE.toml says how it is read")
    network = open_embedder(name, engine=engine)
    if not isinstance(network, OnnxEmbedder):
        raise InputError(
            f"{name} has no manifest that could be wrong; what is checked is an ONNX file with one: a name that "
            "embedder add gave, a folder that train --for strangers wrote, or FILE.onnx --manifest FILE.toml"
        )
    return network


@embedder.command()
def reembed(
    new: Annotated[Path, typer.Argument(metavar="NEW.db", help="The gallery to make.")],
    name: Annotated[str, typer.Option("--embedder", metavar="NAME|DIR", help="Embedder of the new gallery.")],
    gallery: GalleryName = "faceloupe.db",
    photographs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photographs of which no face was kept, in any folders.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            "--detector",
            metavar="NAME",
            help="Find faces anew in the photographs, by another detector. By default the gallery's own.",
        ),
    ] = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
) -> None:
    """Make a gallery anew with another embedder or detector, from the faces that were kept or from photographs.

    The old gallery stays as it is. The new one's threshold is chosen on its own references for the old one's false
    match rate, if they are enough to measure it, and both are shown. Exit status 2 if references were left out.
    """
    from faceloupe.embedders import open_embedder
    from faceloupe.gallery.opening import open_gallery
    from faceloupe.gallery.reembedding import reembed as made_anew

    if new.exists():
        raise InputError(f"{new} exists already; name a file that does not")
    made_by = open_embedder(name, engine=engine)
    finder = open_detector_if_any(detector, engine)
    files = [path for path in photographs.rglob("*") if path.is_file()] if photographs else []
    with (
        stoppable(f"Stopped. {new} is not whole: delete it."),
        open_gallery(gallery, engine=engine) as old,
        open_gallery(str(new), create=True, embedder=made_by) as into,
    ):
        with progress("embedding", transient=True) as show:
            result = made_anew(old, into, made_by, detector=finder, photographs=files, progress=show)
        say_skipped("left out", result.left_out)
        echo(f"{into.name}: {counted(result.references, 'reference')} of {counted(result.people, 'subject')}.")
        _compare_points(old, into, made_by)
    if result.left_out:
        raise typer.Exit(2)


def _compare_points(old: "Gallery", new: "Gallery", embedder: "Embedder") -> None:
    """Choose and save a threshold for the new gallery, and show it beside the old one's."""
    from faceloupe.evaluation.calibrate import calibrate_gallery
    from faceloupe.recognition.thresholds import DEFAULT_FMR, find_point, opening_name
    from faceloupe.scores.points import one_in

    makers = {maker for person in old.people() for maker in person.embedders}
    before = [point for maker in sorted(makers) if (point := find_point(maker, old.point(maker)))]
    fmr = before[0].target_fmr if before else DEFAULT_FMR
    after = find_point(embedder)
    try:
        after = calibrate_gallery(new, fmr, embedder)
        new.save_point(after)
    except InputError as problem:
        how = f"--gallery {quote(new.name)} --embedder {quote(opening_name(embedder))}"
        say(f"No threshold was chosen: {problem}. faceloupe calibrate DATA {how} measures one.")
    points = [*before, *([after] if after else [])]
    rows = [
        (point.embedder, f"{point.threshold:.4f}", one_in(point.target_fmr), one_in(point.fmr),
         "not known" if point.fnmr is None else f"{100 * point.fnmr:.2f} %", point.source)
        for point in points
    ]  # fmt: skip
    echo(aligned(("embedder", "threshold", "for FMR", "FMR", "FNMR", "measured on"), rows))


@embedder.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Name, as embedder list shows it.")]) -> None:
    """Remove an embedder that was added. Galleries keep their templates, but recognise nobody until it is back."""
    added.remove(name, "embedder")
