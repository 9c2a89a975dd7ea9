"""The people that a grouping found in a collection, and the doubts about each."""

from dataclasses import asdict, dataclass
from typing import Any

from faceloupe.collection.seen import SeenFace
from faceloupe.numerals import counted
from faceloupe.pages import Shown
from faceloupe.scores.identification import fpir_at_size
from faceloupe.scores.points import one_in


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two sets of faces that were joined, or nearly were.

    Attributes
    ----------
    score : float
        Mean over the comparisons between them, normalised.
    faces : (int, int)
        A face of each.
    sizes : (int, int)
        Number of faces that each had.
    groups : (int, int)
        Ids of the groups they are in now.
    """

    score: float
    faces: tuple[int, int]
    sizes: tuple[int, int]
    groups: tuple[int, int]

    def words(self, threshold: float) -> str:
        """Return in words how near to the threshold it was."""
        size, other_size = self.sizes
        margin = f"{self.score - threshold:+.3f} from the threshold"
        if size * other_size == 1:
            return f"The two faces score {self.score:.3f}, {margin}"
        compared = f"{size * other_size:,} comparisons of {size:,} with {counted(other_size, 'face')}"
        return f"{compared} score {self.score:.3f} on average, {margin}"


@dataclass(frozen=True, slots=True)
class Group:
    """Faces held to be one person.

    Attributes
    ----------
    id : int
        Stays when photographs are added and faces are grouped anew.
    name : str or None
        Given by somebody.
    faces : tuple of SeenFace
    weakest : Doubt or None
        The join that was nearest to the threshold; None for a face alone and where somebody joined all.
    """

    id: int
    name: str | None
    faces: tuple[SeenFace, ...]
    weakest: Doubt | None

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class People(Shown):
    """The groups of a collection.

    Attributes
    ----------
    groups : tuple of Group
        The largest first.
    nearly : tuple of Doubt
        Pairs of groups just below the threshold, the highest score first: perhaps one person.
    threshold : float
        Mean normalised score at which groups are joined.
    fmr : float or None
        The rate of false matches that it stands for in single comparisons; None where nothing was measured.
    extrapolated : bool
        True if that rate is below all measured ones.
    cohort : int
        People whom scores were normalised by; 0 where they were too few.
    photographs : int
    """

    groups: tuple[Group, ...]
    nearly: tuple[Doubt, ...]
    threshold: float
    fmr: float | None
    extrapolated: bool
    cohort: int
    photographs: int

    @property
    def n_faces(self) -> int:
        """Number of faces in all groups."""
        return sum(len(group.faces) for group in self.groups)

    @property
    def several(self) -> tuple[Group, ...]:
        """The groups with more than one face, or a name."""
        return tuple(group for group in self.groups if len(group.faces) > 1 or group.name)

    @property
    def doubtful(self) -> tuple[Group, ...]:
        """The groups by their weakest join, the weakest first."""
        joined = [group for group in self.groups if group.weakest is not None]
        return tuple(sorted(joined, key=lambda group: (group.weakest.score if group.weakest else 0, group.id)))

    def words(self) -> str:
        """Return the findings and the rates of error, a paragraph each."""
        if not self.n_faces:
            return f"No face in {counted(self.photographs, 'photograph')}."
        alone = len(self.groups) - len(self.several)
        several = f"{len(self.several):,} {'person' if len(self.several) == 1 else 'people'}"
        sizes = (
            f"{counted(self.n_faces, 'face')} in {counted(self.photographs, 'photograph')}: {several} with more than "
            f"one face, {counted(alone, 'face')} alone."
        )
        rate = f"Two sets of faces are joined where their comparisons score {self.threshold:.3f} on average. "
        if self.fmr is not None:
            share = 100 * fpir_at_size(self.fmr, max(self.n_faces - 1, 1))
            rate += (
                f"Of single comparisons of two people {one_in(self.fmr)} reach it, so that about {share:.2g} % of the "
                f"{self.n_faces:,} faces meet a stranger who does; an average over a group does more rarely."
            )
        notes = [
            "That rate is below all that were measured: it is extrapolated." if self.extrapolated else "",
            f"Scores are normalised by {self.cohort:,} people of the collection." if self.cohort else
            "Scores are as they are: fewer than 200 people are too few to normalise them by.",
            "Relatives and children are more alike than the strangers that thresholds were measured on.",
        ]  # fmt: skip
        return "\n".join([sizes, rate.strip(), " ".join(filter(None, notes))])

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold, without vectors and pictures."""
        return {
            "schema": "faceloupe.people_of_collection/1",
            "photographs": self.photographs,
            "faces": self.n_faces,
            "threshold": self.threshold,
            "fmr": self.fmr,
            "extrapolated": self.extrapolated,
            "cohort": self.cohort,
            "groups": [group.to_document() for group in self.groups],
            "nearly": [asdict(doubt) for doubt in self.nearly],
            "words": self.words(),
        }

    def __repr__(self) -> str:
        return f"People({len(self.several):,} of {self.n_faces:,} faces, threshold {self.threshold:.3f})"
