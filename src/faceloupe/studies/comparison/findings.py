"""The findings of a comparison on each network, and on every two."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from faceloupe.inspection.anatomy import anatomy
from faceloupe.studies.comparison.networks import ComparisonPlan
from faceloupe.studies.statistics import Estimate, paired_difference, sample_size_for_difference
from faceloupe.studies.trials import Trials
from faceloupe.training.networks import SmallNetwork


@dataclass(frozen=True, slots=True)
class Reached:
    """The results of one network with one preprocessing, over all pairs and seeds.

    Attributes
    ----------
    network, preprocess : str
    train_accuracy, accuracy : Estimate
        On training and on held-out captures.
    gap : Estimate
        The one minus the other: what was fitted and does not carry over.
    dead : float
        Mean number of dead ReLU units after training.
    seconds : float
        Seconds of one fit, as a share of the fits that were trained together.
    """

    network: str
    preprocess: str
    train_accuracy: Estimate
    accuracy: Estimate
    gap: Estimate
    dead: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The held-out accuracy of one network minus that of another, on the same pairs, splits and seeds.

    Attributes
    ----------
    first, second : (str, str)
        Network and preprocessing.
    difference : Estimate
    verdict : str
        ``"more"``, ``"less"`` or ``"not shown"``: whether the interval lies above 0, below, or holds it.
    pairs_to_settle : int or None
        Number of pairs that would settle a difference of this size; None where it is settled, or none would do.
    """

    first: tuple[str, str]
    second: tuple[str, str]
    difference: Estimate
    verdict: str
    pairs_to_settle: int | None


def reached(plan: ComparisonPlan, trials: Trials) -> Iterator[Reached]:
    """Yield the results of each network with each of its preprocessings."""
    for network in plan.networks:
        for kind in network.preprocess:
            fits = trials.where(experiment="pairs", network=network.name, preprocess=kind)
            train, held_out = fits.grid("train_accuracy"), fits.grid("accuracy")
            dead = np.nansum([fits.column("dead_conv"), fits.column("dead_hidden")], axis=0)
            yield Reached(
                network.name, kind, mean(train), mean(held_out), paired_difference(train, held_out),
                float(dead.mean()), float(fits.column("seconds").mean()),
            )  # fmt: skip


def differences(plan: ComparisonPlan, trials: Trials) -> Iterator[Difference]:
    """Yield every two networks, with every two of their preprocessings."""
    entries = [(network.name, kind) for network in plan.networks for kind in network.preprocess]
    grids = {
        (name, kind): trials.where(experiment="pairs", network=name, preprocess=kind).grid("accuracy")
        for name, kind in entries
    }
    for first, second in combinations(entries, 2):
        interval = paired_difference(grids[first], grids[second])
        verdict = "more" if interval.low > 0 else "less" if interval.high < 0 else "not shown"
        many = len(grids[first]) > 1
        wanted = sample_size_for_difference(grids[first] - grids[second]) if verdict == "not shown" and many else None
        yield Difference(first, second, interval, verdict, wanted)


def sizes(plan: ComparisonPlan, image_shape: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the parameters and the multiply-adds of each network that tells two people apart."""
    for network in plan.networks:
        layers = anatomy(SmallNetwork(network.spec, image_shape), image_shape)
        yield layers.parameters, layers.multiply_adds


def mean(grid: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Estimate:
    """Return a mean over pairs and seeds with its interval over pairs."""
    return paired_difference(grid, np.zeros_like(grid))
