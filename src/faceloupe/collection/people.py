"""Groups of a collection: made anew under what people said, numbered as before, with what is doubtful about each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, select, update

from faceloupe.collection.collection import Collection, IndexedFaces
from faceloupe.collection.grouping import Grouping, Join, group_faces
from faceloupe.collection.schema import add_row, faces, groups, photographs, places
from faceloupe.errors import InputError
from faceloupe.numerals import counted
from faceloupe.pages import Shown
from faceloupe.recognition.thresholds import published_points
from faceloupe.scores.extrapolation import threshold_at
from faceloupe.scores.identification import fpir_at_size
from faceloupe.scores.points import OperatingPoint, one_in

__all__ = [
    "DEFAULT_FPIR",
    "Doubt",
    "Group",
    "People",
    "SeenFace",
    "group",
    "group_threshold",
    "refreshed",
    "seen_faces",
]

DEFAULT_FPIR = 0.1
"""Share of faces that may meet a stranger's face at or above the threshold by chance.

The mean over a whole group has to reach it, and so far fewer go wrong: on LFW View 1, 6,084 faces, 0.45 % of a face's
companions are strangers (BCubed precision 99.55 %) at this default, 0.8 % at 0.2, 0.23 % at 0.05.
"""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face of a collection, and where it can be looked at.

    Attributes
    ----------
    id : int
    path : str
        A file that shows it; empty if none is left.
    number : int
        Within the photograph, in reading order, from 1.
    box : tuple of float
        x, y, width and height in pixels of the photograph.
    unfit : str
        Reason why its quality is low; empty if it is not.
    """

    id: int
    path: str
    number: int
    box: tuple[float, float, float, float]
    unfit: str


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
        one, other = self.sizes
        margin = f"{self.score - threshold:+.3f} from the threshold"
        if one * other == 1:
            return f"The two faces score {self.score:.3f}, {margin}"
        compared = f"{one * other:,} comparisons of {one:,} with {counted(other, 'face')}"
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
        """How many faces are in all groups."""
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
        """Return what was found and at what rate of error, a paragraph each."""
        if not self.n_faces:
            return f"No face in {counted(self.photographs, 'photograph')}."
        alone = len(self.groups) - len(self.several)
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
        return "\n".join(
            [
                f"{self.n_faces:,} faces in {self.photographs:,} photographs: {len(self.several):,} people with more "
                f"than one face, {alone:,} faces alone.",
                rate.strip(),
                " ".join(note for note in notes if note),
            ]
        )

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


def group(
    collection: Collection,
    *,
    fpir: float = DEFAULT_FPIR,
    fmr: float | None = None,
    threshold: float | None = None,
    points: Sequence[OperatingPoint] = (),
) -> People:
    """Group the faces of a collection into people, and keep the groups.

    A group keeps its number as long as more of its faces stay together there than anywhere else. The same faces give
    the same groups, whatever order they came in.

    Parameters
    ----------
    collection : Collection
    fpir : float
        Share of the faces that may meet a stranger's face at or above the threshold by chance: the more faces there
        are, the higher the threshold. Of few faces it is less: no threshold is below the lowest that was measured.
    fmr : float, optional
        The rate of false matches in single comparisons instead, at most the highest that was measured.
    threshold : float, optional
        The threshold instead.
    points : sequence of OperatingPoint, optional
        Measured thresholds of the collection's embedder, three or more; otherwise the published ones.

    Returns
    -------
    People

    Raises
    ------
    InputError
        If a rate cannot be one, or no thresholds are known for the embedder and none was given.
    GalleryError
        If the collection cannot be written.
    """
    indexed = collection.faces()
    limit, rate, extrapolated = group_threshold(collection, len(indexed), fpir, fmr, threshold, points)
    place = {face: row for row, face in enumerate(indexed.ids.tolist())}
    grouping = group_faces(
        indexed.vectors,
        indexed.photographs.tolist(),
        limit,
        unfit=np.flatnonzero(~indexed.fit).tolist(),
        same=[(place[first], place[second]) for first, second in collection.rulings(same=True)],
        different=[(place[first], place[second]) for first, second in collection.rulings(same=False)],
    )
    with collection.writing() as connection:
        ids = _numbered(connection, indexed, grouping)
        _keep(connection, indexed, grouping, ids)
        seen = seen_faces(connection)
        names = {row.id: row.name for row in connection.execute(select(groups.c.id, groups.c.name))}
        n_photographs = connection.scalar(select(func.count()).select_from(photographs)) or 0
    home = np.repeat(ids, [len(faces) for faces in grouping.groups])
    home = home[np.argsort(np.concatenate([np.array(faces) for faces in grouping.groups]))] if len(home) else home
    described = [
        Group(
            own,
            names[own],
            tuple(seen[face] for face in indexed.ids[list(members)].tolist()),
            _doubt(weakest, indexed, home),
        )
        for own, members, weakest in zip(ids, grouping.groups, grouping.weakest, strict=True)
    ]
    nearly = [doubt for join in grouping.nearly if (doubt := _doubt(join, indexed, home))]
    return People(tuple(described), tuple(nearly), limit, rate, extrapolated, grouping.cohort, n_photographs)


def refreshed(collection: Collection, people: People) -> People:
    """Return people as the groups are now, with the doubts that are left: what was said since then is taken in.

    Nothing is compared again: what follows from it for other faces is for the next :func:`group`.
    """
    with collection.reading() as connection:
        seen = seen_faces(connection)
        homes = {row.id: row.group_id for row in connection.execute(select(faces.c.id, faces.c.group_id))}
        names = {row.id: row.name for row in connection.execute(select(groups.c.id, groups.c.name))}
    settled = {frozenset(pair) for same in (True, False) for pair in collection.rulings(same=same)}
    doubts = [
        replace(doubt, groups=(homes[doubt.faces[0]], homes[doubt.faces[1]]))
        for doubt in (*(group.weakest for group in people.groups if group.weakest), *people.nearly)
        if frozenset(doubt.faces) not in settled and all(homes.get(face) for face in doubt.faces)
    ]
    weakest: dict[int, Doubt] = {}
    for doubt in doubts:
        one, other = doubt.groups
        if one == other and (one not in weakest or doubt.score < weakest[one].score):
            weakest[one] = doubt
    members: dict[int, list[SeenFace]] = {}
    for face, home in homes.items():
        if home:
            members.setdefault(home, []).append(seen[face])
    described = [Group(own, names[own], tuple(some), weakest.get(own)) for own, some in members.items()]
    nearly = sorted((doubt for doubt in doubts if len(set(doubt.groups)) == 2), key=lambda doubt: -doubt.score)
    ordered = sorted(described, key=lambda group: (-len(group.faces), group.id))
    return replace(people, groups=tuple(ordered), nearly=tuple(nearly))


def group_threshold(
    collection: Collection,
    n_faces: int,
    fpir: float = DEFAULT_FPIR,
    fmr: float | None = None,
    threshold: float | None = None,
    points: Sequence[OperatingPoint] = (),
) -> tuple[float, float | None, bool]:
    """Return the threshold, the rate of false matches it stands for, and whether that is extrapolated.

    Raises
    ------
    InputError
        As :func:`group`.
    """
    if not 0 < fpir < 1:
        raise InputError(f"fpir: expected a share above 0 and below 1, got {fpir}")
    embedder = collection.embedder()
    points = points or (published_points(embedder) if embedder else ())
    if threshold is not None:
        stands_for = _fmr_at(points, threshold)
        return threshold, stands_for, stands_for is not None and stands_for < min(point.fmr for point in points)
    if embedder is None:
        raise InputError(f"{collection.location} holds no faces yet: faceloupe index FOLDER")
    if len(points) < 3:
        raise InputError(f"no thresholds were published for {embedder}; give one with --threshold")
    highest = max(point.target_fmr for point in points)
    if fmr is not None and not 0 < fmr <= highest:
        raise InputError(
            f"fmr: expected a rate above 0, at most {highest:g}, the highest that was measured, got {fmr:g}; a lower "
            "threshold can be given as such (--threshold)"
        )
    rate = fmr if fmr is not None else min(fpir / max(n_faces - 1, 1), highest)
    limit, extrapolated = threshold_at(points, rate)
    return limit, rate, extrapolated and rate < min(point.fmr for point in points)


def _fmr_at(points: Sequence[OperatingPoint], threshold: float) -> float | None:
    """Return the rate that a threshold stands for, from 1 in 10 to 1 in 10^12, by bisection of its logarithm."""
    low, high = -12.0, -1.0
    if len(points) < 3:
        return None
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if threshold_at(points, 10**middle)[0] > threshold else (low, middle)
    return float(10.0**low)


def _numbered(connection: Connection, indexed: IndexedFaces, grouping: Grouping) -> list[int]:
    """Return an id for each group: that of the old group it shares most faces with, or a new one."""
    shared: list[tuple[float, int, int]] = []
    named = set(connection.scalars(select(groups.c.id).where(groups.c.name.is_not(None))))
    for number, members in enumerate(grouping.groups):
        before = Counter(indexed.groups[list(members)].tolist())
        shared += [(-count - (old in named) * 0.5, old, number) for old, count in before.items() if old]
    ids: dict[int, int] = {}
    taken: set[int] = set()
    for _, old, number in sorted(shared):
        if number not in ids and old not in taken:
            ids[number] = old
            taken.add(old)
    numbers = range(len(grouping.groups))
    return [ids[number] if number in ids else add_row(connection, groups, name=None) for number in numbers]


def _keep(connection: Connection, indexed: IndexedFaces, grouping: Grouping, ids: Sequence[int]) -> None:
    moved = [
        {"face": face, "home": own}
        for own, members in zip(ids, grouping.groups, strict=True)
        for face, before in zip(
            indexed.ids[list(members)].tolist(), indexed.groups[list(members)].tolist(), strict=True
        )
        if before != own
    ]
    if moved:
        connection.execute(
            update(faces).where(faces.c.id == bindparam("face")).values(group_id=bindparam("home")), moved
        )
    empty = set(connection.scalars(select(groups.c.id))) - set(ids)
    for group_id in sorted(empty):
        connection.execute(delete(groups).where(groups.c.id == group_id))


def seen_faces(connection: Connection, only: int | None = None) -> dict[int, SeenFace]:
    """Return every face, or only one, by its id, with a file that shows it."""
    query = select(faces.c.id, faces.c.photograph_id, faces.c.number, faces.c.detection, faces.c.unfit)
    lying = select(places).where(places.c.gone.is_(False)).order_by(places.c.path.desc())
    if only is not None:
        query = query.where(faces.c.id == only)
        lying = lying.where(places.c.photograph_id.in_(select(faces.c.photograph_id).where(faces.c.id == only)))
    files = {row.photograph_id: row.path for row in connection.execute(lying)}
    rows = connection.execute(query)
    return {
        row.id: SeenFace(
            row.id,
            files.get(row.photograph_id, ""),
            row.number,
            tuple(row.detection["box"][side] for side in ("x", "y", "width", "height")),
            row.unfit,
        )
        for row in rows
    }


def _doubt(join: Join | None, indexed: IndexedFaces, home: NDArray[np.int64]) -> Doubt | None:
    if join is None or join.score >= 1:  # somebody's own word
        return None
    (face, size), (other_face, other_size) = join.sides
    ids = int(indexed.ids[face]), int(indexed.ids[other_face])
    return Doubt(join.score, ids, (size, other_size), (int(home[face]), int(home[other_face])))
