"""Whom does a face show? The subjects of a gallery that are most like it, or nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from faceloupe.errors import InputError
from faceloupe.gallery import saved_points
from faceloupe.gallery.database import Database
from faceloupe.gallery.index import Ids, Scores, Size, index_of
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references, subjects
from faceloupe.recognition import Detection, Template
from faceloupe.recognition.decisions import point_in_words
from faceloupe.recognition.thresholds import choose_point
from faceloupe.scores import OperatingPoint, fpir_at_size, fpir_in_words
from faceloupe.scores.points import one_in

__all__ = ["Candidate", "Candidates", "identify"]

PART = 10_000
"""Names that are asked for at a time: databases limit the values in a query."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that is like the probe.

    Attributes
    ----------
    name : str
        Of the subject.
    subject_id : int
    rank : int
        1 for the one that is most like it.
    score : float
        Of the subject's best reference: the cosine, from -1 to 1.
    margin : float
        Score minus threshold; negative if it is too low.
    """

    name: str
    subject_id: int
    rank: int
    score: float
    margin: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The answer to "whom does this face show?", with everything it rests on. "Nobody" is an answer.

    Attributes
    ----------
    candidates : tuple of Candidate
        By rank, also those below the threshold; empty if the gallery is.
    point : OperatingPoint
        The threshold, and what was measured at it.
    n_subjects, n_references : int
        With how many the face was compared.
    detection : Detection or None
        Where in its photograph the face is, if a photograph was asked about and not a template.
    """

    candidates: tuple[Candidate, ...]
    point: OperatingPoint
    n_subjects: int
    n_references: int
    detection: Detection | None = None

    @property
    def nobody(self) -> bool:
        """Whether no score reaches the threshold."""
        return not self.candidates or self.candidates[0].score < self.point.threshold

    @property
    def name(self) -> str | None:
        """Of the first candidate; None for nobody."""
        return None if self.nobody else self.candidates[0].name

    @property
    def fmr(self) -> float:
        """The rate of false matches to reckon with: what was measured, or asked for where that is more."""
        return max(self.point.fmr, self.point.target_fmr)

    @property
    def fpir(self) -> float:
        """The share of strangers whom this gallery would give a name, see :func:`faceloupe.scores.fpir_at_size`."""
        return fpir_at_size(self.fmr, self.n_subjects) if self.n_subjects else 0.0

    def __repr__(self) -> str:
        if not self.candidates:
            return "Candidates(nobody: the gallery is empty)"
        first, sign = self.candidates[0], "<" if self.nobody else ">="
        who = f"nobody, at best {first.name}" if self.nobody else first.name
        return f"Candidates({who}: {first.score:.4f} {sign} {self.point.threshold:.4f}, {self.n_subjects:,} subjects)"

    def words(self) -> str:
        """Return the answer, how often a stranger gets a name, and what the threshold means; a paragraph each."""
        return "\n".join([self.answer(), *self._fpir_words(), *point_in_words(self.point)])

    def answer(self) -> str:
        """Return whom the face shows, in a sentence or two."""
        if not self.candidates:
            return "Nobody: the gallery is empty."
        first, threshold = self.candidates[0], f"the threshold {self.point.threshold:.4f}"
        if self.nobody:
            return (
                f"Nobody: {first.name} is most like it, with score {first.score:.4f}, {-first.margin:.4f} below "
                f"{threshold}."
            )
        answer = f"{first.name}: score {first.score:.4f}, {first.margin:.4f} above {threshold}."
        others = [f"{one.name} ({one.score:.4f})" for one in self.candidates[1:] if one.score >= self.point.threshold]
        return f"{answer} Above it, too: {', '.join(others)}." if others else answer

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, without vectors."""
        return {
            "schema": "faceloupe.candidates/1",
            "nobody": self.nobody,
            "name": self.name,
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "threshold": self.point.threshold,
            "point": self.point.to_document(),
            "subjects": self.n_subjects,
            "references": self.n_references,
            "fpir": self.fpir,
            "words": self.words(),
            "detection": self.detection and self.detection.to_document(),
        }

    def _fpir_words(self) -> Iterator[str]:
        if not self.n_subjects:
            return
        words = fpir_in_words(self.fmr, self.n_subjects)
        if self.n_references > self.n_subjects:
            share = one_in(fpir_at_size(self.fmr, self.n_references))
            words += f" With {self.n_references:,} references between them it may be up to {share}."
        yield words


def identify(
    database: Database, templates: Sequence[Template], point: OperatingPoint | None = None, ranks: int = 5
) -> tuple[Candidates, ...]:
    """Find the subjects of a gallery that are most like each face.

    Parameters
    ----------
    database : Database
        Of the gallery.
    templates : sequence of Template
        Of the faces, by one embedder.
    point : OperatingPoint, optional
        The threshold; otherwise the one saved with the gallery for this embedder, or else the published one.
    ranks : int
        How many candidates are wanted for each face.

    Returns
    -------
    tuple of Candidates
        One for each template. If the gallery is empty, each is nobody.

    Raises
    ------
    InputError
        If these are no templates; if the gallery's references, or the point, are of another embedder; if no point is
        there for it; or if `ranks` is below 1.
    GalleryError
        If the gallery cannot be read.
    """
    if not templates:
        return ()
    embedder = _maker(templates)
    with database.reading() as connection:
        point = choose_point(embedder, point, saved_points.latest(connection, embedder))
    index = index_of(database, embedder)
    found, scores = index.search(np.stack([template.vector for template in templates]), ranks)
    size = index.size()
    with database.reading() as connection:
        if not size.references:
            _check_emptiness(connection, embedder)
        names = _names(connection, found)
    return tuple(
        _candidates(subject_ids, own_scores, names, point, size)
        for subject_ids, own_scores in zip(found, scores, strict=True)
    )


def _maker(templates: Sequence[Template]) -> EmbedderId:
    if others := [type(one).__name__ for one in templates if not isinstance(one, Template)]:
        raise InputError(f"identify takes one photo, or the templates of its faces; got a list of {others[0]}")
    makers = {EmbedderId(template.embedder, template.sha256) for template in templates}
    if len(makers) > 1:
        raise InputError(f"templates: expected them by one embedder, got {_listed(makers)}")
    return makers.pop()


def _check_emptiness(connection: Connection, embedder: EmbedderId) -> None:
    rows = connection.execute(select(references.c.embedder, references.c.weights_sha256).distinct())
    others = {EmbedderId(*row) for row in rows}
    if others:
        raise InputError(
            f"the gallery's references were made by {_listed(others)}, the face's template by {embedder}: they cannot "
            "be compared. Use the gallery's embedder, or enrol the photographs with this one too"
        )


def _names(connection: Connection, found: Ids) -> dict[int, str]:
    ids, names = iter(np.unique(found).tolist()), {}
    while part := list(islice(ids, PART)):
        rows = connection.execute(select(subjects.c.id, subjects.c.name).where(subjects.c.id.in_(part)))
        names.update({row.id: row.name for row in rows})
    return names


def _candidates(
    subject_ids: Ids, scores: Scores, names: dict[int, str], point: OperatingPoint, size: Size
) -> Candidates:
    # Who was forgotten since the search has no name any more, and is no candidate.
    there = [pair for pair in zip(subject_ids.tolist(), scores.tolist(), strict=True) if pair[0] in names]
    candidates = tuple(
        Candidate(names[subject_id], subject_id, rank, score, score - point.threshold)
        for rank, (subject_id, score) in enumerate(there, start=1)
    )
    return Candidates(candidates, point, size.subjects, size.references)


def _listed(embedders: set[EmbedderId]) -> str:
    return " and ".join(map(str, sorted(embedders)))
