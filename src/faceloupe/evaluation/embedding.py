"""Photographs to templates by several embedders at once: found and aligned once, all embedders see the same chips."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import cast

import numpy as np
from numpy.typing import NDArray

from faceloupe.embedders import grey_faces
from faceloupe.errors import ImageError, InputError
from faceloupe.evaluation.cache import CachedTemplate, TemplateCache
from faceloupe.evaluation.packed import PackedPhoto
from faceloupe.faces.images import decode
from faceloupe.files import sha256_of
from faceloupe.progress import Progress
from faceloupe.recognition.align import align
from faceloupe.recognition.chips import CHIP_SIDE, REFERENCE_POINTS
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.openings import let_go
from faceloupe.recognition.photographs import Photograph, PhotoProblem
from faceloupe.recognition.quality import Quality
from faceloupe.recognition.recognise import recognise
from faceloupe.recognition.search import FaceSearch

Floats = NDArray[np.float32]
Pixels8 = NDArray[np.uint8]

SIDE = 64  # of the grey faces that embedders are fitted on
FEW = 1000  # photographs, of which every two take little memory to compare


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Captures:
    """The templates of N photographs, and the failures.

    Attributes
    ----------
    digests : tuple of str, (N,)
        SHA-256 of the files, empty where one cannot be read.
    problems : tuple of PhotoProblem or None, (N,)
        Why there is no template, of any embedder.
    qualities : tuple of Quality or None, (N,)
        Qualities of the faces; the embedding norm is not that of any embedder.
    vectors : dict of embedder's name to array of float32, (N, D)
        Unit vectors; zeros where there is none.
    norms : dict of embedder's name to array of float32, (N,)
        Lengths before they became unit vectors.
    fresh : int
        Number of photographs looked at, the others being cached.
    seconds : float
        Seconds that this took.
    """

    digests: tuple[str, ...]
    problems: tuple[PhotoProblem | None, ...]
    qualities: tuple[Quality | None, ...]
    vectors: dict[str, Floats]
    norms: dict[str, Floats]
    fresh: int
    seconds: float

    def __repr__(self) -> str:
        failed = sum(problem is not None for problem in self.problems)
        return f"Captures({len(self.problems):,} photographs, {failed:,} failed, by {', '.join(self.vectors)})"

    def failed(self, name: str) -> NDArray[np.bool_]:
        """Return which photographs gave no template by an embedder, (N,)."""
        return np.asarray(~self.vectors[name].any(axis=1))

    def plus(self, name: str, vectors: Floats) -> "Captures":
        """Return the same with the vectors of one more embedder, (N, D), of any length; zeros where there is none."""
        units, norms = _units(vectors)
        return replace(self, vectors={**self.vectors, name: units}, norms={**self.norms, name: norms})


class SideBySide:
    """Several embedders as one: their vectors side by side, and a 1, so that no vector is zero.

    Parameters
    ----------
    embedders : sequence of Embedder
    """

    name, sha256 = "several", ""

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        self._embedders = tuple(embedders)
        self._widths: list[int] = []

    def embed(self, faces: Floats) -> Floats:
        """Return (N, D1 + D2 + ... + 1); what is not a number becomes 0."""
        blocks = [np.nan_to_num(embedder.embed(faces), posinf=0, neginf=0) for embedder in self._embedders]
        self._widths = [block.shape[1] for block in blocks]
        return np.concatenate([*blocks, np.ones((len(faces), 1), dtype=np.float32)], axis=1)

    def split(self, vector: Floats) -> list[Floats]:
        """Return each embedder's part of a vector as it was before it became a unit vector."""
        if not self._widths:  # it was embedded by a worker of a cluster
            self.embed(np.zeros((1, CHIP_SIDE, CHIP_SIDE, 3), dtype=np.float32))
        return np.split(vector[:-1] / vector[-1], np.cumsum(self._widths)[:-1])


class Pixels:
    """The grey faces themselves, for embedders that are yet to be fitted; never cached."""

    name, sha256 = "pixels", ""

    def embed(self, faces: Floats) -> Floats:
        """Return (N, SIDE * SIDE)."""
        return grey_faces(faces, (SIDE, SIDE)).reshape(len(faces), -1)


def embed_captures(
    paths: Sequence[Path | PackedPhoto],
    embedders: Sequence[Embedder],
    search: FaceSearch,
    *,
    cached: bool = True,
    progress: Progress | None = None,
) -> Captures:
    """Make templates of photographs, or take them from the cache. After many, open networks are let go of.

    Parameters
    ----------
    paths : sequence of Path or PackedPhoto, (N,)
    embedders : sequence of Embedder
        With different names.
    search : FaceSearch
        Faces that are meant; not "all".
    cached : bool
        Use and fill the cache.
    progress : callable, optional
        Called with (done, whole) after each photograph.

    Raises
    ------
    UnavailableError
        If weights or packages are missing.
    """
    with TemplateCache() if cached else nullcontext() as cache:
        captures = _Work(paths, embedders, search, cache, progress).done()
    if len(paths) > FEW:  # SFace takes 200 MB, as much as the statistics that follow
        let_go()
    return captures


class _Work:
    """Photographs on their way to templates; what is done is kept as it comes."""

    def __init__(
        self,
        paths: Sequence[Path | PackedPhoto],
        embedders: Sequence[Embedder],
        search: FaceSearch,
        cache: TemplateCache | None,
        progress: Progress | None,
    ) -> None:
        self.paths, self.embedders, self.search, self.cache, self.progress = (
            paths, embedders, search, cache, progress,
        )  # fmt: skip
        self.digests = [digest_of(path) for path in paths]
        self.keys = [  # what no face is looked for in is another template
            digest if isinstance(path, Path) or not digest else f"{digest} packed"
            for path, digest in zip(paths, self.digests, strict=True)
        ]
        self.problems: list[PhotoProblem | None] = [None] * len(paths)
        self.templates: list[dict[str, CachedTemplate]] = [{} for _ in paths]

    def done(self) -> Captures:
        start = perf_counter()
        missing = self._find_missing()
        n_done = len(self.paths) - sum(map(len, missing.values()))
        for indices, places in missing.items():
            self._recognise([self.embedders[index] for index in indices], places, n_done)
            n_done += len(places)
        self._report(n_done)
        seconds = perf_counter() - start
        return Captures(
            tuple(self.digests),
            tuple(self.problems),
            tuple(next((template.quality for template in templates.values()), None) for templates in self.templates),
            *self._arrays(),
            sum(map(len, missing.values())),
            seconds,
        )

    def _find_missing(self) -> dict[tuple[int, ...], list[int]]:
        """Take what the cache has; return which photographs lack which embedders."""
        missing: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, key in enumerate(self.keys):
            if self.cache and key:
                cached = {embedder.name: self.cache.find(key, embedder, self.search) for embedder in self.embedders}
                self.templates[place] = {name: template for name, template in cached.items() if template}
            indices = tuple(
                i for i, embedder in enumerate(self.embedders) if embedder.name not in self.templates[place]
            )
            if indices:
                missing[indices].append(place)
        return missing

    def _recognise(self, embedders: Sequence[Embedder], places: Sequence[int], n_done: int) -> None:
        together = SideBySide(embedders)
        photographs = recognise((as_photo(self.paths[place]) for place in places), together, faces=self.search)
        with closing(cast("Generator[Photograph, None, None]", photographs)):  # its threads end when this stops
            for count, (place, photograph) in enumerate(zip(places, photographs, strict=True), start=n_done + 1):
                self.problems[place] = photograph.problem
                if photograph.templates:
                    template = photograph.templates[0]
                    for embedder, vector in zip(embedders, together.split(template.vector), strict=True):
                        self._take(place, embedder, CachedTemplate(vector, template.quality))
                self._report(count)

    def _report(self, done: int) -> None:
        if self.progress:
            self.progress(done, len(self.paths))

    def _take(self, place: int, embedder: Embedder, template: CachedTemplate) -> None:
        self.templates[place][embedder.name] = template
        if self.cache:
            self.cache.store(self.keys[place], embedder, self.search, template)

    def _arrays(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        vectors, norms = {}, {}
        for embedder in self.embedders:
            rows = [
                templates[embedder.name].vector if embedder.name in templates else None for templates in self.templates
            ]
            width = next((len(row) for row in rows if row is not None), 1)
            whole = np.stack([np.zeros(width, np.float32) if row is None else row for row in rows])
            vectors[embedder.name], norms[embedder.name] = _units(whole)
        return vectors, norms


def _units(vectors: Floats) -> tuple[Floats, Floats]:
    """Return unit vectors, zeros staying zeros, and their lengths before."""
    norms = np.linalg.norm(vectors, axis=1)
    lengths = np.where(norms, norms, 1).astype(np.float32)
    return vectors / lengths[:, np.newaxis], norms


def as_photo(path: Path | PackedPhoto) -> Path | bytes | Photograph:
    """Return what :func:`faceloupe.recognition.recognise` takes; in a packed chip of 112x112 no face is looked for."""
    if isinstance(path, Path):
        return path
    try:
        image = decode(path.content, "/".join(path.parts), colour=True)
    except ImageError:  # whoever recognises it says why
        return path.content
    return path.content if image.shape[:2] != (CHIP_SIDE, CHIP_SIDE) else photo_of_chip(path, image)


def photo_of_chip(path: PackedPhoto, image: Pixels8 | Floats) -> Photograph:
    """Return the photograph that a packed chip, (112, 112, 3), was cut out of, as if it were nothing but the chip."""
    landmarks = Landmarks(*(Point(*point) for point in REFERENCE_POINTS))
    chip = align(image, Detection(Box(0.0, 0.0, float(CHIP_SIDE), float(CHIP_SIDE)), landmarks, 1.0))
    return Photograph(Path(*path.parts), path.sha256, (CHIP_SIDE, CHIP_SIDE), (chip,), ())


def digest_of(path: Path | PackedPhoto) -> str:
    """Return the SHA-256 of a photograph's bytes; nothing if they cannot be read."""
    try:
        return sha256_of(path) if isinstance(path, Path) else path.sha256
    except (InputError, OSError, ValueError):  # whoever opens it next says why
        return ""
