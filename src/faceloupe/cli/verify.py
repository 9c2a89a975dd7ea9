"""``faceloupe verify``: decide whether two photographs show one person."""

from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, Central, EmbedderName, EngineName, TargetFmr, gallery_if_any
from faceloupe.cli.terminal import echo, echo_json, say

if TYPE_CHECKING:
    from faceloupe.recognition import Embedder
    from faceloupe.scores import OperatingPoint

__all__ = ["verify"]


def verify(
    one: Annotated[str, typer.Argument(metavar="A", help="A photograph with one face.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    fmr: TargetFmr = None,
    central: Central = False,
    gallery: Annotated[str | None, gallery_if_any("Take the threshold calibrated there.")] = None,
    embedder: EmbedderName = "sface",
    engine: EngineName = "openvino",
    json: AsJson = False,
) -> None:
    """Decide whether two photographs show one person.

    Exit status 0 for a match, 1 for no match, 2 if they could not be compared.
    """
    from faceloupe.embedders import open_embedder
    from faceloupe.recognition.decisions import verify as decided

    made_by = open_embedder(embedder, engine=engine)
    point = _calibrated(gallery, made_by) if gallery and fmr is None else _published(made_by, fmr)
    decision = decided(one, other, point, embedder=made_by, faces="central" if central else "one")
    if json:
        echo_json(decision.to_document())
    else:
        answer, _, meaning = decision.words().partition("\n")
        echo(answer)
        say(meaning)
    if not decision.match:
        raise typer.Exit(1)


def _calibrated(gallery: str, embedder: "Embedder") -> "OperatingPoint":
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        point = opened.point(embedder)
    if point is None:
        say(f"{gallery} has no threshold of its own for {embedder.name}; the published one is taken.")
    return point or _published(embedder, None)


def _published(embedder: "Embedder", fmr: float | None) -> "OperatingPoint":
    from faceloupe.recognition.points import DEFAULT_FMR, published_point

    return published_point(embedder, DEFAULT_FMR if fmr is None else fmr)
