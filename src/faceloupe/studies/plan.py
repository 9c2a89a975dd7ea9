"""The plan of a study: its people, its number of fits, and its pieces of work."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain, combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.faces.faceset import FaceSet
from faceloupe.training.preprocessing import KINDS as KNOWN

Pair = tuple[int, int]
SMALLEST = 11  # pixels a side that leave the CNN one pooled value
CAPTURES = 4  # of a subject, at least: some to train on, some to hold out
PAIRS = 24
COMPARED = ("none", "centre")
"""The preprocessing that every study compares: pixels as they are, and with their mean subtracted."""
FULL = {"shift_step": 1, "learning_step": 1, "network_splits": 10, "deep_splits": 10, "filter_fits": 10}


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work that is done whole or not at all.

    Attributes
    ----------
    experiment : str
        Experiment of :data:`faceloupe.studies.experiments.EXPERIMENTS`.
    people : (int, int) or None
        The pair; None for all subjects at once.
    variant : str
        Further mark that sets it apart: a method, or a fit's seed.
    """

    experiment: str
    people: Pair | None = None
    variant: str = ""

    @property
    def key(self) -> str:
        """The task's name in a study's folder."""
        who = "all" if self.people is None else "-".join(map(str, self.people))
        return f"{self.experiment}:{who}" + f":{self.variant}" * bool(self.variant)


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """Everything that decides a study's numbers, besides the faces.

    Attributes
    ----------
    people : (int, int)
        The pair that the tutorial's figures show.
    pairs : tuple of pairs
        Drawn at random from all pairs of subjects; every mean over people is over these.
    seeds : int
        Fits of each network for each pair, seeds 0..seeds-1.
    epochs, batch_size, learning_rate : int, int, float
        The tutorial's 20, 5 and 0.001 by default.
    preprocess : tuple of str
        Preprocessing that the pairs are fitted with: ``"none"`` and ``"centre"``, and what was asked for beside them.
    shift_step : int
        Pixels between the shifts that are tried, -16..16.
    learning_pairs, learning_seeds, learning_step : int
        Pairs and seeds of the learning curve, on which no verdict rests, and captures a person between its points.
    splits, network_splits, deep_splits : int
        Splits of all subjects for the baselines, the small networks and the deep network.
    filter_fits : int
        Fits of the network that learns its filters.
    seed : int
        Seed of pairs, splits, weights and batch orders.
    """

    people: Pair
    pairs: tuple[Pair, ...]
    seeds: int = 8
    epochs: int = 20
    batch_size: int = 5
    learning_rate: float = 1e-3
    preprocess: tuple[str, ...] = COMPARED
    shift_step: int = 4
    learning_pairs: int = 5
    learning_seeds: int = 4
    learning_step: int = 2
    splits: int = 10
    network_splits: int = 3
    deep_splits: int = 2
    filter_fits: int = 2
    seed: int = 0

    def to_document(self) -> dict[str, Any]:
        """Return the plan as JSON holds it."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "StudyPlan":
        """Return the plan that :meth:`to_document` wrote; raise ValueError, TypeError or KeyError if it is damaged."""
        (first, second), pairs = document["people"], tuple((a, b) for a, b in document["pairs"])
        preprocess = tuple(document["preprocess"])
        plan = cls(**{**document, "people": (first, second), "pairs": pairs, "preprocess": preprocess})
        numbers = [getattr(plan, field.name) for field in fields(cls) if field.type in ("int", int)]
        if not all(_is_whole(number) and number >= 0 for number in (first, second, *chain(*pairs), *numbers)):
            raise ValueError("the plan's numbers must be whole and at least 0")
        if not set(COMPARED) <= set(preprocess) <= set(KNOWN):
            raise ValueError(f"preprocess must name {' and '.join(COMPARED)}, and others of {', '.join(KNOWN)}")
        return replace(plan, learning_rate=float(plan.learning_rate))


def make_plan(
    faces: FaceSet,
    *,
    people: Sequence[int] = (0, 1),
    pairs: int | Literal["all"] | None = None,
    seeds: int = 8,
    epochs: int = 20,
    preprocess: Sequence[str] = COMPARED,
    full: bool = False,
    seed: int = 0,
) -> StudyPlan:
    """Check what was asked for and draw the pairs.

    Parameters
    ----------
    faces : FaceSet
        Grey captures, at least two of every subject.
    people : two ints
        The tutorial's pair.
    pairs : int, "all" or None
        Number of pairs to draw from all that the subjects form; None is 24, or all if there are fewer.
    seeds, epochs : int
        Fits a pair and epochs a fit.
    preprocess : sequence of {"none", "centre", "standardise"}
        "none" and "centre" are always compared; what is named beside them is fitted too.
    full : bool
        All pairs unless ``pairs`` says how many, every shift by one pixel, a learning curve of 60 pairs with every seed
        and every number of captures, ten splits of all subjects for every method.
    seed : int

    Raises
    ------
    InputError
        If the faces cannot be studied or an option is out of range; the message says what would do.
    """
    _check_faces(faces)
    chosen = tuple(people)
    if len(set(chosen)) != 2 or len(chosen) != 2 or not all(who in range(faces.n_subjects) for who in chosen):
        raise InputError(f"people must be two different indices from 0 to {faces.n_subjects - 1}; got {list(chosen)}.")
    for name, value, least in (("seeds", seeds, 1), ("epochs", epochs, 1), ("seed", seed, 0)):
        if not _is_whole(value) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    unknown = [kind for kind in preprocess if kind not in KNOWN]
    if unknown or not preprocess:
        raise InputError(f"preprocess takes one or more of {', '.join(KNOWN)}; got {list(preprocess)}.")
    drawn = draw_pairs(faces.n_subjects, "all" if full and pairs is None else pairs, seed)
    if len(drawn) * seeds < 2:
        raise InputError("One pair with one seed is one run and shows no spread; take more pairs or more seeds.")
    sizes = (
        {"learning_pairs": min(60, len(drawn)), "learning_seeds": seeds, **FULL}
        if full
        else {"learning_pairs": min(5, len(drawn)), "learning_seeds": min(4, seeds)}
    )
    kinds = tuple(dict.fromkeys((*COMPARED, *preprocess)))
    return StudyPlan((chosen[0], chosen[1]), drawn, seeds, epochs, preprocess=kinds, seed=seed, **sizes)


def draw_pairs(n_subjects: int, pairs: int | Literal["all"] | None, seed: int) -> tuple[Pair, ...]:
    """Draw pairs of subjects without replacement; with "all", every pair, in random order."""
    possible = list(combinations(range(n_subjects), 2))
    wanted = min(PAIRS, len(possible)) if pairs is None else len(possible) if pairs == "all" else pairs
    if not _is_whole(wanted) or not 1 <= wanted <= len(possible):
        raise InputError(f"pairs must be from 1 to {len(possible)} for {n_subjects} subjects, or 'all'; got {pairs!r}.")
    order = np.random.default_rng(seed).permutation(len(possible))[:wanted]
    return tuple(possible[index] for index in order)


def seeds_for(plan: StudyPlan, people: Sequence[int], seed: int) -> NDArray[np.uint32]:
    """Return three independent seeds, for split, weights and order, of one fit of some people."""
    return np.random.SeedSequence([plan.seed, *people, seed]).generate_state(3).astype(np.uint32)


def _check_faces(faces: FaceSet) -> None:
    if faces.images.ndim != 3:
        raise InputError("A study needs grey faces (N, H, W); from Python load them without colour=True.")
    if min(faces.images.shape[1:]) < SMALLEST:
        height, width = faces.images.shape[1:]
        raise InputError(
            f"A study needs faces of at least {SMALLEST}x{SMALLEST} pixels: the CNN's kernel takes 8 and its pooling "
            f"4 of what is left; got {height}x{width}. Load them with a larger `size=`."
        )
    if faces.n_subjects < 2:
        raise InputError(f"A study compares pairs of people and needs at least 2 subjects; got {faces.n_subjects}.")
    few = [name for name, count in zip(faces.names, faces.captures_per_subject, strict=True) if count < CAPTURES]
    if few:
        raise InputError(
            f"A study needs at least {CAPTURES} captures of every subject, to train on some and hold some out; "
            f"{len(few)} have fewer, among them {few[0]!r}. Leave such subjects out, as FaceSet.with_captures does."
        )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


MOVED = 8  # pixels: the most by which the captures of the harder probe are moved to either side
