"""The review of a collection: its groups as last made, with the statements made since."""

from io import BytesIO
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import select

from faceloupe.collection.collection import Collection
from faceloupe.collection.groups import DEFAULT_FPIR, group, grouped
from faceloupe.collection.people import Doubt, Group, People
from faceloupe.collection.schema import faces
from faceloupe.collection.seen import cut_out, seen_faces
from faceloupe.errors import InputError
from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.records import Enrolled
from faceloupe.recognition.thresholds import published_points

SIDE = 112
"""Pixels of a face that is shown."""

DOUBTS = 100
"""Doubts that are told at once, at most."""


class Review:
    """A collection that is looked through, group by group.

    Parameters
    ----------
    collection : Collection
        Closed with the review.
    gallery : Gallery
        Gives the threshold where none was published for the collection's embedder.
    growing : bool
        The collection grows by itself: new faces are grouped when it is looked at, and faces alone are shown too.
    """

    def __init__(self, collection: Collection, gallery: Gallery, *, growing: bool = False) -> None:
        self.collection, self._gallery, self._growing = collection, gallery, growing
        self._people: People | None = None
        self._state: str | None = None
        self._lock = Lock()

    def people(self) -> People | None:
        """Return the people as they are now, read again only after a change; None if they are to be grouped first."""
        with self._lock:
            state = self.collection.state()
            if self._state != state:
                self._people = None if self._growing and self._has_new() else grouped(self.collection)
                self._state = state
            return self._people

    def group(self, fpir: float = DEFAULT_FPIR) -> People:
        """Group all faces anew, and return the people."""
        embedder = self.collection.embedder()
        if embedder is None:
            raise InputError(f"{self.collection.location} holds no faces yet")
        point = None if published_points(embedder) else self._gallery.point(embedder)
        people = group(self.collection, fpir=fpir, threshold=None if point is None else point.threshold)
        return self.people() or people  # others may have added faces meanwhile

    def enrol(self, group: int, name: str, consent: str) -> Enrolled:
        """Make references of the gallery of a group's faces, and name it if any is one; return what came of them."""
        enrolled = self.collection.enrol(group, self._gallery, name=name, consent=consent)
        if enrolled.enrolled or enrolled.already_enrolled:
            self.collection.name(group, name)
        return enrolled

    def _has_new(self) -> bool:
        with self.collection.reading() as connection:
            return connection.scalar(select(faces.c.id).where(faces.c.group_id.is_(None)).limit(1)) is not None

    def document(self, people: People, first: int, count: int, shown: int) -> dict[str, Any]:
        """Return a part of the groups with all doubts, as a plain dictionary: of each group some faces."""
        several = people.several
        names = {group.id: group.name for group in people.groups}
        doubtful = [group.weakest for group in people.doubtful if group.weakest]
        listed = people.groups if self._growing else several
        return {
            "schema": "faceloupe.review/1",
            "location": self.collection.location,
            "photographs": people.photographs,
            "faces": people.n_faces,
            "threshold": people.threshold,
            "words": people.words(),
            "groups": [_group_document(group, shown) for group in listed[first : first + count]],
            "listed": len(listed),
            "several": len(several),
            "alone": len(people.groups) - len(several),
            "doubtful": [_doubt(doubt, people.threshold, names) for doubt in doubtful[:DOUBTS]],
            "nearly": [_doubt(doubt, people.threshold, names) for doubt in people.nearly[:DOUBTS]],
        }

    def face(self, number: int) -> bytes | None:
        """Return a face as PNG: as it was kept, or cut out of its photograph; None if neither is there."""
        with self.collection.reading() as connection:
            chip: bytes | None = connection.scalar(select(faces.c.chip).where(faces.c.id == number))
            face = seen_faces(connection, [number]).get(number)
        if chip is not None:
            return chip
        picture = None if face is None else cut_out(face, SIDE)
        if picture is None:
            return None
        file = BytesIO()
        Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()

    def close(self) -> None:
        """Close the collection."""
        self.collection.close()


def _group_document(group: Group, shown: int) -> dict[str, Any]:
    faces = [
        {"id": face.id, "path": face.path, "unfit": face.unfit, "indexed": face.indexed} for face in group.faces[:shown]
    ]
    return {"id": group.id, "name": group.name, "count": len(group.faces), "faces": faces}


def _doubt(doubt: Doubt, threshold: float, names: dict[int, str | None]) -> dict[str, Any]:
    return {
        "faces": list(doubt.faces),
        "sizes": list(doubt.sizes),
        "groups": list(doubt.groups),
        "names": [names.get(group) for group in doubt.groups],
        "score": doubt.score,
        "why": doubt.words(threshold),
    }
