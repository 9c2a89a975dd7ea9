"""``faceloupe verify``: decide whether two photographs show one person."""

from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import (
    AsJson,
    Central,
    DetectorName,
    DeviceName,
    EmbedderName,
    EngineName,
    MinSize,
    TargetFmr,
    Turned,
    gallery_if_any,
    open_gallery_if_any,
)
from faceloupe.cli.terminal import echo, echo_json, say
from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.scores.points import OperatingPoint


def verify(
    a: Annotated[str, typer.Argument(metavar="A", help="A photograph with one face.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    fmr: TargetFmr = None,
    central: Central = False,
    gallery: Annotated[str | None, gallery_if_any("Take the threshold calibrated there.")] = None,
    min_size: MinSize = 20,
    turned: Turned = True,
    lr: Annotated[bool, typer.Option("--lr", help="Also say what the score is worth as evidence: log10 LR.")] = False,
    prior: Annotated[
        float | None,
        typer.Option(help="With --lr: your probability of one person before comparing; gives the one after."),
    ] = None,
    embedder: EmbedderName = None,
    detector: DetectorName = "yunet",
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    json: AsJson = False,
) -> None:
    """Decide whether two photographs show one person.

    Exit status 0 for a match, 1 for no match, 2 if they could not be compared.
    """
    from faceloupe.embedders import DEFAULT, open_embedder
    from faceloupe.recognition.decisions import verify as decided
    from faceloupe.recognition.onnx_detector import open_detector
    from faceloupe.recognition.search import FaceSearch
    from faceloupe.recognition.thresholds import published_point

    if prior is not None and not lr:
        raise InputError("--prior turns a likelihood ratio into a probability: give --lr too")
    finder = open_detector(detector, engine=engine)
    search = FaceSearch("central" if central else "one", min_size=min_size, turned=turned, detector=finder)
    with open_gallery_if_any(gallery, embedder, engine) as people:
        made_by = people.embedder if people else open_embedder(embedder or DEFAULT, engine=engine)
        if people and fmr is None and people.point(made_by) is None:
            say(f"{gallery} has no threshold of its own for {made_by.name}; the published one is taken.")
        point = None if fmr is None else published_point(made_by, fmr)
        decision = decided(a, b, point, gallery=people, embedder=made_by, faces=search, prior=prior)
    if lr and decision.evidence is None:
        raise InputError(_no_evidence(decision.point))
    if json:
        echo_json(decision.to_document())
    else:
        answer, _, meaning = decision.words().partition("\n")
        echo(answer)
        if lr and decision.evidence:
            echo(decision.evidence.words())
        say(meaning)
    if not decision.match:
        raise typer.Exit(1)


def _no_evidence(point: "OperatingPoint") -> str:
    return (
        f"--lr: nobody measured what scores of {point.embedder} are worth as evidence. Calibrate it on "
        "photographs of which some show one person (faceloupe calibrate), and name the gallery"
    )
