"""A photograph with the names of its faces, as a document and as a picture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from faceloupe.gallery.candidates import Candidates, one_name_a_face
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.remarks import detector_cautions, face_document, turn_words
from faceloupe.recognition.templates import Template


class IdentifiedFace(NamedTuple):
    """A face with its candidates."""

    chip: FaceChip
    template: Template
    candidates: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedPhotograph:
    """A photograph with the names of its faces.

    Attributes
    ----------
    photograph : Photograph
    candidates : tuple of Candidates
        The answer for each face, in the photograph's order. A name goes to one face, the one most like it.
    """

    photograph: Photograph
    candidates: tuple[Candidates, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidates", one_name_a_face(self.candidates))

    @property
    def faces(self) -> list[IdentifiedFace]:
        """The faces in reading order."""
        answers = list(map(IdentifiedFace, self.photograph.chips, self.photograph.templates, self.candidates))
        return [answers[place] for place in self.photograph.reading_order()]

    @property
    def placed(self) -> tuple[Candidates, ...]:
        """The answers in reading order, each with where its face is."""
        return tuple(replace(face.candidates, detection=face.chip.detection) for face in self.faces)

    def warnings(self) -> list[str]:
        """Return the reasons to doubt answers: a face falls short, several subjects match it, its name is taken ..."""
        cautions = detector_cautions(self.photograph.chips, self.candidates[0].point) if self.candidates else []
        return [f"{self.photograph.path}: {words}" for words in cautions] + [
            f"{self.photograph.path}, face {number}: {'; '.join(short)}"
            for number, (_, template, candidates) in enumerate(self.faces, start=1)
            if (short := [*shortcomings(template.quality, limits_of(template.embedder)), *candidates.warnings()])
        ]

    def notes(self) -> list[str]:
        """Return remarks on how faces were found: which are turned."""
        return [
            f"{self.photograph.path}, face {number}: {words}"
            for number, face in enumerate(self.faces, start=1)
            if (words := turn_words(face.chip.detection))
        ]

    def draw(self, path: Path) -> None:
        """Write the photograph with its faces marked."""
        from faceloupe.faces.images import read_samples
        from faceloupe.recognition.drawing import Marked, write_drawing

        marked = [
            Marked(face.chip.detection, _tag(number, face.candidates), known=not face.candidates.nobody)
            for number, face in enumerate(self.faces, start=1)
        ]
        write_drawing(path, read_samples(self.photograph.path, colour=True), marked)

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, faces in their order, without vectors."""
        problem = self.photograph.problem
        return {
            "path": str(self.photograph.path),
            "sha256": self.photograph.sha256,
            "size": list(self.photograph.size),
            "problem": problem and f"{self.photograph.path.name}: {problem.reason}",
            "faces": [
                {
                    **face_document(chip, template),
                    "name": candidates.name,
                    "external_id": candidates.named and candidates.named.external_id,
                    "candidates": [asdict(candidate) for candidate in candidates.candidates],
                    "taken": list(candidates.taken),
                }
                for chip, template, candidates in self.faces
            ],
        }


def document_of(photographs: Sequence[IdentifiedPhotograph]) -> dict[str, Any]:
    """Return several photographs as one plain dictionary; without a face, threshold and gallery are null."""
    first = next((candidates for photograph in photographs for candidates in photograph.candidates), None)
    return {
        "schema": "faceloupe.identified/1",
        "point": first and first.point.to_document(),
        "subjects": first and first.n_subjects,
        "references": first and first.n_references,
        "fpir": first and first.fpir,
        "recall": first and first.recall and first.recall.to_document(),
        "photographs": [photograph.to_document() for photograph in photographs],
    }


def _tag(number: int, candidates: Candidates) -> tuple[str, ...]:
    if candidates.named is None:
        return (f"{number} nobody",)
    return f"{number} {candidates.named.label}", f"{candidates.named.score:.2f}"
