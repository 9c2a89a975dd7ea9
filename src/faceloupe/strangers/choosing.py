"""The choice of a head: every recipe is tried on people whom it did not learn from, and so is the choice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.evaluation.comparisons import EveryTwo
from faceloupe.recognition.adapted import unit_vectors
from faceloupe.scores.rates import det_curve
from faceloupe.scores.sets import ScoreSet, blocks
from faceloupe.strangers.heads import RECIPES, Recipe, fit_head

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]
Labels = NDArray[np.intp]

FOLDS = 5
NON_MATED = 200_000  # comparisons at most, drawn at random: more tell hardly more and take longer


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """The captures learned from and the comparisons measured, nobody being in both.

    Attributes
    ----------
    learned : array of intp, (N,)
        Captures to learn from.
    pairs : array of intp, (P, 2)
        Captures of other people that are compared.
    """

    learned: Labels
    pairs: Labels


def folds_of(captures: Labels, subjects: Labels, seed: int, folds: int = FOLDS) -> list[Fold]:
    """Split people into folds: the captures of a fold are compared, and those of all other folds are learned from.

    Parameters
    ----------
    captures : array of intp, (N,)
    subjects : array of intp
        Subject of each capture of the whole set.
    seed, folds : int
    """
    rng = np.random.default_rng(seed)
    # Those with several captures are dealt out apart from those with one: each fold needs mated comparisons.
    people, counts = np.unique(subjects[captures], return_counts=True)
    dealt = np.concatenate([rng.permutation(people[counts > 1]), rng.permutation(people[counts == 1])])
    parts = [dealt[start::folds] for start in range(folds)]
    return [
        Fold(
            captures[~np.isin(subjects[captures], part)],
            _pairs(captures[np.isin(subjects[captures], part)], subjects, rng, NON_MATED // folds),
        )
        for part in parts
    ]


def sides_of(folds: Sequence[Fold], subjects: Labels) -> Labels:
    """Return the subjects on both sides of the comparisons of all folds, (P, 2)."""
    return np.asarray(subjects[np.concatenate([fold.pairs for fold in folds])])


def cosines(vectors: Floats, pairs: Labels) -> Scores:
    """Return the cosine of each pair of vectors, (N, D) of any length -> (P,)."""
    units = unit_vectors(vectors)
    return np.asarray(np.einsum("pd,pd->p", units[pairs[:, 0]], units[pairs[:, 1]]))


def compare_recipes(vectors: Floats, subjects: Labels, folds: Sequence[Fold]) -> dict[Recipe, float]:
    """Return the equal error rate of each recipe where it is fitted and measured on other people, over all folds."""
    sides = sides_of(folds, subjects)
    mated = sides[:, 0] == sides[:, 1]
    rates = {}
    for recipe in RECIPES:
        scores = np.concatenate([_scores(recipe, vectors, subjects, fold) for fold in folds])
        rates[recipe] = det_curve(ScoreSet(scores[mated], scores[~mated])).eer.rate
    return rates


def best_recipe(rates: dict[Recipe, float]) -> Recipe:
    """Return the recipe of the lowest rate; of equals the first, which is the simplest."""
    return min(rates, key=lambda recipe: rates[recipe])


def scores_of_choice(vectors: Floats, subjects: Labels, folds: Sequence[Fold], seed: int) -> Iterator[Scores]:
    """Yield for each fold the scores of its pairs by the recipe that is best among the people it learns from."""
    for fold in folds:
        inner = folds_of(fold.learned, subjects, seed)
        recipe = best_recipe(compare_recipes(vectors, subjects, inner))
        yield _scores(recipe, vectors, subjects, fold)


def _scores(recipe: Recipe, vectors: Floats, subjects: Labels, fold: Fold) -> Scores:
    head = fit_head(recipe, vectors[fold.learned], subjects[fold.learned])
    return cosines(head.apply(vectors), fold.pairs)


def _pairs(captures: Labels, subjects: Labels, rng: np.random.Generator, most: int) -> Labels:
    """Return all mated pairs of captures and at most so many non-mated ones, drawn at random.

    Pairs are numbered and gone through in parts, for ten thousand captures have fifty million.
    """
    pairs = EveryTwo(captures)
    mated_parts, n_non_mated = [], 0
    for part in blocks(len(pairs)):
        first, second = subjects[pairs[part]].T
        mated_parts.append(part.start + np.flatnonzero(first == second))
        n_non_mated += int((first != second).sum())
    mated = np.concatenate([np.zeros(0, dtype=np.intp), *mated_parts])
    drawn = np.sort(rng.choice(n_non_mated, most, replace=False)) if n_non_mated > most else np.arange(n_non_mated)
    # The k-th non-mated pair comes after all mated pairs that have k non-mated ones or fewer before them.
    non_mated = drawn + np.searchsorted(mated - np.arange(len(mated)), drawn, side="right")
    return pairs[np.concatenate([mated, non_mated])].astype(np.intp, copy=False)
