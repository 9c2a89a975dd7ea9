"""One person or two? Two photographs compared, and what the answer is worth."""

from dataclasses import dataclass
from typing import Any, Protocol

from faceloupe.recognition.embed import Embedder, SFace
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.photos import Photo
from faceloupe.recognition.recognise import recognise_all
from faceloupe.recognition.remarks import answer_in_words, face_notes, face_warnings, photograph_document
from faceloupe.recognition.search import Faces, FaceSearch
from faceloupe.recognition.templates import compare
from faceloupe.recognition.thresholds import (
    choose_point,
    likelihood_of,
    point_in_words,
    published_check,
    rates_in_words,
)
from faceloupe.scores.evidence import Evidence, posterior
from faceloupe.scores.points import OperatingPoint


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The answer to "do these two photographs show one person?", with everything it rests on.

    Attributes
    ----------
    score : float
        Cosine of the angle between the templates, from -1 to 1.
    point : OperatingPoint
        The threshold, and what was measured at it.
    first, second : Photograph
        The two photographs, each with the one face that was compared.
    prior : float or None
        The probability that they show one person before they are compared, if somebody stated it.
    """

    score: float
    point: OperatingPoint
    first: Photograph
    second: Photograph
    prior: float | None = None

    @property
    def evidence(self) -> Evidence | None:
        """Evidence that the score gives; None where that was measured neither for the gallery nor published."""
        ratio = likelihood_of(self.point)
        return None if ratio is None else ratio.evidence(self.score, self.prior)

    @property
    def match(self) -> bool:
        """True if the score reaches the threshold."""
        return self.score >= self.point.threshold

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons against relying on it: where a photograph falls short, or both are one file."""
        same = ["both are the same file, which matches itself whomever it shows"]
        cautions = face_warnings([self.first, self.second], self.point)
        return (*cautions, *(same if self.first.sha256 == self.second.sha256 else []))

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on how the faces were found: which are turned, and where others were passed over."""
        return face_notes([self.first, self.second])

    def __repr__(self) -> str:
        answer = f"match: {self.score:.4f} >=" if self.match else f"no match: {self.score:.4f} <"
        return f"Decision({answer} {self.point.threshold:.4f}, {self.first.path.name} and {self.second.path.name})"

    def meaning(self) -> str:
        """Return where the threshold comes from, and how often it errs, in two sentences."""
        return rates_in_words(self.point)

    def words(self) -> str:
        """Return the answer, what the threshold means, and what speaks against relying on it; a paragraph each."""
        notes = [f"Note: {words}." for words in self.notes]
        cautions = [f"Caution: {words}." for words in self.warnings]
        return "\n".join([answer_in_words(self.score, self.point), *point_in_words(self.point), *notes, *cautions])

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, without vectors."""
        check, evidence = published_check(self.point), self.evidence
        return {
            "schema": "faceloupe.decision/1",
            "match": self.match,
            "score": self.score,
            "threshold": self.point.threshold,
            "point": self.point.to_document(),
            "check": check and check.to_document(),
            "evidence": evidence and {**evidence.to_document(), "words": evidence.words()},
            "photographs": [photograph_document(self.first), photograph_document(self.second)],
            "warnings": list(self.warnings),
            "words": self.words(),
        }


class Recognising(Protocol):
    """An embedder and a detector with the threshold that holds for them: a gallery."""

    @property
    def embedder(self) -> Embedder:
        """Embedder that makes its templates."""

    def point(self, embedder: Embedder) -> OperatingPoint | None:
        """Return the operating point that was saved for an embedder; None if there is none."""

    def face_search(self, faces: Faces, *photos: Photo) -> FaceSearch:
        """Return a search for faces, with the gallery's detector if it names none."""


def verify(
    first: Photo,
    second: Photo,
    point: OperatingPoint | None = None,
    *,
    gallery: Recognising | None = None,
    embedder: Embedder | None = None,
    faces: Faces = "one",
    prior: float | None = None,
) -> Decision:
    """Decide whether two photographs show one person.

    Parameters
    ----------
    first, second : path, bytes, PIL image, array, binary file object or Photograph
    point : OperatingPoint, optional
        The threshold; otherwise the gallery's own, or else the published one of the embedder, at an FMR of 1 in 10,000.
    gallery : Gallery, optional
        An open one: its embedder, its detector and its threshold are taken.
    embedder : Embedder, optional
        By default the gallery's, or else SFace, run by OpenVINO.
    faces : {"one", "central"} or FaceSearch
        Face to take: with "one" of several the dominant one; "central" takes the one nearest the centre.
    prior : float, optional
        The probability that the photographs show one person before they are compared, between 0 and 1:
        :attr:`Decision.evidence` then has the one after. It changes no decision.

    Raises
    ------
    ImageError
        If a photograph cannot be read, or shows no face, or several where one was meant.
    InputError
        If a photograph is given as what is none, the point is of another embedder, or none was published for this one.
    GalleryError
        If the gallery cannot be read.
    UnavailableError
        If weights or packages are missing.
    """
    if prior is not None:
        posterior(0.0, prior)  # refuses what is not a prior
    search = FaceSearch.of_one_face(faces)
    if gallery:
        search = gallery.face_search(search, first, second)
    embedder = embedder or (gallery.embedder if gallery else SFace())
    point = choose_point(embedder, point, gallery.point(embedder) if gallery else None)
    photographs = recognise_all((first, second), embedder, faces=search)
    score = compare(photographs[0].templates[0], photographs[1].templates[0])
    return Decision(score, point, photographs[0], photographs[1], prior)
