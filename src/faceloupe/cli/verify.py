"""``faceloupe verify``: decide whether two photographs show one person, or one somebody of a gallery."""

from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import (
    DEFAULT_GALLERY,
    AsJson,
    Central,
    DeviceName,
    EmbedderName,
    EngineName,
    GalleryDetectorName,
    MinSize,
    TargetFmr,
    Turned,
    gallery_if_any,
    open_gallery_if_any,
    search_of_one,
)
from faceloupe.cli.terminal import IN_FULL, echo, echo_json, say, say_remarks
from faceloupe.errors import InputError

if TYPE_CHECKING:
    from faceloupe.gallery.person_decisions import PersonDecision
    from faceloupe.recognition.decisions import Decision
    from faceloupe.scores.evidence import Evidence


def verify(
    a: Annotated[str, typer.Argument(metavar="A", help="A photograph with one face.")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="A second photograph, unless --person is given.")] = None,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Compare A with this person of the gallery, given by name, id:ID or number:N."
        ),
    ] = None,
    fmr: TargetFmr = None,
    central: Central = False,
    gallery: Annotated[
        str | None,
        gallery_if_any("Use the threshold calibrated for this gallery. With --person, faceloupe.db by default."),
    ] = None,
    min_size: MinSize = 20,
    turned: Turned = True,
    lr: Annotated[
        bool,
        typer.Option("--lr", help="Also print the weight of the score as evidence: log10 of the likelihood ratio."),
    ] = False,
    prior: Annotated[
        float | None,
        typer.Option(help="With --lr: your prior probability that the two are one person; the posterior is printed."),
    ] = None,
    embedder: EmbedderName = None,
    detector: GalleryDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    json: AsJson = False,
) -> None:
    """Decide whether two photographs show the same person, or one shows a person in a gallery.

    Exit status 0 for a match, 1 for no match, 2 if they could not be compared.
    """
    from faceloupe.embedders import DEFAULT, open_embedder
    from faceloupe.recognition.decisions import verify as verify_photographs
    from faceloupe.recognition.thresholds import published_point

    if (b is None) == (person is None):
        raise InputError("verify takes two photographs, or one and --person NAME")
    if prior is not None and not lr:
        raise InputError("--prior turns a likelihood ratio into a probability: give --lr too")
    if lr and person is not None:
        raise InputError("--lr is for two photographs: what the best of several references is worth was not measured")
    search = search_of_one(central=central, min_size=min_size, turned=turned, detector=detector, engine=engine)
    place = gallery or (None if person is None else DEFAULT_GALLERY)
    with open_gallery_if_any(place, embedder, engine) as people:
        made_by = people.embedder if people else open_embedder(embedder or DEFAULT, engine=engine)
        point = None if fmr is None else published_point(made_by, fmr)
        if people and person is not None:
            _answer(people.verify_person(a, person, point=point, faces=search), json=json)
            return
        decision = verify_photographs(
            a, b or "", point, gallery=people, embedder=made_by, faces=search, prior=prior
        )  # fmt: skip
    if lr and decision.evidence is None:
        raise InputError(
            f"--lr: nobody measured what scores of {decision.point.embedder} are worth as evidence. Calibrate it on "
            "photographs of which some show one person (faceloupe calibrate), and name the gallery"
        )
    _answer(decision, json=json, evidence=decision.evidence if lr else None)


def _answer(decision: "Decision | PersonDecision", *, json: bool, evidence: "Evidence | None" = None) -> None:
    """Print an answer; leave with status 1 if it is no match."""
    from faceloupe.recognition.remarks import answer_in_words

    if json:
        echo_json(decision.to_document())
    else:
        echo(answer_in_words(decision.score, decision.point))
        if evidence:
            echo(evidence.words())
        say(f"{decision.meaning()} {IN_FULL}")
        say_remarks(decision.notes, decision.warnings)
    if not decision.match:
        raise typer.Exit(1)
