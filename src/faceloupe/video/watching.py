"""People before a camera: faces are followed as in a clip, and comings and goings reported as they happen."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from faceloupe.gallery.identity import label
from faceloupe.numerals import counted
from faceloupe.recognition.photos import PhotoSource
from faceloupe.recognition.recognise import recognise
from faceloupe.recognition.search import FaceSearch
from faceloupe.scores.points import OperatingPoint
from faceloupe.video.camera import CameraFrame
from faceloupe.video.identify import BRIDGE, CLIP_SEARCH, faces_of_frame
from faceloupe.video.people import Judged, judged
from faceloupe.video.thresholds import likeness_of, track_point
from faceloupe.video.tracks import Follower

if TYPE_CHECKING:
    from faceloupe.gallery.candidates import Candidate
    from faceloupe.gallery.gallery import Gallery

FRAMES = 2
"""Frames in which somebody is seen before it is told that the gallery does not know them."""

RANKS = 3
"""Candidates that are asked for: the first may be somebody else in the picture."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody before the camera, from appearing to going, or until now.

    Attributes
    ----------
    name : str
        The subject's, or "somebody 1", "somebody 2" ... for people whom the gallery does not name.
    first, last : float
        Seconds since the camera was opened: of the first and the last frame with the face.
    subject_id : int or None
        The subject's number; None for somebody unknown.
    external_id : str or None
        What the subject is called elsewhere.
    score, threshold : float or None
        Best score against the subject, and what it had to reach; None for somebody unknown.
    """

    name: str
    first: float
    last: float
    subject_id: int | None = None
    external_id: str | None = None
    score: float | None = None
    threshold: float | None = None

    @property
    def known(self) -> bool:
        """Return whether the gallery names the person."""
        return self.subject_id is not None

    @property
    def label(self) -> str:
        """The name, with the external id if there is one."""
        return label(self.name, self.external_id)

    def seen(self, last: float, candidate: "Candidate | None", point: OperatingPoint) -> "Visit":
        """Return the visit with one more frame and the answer to it: the best score counts."""
        last = max(self.last, last)
        if candidate is None or (self.score is not None and candidate.score <= self.score):
            return replace(self, last=last)
        return replace(self, last=last, score=candidate.score, threshold=point.threshold)


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody appears, or goes; or somebody unknown is recognised.

    Attributes
    ----------
    what : {"appears", "goes", "is"}
    visit : Visit
        As it was then.
    before : str or None
        With "is": what the person was called until now.
    """

    what: Literal["appears", "goes", "is"]
    visit: Visit
    before: str | None = None

    def words(self) -> str:
        """Return it in a sentence."""
        visit = self.visit
        if self.what == "goes":
            return f"{visit.label} goes, seen for {visit.last - visit.first:.1f} s"
        score = "" if visit.score is None else f", score {visit.score:.4f}, threshold {visit.threshold:.4f}"
        return f"{self.before} is {visit.label}{score}" if self.before else f"{visit.label} appears{score}"

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        visit = self.visit
        return {
            "schema": "faceloupe.camera_change/1",
            "what": self.what,
            "name": visit.name,
            "subject_id": visit.subject_id,
            "external_id": visit.external_id,
            "known": visit.known,
            "first": visit.first,
            "last": visit.last,
            "score": visit.score,
            "threshold": visit.threshold,
            "before": self.before,
        }


class Watch:
    """Watches the frames of a camera. Memory is that of the people before it, however long it runs.

    A person is before the camera until the face was missed for `bridge` seconds. Somebody whom the gallery does not
    name is told from the second frame on, and only where the face is good enough to be told apart.

    Parameters
    ----------
    gallery : Gallery
        An open one.
    fmr : float, optional
        Asks for the thresholds published for this false match rate, as :func:`faceloupe.video.identify_clip`.
    faces : FaceSearch
    bridge : float
        Seconds.

    Attributes
    ----------
    present : dict of int to Visit
        Who is before the camera: by the subject's number, and -1, -2 ... for people whom the gallery does not name.
    looked_at : int
        Frames so far.
    """

    def __init__(
        self, gallery: "Gallery", *, fmr: float | None = None, faces: FaceSearch = CLIP_SEARCH, bridge: float = BRIDGE
    ) -> None:
        self._gallery, self._fmr, self._bridge = gallery, fmr, bridge
        self._faces = gallery.face_search(faces.all_faces())
        self._embedder = gallery.embedder
        self._saved = gallery.point(self._embedder)
        single, _ = (track_point(self._embedder, pooled, fmr=fmr, saved=self._saved) for pooled in (1, 2))
        self._follower = Follower(likeness_of(self._embedder, single), bridge)
        self._shown: dict[int, int] = {}  # whom tracks that go on show; a name that was told stays
        self._known: dict[int, str] = {}
        self._numbers = count(1)
        self._strangers = self.looked_at = 0
        self.present: dict[int, Visit] = {}

    def look(self, frame: CameraFrame) -> list[Change]:
        """Look at one frame, and return what has changed since the one before."""
        source = PhotoSource(Path(f"camera at {frame.time:.3f} s"), "", lambda: frame.image)
        [photograph] = recognise([source], self._embedder, faces=self._faces)
        self.looked_at += 1
        self._follower.add(faces_of_frame(frame.time, photograph), frame.time, frame.time)
        tracks = self._follower.present(frame.time)
        points = [track_point(self._embedder, len(track.best), fmr=self._fmr, saved=self._saved) for track in tracks]
        numbers = {track.number for track in tracks}
        self._shown = {track: who for track, who in self._shown.items() if track in numbers and who in self.present}
        answers = judged(tracks, points, self._gallery, RANKS)
        return [change for each in answers for change in self._seen(each)] + self._gone(frame.time)

    def end(self) -> list[Change]:
        """Return that everybody goes who is still there."""
        return self._gone(float("inf"))

    def words(self) -> str:
        """Return in a sentence who was seen."""
        names = f": {', '.join(sorted(self._known.values()))}" if self._known else ""
        return (
            f"{counted(self.looked_at, 'frame')} looked at; {len(self._known):,} known{names}; {self._strangers:,} not "
            "known to the gallery."
        )

    def _seen(self, each: Judged) -> Iterator[Change]:
        """Take in the answer to a track, and yield what it changes."""
        track, candidate, before = each.track, each.named, self._shown.get(each.track.number)
        if candidate is not None:
            who = candidate.subject_id
            self._known[who] = candidate.label
        elif before is not None:
            who = before
        elif track.frames < FRAMES or each.shortcomings:
            return
        else:
            self._strangers += 1
            who = -self._strangers
        self._shown[track.number] = who
        visit = self.present.get(who)
        if visit is not None:
            self.present[who] = visit.seen(track.last, candidate, each.point)
            return
        stranger = self.present.pop(before) if before is not None and before < 0 else None
        first = track.first if stranger is None else stranger.first
        if candidate is None:
            visit = Visit(self._new_name(), first, track.last)
        else:
            visit = Visit(candidate.name, first, track.last, candidate.subject_id, candidate.external_id)
        visit = self.present[who] = visit.seen(track.last, candidate, each.point)
        yield Change("appears", visit) if stranger is None else Change("is", visit, stranger.name)

    def _new_name(self) -> str:
        return next(name for number in self._numbers if (name := f"somebody {number}") not in self._gallery)

    def _gone(self, now: float) -> list[Change]:
        departed = {who: visit for who, visit in self.present.items() if now - visit.last > self._bridge}
        self.present = {who: visit for who, visit in self.present.items() if who not in departed}
        return [Change("goes", visit) for visit in departed.values()]
