"""Comparisons of captures, and their scores."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.scores.sets import ScoreSet, blocks, compact, compare_every_two

Floats = NDArray[np.float32]
Integers = NDArray[np.integer]
Flags = NDArray[np.bool_]

MOST = 3500
"""Captures of which every two are compared, at most: six million comparisons support an FMR of 1 in 2,000,000."""

AT_ONCE = 2**14  # comparisons: 2 · 128 numbers each
NEVER = -1.0  # the lowest cosine: matches at no threshold that anybody would take


class EveryTwo:
    """Every two of some captures as an array (P, 2): the first with all after it, then the second ...

    Millions of pairs take no memory; those that are asked for are worked out.

    Parameters
    ----------
    captures : array of int, (N,)
    """

    def __init__(self, captures: Integers) -> None:
        self.captures = captures
        self._starts = np.concatenate([[0], np.cumsum(np.arange(len(captures) - 1, 0, -1))])  # of each capture's pairs

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, places: Integers | slice) -> Integers:
        places = np.arange(*places.indices(len(self))) if isinstance(places, slice) else places
        first = np.searchsorted(self._starts, places, side="right") - 1
        pairs: Integers = self.captures[np.stack([first, first + 1 + places - self._starts[first]], axis=-1)]
        return pairs


class ComparedSubjects(NamedTuple):
    """The subjects of comparisons: of the mated ones, (M,), and of the non-mated ones, (K, 2); None if not known."""

    own: NDArray[np.int32] | None
    sides: NDArray[np.int32] | None


@dataclass(frozen=True, eq=False, repr=False)
class Comparisons:
    """P pairs of captures.

    Attributes
    ----------
    what : str
        Description of the comparisons, in words.
    pairs : array of int, (P, 2), or EveryTwo
    same : array of bool, (P,)
        Whether both show one subject.
    subjects : array of int, (N,), or None
        Subject of each capture.
    """

    what: str
    pairs: Integers | EveryTwo
    same: Flags
    subjects: Integers | None

    def __repr__(self) -> str:
        return f"Comparisons({len(self.pairs):,} pairs, {self.what})"

    @property
    def captures(self) -> Integers:
        """Which captures are compared, each once, (C,)."""
        return self.pairs.captures if isinstance(self.pairs, EveryTwo) else np.unique(self.pairs)

    @cached_property
    def all_subjects(self) -> ComparedSubjects:
        """The subjects of all comparisons; kept, for every recogniser is measured on them."""
        return self.subjects_of(np.ones(len(self.same), dtype=np.bool_))

    def subjects_of(self, chosen: Flags) -> ComparedSubjects:
        """Return the subjects of some comparisons, chosen by (P,)."""
        if self.subjects is None:
            return ComparedSubjects(None, None)
        n_mated = int((chosen & self.same).sum())
        own = np.empty(n_mated, dtype=np.int32)
        sides = np.empty((int(chosen.sum()) - n_mated, 2), dtype=np.int32)
        mated = non_mated = 0
        for part in blocks(len(chosen)):
            same = self.same[part][chosen[part]]
            people = self.subjects[self.pairs[part][chosen[part]]]
            n_same = int(same.sum())
            own[mated : mated + n_same] = people[same, 0]
            sides[non_mated : non_mated + len(same) - n_same] = people[~same]
            mated, non_mated = mated + n_same, non_mated + len(same) - n_same
        return ComparedSubjects(*compact(own, sides))

    def of_any(self, captures: Flags) -> Flags:
        """Return which comparisons are of one of some captures or two, (P,)."""
        mask = np.zeros(len(self.pairs), dtype=np.bool_)
        for part in blocks(len(mask)) if captures.any() else ():
            mask[part] = captures[self.pairs[part]].any(axis=1)
        return mask

    def without(self, people: Integers) -> "Comparisons":
        """Return those that show none of some people."""
        if self.subjects is None:
            raise InputError(f"{self!r}: their subjects are not known")
        remaining = ~self.of_any(np.isin(self.subjects, people))
        what = f"{self.what} without those it was fitted on"
        return Comparisons(what, self.pairs[np.flatnonzero(remaining)], self.same[remaining], self.subjects)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoredComparisons:
    """Comparisons with their scores.

    Attributes
    ----------
    comparisons : Comparisons
    scores : ScoreSet
        Scores of the comparisons that could be made.
    mated : array of int, (M,)
        Comparisons of one person, in the order of the scores.
    failed : array of int, (F,)
        Comparisons that could not be made.
    with_failures : ScoreSet
        As `scores`, and those that could not be made with the lowest score: they match nobody.
    """

    comparisons: Comparisons
    scores: ScoreSet
    mated: Integers
    failed: Integers
    with_failures: ScoreSet

    def __repr__(self) -> str:
        return f"ScoredComparisons({self.scores!r})"

    @property
    def non_mated(self) -> Integers:
        """Comparisons of two people, (K,), in the order of the scores; not kept, for they are millions."""
        unlike = ~self.comparisons.same
        unlike[self.failed] = False
        return np.flatnonzero(unlike)


def every_two(
    what: str, captures: Integers, subjects: Integers, *, most: int = MOST, seed: int = 0, mated: bool = True
) -> Comparisons:
    """Return the comparisons of every two captures; of more than `most`, those of subjects drawn at random.

    Parameters
    ----------
    what : str
        Description of the captures, in words.
    captures : array of intp, (N,)
    subjects : array of intp
        Subject of each capture of the whole set.
    most : int
        Captures at most.
    seed : int
        Seed of the order in which subjects are drawn.
    mated : bool
        Whether there must be a mated pair.

    Raises
    ------
    InputError
        If there is no non-mated pair, or no mated one where there must be.
    """
    drawn = _sample_subjects(captures, subjects, most, seed)
    pairs = EveryTwo(drawn)
    same = np.empty(len(pairs), dtype=np.bool_)
    for piece in blocks(len(pairs)):
        same[piece] = np.equal(*subjects[pairs[piece]].T)
    if same.all() or (mated and not same.any()):
        kind = "of two people" if len(same) and same.all() else "of one person"
        needed = "both kinds are needed" if mated else "photographs of two people or more are needed"
        raise InputError(f"{what}: {len(drawn):,} captures make no pair {kind}; {needed}")
    if len(drawn) < len(captures):
        what += f", {len(drawn):,} of the {len(captures):,}, of subjects drawn at random"
    return Comparisons(what, pairs, same, subjects)


def score(vectors: Floats, failed: Flags, comparisons: Comparisons, *, needs_mated: bool = True) -> ScoredComparisons:
    """Compare by the cosine.

    Parameters
    ----------
    vectors : array of float32, (N, D)
        Unit vectors.
    failed : array of bool, (N,)
        True for captures that gave no vector.
    comparisons : Comparisons
    needs_mated : bool
        Whether there must be a mated comparison.

    Raises
    ------
    InputError
        If no non-mated comparison could be made, or no mated one where there must be.
    """
    cosines = _cosines(vectors.astype(np.float64), comparisons)
    has_failed, same = comparisons.of_any(failed), comparisons.same
    failed_pairs = np.flatnonzero(has_failed)
    mated, non_mated = same & ~has_failed, ~same & ~has_failed
    if not non_mated.any() or (needs_mated and not mated.any()):
        raise InputError(
            f"{comparisons.what}: {len(failed_pairs)} of {len(has_failed)} comparisons could not be made, and no "
            f"{'mated' if non_mated.any() else 'non-mated'} one is left"
        )
    subjects = comparisons.subjects_of(~has_failed) if len(failed_pairs) else comparisons.all_subjects
    n_failed = int((same & has_failed).sum()), int((~same & has_failed).sum())
    scores = ScoreSet(cosines[mated], cosines[non_mated], *subjects, *n_failed)
    with_failures = scores
    if len(failed_pairs):
        cosines[failed_pairs] = NEVER
        with_failures = ScoreSet(cosines[same], cosines[~same], *comparisons.all_subjects)
    return ScoredComparisons(comparisons, scores, np.flatnonzero(mated), failed_pairs, with_failures)


def _cosines(vectors: NDArray[np.float64], comparisons: Comparisons) -> NDArray[np.float64]:
    """Return the cosine of each comparison; of every two captures by products of whole tables, ten times as fast."""
    pairs, start = comparisons.pairs, 0
    cosines = np.empty(len(pairs))
    if not isinstance(pairs, EveryTwo):
        for start in range(0, len(pairs), AT_ONCE):
            first, second = pairs[start : start + AT_ONCE].T
            cosines[start : start + AT_ONCE] = np.einsum("pd,pd->p", vectors[first], vectors[second])
        return cosines
    for _, _, values in compare_every_two(vectors[pairs.captures]):
        cosines[start : start + len(values)] = values
        start += len(values)
    return cosines


def _sample_subjects(captures: Integers, subjects: Integers, most: int, seed: int) -> Integers:
    """Return at most so many captures: of each subject drawn all, but never more than a half of what is wanted."""
    if len(captures) <= most:
        return captures
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(captures)
    sampled: list[Integers] = []
    room = most
    for subject in rng.permutation(np.unique(subjects[captures])):
        own = shuffled[subjects[shuffled] == subject][: min(room, most // 2)]
        sampled.append(own)
        room -= len(own)
    return np.sort(np.concatenate(sampled))
