"""Photographs of many callers, recognised in a bounded pool: read by several threads, embedded in common batches."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from faceloupe.errors import ImageError
from faceloupe.recognition import Embedder, FaceChip, Template
from faceloupe.recognition.embed import BATCH, directions_of
from faceloupe.recognition.photographs import Photograph, search_photo, with_templates
from faceloupe.recognition.search import Faces
from faceloupe.web.batching import MicroBatcher, Slots
from faceloupe.web.observing import Metrics
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.settings import ServerLimits

__all__ = ["Recogniser"]


class Recogniser:
    """Recognises what callers send.

    Parameters
    ----------
    embedder : Embedder
    limits : ServerLimits
    metrics : Metrics
    """

    def __init__(self, embedder: Embedder, limits: ServerLimits, metrics: Metrics) -> None:
        self.embedder = embedder
        self._most_faces, self._metrics = limits.faces, metrics
        self._slots = Slots(limits.photographs, "photographs")
        self._readers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="reader")
        # A thread of its own, which no writer that waits for the gallery can take.
        self._embedding = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self._embed: MicroBatcher[FaceChip, Template | None] = MicroBatcher(
            self._directions, most=BATCH, threads=self._embedding
        )

    async def photograph(self, content: bytes, name: str, *, faces: Faces = "all") -> Photograph:
        """Find and embed the faces of a photograph that can be used.

        Parameters
        ----------
        content : bytes
            Of an image file.
        name : str
            What messages call it.
        faces : {"all", "one", "central"}

        Raises
        ------
        ImageError
            If it cannot be read, or does not show the faces that are meant.
        HTTPProblem
            If it shows too many faces, or all places are taken.
        """
        found = await self.attempted(content, name, faces=faces)
        if found.problem is not None:
            raise ImageError(found.problem.reason, name)
        return found

    async def attempted(self, content: bytes, name: str, *, faces: Faces) -> Photograph:
        """Do the same for one photograph of several: if it cannot be used, it says why and stops nothing.

        Raises
        ------
        HTTPProblem
            If it shows too many faces, or all places are taken.
        """
        with self._slots.take(), self._metrics.waiting.track_inprogress():
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._readers, partial(search_photo, content, faces, name=name))
            if len(found.chips) > self._most_faces:
                raise HTTPProblem("too-large", f"{name} shows {len(found.chips)} faces; {self._most_faces} are taken")
            self._metrics.faces.inc(len(found.chips))
            return with_templates(found, await self._embed(found.chips), self.embedder)

    def close(self) -> None:
        """Let the threads go when they are done."""
        self._readers.shutdown(wait=True)
        self._embedding.shutdown(wait=True)

    def _directions(self, chips: list[FaceChip]) -> tuple[Template | None, ...]:
        self._metrics.batches.inc()
        return directions_of(chips, self.embedder)
