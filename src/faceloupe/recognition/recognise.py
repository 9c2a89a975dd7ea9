"""From photographs to faces and their templates: many one after another, or the one face of one."""

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain, count, islice

import numpy as np

from faceloupe.cluster import is_on_cluster, spread
from faceloupe.errors import ImageError, InputError
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.embed import Embedder, SFace, directions_of
from faceloupe.recognition.engines import BATCH
from faceloupe.recognition.photographs import Photograph, search_photo, with_templates
from faceloupe.recognition.photos import Photo, is_photo
from faceloupe.recognition.search import Faces, FaceSearch
from faceloupe.recognition.templates import Template

WORKERS = min(4, os.cpu_count() or 1)  # photographs that are read at once: each may take 350 MB while it is
PART = 16  # photographs that go to a worker of a cluster at a time: about half a second of its work
AHEAD = 2 * BATCH  # photographs that are read before they are asked for: one batch more than is being embedded


def recognise(
    photos: Iterable[Photo], embedder: Embedder | None = None, *, faces: Faces = "all"
) -> Iterator[Photograph]:
    """Find and embed the faces of many photographs.

    Threads read the next photographs while faces are embedded, many at a time; the memory is that of a few photographs,
    however many there are. Threads end with the iterator: when it is exhausted, closed, or raises. Within
    :func:`faceloupe.cluster.on_cluster` the workers of a cluster do it.

    Parameters
    ----------
    photos : iterable of paths, bytes, PIL images, arrays, binary file objects or Photographs
        Taken as they are needed, up to 64 ahead. Those without a name are called "photo 1", "photo 2", by their place.
    embedder : Embedder, optional
        By default SFace, run by OpenVINO.
    faces : {"all", "one", "central"} or FaceSearch
        Faces of a photograph to take, and how to look for them.

    Yields
    ------
    Photograph
        One for each photo, in order. A file that cannot be used becomes one with a ``problem``; it stops nothing.

    Raises
    ------
    InputError
        If `photos` is one photograph, or holds what is none.
    UnavailableError
        If weights or packages are missing.
    """
    if is_photo(photos):
        raise InputError("photos: expected several in a list; of one, give recognise([photo])")
    return recognise_numbered(zip(count(1), photos, strict=False), embedder or SFace(), FaceSearch.of(faces))


def search_photos(photos: Iterable[Photo], search: FaceSearch) -> Iterator[Photograph]:
    """Find and align the faces of many photographs, as :func:`recognise` does, without embedding them."""
    with closing(_search_ahead(zip(count(1), photos, strict=False), search)) as batches:
        for photographs in batches:
            yield from photographs


def find_faces(photo: Photo, faces: Faces = "all") -> tuple[FaceChip, ...]:
    """Find the faces in a photograph and align each.

    Parameters
    ----------
    photo : path, bytes, PIL image, array, binary file object or Photograph
    faces : {"all", "one", "central"} or FaceSearch
        Faces to take.

    Returns
    -------
    tuple of FaceChip
        The highest detection score first; empty if there is no face where all are meant.

    Raises
    ------
    ImageError
        If the photograph cannot be read, or does not show one face where one is meant.
    InputError
        If `photo` is none of these, or an array is not as described.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    return _usable(search_photo(photo, faces)).chips


def template_of(photo: Photo, embedder: Embedder | None = None, *, faces: Faces = "one") -> Template:
    """Make a template of the one face in a photograph.

    Parameters
    ----------
    photo : path, bytes, PIL image, array, binary file object or Photograph
    embedder : Embedder, optional
        By default SFace, run by OpenVINO.
    faces : {"one", "central"} or FaceSearch
        Face to take. With "one", several faces of which none dominates are an error.

    Raises
    ------
    ImageError
        If the photograph cannot be read, shows no face, or several where one is meant.
    InputError
        If `photo` is none of these, or an array is not as described.
    UnavailableError
        If weights or packages are missing.
    """
    return recognise_all([photo], embedder or SFace(), faces=FaceSearch.of_one_face(faces))[0].templates[0]


def recognise_all(photos: Sequence[Photo], embedder: Embedder, *, faces: Faces) -> list[Photograph]:
    """Recognise all photographs, each of which must be usable; see :func:`recognise`.

    Raises
    ------
    ImageError
        If a photograph cannot be used.
    """
    return list(map(_usable, list(recognise(photos, embedder, faces=faces))))  # all, so that its threads end


def _usable(photograph: Photograph) -> Photograph:
    if photograph.problem is not None:
        raise ImageError(photograph.problem.reason, str(photograph.path))
    return photograph


def recognise_numbered(
    photos: Iterable[tuple[int, Photo]], embedder: Embedder, search: FaceSearch, *, pixels: bool = True
) -> Iterator[Photograph]:
    """Recognise photographs as :func:`recognise` does; those without a name are called by the numbers given.

    Without `pixels` chips may come without their images, which then need not travel from a cluster's workers.
    """
    if is_on_cluster():
        work = partial(_recognise_part, embedder=embedder, search=search, pixels=pixels)
        yield from chain.from_iterable(spread(work, _split(photos)))
        return
    with closing(_search_ahead(photos, search)) as batches:
        for photographs in batches:
            yield from _embed(photographs, embedder)


def _search_ahead(photos: Iterable[tuple[int, Photo]], search: FaceSearch) -> Generator[list[Photograph], None, None]:
    """Search numbered photographs in threads, ahead of the caller; yield in order those that are ready, by batches."""
    waiting = iter(photos)
    ahead: deque[Future[Photograph]] = deque()
    threads = ThreadPoolExecutor(WORKERS, "faceloupe-search")

    def start(number: int, photo: Photo) -> Future[Photograph]:
        return threads.submit(search_photo, photo, search, name=f"photo {number}")

    try:
        while True:
            ahead.extend(start(number, photo) for number, photo in islice(waiting, AHEAD - len(ahead)))
            if not ahead:
                return
            yield _take_ready(ahead)
    finally:
        threads.shutdown(cancel_futures=True)


def _split(photos: Iterable[tuple[int, Photo]]) -> Iterator[list[tuple[int, Photo]]]:
    waiting = iter(photos)
    while part := list(islice(waiting, PART)):
        yield part


def _recognise_part(
    photos: list[tuple[int, Photo]], embedder: Embedder, search: FaceSearch, pixels: bool
) -> list[Photograph]:
    """Recognise a part of the photographs, on a worker of a cluster."""
    photographs = recognise_numbered(photos, embedder, search)
    return list(photographs if pixels else map(_without_pixels, photographs))


def _without_pixels(photograph: Photograph) -> Photograph:
    nothing = np.zeros((0, 0, 3), dtype=np.float32)
    return replace(photograph, chips=tuple(replace(chip, image=nothing) for chip in photograph.chips))


def _take_ready(ahead: deque[Future[Photograph]]) -> list[Photograph]:
    """Wait for the next photograph and take it with those after it that are done, up to a batch of faces."""
    photographs = [ahead.popleft().result()]
    while ahead and ahead[0].done() and sum(len(photograph.chips) for photograph in photographs) < BATCH:
        photographs.append(ahead.popleft().result())
    return photographs


def _embed(photographs: Sequence[Photograph], embedder: Embedder) -> Iterator[Photograph]:
    unembedded = [photograph for photograph in photographs if not _is_embedded(photograph, embedder)]
    templates = iter(directions_of([chip for photograph in unembedded for chip in photograph.chips], embedder))
    for photograph in photographs:
        if photograph in unembedded:
            yield with_templates(photograph, tuple(islice(templates, len(photograph.chips))), embedder)
        else:
            yield photograph


def _is_embedded(photograph: Photograph, embedder: Embedder) -> bool:
    """Return whether a photograph has its templates already, by this embedder.

    Raises
    ------
    InputError
        If it has them by another one, and no face to make them of again.
    """
    made_by = {(template.embedder, template.sha256) for template in photograph.templates}
    if not made_by or made_by == {(embedder.name, embedder.sha256)}:
        return bool(made_by)
    if len(photograph.chips) < len(photograph.templates):
        raise InputError(
            f"{photograph.path}: its templates are by {photograph.templates[0].embedder}, not by {embedder.name}, and "
            "its faces were not kept: give the photograph itself"
        )
    return False
