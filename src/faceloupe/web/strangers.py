"""The unknown faces of a server: kept where that is asked for, and erased when their time is over.

Neither stands in the way of an answer: what could not be kept or erased is logged.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from faceloupe.collection.unknown import UnknownFaces
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.gallery.records import Enrolled
from faceloupe.web.observing import traced
from faceloupe.web.review import Review

OFTEN, SELDOM = 1.0, 600.0
"""Seconds between two looks for faces whose time is over: a hundredth of that time, within these bounds."""


class UnknownReview(Review):
    """Unknown faces that are looked through: who is named goes into the gallery, and out of here."""

    def __init__(self, faces: UnknownFaces) -> None:
        super().__init__(faces.collection, faces.gallery, growing=True)
        self._faces = faces

    def enrol(self, group: int, name: str, consent: str) -> Enrolled:
        """Name a group, and move its faces into the gallery; those stay that cannot be enrolled, if none can."""
        return self._faces.name(group, name, consent=consent)


class Strangers:
    """Unknown faces, with the threads that add and erase them.

    Parameters
    ----------
    faces : UnknownFaces
        Closed with this.
    log : function of a dictionary
        Told where faces could not be kept, or not be erased yet.
    """

    def __init__(self, faces: UnknownFaces, log: Callable[[dict[str, Any]], None]) -> None:
        self.faces, self._log = faces, log
        self.review = UnknownReview(faces)
        self._adding, self._ended = ThreadPoolExecutor(1, "unknown"), threading.Event()
        self._erasing = threading.Thread(target=self._erase, name="expiry", daemon=True)
        self._erasing.start()

    @property
    def period(self) -> timedelta | None:
        """The time that faces are kept for from now on; None if none are."""
        return self.faces.period if self.faces.adds else None

    async def keep(self, identified: IdentifiedPhotograph) -> None:
        """Keep the faces of a photograph that nobody was named for, if any are to be kept."""
        if self.faces.adds and any(candidates.nobody for candidates in identified.candidates):
            await asyncio.get_running_loop().run_in_executor(
                self._adding, self._logged, "not kept", self.faces.keep, identified
            )

    def close(self) -> None:
        """Finish what is being added or erased, and close the collection."""
        self._ended.set()
        self._adding.shutdown(wait=True)
        self._erasing.join()
        self.faces.close()

    def _erase(self) -> None:
        pause = min(max(self.faces.period.total_seconds() / 100, OFTEN), SELDOM)
        while not self._ended.wait(pause):
            self._logged("not erased yet", self.faces.drop_expired)  # the next round tries again

    def _logged(self, failure: str, call: Callable[..., Any], *arguments: Any) -> None:
        try:
            call(*arguments)
        except Exception as problem:  # whatever it is: the answer does not need it, and the thread goes on
            self._log({**traced(problem), "unknown faces": failure})
