"""A pair's score beside the scores of other people, from a gallery."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import GalleryError
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.templates import Template

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The subject of a gallery who is most like a face without matching either face of the pair.

    Attributes
    ----------
    name : str
    score : float
        Score of the subject's reference that is most like the face.
    as_alike : int
        Number of compared subjects that are at least as like this face as the other face of the pair is.
    """

    name: str
    score: float
    as_alike: int


@dataclass(frozen=True, slots=True)
class Others:
    """A pair's score compared with those of the people in a gallery.

    Attributes
    ----------
    compared : int
        Subjects that match neither face.
    matching : tuple of str
        Subjects that match one of the two faces, and are left out: they may be who is shown.
    nearest : (Neighbour, Neighbour) or None
        The subject most like each face; None if nobody is left.
    """

    compared: int
    matching: tuple[str, ...]
    nearest: tuple[Neighbour, Neighbour] | None

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return asdict(self)


def compare_with_others(
    gallery: "Gallery", embedder: Embedder, pair: tuple[Template, Template], score: float, threshold: float
) -> Others:
    """Compare both faces of a pair with everybody in a gallery whose references `embedder` made.

    A subject matches a face from `threshold` on. Raises GalleryError if the gallery has no reference by this embedder,
    or cannot be read.
    """
    references = gallery.templates(embedder)
    if not len(references):
        raise GalleryError(f"the gallery has no reference made by {embedder.name} {embedder.sha256[:8]}")
    names = {number: name for name, number in gallery.names()}
    enrolled = np.isin(references.subjects, list(names))  # who was forgotten since is compared no more
    subjects, places = np.unique(references.subjects[enrolled], return_inverse=True)
    scores = references.vectors[enrolled].astype(np.float64) @ np.stack([template.vector for template in pair], axis=1)
    best = np.full((len(subjects), 2), -1.0)
    np.maximum.at(best, places, scores)
    matching = (best >= threshold).any(axis=1)
    subject_names = np.array([names[int(subject)] for subject in subjects])
    left, left_names = best[~matching], subject_names[~matching]
    nearest = None
    if len(left):
        nearest = _nearest(left[:, 0], left_names, score), _nearest(left[:, 1], left_names, score)
    return Others(len(left), tuple(sorted(subject_names[matching].tolist())), nearest)


def _nearest(scores: Floats, names: NDArray[np.str_], score: float) -> Neighbour:
    place = int(scores.argmax())
    return Neighbour(str(names[place]), float(scores[place]), int((scores >= score).sum()))
