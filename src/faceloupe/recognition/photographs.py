"""Many photographs, one after another: each becomes its faces and their templates, or says why not."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceloupe.errors import ImageError
from faceloupe.faces.images import decode, read_file
from faceloupe.recognition.align import FaceChip
from faceloupe.recognition.detect import CROWD_SIDES, DETECTION_SIDE, MIN_SCORE, MIN_SIZE
from faceloupe.recognition.embed import BATCH, Embedder, SFace, directions_of, no_direction
from faceloupe.recognition.recogniser import find_faces
from faceloupe.recognition.templates import Template

__all__ = ["Faces", "Photograph", "Problem", "completed", "find", "recognise"]

Faces = Literal["all", "one", "central"]
"""Which faces of a photograph are meant: all, the only one (several are a problem), or the one nearest its centre."""

WORKERS = min(4, os.cpu_count() or 1)  # photographs that are read at once: each may take 350 MB while it is
AHEAD = 2 * BATCH  # photographs that are read before they are asked for: one batch more than is being embedded


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing was recognised in a photograph.

    Attributes
    ----------
    kind : {"unreadable", "no face", "several faces", "no template"}
    reason : str
        In words, without the photograph's name.
    """

    kind: Literal["unreadable", "no face", "several faces", "no template"]
    reason: str


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
    problem : Problem or None
        Why there are none: it cannot be read, shows no face, or not just one where one was meant, or the embedder
        made nothing of a face.
    """

    path: Path
    sha256: str
    size: tuple[int, int]
    chips: tuple[FaceChip, ...]
    templates: tuple[Template, ...]
    problem: Problem | None = None

    def reading_order(self) -> list[int]:
        """Return the places of the faces among the chips, row by row from the top, each row from left to right.

        A face belongs to a row if its middle lies above the lower edge of the row's highest face.
        """
        rows: list[list[int]] = []
        for place in sorted(range(len(self.chips)), key=lambda place: _middle(self.chips[place])[1]):
            if rows and _middle(self.chips[place])[1] < _lower_edge(self.chips[rows[-1][0]]):
                rows[-1].append(place)
            else:
                rows.append([place])
        return [place for row in rows for place in sorted(row, key=lambda place: _middle(self.chips[place])[0])]


def recognise(
    paths: Iterable[str | PathLike[str]],
    embedder: Embedder | None = None,
    *,
    faces: Faces = "all",
    min_score: float = MIN_SCORE,
    min_size: float = MIN_SIZE,
    max_side: int | Sequence[int] | None = None,
) -> Iterator[Photograph]:
    """Find and embed the faces of many photographs.

    Threads read the next photographs while faces are embedded, many at a time; the memory is that of a few photographs,
    however many there are. Threads end with the iterator: when it is exhausted, closed, or raises.

    Parameters
    ----------
    paths : iterable of path
        Image files, see :func:`faceloupe.faces.read_image`. Taken as they are needed, up to 64 ahead.
    embedder : Embedder, optional
        Otherwise SFace by OpenVINO.
    faces : {"all", "one", "central"}
        Which faces of a photograph are meant. With "one", several are a problem: which was meant is not guessed.
    min_score, min_size, max_side
        Which faces count, see :func:`faceloupe.recognition.detect`. By default a photograph larger than 640 pixels is
        looked at at 640 and, if all faces are meant, again at 1600 for small ones.

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
    found = partial(_found, faces=faces, min_score=min_score, min_size=min_size, max_side=max_side)
    waiting = map(Path, paths)
    ahead: deque[Future[Photograph]] = deque()
    threads = ThreadPoolExecutor(WORKERS, "faceloupe-recognise")
    try:
        while True:
            ahead.extend(threads.submit(found, path) for path in islice(waiting, AHEAD - len(ahead)))
            if not ahead:
                return
            yield from _embedded(_ready(ahead), embedder)
    finally:
        threads.shutdown(cancel_futures=True)


def find(
    content: bytes,
    path: Path,
    *,
    faces: Faces = "all",
    min_score: float = MIN_SCORE,
    min_size: float = MIN_SIZE,
    max_side: int | Sequence[int] | None = None,
) -> Photograph:
    """Return a photograph with its faces, not embedded yet, from the bytes of an image file.

    Parameters
    ----------
    content : bytes
    path : Path
        What it and messages call the photograph; it is not opened.
    faces, min_score, min_size, max_side
        As for :func:`recognise`.

    Raises
    ------
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    digest = sha256(content).hexdigest()
    side = max_side or (CROWD_SIDES if faces == "all" else DETECTION_SIDE)
    try:
        image = decode(content, path.name, colour=True)
    except ImageError as problem:
        return Photograph(path, digest, (0, 0), (), (), Problem("unreadable", problem.reason))
    size = image.shape[1], image.shape[0]
    chips = find_faces(image, min_score=min_score, min_size=min_size, max_side=side)
    if wrong := _problem_with(len(chips), faces):
        return Photograph(path, digest, size, (), (), wrong)
    return Photograph(path, digest, size, chips if faces == "all" else _central(chips, size), ())


def completed(photograph: Photograph, found: Sequence[Template | None], embedder: Embedder) -> Photograph:
    """Return a photograph with what :func:`directions_of` made of its faces; a problem if that is nothing for one."""
    templates = tuple(template for template in found if template is not None)
    if len(templates) < len(found):
        return replace(photograph, chips=(), problem=Problem("no template", no_direction(embedder)))
    return replace(photograph, templates=templates)


def _found(path: Path, **how: Any) -> Photograph:
    try:
        content = read_file(path)
    except ImageError as problem:
        return Photograph(path, "", (0, 0), (), (), Problem("unreadable", problem.reason))
    return find(content, path, **how)


def _ready(ahead: deque[Future[Photograph]]) -> list[Photograph]:
    """Take the next photograph as soon as it is there, and with it those after it that are, up to a batch of faces."""
    taken = [ahead.popleft().result()]
    while ahead and ahead[0].done() and sum(len(photograph.chips) for photograph in taken) < BATCH:
        taken.append(ahead.popleft().result())
    return taken


def _embedded(photographs: Sequence[Photograph], embedder: Embedder) -> Iterator[Photograph]:
    found = iter(directions_of([chip for photograph in photographs for chip in photograph.chips], embedder))
    for photograph in photographs:
        yield completed(photograph, tuple(islice(found, len(photograph.chips))), embedder)


def _problem_with(found: int, faces: Faces) -> Problem | None:
    """Return what is wrong with how many faces were found; None where they can be those meant."""
    if faces != "all" and not found:
        return Problem("no face", "no face found")
    if faces == "one" and found > 1:
        return Problem("several faces", f"{found} faces found where one was meant")
    return None


def _central(chips: tuple[FaceChip, ...], size: tuple[int, int]) -> tuple[FaceChip, ...]:
    centre = np.array(size) / 2
    return (min(chips, key=lambda chip: float(np.linalg.norm(_middle(chip) - centre))),)


def _middle(chip: FaceChip) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    x, y, width, height = chip.detection.box
    return np.array([x + width / 2, y + height / 2])


def _lower_edge(chip: FaceChip) -> float:
    return chip.detection.box.y + chip.detection.box.height
