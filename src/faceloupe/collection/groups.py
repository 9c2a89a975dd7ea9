"""Grouping a collection: made anew under what people said, numbered as before, and kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, func, select, update

from faceloupe.collection import rulings
from faceloupe.collection.collection import Collection
from faceloupe.collection.grouping import Grouping, Join, group_faces
from faceloupe.collection.members import IndexedFaces, all_faces
from faceloupe.collection.people import Doubt, Group, People
from faceloupe.collection.schema import add_row, faces, groups, keep_setting, photographs, setting
from faceloupe.collection.seen import seen_faces
from faceloupe.errors import InputError
from faceloupe.recognition.thresholds import published_points
from faceloupe.scores.extrapolation import threshold_at
from faceloupe.scores.points import OperatingPoint

DEFAULT_FPIR = 0.1
"""Share of faces that may meet a stranger's face at or above the threshold by chance.

The mean over a whole group has to reach it, and so far fewer go wrong: on LFW View 1, 6,084 faces, 0.45 % of a face's
companions are strangers (BCubed precision 99.55 %) at this default, 0.8 % at 0.2, 0.23 % at 0.05.
"""

MOST_DOUBTS = 1000
"""The most doubts of either kind that are kept for review; those kept are the most doubtful."""

TRIES = 3
"""Groupings that are made while others may write. After these nobody may until there is one, so that it ends."""


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
    for _ in range(TRIES):
        work = _Work(collection, fpir, fmr, threshold, points)
        with collection.writing() as connection:
            if work.holds(connection):
                return work.keep(connection)
    with collection.writing() as connection:  # who has something to say waits
        return _Work(collection, fpir, fmr, threshold, points).keep(connection)


class _Work:
    """One grouping, made from what the collection held at its beginning."""

    def __init__(
        self, collection: Collection, fpir: float, fmr: float | None, threshold: float | None,
        points: Sequence[OperatingPoint],
    ) -> None:  # fmt: skip
        self._indexed = collection.faces()
        self._said = {same: collection.rulings(same=same) for same in (True, False)}
        limits = group_threshold(collection, len(self._indexed), fpir, fmr, threshold, points)
        limit, self._rate, self._extrapolated = limits
        self._grouping = _group(self._indexed, self._said, limit)

    def holds(self, connection: Connection) -> bool:
        """Return whether all faces are still there, and no statement about them was made meanwhile."""
        there = set(connection.scalars(select(faces.c.id)))
        now = {same: rulings.pairs_ruled(connection, same=same) for same in (True, False)}
        return self._said == now and there.issuperset(self._indexed.ids.tolist())

    def keep(self, connection: Connection) -> People:
        """Write the groups, and return them."""
        standing = select(faces.c.id, groups.c.id).outerjoin(groups, faces.c.group_id == groups.c.id)
        homes = {face: home or 0 for face, home in connection.execute(standing)}
        before = np.array([homes[face] for face in self._indexed.ids.tolist()], dtype=np.int64)
        indexed = replace(self._indexed, groups=before)
        ids = _number_groups(connection, indexed, self._grouping)
        _move(connection, indexed, self._grouping, ids)
        people = _people(connection, indexed, self._grouping, ids)
        people = replace(people, fmr=self._rate, extrapolated=self._extrapolated)
        keep_setting(connection, "grouped", _as_kept(people))
        return people


def grouped(collection: Collection) -> People | None:
    """Return the groups as they are now, with the doubts of the last grouping that are left; None if there was none.

    What was said since then is taken in. Nothing is compared again: what follows from it for other faces is for the
    next :func:`group`, and faces that were indexed since are in no group yet.
    """
    with collection.reading() as connection:
        last = setting(connection, "grouped")
        if not isinstance(last, dict):
            return None
        indexed, shown = all_faces(connection), _Shown(connection)
        settled = {frozenset(pair) for same in (True, False) for pair in rulings.pairs_ruled(connection, same=same)}
    homes = {face: home for face, home in zip(indexed.ids.tolist(), indexed.groups.tolist(), strict=True) if home}
    doubts = [
        Doubt(score, (face, other_face), (size, other_size), (homes[face], homes[other_face]))
        for score, face, other_face, size, other_size in last["doubts"]
        if face in homes and other_face in homes and frozenset((face, other_face)) not in settled
    ]
    weakest: dict[int, Doubt] = {}
    for doubt in doubts:
        home, other_home = doubt.groups
        if home == other_home and (home not in weakest or doubt.score < weakest[home].score):
            weakest[home] = doubt
    members: dict[int, list[int]] = {}
    for face, home in sorted(homes.items()):
        members.setdefault(home, []).append(face)
    described = [shown.group(home, own, weakest.get(home)) for home, own in members.items()]
    nearly = sorted((doubt for doubt in doubts if len(set(doubt.groups)) == 2), key=lambda doubt: -doubt.score)
    return People(
        tuple(sorted(described, key=lambda group: (-len(group.faces), group.id))), tuple(nearly), last["threshold"],
        last["fmr"], last["extrapolated"], last["cohort"], shown.n_photographs,
    )  # fmt: skip


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


def _group(indexed: IndexedFaces, ruled_pairs: dict[bool, list[tuple[int, int]]], limit: float) -> Grouping:
    place = {face: row for row, face in enumerate(indexed.ids.tolist())}
    statements = [rulings.Ruling(0, same, *pair) for same, pairs in ruled_pairs.items() for pair in pairs]
    damaged = {face for pairs in ruled_pairs.values() for pair in pairs for face in pair} - place.keys()
    known: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for statement in statements + rulings.following(statements, damaged):
        if statement.one in place and statement.two in place:
            known[statement.same].append((place[statement.one], place[statement.two]))
    return group_faces(
        indexed.vectors, indexed.photographs.tolist(), limit, unfit=np.flatnonzero(~indexed.fit).tolist(),
        same=known[True], different=known[False], names=indexed.ids.tolist(),
    )  # fmt: skip


def _number_groups(connection: Connection, indexed: IndexedFaces, grouping: Grouping) -> list[int]:
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


def _move(connection: Connection, indexed: IndexedFaces, grouping: Grouping, ids: Sequence[int]) -> None:
    """Let each face be in its group, and remove groups that are empty now."""
    homes = np.zeros(len(indexed), dtype=np.int64)
    for own, members in zip(ids, grouping.groups, strict=True):
        homes[list(members)] = own
    moved = np.flatnonzero(homes != indexed.groups)
    rows = [{"face": int(indexed.ids[row]), "home": int(homes[row])} for row in moved]
    if rows:
        change = update(faces).where(faces.c.id == bindparam("face")).values(group_id=bindparam("home"))
        connection.execute(change, rows)
    rulings.drop_empty(connection)


def _people(connection: Connection, indexed: IndexedFaces, grouping: Grouping, ids: Sequence[int]) -> People:
    """Return the groups with their faces, names and doubts."""
    shown = _Shown(connection)
    homes = {int(face): own for own, some in zip(ids, grouping.groups, strict=True) for face in indexed.ids[list(some)]}
    described = [
        shown.group(own, indexed.ids[list(members)].tolist(), _doubt(weakest, indexed, homes))
        for own, members, weakest in zip(ids, grouping.groups, grouping.weakest, strict=True)
    ]
    nearly = tuple(doubt for join in grouping.nearly if (doubt := _doubt(join, indexed, homes)))
    return People(tuple(described), nearly, grouping.threshold, None, False, grouping.cohort, shown.n_photographs)


class _Shown:
    """What groups are shown with: their faces, their names, and the number of photographs that these are of."""

    def __init__(self, connection: Connection) -> None:
        self._faces = seen_faces(connection)
        self._names = {row.id: row.name for row in connection.execute(select(groups.c.id, groups.c.name))}
        self.n_photographs: int = connection.scalar(select(func.count()).select_from(photographs)) or 0

    def group(self, number: int, members: Iterable[int], weakest: Doubt | None) -> Group:
        return Group(number, self._names[number], tuple(self._faces[face] for face in members), weakest)


def _doubt(join: Join | None, indexed: IndexedFaces, homes: dict[int, int]) -> Doubt | None:
    if join is None or join.score >= 1:  # somebody's own word
        return None
    (row, size), (other_row, other_size) = join.sides
    face, other_face = int(indexed.ids[row]), int(indexed.ids[other_row])
    return Doubt(join.score, (face, other_face), (size, other_size), (homes[face], homes[other_face]))


def _as_kept(people: People) -> dict[str, Any]:
    doubts = [group.weakest for group in people.doubtful[:MOST_DOUBTS] if group.weakest] + list(
        people.nearly[:MOST_DOUBTS]
    )
    return {
        "threshold": people.threshold,
        "fmr": people.fmr,
        "extrapolated": people.extrapolated,
        "cohort": people.cohort,
        "doubts": [[doubt.score, *doubt.faces, *doubt.sizes] for doubt in doubts],
    }
