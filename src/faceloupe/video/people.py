"""From tracks to people: a name or none for each track, and which tracks are of one person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.templates import compare
from faceloupe.scores.points import OperatingPoint
from faceloupe.video.tracks import Track

if TYPE_CHECKING:
    from faceloupe.gallery.candidates import Candidate, Candidates
    from faceloupe.gallery.gallery import Gallery


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A track with the answer to whom it shows.

    Attributes
    ----------
    track : Track
    candidates : Candidates or None
        Subjects of the gallery that are most like it, and the threshold; None without a gallery.
    point : OperatingPoint
        The threshold: of pooled templates, or of single ones where one frame was usable.
    """

    track: Track
    candidates: "Candidates | None"
    point: OperatingPoint

    @property
    def named(self) -> "Candidate | None":
        """The subject that it shows; None for nobody of the gallery."""
        return None if self.candidates is None else self.candidates.named

    @property
    def best(self) -> "Candidate | None":
        """The subject that is named, or else the one most like it; None without a gallery or in an empty one."""
        if self.candidates is None or not self.candidates.candidates:
            return None
        return self.candidates.named or self.candidates.candidates[0]

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Shortcomings of even the best of its faces; empty if it is fit."""
        template = self.track.face.template
        return shortcomings(template.quality, limits_of(template.embedder))

    def doubts(self) -> list[str]:
        """Return the reasons to doubt the answer: the face falls short, others reach the threshold, a name is taken."""
        short = self.shortcomings if self.named else ()
        return [*short, *(() if self.candidates is None else self.candidates.warnings())]

    def __repr__(self) -> str:
        return f"Judged({self.track!r}, {self.candidates!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in a clip.

    Attributes
    ----------
    name : str
        The subject's, or "somebody 1", "somebody 2" ... in order of appearance for people whom the gallery lacks.
    known : bool
        Whether the gallery names the person.
    tracks : tuple of Judged
        By time. Tracks that the gallery does not name are here if they are like all others at the threshold.
    external_id : str or None
        What the subject is called elsewhere.
    """

    name: str
    known: bool
    tracks: tuple[Judged, ...]
    external_id: str | None = None

    @property
    def label(self) -> str:
        """The name, with the external id if there is one."""
        return self.name if self.external_id is None else f"{self.name} ({self.external_id})"

    @property
    def first(self) -> float:
        """Seconds, when the person comes."""
        return self.tracks[0].track.first

    @property
    def last(self) -> float:
        """Seconds, when the person is gone."""
        return max(each.track.last for each in self.tracks)

    @property
    def seconds(self) -> float:
        """Seconds for which the face was seen."""
        return sum(each.track.seconds for each in self.tracks)

    @property
    def deciding(self) -> Judged:
        """The track whose score is furthest above its threshold; of somebody unknown, the one seen longest."""
        if not self.known:
            return max(self.tracks, key=lambda each: each.track.seconds)
        return max(self.tracks, key=lambda each: -1.0 if each.named is None else each.named.margin)

    @property
    def best(self) -> "Candidate | None":
        """The subject that the deciding track is most like, see :attr:`Judged.best`."""
        return self.deciding.best

    def __repr__(self) -> str:
        return f"Person({self.label}: {self.first:.3f} to {self.last:.3f} s, {len(self.tracks)} tracks)"


def judged(
    tracks: Sequence[Track], points: Sequence[OperatingPoint], gallery: "Gallery | None", ranks: int
) -> tuple[Judged, ...]:
    """Ask a gallery for each track, by the point that holds for it; two people of one frame never get one name."""
    if gallery is None:
        return tuple(Judged(track, None, point) for track, point in zip(tracks, points, strict=True))
    from faceloupe.gallery.candidates import one_name_at_a_time  # a clip can be followed without a gallery's packages

    answers: dict[int, Candidates] = {}
    for point in dict.fromkeys(points):
        own = [track for track, other in zip(tracks, points, strict=True) if other == point]
        candidates = gallery.identify([track.template for track in own], point=point, ranks=ranks)
        answers |= dict(zip((track.number for track in own), candidates, strict=True))
    answers = one_name_at_a_time(answers, {track.number: track.together for track in tracks})
    return tuple(Judged(track, answers[track.number], point) for track, point in zip(tracks, points, strict=True))


def people_of(tracks: Sequence[Judged]) -> tuple[tuple[Person, ...], tuple[Judged, ...]]:
    """Return the people, by when they come, and the tracks too poor to be told apart.

    A track without a name joins the person whose every track it is like at its threshold, most like the least alike of
    them, and who is never in one frame with it. Otherwise it is somebody else, unless its best face falls short.
    """
    named: dict[int, list[Judged]] = {}
    for each in tracks:
        if each.named is not None:
            named.setdefault(each.named.subject_id, []).append(each)
    known = list(named.values())
    groups, poor = list(known), []
    for each in tracks:
        if each.named is not None:
            continue
        likeness, place = max(((_likeness(each, group), place) for place, group in enumerate(groups)), default=(-1, 0))
        if likeness >= each.point.threshold:
            groups[place].append(each)
        elif each.shortcomings:
            poor.append(each)
        else:
            groups.append([each])
    return tuple(_named(groups, {each.named.name for each in tracks if each.named})), tuple(poor)


def _likeness(each: Judged, group: Sequence[Judged]) -> float:
    """Return the least score with the tracks of a group; -1 if one of them shares a frame with it."""
    if any(other.track.number in each.track.together for other in group):
        return -1.0
    return min(compare(each.track.template, other.track.template) for other in group)


def _named(groups: Iterable[Sequence[Judged]], names: set[str]) -> Iterable[Person]:
    strangers = 0
    for group in sorted(groups, key=lambda group: min(each.track.number for each in group)):
        ordered = tuple(sorted(group, key=lambda each: each.track.first))
        subject = next((each.named for each in ordered if each.named), None)
        name = None if subject is None else subject.name
        while name is None:
            strangers += 1
            name = f"somebody {strangers}" if f"somebody {strangers}" not in names else None
        yield Person(name, subject is not None, ordered, None if subject is None else subject.external_id)
