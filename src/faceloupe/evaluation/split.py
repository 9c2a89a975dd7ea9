"""The split of captures and comparisons: one side chooses, the other is measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.evaluation.audit import people_of_pairs
from faceloupe.evaluation.comparisons import Comparisons, every_two
from faceloupe.evaluation.datasets import TEST, TRAIN, LabelledPhotographs, Pairs
from faceloupe.faces.splits import split_by_subject

Labels = NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Side:
    """One side of the data.

    Attributes
    ----------
    captures : array of intp, (N,)
    main : Comparisons
        The listed pairs, or else every two captures.
    every_two : Comparisons or None
        Every two captures, for what takes many comparisons; None where subjects are not known.
    """

    captures: Labels
    main: Comparisons
    every_two: Comparisons | None

    def __repr__(self) -> str:
        return f"Side({len(self.captures):,} captures, {self.main!r})"

    @property
    def most(self) -> Comparisons:
        """The most comparisons that there are: every two captures, or else those listed."""
        return self.every_two or self.main

    def without(self, people: Labels) -> "Side":
        """Return the same without some people."""
        main = self.main.without(people)
        return Side(
            self.captures,
            main,
            self.every_two and (main if self.every_two is self.main else self.every_two.without(people)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The two sides: on `development` thresholds are chosen and embedders fitted (None: there is none)."""

    development: Side | None
    test: Side


def split(data: LabelledPhotographs, usable: Labels, development: float, seed: int, *, mated: bool = True) -> Parts:
    """Split labelled photographs: as their pairs say, or by subject.

    Parameters
    ----------
    data : LabelledPhotographs
    usable : array of intp, (N,)
        Photographs to compare, where no pairs are listed.
    development : float
        Share of the subjects to choose on, 0 for none; not used where pairs are listed.
    seed : int
        Seed of the subjects drawn.
    mated : bool
        Whether there must be two captures of a subject: an FMR needs none.

    Raises
    ------
    InputError
        If the share is not in [0, 1), or too few subjects or captures are on a side.
    """
    if data.pairs is not None:
        if data.pairs.has_parts:
            return Parts(*(_listed_side(data, data.pairs, data.pairs.in_fold(fold), fold) for fold in (TRAIN, TEST)))
        return Parts(None, _listed_side(data, data.pairs, np.arange(len(data.pairs.same)), ""))
    if data.subjects is None:
        raise InputError(f"{data!r}: expected subjects, or pairs, or both")
    if not 0 <= development < 1:
        raise InputError(f"development: expected a share of the subjects from 0 to below 1, got {development}")
    if not development:
        return Parts(None, _every_two_side("every two captures", usable, data.subjects, seed, mated=mated))
    count = round(development * len(data.names))
    if not 2 <= count <= len(data.names) - 2:
        raise InputError(
            f"{data.source} has {len(data.names)} subjects: too few to choose thresholds on some and measure on "
            "others, two at least of each. With development=0 (--development 0) all are measured and nothing is chosen"
        )
    drawn = split_by_subject(data.subjects, count, seed)
    sides = {"development": drawn.train, "test": drawn.held_out}
    return Parts(
        *(
            _every_two_side(
                f"every two captures of the {name} subjects", np.intersect1d(captures, usable), data.subjects, seed
            )
            for name, captures in sides.items()
        )
    )


def _listed_side(data: LabelledPhotographs, pairs: Pairs, chosen: Labels, fold: str) -> Side:
    of_fold = f" of {fold}" if fold else ""
    people = people_of_pairs(data, pairs) if data.subjects is None else data.subjects
    listed = Comparisons(f"the listed pairs{of_fold}", pairs.captures[chosen], pairs.same[chosen], people)
    captures = listed.captures
    if data.subjects is None:
        return Side(captures, listed, None)
    return Side(captures, listed, every_two(f"every two photographs in the pairs{of_fold}", captures, data.subjects))


def _every_two_side(what: str, captures: Labels, subjects: Labels, seed: int, *, mated: bool = True) -> Side:
    comparisons = every_two(what, captures, subjects, seed=seed, mated=mated)
    return Side(captures, comparisons, comparisons)
