"""Whether one way of scoring is better than another on the same comparisons, and how surely: the paired interval."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError

__all__ = ["Gain", "Trials", "equal_error_rate", "gain_of"]

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trials:
    """P comparisons.

    Attributes
    ----------
    subjects : array of intp, (P, 2)
        Whom both sides show.
    """

    subjects: Labels

    def __repr__(self) -> str:
        return f"Trials({self.mated.sum():,} mated, {(~self.mated).sum():,} non-mated)"

    @property
    def mated(self) -> Flags:
        """Which show one person."""
        return np.asarray(self.subjects[:, 0] == self.subjects[:, 1])


@dataclass(frozen=True, slots=True)
class Gain:
    """How much lower the equal error rate became.

    Attributes
    ----------
    before, after : float
        Equal error rates on the same comparisons, in [0, 1].
    low, high : float
        The 95 % interval of ``before - after``, subjects drawn with replacement.
    n_subjects, n_mated, n_non_mated : int
    """

    before: float
    after: float
    low: float
    high: float
    n_subjects: int
    n_mated: int
    n_non_mated: int

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0

    def words(self) -> str:
        """Return the rates and the interval in a sentence."""
        points = (100 * value for value in (self.before - self.after, self.low, self.high))
        return (
            f"EER {100 * self.before:.2f} % before and {100 * self.after:.2f} % after on {self.n_mated:,} mated and "
            f"{self.n_non_mated:,} non-mated comparisons of {self.n_subjects:,} people: "
            "{:+.2f} points gained (95 % interval {:+.2f} to {:+.2f})".format(*points)
        )

    def to_document(self) -> dict[str, Any]:
        """Return the numbers as a plain dictionary."""
        return asdict(self)


def gain_of(trials: Trials, before: Floats, after: Floats, *, draws: int = 1000, seed: int = 0) -> Gain:
    """Return how the equal error rate changed, with a percentile interval from a bootstrap over subjects.

    A mated comparison counts as often as its subject was drawn, a non-mated one as often as the product of both (the
    pigeonhole bootstrap, Owen 2007, as in :func:`faceloupe.scores.det_band`); both ways of scoring see the same draws.

    Parameters
    ----------
    trials : Trials
    before, after : array of float64, (P,)
        Scores of each comparison.
    draws : int
    seed : int

    Raises
    ------
    InputError
        If there is no mated or no non-mated comparison.
    """
    people, sides = np.unique(trials.subjects, return_inverse=True)
    sides = sides.reshape(-1, 2)
    rates = [_EqualErrorRate(scores, sides, trials.mated) for scores in (before, after)]
    rng, n = np.random.default_rng(seed), len(people)
    drawn: list[float] = []
    while len(drawn) < draws:
        times = np.bincount(rng.integers(n, size=n), minlength=n)
        if times[sides[trials.mated, 0]].any() and (times > 0).sum() > 1:
            drawn.append(rates[0](times) - rates[1](times))
    low, high = np.quantile(drawn, [0.025, 0.975])
    once = np.ones(n, dtype=np.intp)
    mated = int(trials.mated.sum())
    return Gain(rates[0](once), rates[1](once), float(low), float(high), n, mated, len(sides) - mated)


def equal_error_rate(trials: Trials, scores: Floats) -> float:
    """Return the equal error rate, as :attr:`faceloupe.scores.DetCurve.eer` where no two scores tie."""
    return _EqualErrorRate(scores, trials.subjects, trials.mated)(None)


class _EqualErrorRate:
    """The equal error rate where subjects count several times; scores are put in order once."""

    def __init__(self, scores: Floats, sides: Labels, mated: Flags) -> None:
        if not mated.any() or mated.all():
            raise InputError("an equal error rate takes mated and non-mated comparisons; there is one kind only")
        order = np.argsort(scores, kind="stable")
        self._mated, self._first, self._second = mated[order], sides[order, 0], sides[order, 1]

    def __call__(self, times: Labels | None) -> float:
        weights = np.ones(len(self._mated)) if times is None else self._weights(times)
        # At a threshold just above the i-th score, all up to it do not match.
        missed = np.append(0, np.cumsum(np.where(self._mated, weights, 0)))
        matched = np.append(0, np.cumsum(np.where(self._mated, 0, weights)))
        fnmr, fmr = missed / missed[-1], 1 - matched / matched[-1]
        gap = fmr - fnmr  # from 1 down to -1
        after = int(np.argmax(gap <= 0))
        share = gap[after - 1] / (gap[after - 1] - gap[after])
        return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))

    def _weights(self, times: Labels) -> Floats:
        counted = np.where(self._mated, times[self._first], times[self._first] * times[self._second])
        return np.asarray(counted, dtype=np.float64)
