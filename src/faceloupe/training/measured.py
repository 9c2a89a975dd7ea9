"""Train a classifier on a part of some captures, and say how well it does on the rest."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from faceloupe.faces.faceset import FaceSet
from faceloupe.faces.splits import Split, leaks, split_by_capture
from faceloupe.inspection.measures.units import dead_units
from faceloupe.inspection.trace import trace
from faceloupe.progress import Progress
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import wilson
from faceloupe.training.base import FaceClassifier


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measured:
    """A trained classifier with its accuracy on captures that it has not seen.

    Attributes
    ----------
    classifier : FaceClassifier
        Its classes are the subjects' names.
    data : str
        Origin of the faces.
    subjects : int
    split : Split
        The captures it learned from, and those held out.
    trained_right, correct : int
        Captures named correctly, among those it learned from and among those held out.
    chance : float
        The share of held-out captures named rightly by always naming the one subject who has most.
    shared : tuple of tuple of str
        Captures with the same pixels on both sides, which test nothing.
    dead : dict of str to (int, int)
        By ReLU layer, how many units put out 0 for every training capture, and how many there are.
    """

    classifier: FaceClassifier
    data: str
    subjects: int
    split: Split
    trained_right: int
    correct: int
    chance: float
    shared: tuple[tuple[str, ...], ...]
    dead: dict[str, tuple[int, int]]

    def __repr__(self) -> str:
        return f"Measured({type(self.classifier).__name__}: {self.words})"

    @property
    def accuracy(self) -> float:
        """Share of the held-out captures named rightly."""
        return self.correct / len(self.split.held_out)

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of the accuracy, as if captures were independent."""
        return wilson(self.correct, len(self.split.held_out))

    @property
    def words(self) -> str:
        """The accuracy in a sentence."""
        interval, held_out = self.interval, len(self.split.held_out)
        return (
            f"It named {self.correct} of {held_out} held-out captures of {self.subjects} people: "
            f"{100 * self.accuracy:.1f} % ({100 * interval.confidence:.0f} % interval {100 * interval.low:.1f} to "
            f"{100 * interval.high:.1f} %); chance is {100 * self.chance:.1f} %."
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Cautions for a reader of the accuracy, in sentences; mostly empty."""
        sentences = []
        for layer, (dead, units) in self.dead.items():
            if dead == units:
                sentences.append(
                    f"All {units} units of {layer} are dead: they put out 0 for every training capture, and nothing "
                    "was learned. Subtract the mean pixel (preprocess centre), or take a lower rate or leaky."
                )
        if self.shared:
            sentences.append(
                f"{len(self.shared)} groups of captures with the same pixels are on both sides, the first is "
                f"{', '.join(self.shared[0])}: those held out test nothing."
            )
        return tuple(sentences)

    def to_document(self) -> dict[str, Any]:
        """Return the numbers as a plain dictionary."""
        spec = getattr(self.classifier, "spec_", None)
        interval = self.interval
        return {
            "schema": "faceloupe.trained/1",
            "kind": type(self.classifier).__name__,
            "network": None if spec is None else str(spec),
            "data": self.data,
            "subjects": self.subjects,
            "train": len(self.split.train),
            "train_accuracy": self.trained_right / len(self.split.train),
            "held_out": len(self.split.held_out),
            "accuracy": self.accuracy,
            "interval": {"low": interval.low, "high": interval.high, "confidence": interval.confidence},
            "chance": self.chance,
            "dead": {layer: list(counts) for layer, counts in self.dead.items()},
            "shared": [list(group) for group in self.shared],
            "words": self.words,
            "warnings": list(self.warnings),
        }


def train_and_measure(
    classifier: FaceClassifier,
    faces: FaceSet,
    train: int | float = 0.5,
    *,
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> Measured:
    """Train a classifier on some captures of every subject, and count how many of the rest it names.

    Parameters
    ----------
    classifier : FaceClassifier
        Is fitted, to the subjects' names.
    faces : FaceSet
        At least two captures of every subject.
    train, seed
        As in :func:`~faceloupe.faces.split_by_capture`.
    progress : callable or bool, optional
        As in the classifier's ``fit``.

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        If a subject has too few captures, or the classifier cannot be fitted as its parameters ask.

    Examples
    --------
    >>> from faceloupe import NetworkClassifier, load_faces
    >>> network = NetworkClassifier("dense 8 relu; preprocess centre, epochs 5")
    >>> train_and_measure(network, load_faces("orl", subjects=[0, 1], size=24)).words
    'It named 10 of 10 held-out captures of 2 people: 100.0 % (95 % interval 72.2 to 100.0 %); chance is 50.0 %.'
    """
    split = split_by_capture(faces.subject, train=train, seed=seed)
    names = np.array(faces.names)[faces.subject]
    classifier.fit(faces.images[split.train], names[split.train], progress=progress)
    right = {side: classifier.predict(faces.images[indices]) == names[indices]
             for side, indices in (("train", split.train), ("held_out", split.held_out))}  # fmt: skip
    return Measured(
        classifier,
        faces.source,
        int(np.unique(faces.subject).size),
        split,
        int(right["train"].sum()),
        int(right["held_out"].sum()),
        float(np.unique(names[split.held_out], return_counts=True)[1].max() / len(split.held_out)),
        leaks(faces, split),
        _dead(classifier, faces.images[split.train]),
    )


def _dead(classifier: FaceClassifier, images: Any) -> dict[str, tuple[int, int]]:
    outputs = trace(classifier.network_, classifier.prepare(images))
    silent = {name: dead_units(output) for name, output in outputs.items() if "relu" in name}
    return {name: (int(units.sum()), len(units)) for name, units in silent.items()}
