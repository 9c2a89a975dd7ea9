"""Estimates with intervals: what may be said from so many captures, pairs of people and seeds (NumPy only)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.numerals import decimals

__all__ = [
    "Estimate",
    "cluster_bootstrap",
    "paired_difference",
    "probability_of_superiority",
    "sample_size_for_difference",
]

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

CHUNK = 2**20  # resampled values held at once by the bootstrap, 8 MB of indices and 8 MB of values


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate, the interval around it, and how much it rests on.

    Attributes
    ----------
    estimate, low, high : float
    n : int
        Independent observations: captures of a proportion, pairs of people of a bootstrap.
    counted : str
        What `n` counts, as it reads after the number ("pairs × 8 seeds"); empty for a bare n.
    confidence : float
        Between 0 and 1.
    """

    estimate: float
    low: float
    high: float
    n: int
    counted: str = ""
    confidence: float = 0.95

    def range_text(self, percent: bool = False, signed: bool = False) -> str:
        """Return the limits alone.

        >>> Estimate(0.9375, 0.9122, 0.9558, 480).range_text(percent=True)
        '[91.2, 95.6]'
        """
        return f"[{_number(self.low, percent, signed)}, {_number(self.high, percent, signed)}]"

    def n_text(self) -> str:
        """Return what the estimate rests on: "n = 480", "n = 24 pairs × 8 seeds"."""
        return f"n = {self.n:,} {self.counted}".rstrip()

    def text(self, percent: bool = False, signed: bool = False) -> str:
        """Return estimate, limits and n in words.

        Parameters
        ----------
        percent : bool
            Times 100, in %; together with `signed`, in points, for a difference of shares is no percentage.
        signed : bool
            With a plus or minus sign, for differences.

        >>> Estimate(0.9375, 0.9122, 0.9558, 480).text(percent=True)
        '93.8 % [91.2, 95.6], n = 480'
        >>> Estimate(-0.044, -0.1, 0.012, 24, "pairs × 8 seeds").text(percent=True, signed=True)
        '−4.4 points [−10.0, +1.2], n = 24 pairs × 8 seeds'
        """
        unit = (" points" if signed else " %") if percent else ""
        return f"{_number(self.estimate, percent, signed)}{unit} {self.range_text(percent, signed)}, {self.n_text()}"

    def __str__(self) -> str:
        return self.text()


def _mean(values: Floats) -> Floats:
    mean: Floats = values.mean(axis=(-2, -1))
    return mean


def cluster_bootstrap(
    values: ArrayLike,
    statistic: Statistic = _mean,
    *,
    samples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Return a statistic over pairs and seeds with a percentile interval from a two-level bootstrap.

    Each sample draws pairs with replacement and then, within each drawn pair, seeds with replacement (Davison & Hinkley
    1997, section 3.8; Bouthillier et al. 2021, arXiv:2103.03098, on why every source of variation must be drawn anew).
    Drawing seeds anew inside the drawn pairs counts the spread over seeds twice: the interval is at worst 1.4 times too
    wide (no spread between pairs) and about right where pairs differ more than seeds. It takes the pairs as independent
    and each pair's seeds as its own: it knows neither that pairs share people nor that they share initial weights.
    Measured on 400 simulated studies each, normal numbers, 24 pairs × 8 seeds: the 95 % interval held the truth in
    92 % where only pairs differ, 93 % where both spread alike, 98 % where seeds spread three times as much, 99 % where
    only seeds differ; with 12 pairs 91 % where only pairs differ.

    Parameters
    ----------
    values : array, shape (pairs, seeds)
        One number for every fit. One pair alone gives an interval over its seeds only.
    statistic : callable
        Maps (..., pairs, seeds) to (...); the mean by default.
    samples : int
        Bootstrap samples.
    seed : int
        Same seed, same interval.
    confidence : float
        Between 0 and 1.

    Raises
    ------
    InputError
        If `values` is not a finite (pairs, seeds) array with at least two numbers.
    """
    grid = _checked_grid(values)
    rng = np.random.default_rng(seed)
    tail = (1 - _checked_confidence(confidence)) / 2
    size = max(1, CHUNK // grid.size)
    chunks = [min(size, samples - done) for done in range(0, samples, size)]
    drawn = np.concatenate([statistic(_resampled(grid, chunk, rng)) for chunk in chunks])
    low, high = np.quantile(drawn, [tail, 1 - tail])
    pairs, seeds = grid.shape
    counted = f"{'pair' if pairs == 1 else 'pairs'} × {seeds} {'seed' if seeds == 1 else 'seeds'}"
    return Estimate(float(statistic(grid)), float(low), float(high), pairs, counted, confidence)


def _resampled(grid: Floats, samples: int, rng: np.random.Generator) -> Floats:
    """Return (samples, pairs, seeds): rows drawn with replacement, then columns within each drawn row."""
    pairs, seeds = grid.shape
    rows = rng.integers(pairs, size=(samples, pairs, 1))
    columns = rng.integers(seeds, size=(samples, pairs, seeds))
    return grid[rows, columns]


def paired_difference(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Return the mean of a - b with the interval of :func:`cluster_bootstrap`.

    Both networks saw the same pair, split and batch order in each cell, so what is common to them cancels.

    Parameters
    ----------
    a, b : array, shape (pairs, seeds)
        Cell by cell from the same pair and seed.

    Raises
    ------
    InputError
        If the shapes differ or an array is not usable.
    """
    first, second = _checked_twins(a, b)
    return cluster_bootstrap(first - second)


def probability_of_superiority(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Return P(A > B) + P(A = B)/2 over paired fits, with the interval of :func:`cluster_bootstrap`.

    Bouthillier et al. 2021, arXiv:2103.03098.

    0.5 means that a coin says as well which one is better on the next pair and seed.

    Parameters
    ----------
    a, b : array, shape (pairs, seeds)
        Cell by cell from the same pair and seed.

    Raises
    ------
    InputError
        If the shapes differ or an array is not usable.
    """
    first, second = _checked_twins(a, b)
    won = (first > second) + 0.5 * (first == second)
    return cluster_bootstrap(won)


def sample_size_for_difference(differences: ArrayLike, *, power: float = 0.8, confidence: float = 0.95) -> int | None:
    """Return how many pairs would settle whether a difference of the observed size is not zero.

    n = (z_alpha + z_power)² s²/d² + z_alpha²/2, with d the mean difference and s the standard deviation of the pairs'
    means over their seeds (the number of seeds stays as it is); the last term replaces Student's t (Guenther 1981). The
    observed size is itself uncertain: take it as an order of magnitude.

    Parameters
    ----------
    differences : array, shape (pairs, seeds) or (pairs,)
        a - b for every fit, two pairs at least.
    power : float
        Wanted probability of an interval that excludes zero, if the true difference is the observed one.
    confidence : float
        Of that interval.

    Returns
    -------
    int or None
        At least 2. None if the observed difference is 0, for then no number of pairs would do.

    Raises
    ------
    InputError
        If there are fewer than two pairs or a number is not finite.
    """
    grid = np.asarray(differences, dtype=np.float64)
    grid = _checked_grid(grid[:, None] if grid.ndim == 1 else grid)
    if len(grid) < 2:
        raise InputError("differences: expected two pairs or more, got 1; one pair does not show how pairs differ")
    means = grid.mean(axis=1)
    difference, variance = float(means.mean()), float(means.var(ddof=1))
    if difference == 0:
        return None
    z = _normal_quantile(confidence)
    z_power = NormalDist().inv_cdf(_checked_share("power", power))
    return max(2, math.ceil((z + z_power) ** 2 * variance / difference**2 + z**2 / 2))


def _checked_grid(values: ArrayLike) -> Floats:
    grid = np.asarray(values, dtype=np.float64)
    if grid.ndim != 2 or grid.size < 2:
        raise InputError(f"values: expected (pairs, seeds) with two numbers or more, got shape {grid.shape}")
    if not np.isfinite(grid).all():
        raise InputError("values: expected a finite number for every pair and seed, got NaN or infinity")
    return grid


def _checked_twins(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    first, second = _checked_grid(a), _checked_grid(b)
    if first.shape != second.shape:
        raise InputError(f"expected two arrays (pairs, seeds) of one shape, got {first.shape} and {second.shape}")
    return first, second


def _checked_share(name: str, share: float) -> float:
    if not 0 < share < 1:
        raise InputError(f"{name}: expected a number between 0 and 1, got {share}")
    return share


def _checked_confidence(confidence: float) -> float:
    return _checked_share("confidence", confidence)


def _normal_quantile(confidence: float) -> float:
    """Return z with P(|Z| <= z) = confidence."""
    return NormalDist().inv_cdf((1 + _checked_confidence(confidence)) / 2)


def _number(value: float, percent: bool, signed: bool) -> str:
    return decimals(100 * value, 1, signed=signed) if percent else decimals(value, signed=signed)
