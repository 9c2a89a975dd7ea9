"""Faces followed from frame to frame: a track is one face over time, and never two people.

A face continues a track if its template is like the track's, and the more so the less the boxes overlap. Where the
template departs a new track begins, even in the same place. Each frame gives a track one face at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.recognition.detections import Box, Detection
from faceloupe.recognition.templates import Template, compare
from faceloupe.video.pooling import POOLED, pool, rating

OVERLAP = 0.3
"""Intersection over union from which two boxes are in one place."""

NEXT = 0.5
"""Seconds for which a box says where the face will be next."""

APART = 0.2
"""Seconds between two frames that are pooled, at least: neighbours hardly differ."""


PICTURE = 64
"""Pixels of the picture of a face that is kept to be shown."""


class Likeness(NamedTuple):
    """The scores from which a face continues a track."""

    in_place: float
    """Where the boxes overlap, a moment after one another."""

    elsewhere: float
    """Where they do not, or some time has passed."""


class Seen(NamedTuple):
    """A face in a frame."""

    time: float
    """Seconds, of the frame."""

    detection: Detection
    template: Template

    picture: NDArray[np.uint8]
    """The face, aligned, (PICTURE, PICTURE, 3), RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face over time.

    Attributes
    ----------
    number : int
        From 1, by when they begin.
    first, last : float
        Seconds: the time of the first frame with the face, and the end of the last one.
    seconds : float
        For how long the face was seen, without gaps that were bridged.
    frames : int
        Frames looked at in which it was seen.
    best : tuple of Seen
        The faces that were pooled, at most five, in the order of time.
    template : Template
        Pooled.
    together : frozenset of int
        Numbers of the tracks that share a frame with it: other people.
    """

    number: int
    first: float
    last: float
    seconds: float
    frames: int
    best: tuple[Seen, ...]
    template: Template
    together: frozenset[int]

    @property
    def face(self) -> Seen:
        """The best of its faces."""
        return max(self.best, key=lambda seen: rating(seen.template.quality))

    def __repr__(self) -> str:
        return (
            f"Track({self.number}: {self.first:.3f} to {self.last:.3f} s, seen for {self.seconds:.3f} s in "
            f"{self.frames:,} frames, {len(self.best)} pooled)"
        )


class Follower:
    """Makes tracks of the faces of frames, given in the order of time.

    Parameters
    ----------
    likeness : Likeness
    bridge : float
        Seconds for which a face may be missed: it hides, turns away, or is cut away from.
    """

    def __init__(self, likeness: Likeness, bridge: float) -> None:
        self._likeness, self._bridge = likeness, bridge
        self._growing: list[_Growing] = []
        self._done: list[_Growing] = []
        self._count = 0

    def add(self, faces: Sequence[Seen], until: float, following: float) -> None:
        """Take in the faces of one frame.

        Parameters
        ----------
        faces : sequence of Seen
        until : float
            Seconds, when the picture changes: a face that is not in the next frame looked at was seen until then.
        following : float
            Seconds, of the next frame that is looked at: a face that is in it was seen until then.
        """
        if not faces:
            return
        time = faces[0].time
        lost = [track for track in self._growing if time - track.last > self._bridge]
        self._done += lost
        self._growing = [track for track in self._growing if track not in lost]
        seen = []
        for face, track in zip(faces, self._continued(faces), strict=True):
            if track is None:
                self._count += 1
                track = _Growing(self._count)
                self._growing.append(track)
            track.add(face, until, following)
            seen.append(track)
        numbers = {track.number for track in seen}
        for track in seen:
            track.together |= numbers - {track.number}

    def tracks(self) -> tuple[Track, ...]:
        """Return the tracks as they are now, by number."""
        tracks = sorted([*self._done, *self._growing], key=lambda track: track.number)
        return tuple(track.finished() for track in tracks)

    def present(self, time: float) -> tuple[Track, ...]:
        """Return the tracks that may go on at a time, and let go of all others: a camera has no end."""
        self._done = []
        self._growing = [track for track in self._growing if time - track.last <= self._bridge]
        numbers = {track.number for track in self._growing}
        for track in self._growing:
            track.together &= numbers
        return self.tracks()

    def _continued(self, faces: Sequence[Seen]) -> "list[_Growing | None]":
        """Return the track that each face continues: the assignment that is best over all of them."""
        from scipy.optimize import linear_sum_assignment

        continued: list[_Growing | None] = [None] * len(faces)
        if self._growing:
            gains = np.array([[self._gain(track, face) for track in self._growing] for face in faces])
            for row, column in zip(*linear_sum_assignment(gains, maximize=True), strict=True):
                if gains[row, column] > 0:
                    continued[row] = self._growing[column]
        return continued

    def _gain(self, track: "_Growing", face: Seen) -> float:
        """Return likeness plus overlap if a face may continue a track; 0 if not."""
        score = compare(track.template, face.template)
        near = face.time - track.last <= NEXT
        overlap = _overlap(track.box, face.detection.box) if near else 0.0
        enough = self._likeness.in_place if overlap >= OVERLAP else self._likeness.elsewhere
        return max(0.0, score) + overlap if score >= enough else 0.0


class _Growing:
    """A track that may go on; of all its faces it keeps the best."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.first = self.last = self.seconds = self._following = 0.0
        self.frames = 0
        self.together: set[int] = set()
        self.best: list[Seen] = []
        self.template: Template
        self.box: Box

    def add(self, face: Seen, until: float, following: float) -> None:
        if not self.frames:
            self.first = face.time
        elif face.time == self._following:
            self.seconds += face.time - self.last
        self.frames += 1
        self.last, self.seconds, self._following = until, self.seconds + until - face.time, following
        self.box = face.detection.box
        if self._keep(face):
            self.template = pool([seen.template for seen in self.best])

    def _keep(self, face: Seen) -> bool:
        """Keep a face if it is better than the one kept near it in time, or than the worst; say whether it was."""
        rivals = [seen for seen in self.best if face.time - seen.time < APART]
        if not rivals and len(self.best) >= POOLED:
            rivals = [min(self.best, key=_rating)]
        if any(_rating(seen) >= _rating(face) for seen in rivals):
            return False
        self.best = [seen for seen in self.best if all(seen is not rival for rival in rivals)] + [face]
        return True

    def finished(self) -> Track:
        return Track(
            self.number, self.first, self.last, self.seconds, self.frames, tuple(self.best), self.template,
            frozenset(self.together),
        )  # fmt: skip


def _rating(seen: Seen) -> float:
    return rating(seen.template.quality)


def _overlap(box: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    corners: NDArray[np.float64] = np.array([[b.x, b.y, b.x + b.width, b.y + b.height] for b in (box, other)])
    sides = np.maximum(0, corners[:, 2:].min(axis=0) - corners[:, :2].max(axis=0))
    shared = float(sides.prod())
    whole = box.width * box.height + other.width * other.height - shared
    return shared / whole if whole > 0 else 0.0
