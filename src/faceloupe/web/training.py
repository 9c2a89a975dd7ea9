"""Training a network on captures of many people, with its accuracy on captures that it has not seen."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from faceloupe.errors import InputError
from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.splits import split_by_capture
from faceloupe.progress import Progress
from faceloupe.web.children import InChild
from faceloupe.web.jobs import Work

if TYPE_CHECKING:
    from faceloupe.looking.model import Classifier

Kind = Literal["cnn", "fcnn", "deep"]


def train(folder: Path, faces: FaceSet, kind: Kind, epochs: int | None) -> Work:
    """Return the job that trains a network on half of every subject's captures, measures it on the rest, and saves it.

    The network is named as the folder, which must not exist yet; `epochs` are the network's own if None. Raises
    InputError if a subject has fewer than two captures.
    """
    captures = max(1, int(faces.captures_per_subject.min()) // 2)
    split_by_capture(faces.subject, train=captures, seed=0)  # what cannot be split is refused before there is a job
    return InChild(train_network, folder, faces, captures, kind, epochs)


def train_network(
    folder: Path, faces: FaceSet, captures: int, kind: Kind, epochs: int | None, progress: Progress
) -> dict[str, Any]:
    """Train, measure and save a network, as a child does; return how well it did.

    Raises InputError if there is a network of this name by now.
    """
    from faceloupe.training.measured import train_and_measure  # torch takes seconds to load

    if folder.exists():
        raise InputError(f"there is a network {folder.name!r} already; take another name")
    classifier = _classifier(kind, epochs)
    measured = train_and_measure(classifier, faces, captures, progress=progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    classifier.save(folder)
    facts = {"network": folder.name, "kind": kind, "epochs": classifier.epochs, "shared": len(measured.shared)}
    return measured.to_document() | facts


def _classifier(kind: Kind, epochs: int | None) -> "Classifier":
    from faceloupe.training.deep import DeepCNNClassifier  # torch takes seconds to load
    from faceloupe.training.estimators import CNNClassifier, FCNNClassifier

    options: dict[str, Any] = {} if epochs is None else {"epochs": epochs}
    if kind == "deep":
        return DeepCNNClassifier(**options)
    # Centred, or all hidden units may die: see the study.
    return (CNNClassifier if kind == "cnn" else FCNNClassifier)(preprocess="centre", **options)
