"""The people in a clip and their times: a finished result, as words, a document and CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faceloupe.numerals import counted
from faceloupe.pages import Shown
from faceloupe.recognition.thresholds import rates_in_words
from faceloupe.scores.points import OperatingPoint
from faceloupe.video.people import Judged, Person
from faceloupe.video.sampling import Sampling

BETWEEN = (
    "The thresholds of pooled templates were measured with captures of different days. Frames of one clip are more "
    "alike, and their mean is nearer to a single template: fewer strangers than stated reach the threshold, and what "
    "pooling gains is less."
)
"""What the published thresholds do not show."""


def clock(seconds: float) -> str:
    """Return a time of a clip as players show it, to the hundredth.

    >>> clock(2.5), clock(3723.456)
    ('0:02.50', '1:02:03.46')
    """
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:{minutes:02}' if hours else minutes}:{rest // 100:02}.{rest % 100:02}"


def likest(each: Judged) -> str:
    """Return the subject that a track without a name is most like, in words; empty if there is nobody."""
    if each.candidates is None or not each.candidates.candidates:
        return ""
    first = each.candidates.candidates[0]
    return f"{first.label}, who is beside them" if first.who in each.candidates.elsewhere else first.label


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IdentifiedClip(Shown):
    """The people in a clip, and their times.

    Attributes
    ----------
    path : Path
    start, end : float
        Seconds of the clip that were looked at.
    read, looked_at : int
        Frames decoded, and those in which faces were looked for.
    people : tuple of Person
        By when they come.
    unclear : tuple of Judged
        Tracks that the gallery does not name, and whose faces are too poor to say that they are somebody else.
    problems : tuple of str
        Parts of the clip that could not be read.
    sampling : Sampling
    bridge : float
        Seconds for which a face may have been missed within a track.
    """

    path: Path
    start: float
    end: float
    read: int
    looked_at: int
    people: tuple[Person, ...]
    unclear: tuple[Judged, ...]
    problems: tuple[str, ...]
    sampling: Sampling
    bridge: float

    def __repr__(self) -> str:
        return (
            f"IdentifiedClip({self.path.name}, {self.end - self.start:.3f} s: {self._count()}, "
            f"{self.looked_at:,} of {self.read:,} frames looked at)"
        )

    @property
    def points(self) -> tuple[OperatingPoint, ...]:
        """The operating points that decided."""
        return tuple(dict.fromkeys(each.point for each in self._tracks()))

    def notes(self) -> list[str]:
        """Return remarks on the answer: the parts that could not be read, and what is unclear."""
        unclear = [
            f"{counted(len(self.unclear), 'track')} too poor to say who it is: "
            + "; ".join(f"{clock(each.track.first)}, {each.shortcomings[0]}" for each in self.unclear[:3])
        ]
        return [*self.problems, *(unclear if self.unclear else [])]

    def warnings(self) -> list[str]:
        """Return the reasons to doubt names: a track falls short, others reach the threshold, or a name is taken."""
        return [
            f"{person.label}, from {clock(each.track.first)}: {'; '.join(words)}"
            for person in self.people
            for each in person.tracks
            if (words := each.doubts())
        ]

    def meaning(self) -> list[str]:
        """Return where each threshold comes from, how often it errs, and what holds between frames; in sentences."""
        return [*map(rates_in_words, self.points), *self._between()]

    def words(self) -> str:
        """Return the answer in sentences, and what its thresholds mean; a paragraph each."""
        lead = (
            f"{self._count()} in {self.end - self.start:.2f} s of {self.path.name}; "
            f"{self.looked_at:,} of {self.read:,} frames were looked at."
        )
        appearances = [
            f"{person.label}: from {clock(person.first)} to {clock(person.last)}, seen for {person.seconds:.2f} s."
            for person in self.people
        ]
        return "\n".join([lead, *appearances, *(point.words() for point in self.points), *self._between()])

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, without vectors and faces."""
        sizes = next((each.candidates for each in self._tracks() if each.candidates is not None), None)
        return {
            "schema": "faceloupe.identified_clip/1",
            "path": str(self.path),
            "start": self.start,
            "end": self.end,
            "frames": {"read": self.read, "looked_at": self.looked_at},
            "sampling": asdict(self.sampling),
            "bridge": self.bridge,
            "subjects": sizes and sizes.n_subjects,
            "references": sizes and sizes.n_references,
            "people": [_person(person) for person in self.people],
            "unclear": [_track(each) for each in self.unclear],
            "points": [point.to_document() for point in self.points],
            "problems": list(self.problems),
        }

    def to_csv(self) -> str:
        """Return one line per appearance: person, known, track, first, last, seconds, score, threshold."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["person", "known", "track", "first", "last", "seconds", "score", "threshold"])
        for person in self.people:
            for each in person.tracks:
                times = [f"{value:.3f}" for value in (each.track.first, each.track.last, each.track.seconds)]
                score = "" if each.best is None else f"{each.best.score:.4f}"
                row = [person.label, int(person.known), each.track.number, *times, score, f"{each.point.threshold:.4f}"]
                writer.writerow(row)
        return text.getvalue()

    def _count(self) -> str:
        n_known = sum(person.known for person in self.people)
        strangers = len(self.people) - n_known
        return f"{n_known:,} known and {strangers:,} unknown {'person' if strangers == 1 else 'people'}"

    def _between(self) -> list[str]:
        return [BETWEEN] if any(len(each.track.best) > 1 for each in self._tracks()) else []

    def _tracks(self) -> Iterator[Judged]:
        for person in self.people:
            yield from person.tracks
        yield from self.unclear


def _person(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "external_id": person.external_id,
        "known": person.known,
        "first": person.first,
        "last": person.last,
        "seconds": person.seconds,
        "score": person.best and person.best.score,
        "threshold": person.deciding.point.threshold,
        "tracks": [_track(each) for each in person.tracks],
    }


def _track(each: Judged) -> dict[str, Any]:
    track, candidates = each.track, each.candidates
    return {
        "number": track.number,
        "first": track.first,
        "last": track.last,
        "seconds": track.seconds,
        "frames": track.frames,
        "pooled": [seen.time for seen in track.best],
        "beside": sorted(track.together),
        "detection": track.face.detection.to_document(),
        "template": track.template.to_document(),
        "shortcomings": list(each.shortcomings),
        "threshold": each.point.threshold,
        "candidates": [asdict(candidate) for candidate in candidates.candidates] if candidates else [],
        "taken": list(candidates.taken) if candidates else [],
    }
