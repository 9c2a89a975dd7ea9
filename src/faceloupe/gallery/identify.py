"""Identification: the subjects of a gallery that are most like a face, or nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.gallery import saved_points
from faceloupe.gallery.database import Database
from faceloupe.gallery.index import Ids, Scores, Size, index_of
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references, subjects
from faceloupe.recognition.detections import Detection
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.templates import Template
from faceloupe.recognition.thresholds import choose_point, point_in_words
from faceloupe.scores.identification import fpir_at_size, fpir_in_words
from faceloupe.scores.points import OperatingPoint, one_in

__all__ = ["Candidate", "Candidates", "identify", "known_as", "one_name_a_face"]

PART = 10_000
"""Names that are asked for at a time: databases limit the values in a query."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that is like the probe.

    Attributes
    ----------
    name : str
        Name of the subject.
    subject_id : int
    rank : int
        1 for the one that is most like it.
    score : float
        Cosine with the subject's best reference, from -1 to 1.
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
        Candidates by rank, even below the threshold; empty if the gallery is.
    point : OperatingPoint
        The threshold, and what was measured at it.
    n_subjects, n_references : int
        Numbers of subjects and references that the face was compared with.
    detection : Detection or None
        The face in its photograph; None where a template was identified.
    taken : tuple of str
        Names of candidates above the threshold that another face of the same photograph is more like: two faces of one
        photograph are two people.
    """

    candidates: tuple[Candidate, ...]
    point: OperatingPoint
    n_subjects: int
    n_references: int
    detection: Detection | None = None
    taken: tuple[str, ...] = ()

    @property
    def named(self) -> Candidate | None:
        """The first candidate whose score reaches the threshold and whose name is not taken; None for nobody."""
        above = (candidate for candidate in self.candidates if candidate.score >= self.point.threshold)
        return next((candidate for candidate in above if candidate.name not in self.taken), None)

    @property
    def nobody(self) -> bool:
        """True if there is no such candidate."""
        return self.named is None

    @property
    def name(self) -> str | None:
        """Name of the subject that the face shows; None for nobody."""
        return None if self.named is None else self.named.name

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
        first = self.named or self.candidates[0]
        sign = "<" if first.score < self.point.threshold else ">="
        who = f"nobody, at best {first.name}" if self.nobody else first.name
        taken = f", {' and '.join(self.taken)} taken by another face" if self.taken else ""
        return (
            f"Candidates({who}: {first.score:.4f} {sign} {self.point.threshold:.4f}{taken}, {self.n_subjects:,} "
            "subjects)"
        )

    def words(self) -> str:
        """Return the answer, how often a stranger gets a name, and what the threshold means; a paragraph each."""
        return "\n".join([self.answer(), *self._fpir_words(), *point_in_words(self.point)])

    def answer(self) -> str:
        """Return the answer in a sentence or two."""
        if not self.candidates:
            return "Nobody: the gallery is empty."
        named, threshold = self.named, f"the threshold {self.point.threshold:.4f}"
        words = self.taken_words()
        taken = f" {words[0].upper()}{words[1:]}." if self.taken else ""
        if named is None:
            free = [candidate for candidate in self.candidates if candidate.name not in self.taken]
            if not free:
                return f"Nobody.{taken}"
            best = f"{free[0].name} is most like it, with score {free[0].score:.4f}, {-free[0].margin:.4f} below"
            return f"Nobody: {best} {threshold}.{taken}"
        answer = f"{named.name}: score {named.score:.4f}, {named.margin:.4f} above {threshold}."
        others = [f"{rival.name} ({rival.score:.4f})" for rival in self._rivals()]
        return answer + (f" Above it, too: {', '.join(others)}." if others else "") + taken

    def taken_words(self) -> str:
        """Return whose names another face of the photograph got, in words."""
        return (
            f"it looks like {' and '.join(self.taken)} too, but so does another face of the photograph, and more; two "
            "faces of one photograph are taken for two people (a mirror or a collage may show one twice)"
        )

    def warnings(self) -> list[str]:
        """Return the reasons to doubt the answer: several subjects reach the threshold, or a name is taken."""
        rivals = ", ".join(candidate.name for candidate in self._rivals())
        several = [f"not only {self.name} but also {rivals} reaches the threshold"] if rivals else []
        return several + ([self.taken_words()] if self.taken else [])

    def _rivals(self) -> list[Candidate]:
        """Return the others who reach the threshold."""
        return [
            candidate
            for candidate in self.candidates
            if candidate.score >= self.point.threshold and candidate.name not in (self.name, *self.taken)
        ]

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
            "taken": list(self.taken),
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
        Database of the gallery.
    templates : sequence of Template
        Templates of the faces, by one embedder.
    point : OperatingPoint, optional
        The threshold; otherwise the one saved with the gallery for this embedder, or else the published one.
    ranks : int
        Number of candidates for each face.

    Returns
    -------
    tuple of Candidates
        The answer for each template. If the gallery is empty, each is nobody.

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
    nearest, scores = index.search(np.stack([template.vector for template in templates]), ranks)
    size = index.size()
    with database.reading() as connection:
        if not size.references:
            _check_emptiness(connection, embedder)
        names = _names(connection, nearest)
    return tuple(
        _candidates(subject_ids, own_scores, names, point, size)
        for subject_ids, own_scores in zip(nearest, scores, strict=True)
    )


def known_as(database: Database, name: str, photographs: Sequence[Photograph]) -> list[Skipped]:
    """Return the photographs of one face that look like a subject with another name, and say like whom."""
    alike = []
    for photograph in photographs:
        if len(photograph.templates) != 1:
            continue
        maker = _maker(photograph.templates)
        with database.reading() as connection:
            point = saved_points.point_for(connection, maker)
        if point is None or not index_of(database, maker).size().references:
            continue
        [candidates] = identify(database, photograph.templates, point, ranks=2)
        others = [each for each in candidates.candidates if each.margin >= 0 and each.name != name]
        if others:
            words = " and ".join(f"{other.name!r} (score {other.score:.3f})" for other in others)
            reason = f"looks like {words}, threshold {point.threshold:.3f}; is it one person under two names?"
            alike.append(Skipped(as_text(str(photograph.path)), reason))
    return alike


def one_name_a_face(answers: Sequence[Candidates]) -> tuple[Candidates, ...]:
    """Return answers for the faces of one photograph such that no name goes to two: it goes to the face most like it.

    The best scores are dealt out first. A face whose candidate is taken gets its next one above the threshold, if
    there is one.
    """
    scores = sorted(
        (-candidate.score, place, candidate.name)
        for place, candidates in enumerate(answers)
        for candidate in candidates.candidates
        if candidate.score >= candidates.point.threshold
    )
    names: dict[int, str] = {}
    taken: dict[int, list[str]] = {}
    for _, place, name in scores:
        if place in names:
            continue
        if name in names.values():
            taken.setdefault(place, []).append(name)
        else:
            names[place] = name
    return tuple(replace(candidates, taken=tuple(taken.get(place, ()))) for place, candidates in enumerate(answers))


def _maker(templates: Sequence[Template]) -> EmbedderId:
    if others := [type(item).__name__ for item in templates if not isinstance(item, Template)]:
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


def _names(connection: Connection, subject_ids: Ids) -> dict[int, str]:
    ids, names = iter(np.unique(subject_ids).tolist()), {}
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
