"""``faceloupe train``: train one network on people's photographs, save it, and say how well it does on the rest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.terminal import echo, echo_json, legible, progress, say, stoppable
from faceloupe.errors import InputError
from faceloupe.files import check_new_folder

if TYPE_CHECKING:
    from faceloupe.faces.faceset import FaceSet
    from faceloupe.training.base import FaceClassifier

__all__ = ["train"]


def train(
    data: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder NAME/*.jpg, or olivetti, orl or lfw.")],
    out: Annotated[Path, typer.Option(help="The folder to save it in; must not exist yet.")],
    network: Annotated[
        str,
        typer.Option(
            metavar="SENTENCE",
            help="Such as 'conv 16 5x5 relu, pool 2, dense 64 relu; preprocess centre, epochs 40', or deep: a deeper "
            "network for many people from few captures each.",
        ),
    ] = "deep",
    held_out: Annotated[
        float, typer.Option(metavar="SHARE", help="How much of each subject's captures to hold out, between 0 and 1.")
    ] = 0.5,
    size: Annotated[int, typer.Option(help="Side of the faces in pixels.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed of the split, weights and order.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers as a document instead.")] = False,
) -> None:
    """Train one network on people's photographs, save it, and say how well it does on captures it has not seen."""
    classifier = _classifier(network, seed)
    check_new_folder(out)
    if not 0 < held_out < 1:
        raise InputError(f"--held-out takes a share between 0 and 1, such as 0.5; got {held_out:g}.")
    faces = _faces(data, size)

    from faceloupe.training.measured import train_and_measure

    with stoppable("Stopped; nothing was saved."), progress("training") as tell:
        measured = train_and_measure(classifier, faces, 1 - held_out, seed=seed, progress=tell)
    classifier.save(out)
    for warning in measured.warnings:
        say(legible(warning))
    right, seen = measured.trained_right, len(measured.split.train)
    say(f"{measured.words} Of the {seen} captures it learned from, {right}.")
    say(f"Look inside:  faceloupe look {out} PHOTO    Enrol with it:  faceloupe enrol ... --embedder {out}")
    echo_json(measured.to_document() | {"folder": str(out)}) if json else echo(str(out))


def _classifier(network: str, seed: int) -> "FaceClassifier":
    from faceloupe.training.deep import DeepCNNClassifier
    from faceloupe.training.estimators import NetworkClassifier
    from faceloupe.training.language import parse_network

    if network.strip().lower() == "deep":
        return DeepCNNClassifier(seed=seed)
    return NetworkClassifier(str(parse_network(network)), seed=seed)  # a wrong sentence is told before faces are read


def _faces(data: str, size: int) -> "FaceSet":
    from faceloupe.faces.sources import load_faces

    faces = load_faces(data, size=size).with_captures(2)
    for skipped in faces.skipped if data != "orl" else ():
        say(f"skipped {legible(skipped.path)}: {skipped.reason}")
    return faces
