"""A photograph with what was recognised in it, or why that is nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from faceloupe.errors import ImageError
from faceloupe.recognition.align import align
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.detect import candidates, detect
from faceloupe.recognition.embed import Embedder, no_direction
from faceloupe.recognition.photos import Photo, PhotoSource, open_photo
from faceloupe.recognition.pictures import LazyPixels
from faceloupe.recognition.search import Faces, FaceSearch
from faceloupe.recognition.templates import Template

DOMINANT = 1.5
"""The least ratio of the dominant face's weight to that of every other, see :class:`FaceSearch`."""

SEVERAL = (
    "several faces found where one was meant, and none is clearly larger and nearer the centre than the others: "
    'crop to one face, or take the one nearest the centre: faces="central" (--central)'
)


@dataclass(frozen=True, slots=True)
class PhotoProblem:
    """The reason why nothing was recognised in a photograph.

    Attributes
    ----------
    kind : {"unreadable", "no face", "several faces", "no template"}
    reason : str
        The problem in words that say what to do, without the photograph's name.
    """

    kind: Literal["unreadable", "no face", "several faces", "no template"]
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A photograph with what was recognised in it.

    Attributes
    ----------
    path : Path
        Path of its file, or a name such as "photo 1" where it came without one.
    sha256 : str
        Hash of the file's bytes, empty if they could not be read; for a PIL image or an array, hash of its pixels.
    size : (int, int)
        Width and height in pixels, upright; (0, 0) if it could not be read.
    chips : tuple of FaceChip
        The faces meant, the highest detection score first.
    templates : tuple of Template
        Templates of the chips, in the same order.
    note : str
        Remark on the choice of its face: that others were passed over. Empty if there was no choice.
    problem : PhotoProblem or None
        Why there are none: it cannot be read, shows no face, or not just one where one was meant, or the embedder
        made nothing of a face.
    """

    path: Path
    sha256: str
    size: tuple[int, int]
    chips: tuple[FaceChip, ...]
    templates: tuple[Template, ...]
    problem: PhotoProblem | None = None
    note: str = ""

    def __repr__(self) -> str:
        if self.problem is not None:
            return f"Photograph({self.path.name}: {self.problem.reason})"
        faces = len(self.templates or self.chips)
        made_by = f" by {self.templates[0].embedder}" if self.templates else ""
        count = "1 face" if faces == 1 else f"{faces} faces"
        return f"Photograph({self.path.name}, {self.size[0]}x{self.size[1]}: {count}{made_by})"

    def reading_order(self) -> list[int]:
        """Return the places of the faces among the chips, row by row from the top, each row from left to right.

        A face belongs to a row if its middle lies above the lower edge of the row's highest face.
        """
        rows: list[list[int]] = []
        for place in sorted(range(len(self.chips)), key=lambda place: self.chips[place].detection.middle.y):
            top = self.chips[rows[-1][0]].detection.box if rows else None
            if top and self.chips[place].detection.middle.y < top.y + top.height:
                rows[-1].append(place)
            else:
                rows.append([place])
        return [place for row in rows for place in sorted(row, key=lambda place: self.chips[place].detection.middle.x)]


def search_photo(photo: Photo, faces: Faces = "all", *, name: str = "the photo") -> Photograph:
    """Return a photograph with the faces that are meant, not embedded yet; a problem if it cannot be used.

    Parameters
    ----------
    photo : path, bytes, PIL image, array, binary file object or Photograph
        In a photograph that was searched before, the faces that are meant are chosen; what it has of templates stays.
    faces : {"all", "one", "central"} or FaceSearch
    name : str
        Name to use if the photo has none of its own.

    Raises
    ------
    InputError
        If it is nothing of these, or an array is not as described.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    search = FaceSearch.of(faces)
    if isinstance(photo, Photograph):
        return meant_faces(photo, search)
    try:
        source = open_photo(photo, name)
    except ImageError as problem:
        path = Path(photo)  # type: ignore[arg-type]  # only files cannot be opened
        return Photograph(path, "", (0, 0), (), (), PhotoProblem("unreadable", problem.reason))
    return search_source(source, search)


def search_source(source: PhotoSource, search: FaceSearch) -> Photograph:
    """Do the work of :func:`search_photo` for a photograph whose bytes or pixels are at hand."""
    try:
        pixels = source.pixels(search.sides[-1])
        chips = find_chips(pixels, search)
        photograph = meant_faces(Photograph(source.path, source.sha256, pixels.size, chips, ()), search)
        if photograph.problem is not None and photograph.problem.kind == "no face":
            return replace(photograph, problem=PhotoProblem("no face", _no_face(pixels, search)))
    except ImageError as problem:
        return Photograph(source.path, source.sha256, (0, 0), (), (), PhotoProblem("unreadable", problem.reason))
    return photograph


def find_chips(pixels: LazyPixels, search: FaceSearch) -> tuple[FaceChip, ...]:
    """Return every face in a photograph, aligned, the highest detection score first."""
    return tuple(align(pixels, detection) for detection in detect(pixels, search))


def meant_faces(photograph: Photograph, search: FaceSearch) -> Photograph:
    """Return a photograph with those of its faces that are meant; with a problem if they are not there."""
    count = len(photograph.templates or photograph.chips)
    if photograph.problem is not None or search.which == "all":
        return photograph
    if not count:
        return replace(photograph, problem=PhotoProblem("no face", "no face found"))
    if count == 1:
        return photograph
    place = _central(photograph) if search.which == "central" else _dominant(photograph)
    if place is None:
        return replace(photograph, chips=(), templates=(), problem=PhotoProblem("several faces", SEVERAL))
    note = "" if search.which == "central" else "several faces found; the one that is clearly dominant was taken"
    face = slice(place, place + 1)
    return replace(photograph, chips=photograph.chips[face], templates=photograph.templates[face], note=note)


def _central(photograph: Photograph) -> int | None:
    """Return which face is nearest the photograph's centre; None if its faces were not kept."""
    return int(np.argmin(_distances(photograph))) if photograph.chips else None


def _dominant(photograph: Photograph) -> int | None:
    """Return which face is clearly larger and nearer the centre than the others; None if none is.

    A face weighs as much as it is wide, and a quarter less in a corner: of faces of one size none dominates.
    """
    if not photograph.chips:
        return None
    corner = float(np.linalg.norm(np.array(photograph.size) / 2))
    sizes = np.array([chip.detection.size for chip in photograph.chips])
    weights = sizes * (1 - 0.25 * np.minimum(1, _distances(photograph) / corner))
    *_, second, first = np.argsort(weights)
    return int(first) if weights[first] >= DOMINANT * weights[second] else None


def _distances(photograph: Photograph) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the distances of the faces from the photograph's centre, in pixels."""
    middle = np.array(photograph.size) / 2
    return np.array([np.linalg.norm(np.array(chip.detection.middle) - middle) for chip in photograph.chips])


def with_templates(photograph: Photograph, templates: Sequence[Template | None], embedder: Embedder) -> Photograph:
    """Return a photograph with the templates of its faces; with a problem if there is none for one of them."""
    complete = tuple(template for template in templates if template is not None)
    if len(complete) < len(templates):
        return replace(photograph, chips=(), problem=PhotoProblem("no template", no_direction(embedder)))
    return replace(photograph, templates=complete)


def _no_face(pixels: LazyPixels, search: FaceSearch) -> str:
    """Return why no face counts: there is none, or those that the detector suspects score too little or are small."""
    faces = [face for side in search.sides for face in candidates(pixels, max_side=side, detector=search.detector)]
    if not faces:
        return "no face found: it should show one, upright and in focus; if the face is small, crop closer"
    score = max(face.score for face in faces)
    if score < search.min_score:
        return (
            f"no face found, best detection score {score:.2f}, {search.min_score:g} is asked for: it should show one, "
            "upright, uncovered and in focus; crop closer, or lower min_score"
        )
    widest = max(face.size for face in faces if face.score >= search.min_score)
    return (
        f"no face found that is large enough, the largest is {widest:.0f} pixels wide, {search.min_size:g} are asked "
        "for: use the photograph in its full size, or lower min_size (--min-size)"
    )
