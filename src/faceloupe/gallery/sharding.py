"""Identification in several galleries at once: one that is too large for a database lies in parts, each by its URL."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from faceloupe.errors import InputError
from faceloupe.gallery.candidates import Candidate, Candidates, one_name_a_face
from faceloupe.recognition.photos import is_photo
from faceloupe.recognition.recognise import recognise
from faceloupe.recognition.thresholds import choose_point

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.photos import Photo
    from faceloupe.recognition.search import Faces
    from faceloupe.recognition.templates import Template
    from faceloupe.scores.points import OperatingPoint


def identify_across(
    galleries: "Sequence[Gallery]",
    photo: "Photo | Sequence[Template]",
    *,
    point: "OperatingPoint | None" = None,
    ranks: int = 5,
    faces: "Faces" = "all",
) -> tuple[Candidates, ...]:
    """Find who of several galleries is most like each face; the answer is that of one gallery with everybody in it.

    Each gallery is searched for its best candidates, of which the best are taken. Somebody with references in several
    is one candidate; `subject_id` is the number in the gallery of the best reference.

    Parameters
    ----------
    galleries : sequence of Gallery
        Open ones, of one embedder.
    photo, ranks, faces
        As for :meth:`faceloupe.gallery.Gallery.identify`.
    point : OperatingPoint, optional
        The threshold; otherwise the strictest of those that hold in the galleries.

    Raises
    ------
    ImageError, InputError
        As :meth:`faceloupe.gallery.Gallery.identify`; also if there is no gallery.

    Examples
    --------
    >>> with open_gallery(one) as first, open_gallery(other) as second:  # doctest: +SKIP
    ...     identify_across([first, second], "party.jpg")
    """
    if not galleries:
        raise InputError("galleries: expected one or more that are open, got none")
    embedder = galleries[0].embedder
    if not is_photo(photo):
        return _search(galleries, photo, point, ranks)  # type: ignore[arg-type]
    [photograph] = recognise([photo], embedder, faces=faces)  # type: ignore[list-item]
    answers = one_name_a_face(_search(galleries, photograph.templates, point, ranks))
    return tuple(
        replace(answers[place], detection=photograph.chips[place].detection) for place in photograph.reading_order()
    )


def _search(
    galleries: "Sequence[Gallery]", templates: "Sequence[Template]", point: "OperatingPoint | None", ranks: int
) -> tuple[Candidates, ...]:
    embedder = galleries[0].embedder
    if point is None:
        holding = [choose_point(embedder, saved=gallery.point(embedder)) for gallery in galleries]
        point = max(holding, key=lambda each: each.threshold)
    answers = [gallery.identify(templates, point=point, ranks=ranks) for gallery in galleries]
    return tuple(_merged(of_face, point, ranks) for of_face in zip(*answers, strict=True))


def _merged(answers: Sequence[Candidates], point: "OperatingPoint", ranks: int) -> Candidates:
    """Return the best candidates of several answers about one face."""
    best: dict[str, Candidate] = {}
    for candidate in (candidate for answer in answers for candidate in answer.candidates):
        if candidate.name not in best or candidate.score > best[candidate.name].score:
            best[candidate.name] = candidate
    ordered = sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.name))[:ranks]
    candidates = tuple(replace(candidate, rank=rank) for rank, candidate in enumerate(ordered, start=1))
    subjects = sum(answer.n_subjects for answer in answers)
    return Candidates(candidates, point, subjects, sum(answer.n_references for answer in answers))
