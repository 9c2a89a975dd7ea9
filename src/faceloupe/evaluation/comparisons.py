"""Comparisons of captures, and their scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.scores.sets import ScoreSet

__all__ = ["MOST", "Compared", "Comparisons", "every_two", "score"]

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]
Flags = NDArray[np.bool_]

MOST = 3500
"""Captures of which every two are compared, at most: six million comparisons support an FMR of 1 in 2,000,000."""

AT_ONCE = 2**16  # comparisons: 2 · 128 numbers each
NEVER = -1.0  # the lowest cosine: matches at no threshold that anybody would take


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparisons:
    """P pairs of captures.

    Attributes
    ----------
    what : str
        Description of the comparisons, in words.
    pairs : array of intp, (P, 2)
    same : array of bool, (P,)
        Whether both show one subject.
    subjects : array of intp, (N,), or None
        Subject of each capture.
    """

    what: str
    pairs: Labels
    same: Flags
    subjects: Labels | None

    def __repr__(self) -> str:
        return f"Comparisons({len(self.pairs):,} pairs, {self.what})"

    def without(self, people: Labels) -> "Comparisons":
        """Return those that show none of some people."""
        if self.subjects is None:
            raise InputError(f"{self!r}: whom they show is not known")
        kept = ~np.isin(self.subjects[self.pairs], people).any(axis=1)
        what = f"{self.what} without those it was fitted on"
        return Comparisons(what, self.pairs[kept], self.same[kept], self.subjects)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compared:
    """Comparisons with their scores.

    Attributes
    ----------
    of : Comparisons
    scores : ScoreSet
        Scores of the comparisons that could be made.
    mated, non_mated : array of intp, (M,) and (K,)
        Their comparisons, in the order of the scores.
    failed : array of intp, (F,)
        Comparisons that could not be made.
    with_failures : ScoreSet
        As `scores`, and those that could not be made with the lowest score: they match nobody.
    """

    of: Comparisons
    scores: ScoreSet
    mated: Labels
    non_mated: Labels
    failed: Labels
    with_failures: ScoreSet

    def __repr__(self) -> str:
        return f"Compared({self.scores!r})"


def every_two(
    what: str, captures: Labels, subjects: Labels, *, most: int = MOST, seed: int = 0, mated: bool = True
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
    drawn = _of_whole_subjects(captures, subjects, most, seed)
    first, second = (drawn[side] for side in np.triu_indices(len(drawn), k=1))
    same = subjects[first] == subjects[second]
    if same.all() or (mated and not same.any()):
        kind = "of two people" if len(same) and same.all() else "of one person"
        needed = "both kinds are needed" if mated else "photographs of two people or more are needed"
        raise InputError(f"{what}: {len(drawn):,} captures make no pair {kind}; {needed}")
    part = (
        "" if len(drawn) == len(captures) else f", {len(drawn):,} of the {len(captures):,}, of subjects drawn at random"
    )
    return Comparisons(what + part, np.stack([first, second], axis=1), same, subjects)


def score(vectors: Floats, failed: Flags, comparisons: Comparisons, *, needs_mated: bool = True) -> Compared:
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
    pairs, same = comparisons.pairs, comparisons.same
    doubles = vectors.astype(np.float64)
    parts = (pairs[start : start + AT_ONCE] for start in range(0, len(pairs), AT_ONCE))
    cosines = np.concatenate([np.einsum("pd,pd->p", doubles[part[:, 0]], doubles[part[:, 1]]) for part in parts])
    lost = failed[pairs].any(axis=1)
    mated, non_mated, gone = (np.flatnonzero(chosen) for chosen in (same & ~lost, ~same & ~lost, lost))
    if not len(non_mated) or (needs_mated and not len(mated)):
        raise InputError(
            f"{comparisons.what}: {len(gone)} of {len(pairs)} comparisons could not be made, and no "
            f"{'non-mated' if not len(non_mated) else 'mated'} one is left"
        )
    scores = _score_set(cosines, mated, non_mated, comparisons)
    counted = ScoreSet(
        scores.mated, scores.non_mated, scores.mated_subjects, scores.non_mated_subjects,
        failed_mated=int((same & lost).sum()), failed_non_mated=int((~same & lost).sum()),
    )  # fmt: skip
    if not len(gone):
        return Compared(comparisons, counted, mated, non_mated, gone, scores)
    cosines = np.where(lost, NEVER, cosines)
    with_failures = _score_set(cosines, np.flatnonzero(same), np.flatnonzero(~same), comparisons)
    return Compared(comparisons, counted, mated, non_mated, gone, with_failures)


def _score_set(cosines: NDArray[np.float64], mated: Labels, non_mated: Labels, comparisons: Comparisons) -> ScoreSet:
    subjects, pairs = comparisons.subjects, comparisons.pairs
    if subjects is None:
        return ScoreSet(cosines[mated], cosines[non_mated])
    return ScoreSet(cosines[mated], cosines[non_mated], subjects[pairs[mated, 0]], subjects[pairs[non_mated]])


def _of_whole_subjects(captures: Labels, subjects: Labels, most: int, seed: int) -> Labels:
    """Return at most so many captures: of each subject drawn all, but never more than a half of what is wanted."""
    if len(captures) <= most:
        return captures
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(captures)
    kept: list[Labels] = []
    room = most
    for subject in rng.permutation(np.unique(subjects[captures])):
        own = shuffled[subjects[shuffled] == subject][: min(room, most // 2)]
        kept.append(own)
        room -= len(own)
    return np.sort(np.concatenate(kept))
