"""Several galleries searched as one: a gallery that is too large for one database lies in parts, each by its URL."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import permutations
from os import PathLike
from typing import TYPE_CHECKING, Self

from faceloupe.errors import InputError
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.gallery.candidates import Candidate, Candidates, Who
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.templates import identities
from faceloupe.recognition.photos import is_photo
from faceloupe.recognition.recognise import recognise_all
from faceloupe.recognition.thresholds import choose_point

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.photos import Photo
    from faceloupe.recognition.search import Faces, FaceSearch
    from faceloupe.recognition.templates import Template
    from faceloupe.scores.points import OperatingPoint


class Galleries:
    """Several galleries that are searched as one, all at the same time; :func:`open_galleries` opens them.

    Parameters
    ----------
    galleries : sequence of Gallery
        Open ones, whose references are by one embedder; closed with this.

    Raises
    ------
    InputError
        If there is none, or one is another's copy or the same.
    """

    def __init__(self, galleries: "Sequence[Gallery]") -> None:
        if not galleries:
            raise InputError("galleries: expected one or more that are open, got none")
        for gallery, other in permutations(galleries, 2):
            head = gallery.trail_head()  # rests on all that was ever done in it, and when; an empty one has none
            if head and other.trail_holds(head):
                raise InputError(f"{gallery.name} is the same gallery as {other.name}, or a copy of it: name one")
        self._galleries = tuple(galleries)
        self._first = next((gallery for gallery in galleries if gallery.n_subjects()), galleries[0])
        self.embedder: Embedder = self._first.embedder  # opened once: the others are asked for its templates
        self._threads = ThreadPoolExecutor(len(galleries), "gallery")
        self._repeated: tuple[object, int] = None, 0  # for which states of the galleries, and how many

    @property
    def name(self) -> str:
        """The names of all, for messages."""
        return " and ".join(gallery.name for gallery in self._galleries)

    def face_search(self, faces: "Faces", *photos: "Photo") -> "FaceSearch":
        """Return a search for faces, with the galleries' detector if it names none.

        Raises
        ------
        InputError
            As :meth:`faceloupe.gallery.Gallery.face_search`; also if the galleries are by several detectors.
        """
        search = self._first.face_search(faces, *photos)
        for gallery in self._galleries:
            gallery.face_search(search, *photos)
        return search

    def identify(
        self,
        photo: "Photo | Sequence[Template]",
        *,
        point: "OperatingPoint | None" = None,
        ranks: int = 5,
        faces: "Faces" = "all",
        recall: float | None = None,
    ) -> tuple[Candidates, ...]:
        """Find who is most like each face; the answer is that of one gallery with everybody in it.

        Each gallery is searched for its best candidates, of which the best are taken. Somebody with references in
        several, under the same name and external id, is one candidate and one subject: `gallery` and `subject_id` say
        where the best reference is.

        Parameters
        ----------
        photo, ranks, faces
            As for :meth:`faceloupe.gallery.Gallery.identify`.
        point : OperatingPoint, optional
            The threshold; otherwise the strictest of those that hold in the galleries.
        recall : None
            The search is exact: what the recalls of several galleries make together is not known.

        Raises
        ------
        ImageError, InputError
            As :meth:`faceloupe.gallery.Gallery.identify`; also if a recall is asked for, or the references in a gallery
            are by another embedder.
        """
        if recall is not None:
            raise InputError("recall is for one gallery; several are searched exactly")
        if not is_photo(photo):
            return self._search(photo, point, ranks)  # type: ignore[arg-type]
        [photograph] = recognise_all([photo], self.embedder, faces=self.face_search(faces, photo))  # type: ignore[list-item, arg-type]
        return IdentifiedPhotograph(photograph, self._search(photograph.templates, point, ranks)).placed

    def _search(
        self, templates: "Sequence[Template]", point: "OperatingPoint | None", ranks: int
    ) -> tuple[Candidates, ...]:
        if point is None:
            points = [choose_point(self.embedder, saved=gallery.point(self.embedder)) for gallery in self._galleries]
            point = max(points, key=lambda each: each.threshold)
        answers = list(self._threads.map(partial(_candidates, templates, point, ranks), self._galleries))
        repeated = self._repeats(EmbedderId(templates[0].embedder, templates[0].sha256)) if templates else 0
        return tuple(_merge(of_face, point, ranks, repeated) for of_face in zip(*answers, strict=True))

    def _repeats(self, embedder: EmbedderId) -> int:
        """Return how many subjects are in a gallery before as well; to count them is to list all, when one changes."""
        state = embedder, *(gallery.trail_head() for gallery in self._galleries)
        if self._repeated[0] != state:
            seen: set[tuple[str, str | None]] = set()
            repeated = 0
            for gallery in self._galleries:
                with gallery.reading() as connection:
                    own = identities(connection, embedder)
                repeated += len(seen & own)
                seen |= own
            self._repeated = state, repeated
        return self._repeated[1]

    def close(self) -> None:
        """Close all galleries."""
        self._threads.shutdown()
        for gallery in self._galleries:
            gallery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Galleries({self.name})"


def open_galleries(
    urls: Sequence[str | PathLike[str]],
    *,
    embedder: "Embedder | str | PathLike[str] | None" = None,
    engine: "Engine" = "openvino",
) -> Galleries:
    """Open several galleries to be searched as one.

    Parameters
    ----------
    urls : sequence of str or path
    embedder, engine
        As for :func:`faceloupe.gallery.open_gallery`.

    Raises
    ------
    GalleryError, InputError, UnavailableError
        As :func:`faceloupe.gallery.open_gallery` and :class:`Galleries`.

    Examples
    --------
    >>> with open_galleries([one, other]) as galleries:  # doctest: +SKIP
    ...     galleries.identify("party.jpg")
    """
    with ExitStack() as undo:
        galleries = Galleries([undo.enter_context(open_gallery(url, embedder=embedder, engine=engine)) for url in urls])
        undo.pop_all()
    return galleries


def _candidates(
    templates: "Sequence[Template]", point: "OperatingPoint", ranks: int, gallery: "Gallery"
) -> list[Candidates]:
    """Return one gallery's answers, with its name at each candidate."""
    return [
        replace(answer, candidates=tuple(replace(each, gallery=gallery.name) for each in answer.candidates))
        for answer in gallery.identify(templates, point=point, ranks=ranks)
    ]


def _merge(answers: Sequence[Candidates], point: "OperatingPoint", ranks: int, repeated: int) -> Candidates:
    """Return the best candidates of several answers about one face; `repeated` subjects are counted in several."""
    best: dict[Who, Candidate] = {}
    for candidate in (candidate for answer in answers for candidate in answer.candidates):
        if candidate.who not in best or candidate.score > best[candidate.who].score:
            best[candidate.who] = candidate
    ordered = sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.label))[:ranks]
    candidates = tuple(replace(candidate, rank=rank) for rank, candidate in enumerate(ordered, start=1))
    subjects = sum(answer.n_subjects for answer in answers) - repeated
    return Candidates(candidates, point, subjects, sum(answer.n_references for answer in answers))
