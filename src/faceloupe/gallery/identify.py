"""Identification: the subjects of a gallery that are most like a face, or nobody."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from sqlalchemy import Connection, select

from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.gallery import saved_points
from faceloupe.gallery.candidates import Candidate, Candidates
from faceloupe.gallery.database import Database
from faceloupe.gallery.detectors import check_detectors
from faceloupe.gallery.hnsw import Hnsw
from faceloupe.gallery.index import index_of
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references, subjects
from faceloupe.gallery.templates import PART
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.templates import Template
from faceloupe.recognition.thresholds import choose_point
from faceloupe.scores.points import OperatingPoint


def identify(
    database: Database,
    templates: Sequence[Template],
    point: OperatingPoint | None = None,
    ranks: int = 5,
    recall: float | None = None,
) -> tuple[Candidates, ...]:
    """Find the subjects that are most like each face, see :meth:`faceloupe.gallery.Gallery.identify`."""
    if not templates:
        return ()
    embedder = _maker(templates)
    with database.reading() as connection:
        check_detectors(connection, {template.detector for template in templates})
        point = choose_point(embedder, point, saved_points.latest(connection, embedder))
    vectors = np.stack([template.vector for template in templates])
    index, measured = index_of(database, embedder), None
    nearest: list[tuple[list[int], list[float]]]
    if recall is None:
        nearest = [(ids.tolist(), own.tolist()) for ids, own in zip(*index.search(vectors, ranks), strict=True)]
    else:
        nearest, measured = Hnsw(database, embedder).search(vectors, ranks, recall)
    size = index.size()
    with database.reading() as connection:
        if not size.references:
            _check_emptiness(connection, embedder)
        names = _names(connection, {subject_id for subject_ids, _ in nearest for subject_id in subject_ids})
    return tuple(
        Candidates(_candidates(subject_ids, scores, names, point), point, *size, recall=measured)
        for subject_ids, scores in nearest
    )


def known_as(database: Database, subject_id: int | None, photographs: Sequence[Photograph]) -> list[Skipped]:
    """Return the photographs of one face that look like another subject than this, None of a new one, and like whom."""
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
        others = [each for each in candidates.candidates if each.margin >= 0 and each.subject_id != subject_id]
        if others:
            words = " and ".join(f"{other.label!r} (score {other.score:.3f})" for other in others)
            reason = f"looks like {words}, threshold {point.threshold:.3f}; is it one person under two names?"
            alike.append(Skipped(as_text(str(photograph.path)), reason))
    return alike


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


def _names(connection: Connection, subject_ids: set[int]) -> dict[int, tuple[str, str | None]]:
    """Return names and external ids by number."""
    ids, names = iter(sorted(subject_ids)), {}
    columns = select(subjects.c.id, subjects.c.name, subjects.c.external_id)
    while part := list(islice(ids, PART)):
        rows = connection.execute(columns.where(subjects.c.id.in_(part)))
        names.update({row.id: (row.name, row.external_id) for row in rows})
    return names


def _candidates(
    subject_ids: list[int], scores: list[float], names: dict[int, tuple[str, str | None]], point: OperatingPoint
) -> tuple[Candidate, ...]:
    # Who was forgotten since the search has no name any more, and is not a candidate.
    there = [pair for pair in zip(subject_ids, scores, strict=True) if pair[0] in names]
    return tuple(
        Candidate(names[subject_id][0], subject_id, rank, score, score - point.threshold, names[subject_id][1])
        for rank, (subject_id, score) in enumerate(there, start=1)
    )


def _listed(embedders: set[EmbedderId]) -> str:
    return " and ".join(map(str, sorted(embedders)))
