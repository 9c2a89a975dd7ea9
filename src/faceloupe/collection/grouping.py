"""Faces become people: average linkage on scores made comparable, under what cannot be one person.

Two groups join while the mean score of all comparisons between them reaches the threshold, the best first (average
linkage, Sokal & Michener 1958). Sums of vectors give that mean exactly, without the comparisons; and groups whose mean
reaches the threshold hold two faces that do, so that only pairs of faces at or above the threshold need to be found.

Some faces are like everybody (Doddington et al. 1998 call such people lambs and wolves). From the second pass on, half
of how like a face is to the most similar strangers, less the average of all faces, is taken off its scores: the
adaptive symmetric normalisation of speaker recognition (Matejka et al. 2017), whose cohort here is the collection's
own people as the first pass found them.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError

Floats = NDArray[np.float32]
Pair = tuple[int, int]

NEIGHBOURS = 64
"""Faces at or above the threshold that are noted of each face among those after it, the best: a person with ten
thousand captures would have fifty million pairs."""

SCORES_AT_ONCE = 2**23
"""32 MB of them."""

LEAST_COHORT = 200
"""People below which scores are left as they are. With 100 the normalisation gained nothing on LFW View 1, with 300 a
third of what all gained."""

LARGEST_COHORT = 2000
"""People in the cohort; more change nothing that was measured."""

MOST_SIMILAR = 0.05
"""Share of the cohort that is most like a face. On LFW View 1 from 2 to 5 % make no difference."""


@dataclass(frozen=True, slots=True)
class Join:
    """Two groups that were joined, or nearly were.

    Attributes
    ----------
    score : float
        Mean over the comparisons between them, normalised.
    sides : ((int, int), (int, int))
        First face of each group, and how many faces the group had.
    """

    score: float
    sides: tuple[Pair, Pair]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Faces with the group of each.

    Attributes
    ----------
    groups : tuple of tuple of int
        Places of the faces of each group, ascending; the largest group first, of equal ones that with the first face.
    weakest : tuple of Join or None
        The join with the lowest score of each group; None for a face alone.
    nearly : tuple of Join
        Pairs of groups just below the threshold, the highest score first: perhaps one person.
    threshold : float
        Score that a mean has to reach.
    cohort : int
        People whom scores were normalised by; 0 where they were too few.
    """

    groups: tuple[tuple[int, ...], ...]
    weakest: tuple[Join | None, ...]
    nearly: tuple[Join, ...]
    threshold: float
    cohort: int

    def labels(self) -> NDArray[np.int64]:
        """Return the number of each face's group, (N,)."""
        labels = np.empty(sum(map(len, self.groups)), dtype=np.int64)
        for number, faces in enumerate(self.groups):
            labels[list(faces)] = number
        return labels

    def __repr__(self) -> str:
        faces, people = sum(map(len, self.groups)), sum(len(faces) > 1 for faces in self.groups)
        return f"Grouping({faces:,} faces: {people:,} groups, {len(self.groups) - people:,} alone)"


def group_faces(
    vectors: Floats,
    photographs: Sequence[int],
    threshold: float,
    *,
    unfit: Collection[int] = (),
    same: Iterable[Pair] = (),
    different: Iterable[Pair] = (),
    names: Sequence[int] | None = None,
) -> Grouping:
    """Group faces such that each group is held to be one person.

    The result depends on the order of the faces only where scores tie.

    Parameters
    ----------
    vectors : array of float32, (N, D)
        Vectors of length 1, a row for each face.
    photographs : sequence of int, (N,)
        Photograph of each face. Two faces of one photograph are never one person.
    threshold : float
        Mean score from which two groups are one person, from -1 to 1.
    unfit : collection of int
        Places of faces of low quality: each joins the group that it is most like, and joins no two groups.
    same, different : iterable of (int, int)
        Places of two faces that are known to show one person, or two.
    names : sequence of int, optional
        What messages call the faces; otherwise their places.

    Returns
    -------
    Grouping

    Raises
    ------
    InputError
        If the arrays do not fit together, or two faces are said to be one person and cannot be.
    """
    if vectors.ndim != 2 or len(vectors) != len(photographs):
        raise InputError(f"expected vectors (N, D) and N photographs, got {vectors.shape} and {len(photographs)}")
    tokens = _tokens(photographs, different)
    names = range(len(vectors)) if names is None else names
    same, low = list(same), frozenset(unfit)
    offsets = np.zeros(len(vectors), dtype=np.float32)
    first = _linked(vectors, offsets, tokens, threshold, low, same, names)
    centres, own = _centres(vectors, first)
    if len(centres) < LEAST_COHORT:
        return _grouping(first, threshold, cohort=0)
    offsets = _offsets(vectors, centres, own)
    return _grouping(_linked(vectors, offsets, tokens, threshold, low, same, names), threshold, cohort=len(centres))


class _Linkage:
    """Groups in the making, each called by its first face.

    Of each group: its faces, what its faces may share with no face of another group (`tokens`), neighbours, and the
    sums of its faces' rows in `left` and `right`. The product of two faces' rows is their score.
    """

    def __init__(self, left: Floats, right: Floats, tokens: Sequence[set[int]], threshold: float) -> None:
        self.left, self.right = left.astype(np.float64), right.astype(np.float64)
        self.tokens = [set(own) for own in tokens]
        self.threshold = threshold
        self.faces = [[face] for face in range(len(left))]
        self.neighbours: list[set[int]] = [set() for _ in range(len(left))]
        self.weakest: list[Join | None] = [None] * len(left)
        self._versions = [0] * len(left)
        self._heap: list[tuple[float, int, int, int, int]] = []

    def score(self, a: int, others: Sequence[int]) -> NDArray[np.float64]:
        """Return the mean score between a group and each of others."""
        sizes = np.array([len(self.faces[other]) for other in others])
        scores: NDArray[np.float64] = (self.right[others] @ self.left[a]) / (len(self.faces[a]) * sizes)
        return scores

    def compatible(self, a: int, b: int) -> bool:
        """Return whether two groups may be one person."""
        return self.tokens[a].isdisjoint(self.tokens[b])

    def meet(self, a: int, b: int) -> None:
        """Make two groups neighbours."""
        self.neighbours[a].add(b)
        self.neighbours[b].add(a)

    def propose(self, a: int, others: Sequence[int]) -> None:
        """Note which of the others a group may join."""
        if not others:
            return
        for other, score in zip(others, self.score(a, others).tolist(), strict=True):
            if score >= self.threshold:
                low, high = min(a, other), max(a, other)
                heapq.heappush(self._heap, (-score, low, high, self._versions[low], self._versions[high]))

    def run(self) -> None:
        """Join groups, the highest score first, until none reaches the threshold."""
        while self._heap:
            score, a, b, version_a, version_b = heapq.heappop(self._heap)
            if (self._versions[a], self._versions[b]) != (version_a, version_b):
                continue
            if self.compatible(a, b):
                self.join(a, b, -score)
                self.propose(a, sorted(self.neighbours[a]))
            else:
                self.neighbours[a].discard(b)
                self.neighbours[b].discard(a)

    def join(self, a: int, b: int, score: float) -> None:
        """Make one group of two, the one with the lower number staying."""
        join = Join(score, ((a, len(self.faces[a])), (b, len(self.faces[b]))))
        joins = [self.weakest[a], self.weakest[b], join]
        self.weakest[a] = min((weak for weak in joins if weak), key=lambda weak: weak.score)
        for other in self.neighbours[b] - {a}:
            self.neighbours[other].discard(b)
            self.meet(a, other)
        self.neighbours[a].discard(b)
        self.neighbours[b] = set()
        self.faces[a] += self.faces[b]
        self.faces[b] = []
        self.tokens[a] |= self.tokens[b]
        self.left[a] += self.left[b]
        self.right[a] += self.right[b]
        self._versions[a] += 1
        self._versions[b] = -1

    def nearly(self, most: int = 100) -> list[Join]:
        """Return neighbouring groups that are below the threshold, the highest score first."""
        pairs = []
        for a, others in enumerate(self.neighbours):
            later = sorted(other for other in others if other > a and self.compatible(a, other))
            if later:
                pairs += [(score, a, b) for b, score in zip(later, self.score(a, later).tolist(), strict=True)]
        best = heapq.nlargest(most, pairs, key=lambda pair: (pair[0], -pair[1], -pair[2]))
        return [Join(score, ((a, len(self.faces[a])), (b, len(self.faces[b])))) for score, a, b in best]


def _linked(
    vectors: Floats,
    offsets: Floats,
    tokens: Sequence[set[int]],
    threshold: float,
    unfit: frozenset[int],
    same: Sequence[Pair],
    names: Sequence[int],
) -> _Linkage:
    ones = np.ones(len(vectors), dtype=np.float32)
    left = np.column_stack([vectors, -offsets, ones])
    right = np.column_stack([vectors, ones, -offsets])  # rows multiply to: score - offset - offset
    linkage = _Linkage(left, right, tokens, threshold)
    edges: dict[int, list[int]] = defaultdict(list)
    of_unfit: dict[int, list[int]] = defaultdict(list)
    for a, b in _pairs_above(left, right, threshold):
        if a in unfit or b in unfit:
            of_unfit[a].append(b)
            of_unfit[b].append(a)
        else:
            linkage.meet(a, b)
            edges[a].append(b)
    home = _join_known(linkage, same, names)
    for a in sorted({home.get(face, face) for face in edges}):
        linkage.propose(a, sorted(linkage.neighbours[a]))
    linkage.run()
    _attach(linkage, unfit, of_unfit)
    return linkage


def _pairs_above(left: Floats, right: Floats, threshold: float) -> Iterator[Pair]:
    """Yield pairs of faces whose score reaches the threshold: of each face the best among those after it."""
    rows = max(16, SCORES_AT_ONCE // max(len(left), 1))
    for start in range(0, len(left), rows):
        scores = left[start : start + rows] @ right[start:].T
        scores[np.tri(*scores.shape, dtype=np.bool_)] = -np.inf  # a face with itself, and those before it
        for row, column in _best_of_rows(scores, threshold):
            yield start + row, start + column


def _best_of_rows(scores: Floats, threshold: float) -> Iterator[Pair]:
    rows, columns = np.nonzero(scores >= threshold)
    counts = np.bincount(rows, minlength=len(scores))
    starts = np.cumsum(counts) - counts
    for row in np.flatnonzero(counts > NEIGHBOURS).tolist():
        own = columns[starts[row] : starts[row] + counts[row]]
        order = np.lexsort((own, -scores[row, own]))
        own[order[NEIGHBOURS:]] = -1
    yield from ((row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if column >= 0)


def _join_known(linkage: _Linkage, same: Sequence[Pair], names: Sequence[int]) -> dict[int, int]:
    """Join what is known to be one person, and return the group of each face that was joined to another."""
    home: dict[int, int] = {}
    for first, second in same:
        a, b = sorted((home.get(first, first), home.get(second, second)))
        if a == b:
            continue
        if not linkage.compatible(a, b):
            raise InputError(
                f"faces {names[first]} and {names[second]} are said to show one person, and two people: they are of "
                "one photograph, or were told apart. Take one of the two back"
            )
        linkage.join(a, b, 1.0)
        home.update(dict.fromkeys(linkage.faces[a], a))
    return home


def _attach(linkage: _Linkage, unfit: frozenset[int], edges: dict[int, list[int]]) -> None:
    """Add each face of low quality to the group that it is most like, the surest first."""
    home = {face: group for group, faces in enumerate(linkage.faces) for face in faces}
    wishes = []
    for face in sorted(unfit):
        groups = sorted({home[other] for other in edges[face]} - unfit)
        if home[face] == face and len(linkage.faces[face]) == 1 and groups:
            wishes += [(-s, face, g) for g, s in zip(groups, linkage.score(face, groups).tolist(), strict=True)]
    guests: list[tuple[int, int, float]] = []
    taken: set[int] = set()
    for negative, face, group in sorted(wishes):
        if face in taken or -negative < linkage.threshold or not linkage.compatible(face, group):
            continue
        taken.add(face)
        linkage.tokens[group] |= linkage.tokens[face]
        guests.append((face, group, -negative))
    for face, group, score in guests:
        sides = ((group, len(linkage.faces[group])), (face, 1))
        weakest = linkage.weakest[group]
        linkage.weakest[group] = Join(score, sides) if weakest is None or score < weakest.score else weakest
        linkage.faces[group].append(face)
        linkage.faces[face] = []


def _tokens(photographs: Sequence[int], different: Iterable[Pair]) -> list[set[int]]:
    """Return what each face may share with no other face of its person: its photograph, and "not this person"s."""
    names: dict[int, int] = {}
    tokens = [{names.setdefault(photograph, len(names))} for photograph in photographs]
    for number, (first, second) in enumerate(different, start=len(names)):
        tokens[first].add(number)
        tokens[second].add(number)
    return tokens


def _centres(vectors: Floats, linkage: _Linkage) -> tuple[Floats, NDArray[np.int64]]:
    """Return the mean direction of each of at most 2,000 groups, (C, D), and the place of each face's own, (N,)."""
    groups = [faces for faces in linkage.faces if faces]
    chosen = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), LARGEST_COHORT)).astype(int)).tolist()
    own = np.full(len(vectors), -1, dtype=np.int64)
    centres = np.empty((len(chosen), vectors.shape[1]), dtype=np.float32)
    for place, number in enumerate(chosen):
        faces = groups[number]
        own[faces] = place
        total = vectors[faces].sum(axis=0)
        centres[place] = total / max(float(np.linalg.norm(total)), 1e-9)
    return centres, own


def _offsets(vectors: Floats, centres: Floats, own: NDArray[np.int64]) -> Floats:
    """Return half of how much more than the average each face is like the strangers most like it, (N,)."""
    n_similar = max(1, round(MOST_SIMILAR * len(centres)))
    likeness = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), rows := max(16, SCORES_AT_ONCE // len(centres))):
        scores = vectors[start : start + rows] @ centres.T
        mine = own[start : start + rows]
        with_own = np.flatnonzero(mine >= 0)
        scores[with_own, mine[with_own]] = -1
        likeness[start : start + rows] = np.partition(scores, -n_similar, axis=1)[:, -n_similar:].mean(axis=1)
    offsets: Floats = (likeness - likeness.mean()) / 2
    return offsets


def _grouping(linkage: _Linkage, threshold: float, cohort: int) -> Grouping:
    groups = sorted(
        ((tuple(sorted(faces)), linkage.weakest[number]) for number, faces in enumerate(linkage.faces) if faces),
        key=lambda group: (-len(group[0]), group[0]),
    )
    return Grouping(
        tuple(faces for faces, _ in groups),
        tuple(weakest for _, weakest in groups),
        tuple(linkage.nearly()),
        threshold,
        cohort,
    )
