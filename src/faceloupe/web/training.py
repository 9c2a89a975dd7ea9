"""Training a network on captures of many people, with its accuracy on captures that it has not seen."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from faceloupe.faces import FaceSet, leaks, split_by_capture
from faceloupe.progress import Progress
from faceloupe.scores import wilson
from faceloupe.web.jobs import Work
from faceloupe.web.networks import Networks

if TYPE_CHECKING:
    from faceloupe.looking.model import Classifier

__all__ = ["Kind", "train"]

Kind = Literal["cnn", "fcnn", "deep"]


def train(networks: Networks, name: str, faces: FaceSet, kind: Kind, epochs: int | None) -> Work:
    """Return the job that trains a network on half of every subject's captures, measures it on the rest, and saves it.

    Parameters
    ----------
    networks : Networks
        What it will be among.
    name : str
        Its id there.
    faces : FaceSet
        At least two captures of every subject.
    kind : {"cnn", "fcnn", "deep"}
    epochs : int or None
        None: as the network has it.

    Raises
    ------
    InputError
        If a subject has too few captures.
    """
    split = split_by_capture(faces.subject, train=max(1, int(faces.captures_per_subject.min()) // 2), seed=0)
    names = np.array(faces.names)[faces.subject]

    def work(tell: Progress) -> dict[str, Any]:
        folder = networks.check_new(name)
        classifier = _classifier(kind, epochs)
        classifier.fit(faces.images[split.train], names[split.train], progress=tell)
        named = classifier.predict(faces.images[split.held_out])
        correct = int((named == names[split.held_out]).sum())
        folder.parent.mkdir(parents=True, exist_ok=True)
        classifier.save(folder)
        return _result(name, kind, faces, len(split.train), correct, len(split.held_out)) | {
            "epochs": classifier.epochs,
            "shared": len(leaks(faces, split)),
        }

    return work


def _classifier(kind: Kind, epochs: int | None) -> "Classifier":
    from faceloupe.training import CNNClassifier, DeepCNNClassifier, FCNNClassifier  # torch takes seconds to load

    given: dict[str, Any] = {} if epochs is None else {"epochs": epochs}
    if kind == "deep":
        return DeepCNNClassifier(**given)
    # Centred, or all hidden units may die: see the study.
    return (CNNClassifier if kind == "cnn" else FCNNClassifier)(preprocess="centre", **given)


def _result(network: str, kind: str, faces: FaceSet, trained: int, correct: int, held_out: int) -> dict[str, Any]:
    interval, chance = wilson(correct, held_out), 1 / faces.n_subjects
    return {
        "network": network,
        "kind": kind,
        "data": faces.source,
        "subjects": faces.n_subjects,
        "train": trained,
        "held_out": held_out,
        "accuracy": correct / held_out,
        "interval": {"low": interval.low, "high": interval.high, "confidence": interval.confidence},
        "chance": chance,
        "words": (
            f"It named {correct} of {held_out} held-out captures of {faces.n_subjects} people: "
            f"{100 * correct / held_out:.1f} % ({100 * interval.confidence:.0f} % interval {100 * interval.low:.1f} to "
            f"{100 * interval.high:.1f} %); chance is {100 * chance:.1f} %."
        ),
    }
