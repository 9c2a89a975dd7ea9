"""A photograph with whom its faces show: as a document, as a picture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from faceloupe.gallery.identify import Candidates
from faceloupe.recognition import FaceChip, Photograph, Template
from faceloupe.recognition.decisions import face_document
from faceloupe.recognition.limits import limits_of, shortcomings

__all__ = ["Answered", "document_of"]


class AnsweredFace(NamedTuple):
    """A face with whom it shows."""

    chip: FaceChip
    template: Template
    candidates: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A photograph with whom its faces show.

    Attributes
    ----------
    photograph : Photograph
    candidates : tuple of Candidates
        One for each of its faces, in the photograph's order.
    """

    photograph: Photograph
    candidates: tuple[Candidates, ...]

    @property
    def faces(self) -> list[AnsweredFace]:
        """The faces in reading order."""
        found = list(map(AnsweredFace, self.photograph.chips, self.photograph.templates, self.candidates))
        return [found[place] for place in self.photograph.reading_order()]

    def warnings(self) -> list[str]:
        """Return what makes answers doubtful: where a face falls short, or several subjects reach the threshold."""
        return [
            f"{self.photograph.path}, face {number}: {'; '.join(short)}"
            for number, (_, template, candidates) in enumerate(self.faces, start=1)
            if (short := [*shortcomings(template.quality, limits_of(template.embedder)), *_rivals(candidates)])
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
                    "candidates": [asdict(candidate) for candidate in candidates.candidates],
                }
                for chip, template, candidates in self.faces
            ],
        }


def document_of(answered: Sequence[Answered]) -> dict[str, Any]:
    """Return many as one plain dictionary. What the answers rest on is the same for all faces, and null without one."""
    first = next((candidates for one in answered for candidates in one.candidates), None)
    return {
        "schema": "faceloupe.identified/1",
        "point": first and first.point.to_document(),
        "subjects": first and first.n_subjects,
        "references": first and first.n_references,
        "fpir": first and first.fpir,
        "photographs": [one.to_document() for one in answered],
    }


def _rivals(candidates: Candidates) -> list[str]:
    others = [one.name for one in candidates.candidates[1:] if one.margin >= 0]
    return [f"not only {candidates.name} but also {', '.join(others)} reaches the threshold"] if others else []


def _tag(number: int, candidates: Candidates) -> tuple[str, ...]:
    if candidates.nobody:
        return (f"{number} nobody",)
    return f"{number} {candidates.name}", f"{candidates.candidates[0].score:.2f}"
