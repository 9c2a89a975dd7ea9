"""``faceloupe train``: a network trained on people's photographs, to name those people or to tell strangers apart."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from faceloupe.cli.folders import Crop, is_folder, load_folder, refuse_crop
from faceloupe.cli.options import AsJson, CentralOfLabelled, open_detector_if_any
from faceloupe.cli.terminal import echo, echo_json, legible, progress, say, say_failures, say_skipped, stoppable, typed
from faceloupe.errors import InputError
from faceloupe.files import check_new_folder

if TYPE_CHECKING:
    from faceloupe.faces.faceset import FaceSet
    from faceloupe.strangers.training import StrangersPlan
    from faceloupe.training.base import FaceClassifier


def train(
    data: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder NAME/*.jpg, or olivetti, orl or lfw.")],
    out: Annotated[
        Path, typer.Option(help="The folder to save it in; must not exist yet, or hold the same training unfinished.")
    ],
    for_: Annotated[
        Literal["people", "strangers"],
        typer.Option(
            "--for",
            help="people: names those it was trained on. strangers: an embedder, for people that it has not seen.",
        ),
    ] = "people",
    network: Annotated[
        str | None,
        typer.Option(
            metavar="SENTENCE|SIZE",
            help="For people a sentence, such as 'conv 16 5x5 relu, pool 2, dense 64 relu; preprocess centre, epochs "
            "40', or deep, the default: a deeper network for many people from few captures each. For strangers small, "
            "the default, or large, for a GPU.",
        ),
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share to hold out, from 0 to 1: of each subject's captures, by default 0.5; for strangers, of the "
            "people, by default 0.15.",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the faces in pixels, by default 64; for people only.")
    ] = None,
    crop: Crop = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Detector of faces: yunet, the default, or one added by detector add."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of a training for strangers; by default 60.")] = None,
    central: CentralOfLabelled = False,
    seed: Annotated[int, typer.Option(help="Seed of the split, weights and order.")] = 0,
    json: AsJson = False,
) -> None:
    """Train a network on people's photographs, save it, and measure it.

    It is measured on photographs, or for strangers on people, that it has not seen.
    """
    if held_out is not None and not 0 < held_out < 1:
        raise InputError(f"--held-out takes a share between 0 and 1, such as 0.5; got {held_out:g}.")
    if for_ == "strangers":
        if size is not None or crop is not None:
            raise InputError("--size and --crop are for people: for strangers, faces are aligned to 112 x 112 pixels.")
        network = network or "small"
        if network not in ("small", "large"):
            raise InputError(f"--network: for strangers small or large; got {network!r}.")
        from faceloupe.strangers.training import StrangersPlan

        plan = StrangersPlan(
            epochs=60 if epochs is None else epochs, size=network, held_out=held_out or 0.15, seed=seed  # type: ignore[arg-type]  # checked
        )  # fmt: skip
        _for_strangers(data, out, plan, detector, central=central, json=json)
        return
    if epochs is not None or central:
        raise InputError(
            "--epochs and --central are for strangers; for people the sentence says how many epochs, such as "
            "--network 'dense 64 relu; epochs 40', and a photograph shows one face."
        )
    if detector is not None and (crop is False or not is_folder(data)):
        raise InputError("--detector finds the faces that are cut out of a folder's photographs: not with --no-crop.")
    classifier = _classifier(network or "deep", seed)
    check_new_folder(out)
    _for_people(classifier, _faces(data, size or 64, crop, detector), out, 1 - (held_out or 0.5), json=json)


def _for_people(classifier: "FaceClassifier", faces: "FaceSet", out: Path, share: float, *, json: bool) -> None:
    from faceloupe.training.measured import train_and_measure

    with stoppable("Stopped; nothing was saved."), progress("training") as tell:
        measured = train_and_measure(classifier, faces, share, seed=classifier.seed, progress=tell)
    classifier.save(out)
    for warning in measured.warnings:
        say(legible(warning))
    right, seen = measured.trained_right, len(measured.split.train)
    say(f"{measured.words} Of the {seen} captures it learned from, {right}.")
    pasted = quote(str(out))
    say(f"Look inside:  faceloupe look {pasted} PHOTO    Enrol with it:  faceloupe enrol ... --embedder {pasted}")
    echo_json(measured.to_document() | {"folder": str(out)}) if json else echo(str(out))


def _for_strangers(
    data: str, out: Path, plan: "StrangersPlan", detector: str | None, *, central: bool, json: bool
) -> None:
    from faceloupe.strangers.train import train_for_strangers

    stopped = f"Stopped. {out} keeps the faces and the last whole epoch; the same command goes on."
    with stoppable(stopped), progress("training") as tell:
        made = train_for_strangers(
            data, out, plan, faces="central" if central else None, detector=open_detector_if_any(detector),
            command=typed(), progress=tell,
        )  # fmt: skip
    say_failures(made.failed)
    say(" ".join(made.words()).replace("**", ""))
    say(f"Measure it beside SFace:  faceloupe evaluate DATA --embedder sface --embedder {quote(str(out))}")
    echo_json(made.to_document() | {"folder": str(out)}) if json else echo(str(out))


def _classifier(network: str, seed: int) -> "FaceClassifier":
    from faceloupe.training.deep import DeepCNNClassifier
    from faceloupe.training.estimators import NetworkClassifier
    from faceloupe.training.language import parse_network

    if network.strip().lower() == "deep":
        return DeepCNNClassifier(seed=seed)
    return NetworkClassifier(str(parse_network(network)), seed=seed)  # a wrong sentence is told before faces are read


def _faces(data: str, size: int, crop: bool | None, detector: str | None) -> "FaceSet":
    from faceloupe.faces.sources import load_faces

    if is_folder(data):
        faces, _ = load_folder(data, crop, size, open_detector_if_any(detector))
    else:
        refuse_crop(crop)
        faces = load_faces(data, size=size)
    faces = faces.with_captures(2)
    say_skipped("skipped", faces.skipped if data != "orl" else ())
    return faces
