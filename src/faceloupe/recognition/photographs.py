"""Many photographs, one after another: each becomes its faces and their templates, or says why not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from faceloupe.errors import ImageError
from faceloupe.faces import read_image
from faceloupe.recognition.align import FaceChip
from faceloupe.recognition.detect import MIN_SCORE, MIN_SIZE
from faceloupe.recognition.embed import Embedder, SFace, templates_of
from faceloupe.recognition.recogniser import find_faces
from faceloupe.recognition.templates import Template

__all__ = ["Faces", "Photograph", "recognise"]

Faces = Literal["all", "one", "central"]
"""Which faces of a photograph are meant: all, the only one (several are a problem), or the one nearest its centre."""


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A photograph with what was recognised in it.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file's bytes; empty if they could not be read.
    size : (int, int)
        Width and height in pixels, upright; (0, 0) if it could not be read.
    chips : tuple of FaceChip
        The faces meant, the highest detection score first.
    templates : tuple of Template
        Of the chips, in their order.
    problem : str or None
        Why there are none: it cannot be read, or shows no face, or not just one where one was meant.
    """

    path: Path
    sha256: str
    size: tuple[int, int]
    chips: tuple[FaceChip, ...]
    templates: tuple[Template, ...]
    problem: str | None = None


def recognise(
    paths: Iterable[str | PathLike[str]],
    embedder: Embedder | None = None,
    *,
    faces: Faces = "all",
    min_score: float = MIN_SCORE,
    min_size: float = MIN_SIZE,
) -> Iterator[Photograph]:
    """Find and embed the faces of many photographs.

    Parameters
    ----------
    paths : iterable of path
        Image files, see :func:`faceloupe.faces.read_image`.
    embedder : Embedder, optional
        Otherwise SFace by OpenVINO.
    faces : {"all", "one", "central"}
        Which faces of a photograph are meant. With "one", several are a problem: which was meant is not guessed.
    min_score, min_size
        Which faces count, see :func:`faceloupe.recognition.detect`.

    Yields
    ------
    Photograph
        In the order of the paths. A file that cannot be used is one with a ``problem``; it stops nothing.

    Raises
    ------
    UnavailableError
        If weights or packages are missing.
    """
    embedder = embedder or SFace()
    for path in map(Path, paths):
        yield _recognised(path, embedder, faces, min_score, min_size)


def _recognised(path: Path, embedder: Embedder, faces: Faces, min_score: float, min_size: float) -> Photograph:
    digest, size = "", (0, 0)
    try:
        image = read_image(path, colour=True)
        digest, size = sha256(path.read_bytes()).hexdigest(), (image.shape[1], image.shape[0])
        chips = _meant(find_faces(image, min_score=min_score, min_size=min_size), faces, size)
    except ImageError as problem:
        return Photograph(path, digest, size, (), (), str(problem))
    return Photograph(path, digest, size, chips, templates_of(chips, embedder))


def _meant(chips: tuple[FaceChip, ...], faces: Faces, size: tuple[int, int]) -> tuple[FaceChip, ...]:
    if faces == "all":
        return chips
    if not chips:
        raise ImageError("no face found")
    if faces == "one" and len(chips) > 1:
        raise ImageError(f"{len(chips)} faces found where one was meant")
    centre = np.array(size) / 2
    return (min(chips, key=lambda chip: float(np.linalg.norm(_middle(chip) - centre))),)


def _middle(chip: FaceChip) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    x, y, width, height = chip.detection.box
    return np.array([x + width / 2, y + height / 2])
