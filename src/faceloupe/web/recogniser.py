"""Photographs of many callers, recognised in a bounded pool: read by several children, embedded in common batches."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import ImageError
from faceloupe.faces.images import claimed_bytes
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder, directions_of
from faceloupe.recognition.engines import BATCH
from faceloupe.recognition.photographs import Photograph, with_templates
from faceloupe.recognition.search import FaceSearch, Which
from faceloupe.recognition.templates import Template
from faceloupe.web.batching import Budget, MicroBatcher, Slots
from faceloupe.web.children import ChildEndedError
from faceloupe.web.observing import Metrics
from faceloupe.web.problems import PROBLEMS, HTTPProblem
from faceloupe.web.reading import search, square
from faceloupe.web.settings import ServerLimits
from faceloupe.web.workers import Workers, submitted

WALL = b"P5 64 64 255\n" + bytes(64 * 64)
"""A grey picture of nobody (PGM)."""

LARGE = 64 * 2**20
"""Bytes that the pixels of a large photograph take: 16 megapixels."""

MEMORY = 3 * 2**30
"""Bytes that a child may take to read a photograph; the largest one takes less than 1 GB."""


class Recogniser:
    """A bounded pool that recognises the photographs of callers."""

    def __init__(self, embedder: Embedder, detector: Detector, limits: ServerLimits, metrics: Metrics) -> None:
        self.embedder, self._detector = embedder, detector
        self._most_faces, self._metrics = limits.faces, metrics
        self._slots = Slots(limits.photographs, "photographs")
        self._pixels = Budget(limits.decoding, "pixels", patience=limits.patience)
        self._seconds, self._workers = limits.seconds, Workers(memory=MEMORY, seconds=limits.seconds)
        readers = max(2, os.cpu_count() or 1)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reader")
        # Large ones take seconds each. One reader, and a part of the pixels, is always left for the others.
        for_large = max(limits.decoding - LARGE, 1)
        self._large = Budget(for_large, "pixels of large photographs", patience=limits.patience)
        self._least_of_large = for_large // (readers - 1)
        # A thread of its own, which no writer that waits for the gallery can take.
        self._embedding = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self._embed: MicroBatcher[FaceChip, Template | None] = MicroBatcher(
            self._directions, most=BATCH, threads=self._embedding
        )

    async def photograph(self, content: bytes, name: str, *, faces: Which = "all") -> Photograph:
        """Find and embed the faces of a photograph that can be used; `name` is for messages.

        Raises ImageError if it cannot be read or does not show the faces that are meant; HTTPProblem if it shows too
        many faces, or all places are taken.
        """
        photograph = await self.try_photograph(content, name, faces=faces)
        if photograph.problem is not None:
            raise ImageError(photograph.problem.reason, name)
        return photograph

    async def try_photograph(self, content: bytes, name: str, *, faces: Which) -> Photograph:
        """Find and embed the faces of one photograph of several; one that cannot be used carries the reason.

        Raises HTTPProblem if it shows too many faces, or all places are taken.
        """
        with self._slots.take(), self._metrics.waiting.track_inprogress():
            photograph = await self._read(search, content, self._search(faces), name, name=name)
            if len(photograph.chips) > self._most_faces:
                count = len(photograph.chips)
                raise HTTPProblem("too-large", f"{name} shows {count} faces; {self._most_faces} are taken")
            self._metrics.faces.inc(len(photograph.chips))
            return with_templates(photograph, await self._embed(photograph.chips), self.embedder)

    def photograph_in_thread(self, content: bytes, name: str, *, faces: Which) -> Photograph:
        """Find and embed the faces of a photograph for a job, whose own thread waits.

        Raises ImageError if it takes too long, shows too many faces, or pixels of others leave no room for its own;
        HTTPProblem if the server ends.
        """
        size = claimed_bytes(content)
        try:
            turn = self._large.take_in_thread(self._of_large(size)) if size > LARGE else nullcontext()
            with turn, self._pixels.take_in_thread(size):
                photograph: Photograph = self._in_child(search, content, (self._search(faces), name), name)
        except HTTPProblem as problem:
            if problem.kind is not PROBLEMS["busy"]:
                raise
            raise ImageError(f"not read, as {problem.detail}: send it again", name) from problem
        if len(photograph.chips) > self._most_faces:
            raise ImageError(f"shows {len(photograph.chips)} faces; {self._most_faces} are taken", name)
        self._metrics.faces.inc(len(photograph.chips))
        templates: Sequence[Template | None] = ()
        if photograph.chips:
            templates = submitted(self._embedding, partial(self._directions, list(photograph.chips))).result()
        return with_templates(photograph, templates, self.embedder)

    async def square(self, content: bytes, name: str, side: int) -> NDArray[np.float32]:
        """Return the largest centred square of a photograph, resized to `side` pixels: for networks of other faces.

        Raises ImageError if it cannot be read; HTTPProblem if all places are taken.
        """
        with self._slots.take():
            image: NDArray[np.float32] = await self._read(square, content, name, side, name=name)
            return image

    def warm(self) -> None:
        """Load the children's libraries, so that the first caller need not wait for them."""
        for _ in range(max(2, os.cpu_count() or 1)):
            self._readers.submit(self._in_child, search, WALL, (self._search("all"), "a wall"), "a wall")

    def close(self) -> None:
        """Release the threads when they are done; the children that they wait for are ended."""
        self._workers.close()
        self._readers.shutdown(wait=True)
        self._embedding.shutdown(wait=True)

    async def _read(self, read: Callable[..., Any], content: bytes, *arguments: Any, name: str) -> Any:
        """Read a photograph in a child, within its time and the memory that there is for everybody's pixels."""
        loop = asyncio.get_running_loop()
        size = await loop.run_in_executor(self._readers, claimed_bytes, content)
        turn = self._large.take(self._of_large(size)) if size > LARGE else nullcontext()
        async with turn, self._pixels.take(size):
            return await loop.run_in_executor(self._readers, self._in_child, read, content, arguments, name)

    def _search(self, faces: Which) -> FaceSearch:
        return FaceSearch(faces, detector=self._detector)

    def _of_large(self, size: int) -> int:
        return max(size, self._least_of_large)

    def _in_child(self, read: Callable[..., Any], content: bytes, arguments: tuple[Any, ...], name: str) -> Any:
        try:
            return self._workers.run(read, content, *arguments)
        except ChildEndedError as problem:
            raise ImageError(f"takes more than {self._seconds:g} s to read, or breaks its decoder", name) from problem

    def _directions(self, chips: list[FaceChip]) -> tuple[Template | None, ...]:
        self._metrics.batches.inc()
        return directions_of(chips, self.embedder)
