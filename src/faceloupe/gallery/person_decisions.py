"""Does a photograph show somebody of a gallery? One face compared with the references of one subject."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from faceloupe.errors import SubjectError
from faceloupe.gallery.detectors import check_detectors
from faceloupe.gallery.identity import find
from faceloupe.gallery.people import people
from faceloupe.gallery.records import EmbedderId, Person
from faceloupe.gallery.saved_points import latest
from faceloupe.gallery.schema import references
from faceloupe.gallery.soundness import leave_out, sound_rows
from faceloupe.gallery.templates import made_by
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.remarks import answer_in_words, face_notes, face_warnings, photograph_document
from faceloupe.recognition.thresholds import choose_point, point_in_words, published_check, rates_in_words
from faceloupe.scores.identification import fpir_at_size
from faceloupe.scores.points import OperatingPoint, one_in


@dataclass(frozen=True, slots=True, eq=False)
class PersonDecision:
    """The answer to "does this photograph show this person of the gallery?", with everything it rests on.

    Attributes
    ----------
    score : float
        Cosine of the angle between the face's template and the reference most like it, from -1 to 1.
    point : OperatingPoint
        The threshold, and what was measured at it.
    person : Person
        The subject, with the number of references.
    photograph : Photograph
        The photograph, with the one face that was compared.
    enrolled : bool
        True if the photograph is itself one of the references.
    n_references : int
        Number of references that it was compared with.
    """

    score: float
    point: OperatingPoint
    person: Person
    photograph: Photograph
    enrolled: bool = False
    n_references: int = 1

    @property
    def match(self) -> bool:
        """True if the score reaches the threshold."""
        return self.score >= self.point.threshold

    @property
    def fmr(self) -> float:
        """The share of other people to reckon with who match: the best of several references is the more often like."""
        return fpir_at_size(max(self.point.fmr, self.point.target_fmr), self.n_references)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons against relying on it: where the photograph falls short, or is a reference itself."""
        same = ["the photograph is one of the references, which matches itself whomever it shows"]
        return (*face_warnings([self.photograph], self.point), *(same if self.enrolled else []))

    def __repr__(self) -> str:
        answer = f"match: {self.score:.4f} >=" if self.match else f"no match: {self.score:.4f} <"
        return f"PersonDecision({answer} {self.point.threshold:.4f}, {self.photograph.path.name} and {self.person.id})"

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on how the face was found: that it is turned, or that others were passed over."""
        return face_notes([self.photograph])

    def meaning(self) -> str:
        """Return where the threshold comes from, and how often it and the best of several references err."""
        return " ".join([rates_in_words(self.point), *self._fmr_words()])

    def words(self) -> str:
        """Return the answer, what the threshold means, and what speaks against relying on it; a paragraph each."""
        notes = [f"Note: {words}." for words in self.notes]
        cautions = [f"Caution: {words}." for words in self.warnings]
        answer = [answer_in_words(self.score, self.point), *self._fmr_words(), *point_in_words(self.point)]
        return "\n".join([*answer, *notes, *cautions])

    def _fmr_words(self) -> Iterator[str]:
        if self.n_references > 1:
            yield (
                f"The score is the best of {self.n_references:,} references: of other people up to about "
                f"{one_in(self.fmr)} would match one of them by mistake."
            )

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, without vectors."""
        check = published_check(self.point)
        return {
            "schema": "faceloupe.person_decision/1",
            "match": self.match,
            "score": self.score,
            "threshold": self.point.threshold,
            "point": self.point.to_document(),
            "check": check and check.to_document(),
            "references": self.n_references,
            "fmr": self.fmr,
            "person": self.person.to_document(),
            "photograph": photograph_document(self.photograph),
            "warnings": list(self.warnings),
            "words": self.words(),
        }


def verify_person(
    connection: Connection, photograph: Photograph, subject: str | int, point: OperatingPoint | None = None
) -> PersonDecision:
    """Decide whether a photograph of one face shows a subject, see :meth:`faceloupe.gallery.Gallery.verify_person`."""
    [template] = photograph.templates
    embedder = EmbedderId(template.embedder, template.sha256)
    check_detectors(connection, [template.detector])
    [person] = people(connection, [find(connection, subject).id])
    own = select(references.c.id, references.c.vector, references.c.source_sha256)
    rows = connection.execute(own.where(references.c.subject_id == person.id, made_by(embedder))).all()
    sound = sound_rows([row.vector for row in rows], len(template.vector))
    leave_out([row.id for row, is_sound in zip(rows, sound, strict=True) if not is_sound])
    rows = [row for row, is_sound in zip(rows, sound, strict=True) if is_sound]
    if not rows:
        raise SubjectError(f"{person.name!r} has no reference that {embedder} made, and so nothing to compare with.")
    cosines = np.stack([row.vector for row in rows]).astype(np.float64) @ template.vector.astype(np.float64)
    return PersonDecision(
        float(np.clip(cosines.max(), -1, 1)),
        choose_point(embedder, point, latest(connection, embedder)),
        person,
        photograph,
        photograph.sha256 in {row.source_sha256 for row in rows},
        len(rows),
    )
