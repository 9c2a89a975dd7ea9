"""FMR and FNMR of each group of people, and across groups, at one threshold.

Which group a person is in is for the user to say, in a file; it is never guessed from a face.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from faceloupe.csv_tables import read_table
from faceloupe.errors import InputError
from faceloupe.evaluation.comparisons import ScoredComparisons
from faceloupe.numerals import counted
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import error_interval
from faceloupe.scores.points import rule_of_3
from faceloupe.scores.sets import blocks

FILE = "groups.csv"
"""Called so, in a folder of subjects or beside it, a file says which group each is in."""

LEAST = 10  # people of whom a rate is given
UNKNOWN = -1  # the code of whose group is not known


@dataclass(frozen=True, slots=True)
class GroupRate:
    """An error rate of the comparisons within a group, or of one group with another.

    Attributes
    ----------
    groups : tuple of str
        The group, or both.
    n_people, n : int
        Number of people compared, and of comparisons.
    rate : float or None
        None where there are too few.
    interval : Interval or None
        95 %.
    why : str
        Why there is no rate.
    """

    groups: tuple[str, ...]
    n_people: int
    n: int
    rate: float | None
    interval: Interval | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Error rates by group at one threshold.

    Attributes
    ----------
    threshold : float
    target_fmr : float
        FMR that the threshold was chosen for.
    fmr : tuple of GroupRate
        Within each group, and then between every two.
    fnmr : tuple of GroupRate
        FNMR of each group.
    n_unknown : int
        People whose group is not known; they are in no rate.
    """

    threshold: float
    target_fmr: float
    fmr: tuple[GroupRate, ...]
    fnmr: tuple[GroupRate, ...]
    n_unknown: int

    @property
    def within(self) -> tuple[GroupRate, ...]:
        """The FMR within each group."""
        return tuple(rate for rate in self.fmr if len(rate.groups) == 1)

    @property
    def fmr_ratio(self) -> float | None:
        """The worst FMR within a group to the geometric mean of all (NIST IR 8429, 2022); 1 if all are alike.

        None where fewer than two groups have a rate, or one has no error: then no ratio can be known.
        """
        return _worst_to_mean(self.within)

    @property
    def fnmr_ratio(self) -> float | None:
        """The same of the FNMR."""
        return _worst_to_mean(self.fnmr)

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        return {**asdict(self), "fmr_ratio": self.fmr_ratio, "fnmr_ratio": self.fnmr_ratio}


def group_rates(compared: ScoredComparisons, groups: Sequence[str], threshold: float, target_fmr: float) -> GroupRates:
    """Count errors by group at one threshold.

    Parameters
    ----------
    compared : ScoredComparisons
        Comparisons whose subjects are known.
    groups : sequence of str, (N,)
        The group of whom each capture shows; empty where it is not known.
    threshold : float
    target_fmr : float
        A group has an FMR where its comparisons support this one by the rule of 3, and ten people or more.

    Raises
    ------
    InputError
        If fewer than two groups are compared, or subjects are not known.
    """
    subjects = compared.comparisons.subjects
    if subjects is None:
        raise InputError("groups: the subjects of the captures are not known")
    labels = np.asarray(groups)
    captures = compared.comparisons.captures
    names = sorted(set(labels[captures].tolist()) - {""})
    if len(names) < 2:
        raise InputError(f"groups: expected two or more among those measured, got {', '.join(names) or 'none'}")
    unknown = len(np.unique(subjects[captures[labels[captures] == ""]]))
    numbers = {name: number for number, name in enumerate(names)}
    codes = np.array([numbers.get(label, UNKNOWN) for label in labels.tolist()], dtype=np.int16)
    rates = _Rates(compared, subjects, names, codes, threshold, target_fmr)
    within = [rates.fmr((name,)) for name in names]
    across = [rates.fmr(pair) for pair in combinations(names, 2)]
    return GroupRates(threshold, target_fmr, (*within, *across), tuple(rates.fnmr(name) for name in names), unknown)


def read_groups(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Read which group each subject is in.

    Parameters
    ----------
    path : Path
        A CSV file with the columns ``name`` and ``group``.
    names : sequence of str
        Names of the subjects.

    Raises
    ------
    InputError
        If it is no such file, names somebody who is not there, or one twice in different groups; or if two
        subjects have one name, written with accented letters and with accents apart.
    """
    groups: dict[str, str] = {}
    composed: dict[str, str] = {}
    for name in names:  # a Mac writes accents apart from their letters
        if composed.setdefault(normalize("NFC", name), name) != name:
            raise InputError(
                f"two subjects are called {name}, in two forms of Unicode: rename one, or join their folders"
            )
    for number, line in read_table(path, ("name", "group"), "then a line for each subject"):
        name, group = composed.get(normalize("NFC", line["name"]), ""), line["group"]
        if not name:
            raise InputError(f"{path}, line {number}: there is no subject {line['name']!r}")
        if groups.setdefault(name, group) != group:
            raise InputError(f"{path}, line {number}: {name} is in {groups[name]!r} and in {group!r}")
    return groups


@dataclass(frozen=True, slots=True)
class _Rates:
    """Counting at one threshold."""

    compared: ScoredComparisons
    subjects: NDArray[np.integer]
    names: Sequence[str]
    codes: NDArray[np.int16]
    threshold: float
    target: float

    def fmr(self, groups: tuple[str, ...]) -> GroupRate:
        places, scores = self.compared.non_mated, self.compared.scores.non_mated
        wanted = sorted(self.names.index(group) for group in (groups[0], groups[-1]))
        chosen = np.concatenate(
            [part.start + np.flatnonzero((sides == wanted).all(axis=1)) for part, sides in self._sides(places)]
        )
        return self._rate(groups, places[chosen], scores[chosen] - self.threshold, rule_of_3(self.target))

    def _sides(self, places: NDArray[np.integer]) -> Iterator[tuple[slice, NDArray[np.int16]]]:
        """Yield parts of the comparisons, and the groups of both sides in order, (n, 2)."""
        for part in blocks(len(places)):
            yield part, np.sort(self.codes[self.compared.comparisons.pairs[places[part]]], axis=1)

    def fnmr(self, group: str) -> GroupRate:
        places, scores = self.compared.mated, self.compared.scores.mated
        chosen = self.codes[self.compared.comparisons.pairs[places][:, 0]] == self.names.index(group)
        below = np.nextafter(self.threshold, -np.inf)  # so that a score at the threshold is not an error
        return self._rate((group,), places[chosen], below - scores[chosen], 1)

    def _rate(
        self, groups: tuple[str, ...], comparisons: NDArray[np.integer], severity: NDArray[np.float64], needed: int
    ) -> GroupRate:
        sides = self.subjects[self.compared.comparisons.pairs[comparisons]]
        people, n = len(np.unique(sides)), len(comparisons)
        if people < LEAST or n < needed:
            why = f"too few: {counted(n, 'comparison')} of {counted(people, 'person', 'people')}"
            return GroupRate(groups, people, n, None, None, f"{why}; it takes {needed:,} of {LEAST} people or more")
        errors = severity >= 0
        return GroupRate(groups, people, n, float(errors.mean()), error_interval(errors, severity, sides))


def _worst_to_mean(rates: Sequence[GroupRate]) -> float | None:
    known = [rate.rate for rate in rates if rate.rate is not None]
    if len(known) < 2 or not all(known):
        return None
    return max(known) / math.exp(sum(map(math.log, known)) / len(known))
