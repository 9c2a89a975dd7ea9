"""Training a network on captures of many people, with its accuracy on captures that it has not seen."""

from typing import TYPE_CHECKING, Any, Literal

from faceloupe.faces import FaceSet, split_by_capture
from faceloupe.progress import Progress
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
    captures = max(1, int(faces.captures_per_subject.min()) // 2)
    split_by_capture(faces.subject, train=captures, seed=0)  # what cannot be split is refused before there is a job

    def work(tell: Progress) -> dict[str, Any]:
        from faceloupe.training.measured import train_and_measure  # torch takes seconds to load

        folder = networks.check_new(name)
        classifier = _classifier(kind, epochs)
        measured = train_and_measure(classifier, faces, captures, progress=tell)
        folder.parent.mkdir(parents=True, exist_ok=True)
        classifier.save(folder)
        return measured.to_document() | {
            "network": name,
            "kind": kind,
            "epochs": classifier.epochs,
            "shared": len(measured.shared),
        }

    return work


def _classifier(kind: Kind, epochs: int | None) -> "Classifier":
    from faceloupe.training import CNNClassifier, DeepCNNClassifier, FCNNClassifier  # torch takes seconds to load

    given: dict[str, Any] = {} if epochs is None else {"epochs": epochs}
    if kind == "deep":
        return DeepCNNClassifier(**given)
    # Centred, or all hidden units may die: see the study.
    return (CNNClassifier if kind == "cnn" else FCNNClassifier)(preprocess="centre", **given)
