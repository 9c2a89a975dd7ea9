"""Labels and lists that cannot be right, or would flatter: copies of a file, pairs listed twice, train within test."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.evaluation.datasets import LabelledPhotographs, Pairs
from faceloupe.numerals import counted

Labels = NDArray[np.intp]

NAMED = 5  # examples in a note


def usable_captures(contents: Sequence[str], subjects: Labels, names: Sequence[str]) -> tuple[Labels, tuple[str, ...]]:
    """Return which captures to compare, and what to say of those with the same content.

    A subject's second copy of a capture is left out. Where two subjects share one, a label must be wrong, and nobody
    knows which: all of them are left out.

    Parameters
    ----------
    contents : sequence of str, (N,)
        A hash of what each holds; empty where that is not known.
    subjects : array of intp, (N,)
    names : sequence of str, (N,)
        Names of the captures.
    """
    copies: defaultdict[str, list[int]] = defaultdict(list)
    for place, content in enumerate(contents):
        copies[content or f"unread {place}"].append(place)
    usable, notes = [], []
    for first, *others in copies.values():
        conflict = any(subjects[other] != subjects[first] for other in others)
        usable += [] if conflict else [first]
        for other in others:
            consequence = "both are left out, for one of the two names is wrong" if conflict else "left out"
            notes.append(f"{names[other]} has the same content as {names[first]}: {consequence}.")
    return np.sort(np.array(usable, dtype=np.intp)), tuple(notes)


def audit_pairs(data: LabelledPhotographs, contents: Sequence[str]) -> tuple[LabelledPhotographs, tuple[str, ...]]:
    """Return listed pairs, each counted once whichever comes first, and what to say of the list.

    Copies of a photograph are one photograph. Where two subjects share one, its pairs are left out.

    Parameters
    ----------
    data : LabelledPhotographs
        With pairs.
    contents : sequence of str, (N,)
        A hash of each photograph; empty where it could not be read.

    Raises
    ------
    InputError
        If a pair is in two folds, so that what one chooses would be measured on itself, or is said to show one person
        and two.
    """
    pairs = data.pairs
    if pairs is None:
        return data, ()
    first: dict[str, int] = {}
    content = np.array([first.setdefault(hash_ or f"unread {place}", place) for place, hash_ in enumerate(contents)])
    conflicting = set() if data.subjects is None else set(content[data.subjects != data.subjects[content]].tolist())
    captures = content[pairs.captures]
    first_places: dict[tuple[int, ...], int] = {}
    distinct, self_pairs, misnamed = [], [], []
    for place, key in enumerate(map(tuple, np.sort(captures, axis=1).tolist())):
        if conflicting.intersection(key):
            misnamed.append(place)
        elif key[0] == key[1]:
            self_pairs.append(place)
        elif first_places.setdefault(key, place) == place:
            distinct.append(place)
        else:
            _check_repeat(data, pairs, first_places[key], place)
    repeats = len(pairs.same) - len(distinct) - len(self_pairs) - len(misnamed)
    notes = [*_repeat_notes(data, pairs, repeats, self_pairs, misnamed), *_fold_notes(data, pairs, content)]
    if np.array_equal(captures[distinct], pairs.captures):
        return data, tuple(notes)
    folds = None if pairs.folds is None else tuple(pairs.folds[place] for place in distinct)
    return replace(data, pairs=Pairs(captures[distinct], pairs.same[distinct], folds)), tuple(notes)


def people_of_pairs(data: LabelledPhotographs, pairs: Pairs) -> Labels:
    """Return whom each photograph (or template) shows as far as pairs tell, (N,): those that they link are one person.

    Raises
    ------
    InputError
        If a pair is said to show two people whom other pairs make one.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(data.templates or data.paths)
    first, second = pairs.captures[pairs.same].T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    people: Labels = connected_components(links, directed=False)[1].astype(np.intp)
    sides = people[pairs.captures]
    contradictory = np.flatnonzero((sides[:, 0] == sides[:, 1]) & ~pairs.same)
    if len(contradictory):
        raise InputError(
            f"{data.source}: {_joined_names(data, pairs.captures[contradictory[0]])} are said to show two people, "
            f"and other pairs make them one ({counted(len(contradictory), 'such pair')}); one of these labels is wrong"
        )
    return people


def _check_repeat(data: LabelledPhotographs, pairs: Pairs, first: int, again: int) -> None:
    what = f"{data.source}: {_joined_names(data, pairs.captures[again])}"
    if pairs.same[first] != pairs.same[again]:
        raise InputError(f"{what} are said to show one person, and two; mend the list")
    if pairs.folds and pairs.folds[first] != pairs.folds[again]:
        raise InputError(
            f"{what} are compared in {pairs.folds[first]} and in {pairs.folds[again]} (perhaps under other names, or "
            "the other way round): what is chosen on the one would be measured on itself. Keep each pair in one fold"
        )


def _repeat_notes(
    data: LabelledPhotographs, pairs: Pairs, repeats: int, self_pairs: Sequence[int], misnamed: Sequence[int]
) -> Iterator[str]:
    if repeats:
        yield (
            f"{repeats:,} of the {len(pairs.same):,} listed pairs repeat an earlier pair, perhaps in the other order: "
            "each pair counts once."
        )
    if self_pairs:
        examples = "; ".join(_joined_names(data, pairs.captures[place]) for place in self_pairs[:NAMED])
        left_out = counted(len(self_pairs), "pair")
        yield f"{left_out} of two copies of one photograph left out, for that says nothing: {examples}."
    if misnamed:
        examples = "; ".join(_joined_names(data, pairs.captures[place]) for place in misnamed[:NAMED])
        left_out = counted(len(misnamed), "pair")
        yield f"{left_out} left out: a photograph in each has a copy under another person's name: {examples}."


def _fold_notes(data: LabelledPhotographs, pairs: Pairs, content: Labels) -> Iterator[str]:
    """Yield the photographs or people in several folds, where all else about a pair may be known already."""
    if pairs.folds is None:
        return
    where: defaultdict[int, set[str]] = defaultdict(set)
    for captures, fold in zip(content[pairs.captures].tolist(), pairs.folds, strict=True):
        for capture in captures:
            where[capture].add(fold)
    shared = [capture for capture, folds in where.items() if len(folds) > 1]
    if shared:
        examples = ", ".join(_name(data, capture) for capture in shared[:NAMED])
        yield (
            f"{counted(len(shared), 'photograph')} in more than one fold, such as {examples}: what is measured on one "
            "fold is not of people unknown to the others."
        )


def _joined_names(data: LabelledPhotographs, captures: Iterable[int]) -> str:
    return " and ".join(_name(data, capture) for capture in captures)


def _name(data: LabelledPhotographs, capture: int) -> str:
    return "/".join(data.paths[capture].parts[-2:])
