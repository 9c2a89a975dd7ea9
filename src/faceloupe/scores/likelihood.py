"""What a score is worth as evidence: its likelihood ratio, and how good such ratios are.

LR = P(score | one person) / P(score | two people), told as log10 LR: +2 says that the score is a hundred times as
likely where both photographs show one person. It is no probability that they do: that takes a prior, which nobody here
knows. Ramos & Gonzalez-Rodriguez 2013, "Reliable support: measuring calibration of likelihood ratios".
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.scores.intervals import fmr_interval, fnmr_interval
from faceloupe.scores.rates import check_mated
from faceloupe.scores.sets import Floats, ScoreSet

__all__ = ["LikelihoodRatio", "cllr", "cllr_min", "ece", "fit_likelihood_ratio", "posterior"]

STEPS = 100  # of Newton's method, which takes about ten
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A straight line from scores to log10 likelihood ratios, with the limits past which data support none.

    Attributes
    ----------
    slope, offset : float
        log10 LR = slope · score + offset.
    low, high : float
        Limits of log10 LR: among as many independent comparisons as there were, one error could have been missed.
    n_mated, n_non_mated : int
        Comparisons that it was fitted to.
    source, embedder, weights_sha256 : str
        What it was fitted on, and what made the templates.
    """

    slope: float
    offset: float
    low: float
    high: float
    n_mated: int
    n_non_mated: int
    source: str
    embedder: str
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.slope, self.offset, self.low, self.high))) or self.low > self.high:
            raise InputError(f"expected finite numbers and low <= high, got {self.slope, self.offset, self.low}")

    def log10(self, scores: ArrayLike) -> Floats:
        """Return log10 LR of scores, within the limits."""
        line: Floats = np.clip(self.slope * np.asarray(scores, dtype=np.float64) + self.offset, self.low, self.high)
        return line

    def words(self, score: float) -> str:
        """Return what a score is worth, in a sentence that says nothing of a prior."""
        value = float(self.log10(score))
        kind, times = ("one person", 10**value) if value >= 0 else ("two people", 10**-value)
        limit = " or more (the data support no more)" if value in (self.low, self.high) else ""
        often = f"{float(f'{times:.2g}'):,.0f} times as likely{limit}"
        return (
            f"log10 LR {value:+.2f}: a score like this is about {often} where the photographs show {kind}, on "
            f"photographs like those of {self.source}. Without a prior this is no probability that they do."
        )

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        return asdict(self)


def fit_likelihood_ratio(
    scores: ScoreSet, *, source: str, embedder: str, weights_sha256: str = "", penalty: float = 1e-3
) -> LikelihoodRatio:
    """Fit log10 LR as a straight line by logistic regression, both kinds of comparisons weighing the same.

    Brümmer & du Preez 2006, doi:10.1016/j.csl.2005.08.001. Half the squared slope, in standard deviations of the
    scores, costs `penalty`: where the kinds are apart the line would else be infinitely steep.

    Parameters
    ----------
    scores : ScoreSet
        With subjects, if they are known: they decide how far the line is believed.
    source, embedder, weights_sha256 : str
        Provenance.
    penalty : float
        Above 0.

    Raises
    ------
    InputError
        If there is no mated comparison, or the penalty is not above 0.
    """
    check_mated(scores)
    if not penalty > 0:
        raise InputError(f"penalty: expected a number above 0, got {penalty}")
    values = np.concatenate([scores.mated, scores.non_mated])
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    weights = np.repeat([0.5 / scores.n_mated, 0.5 / scores.n_non_mated], [scores.n_mated, scores.n_non_mated])
    mated = np.arange(len(values)) < scores.n_mated
    slope, offset = _logistic((values - centre) / spread, mated, weights, penalty)
    match, miss = (
        interval.n_effective for interval in (fmr_interval(scores, math.inf), fnmr_interval(scores, -math.inf))
    )
    return LikelihoodRatio(
        slope / spread / math.log(10),
        (offset - slope * centre / spread) / math.log(10),
        -math.log10(miss + 1),
        math.log10(match + 1),
        scores.n_mated,
        scores.n_non_mated,
        source,
        embedder,
        weights_sha256,
    )


def cllr(mated: ArrayLike, non_mated: ArrayLike) -> float:
    """Return the cost of log-likelihood ratios: 0 is perfect, 1 is no better than always saying LR = 1.

    Brümmer & du Preez 2006.

    Parameters
    ----------
    mated, non_mated : array, (M,) and (K,)
        log10 LR of each comparison.

    >>> cllr([0, 0], [0, 0, 0])
    1.0
    """
    return ece(mated, non_mated, 0.0)


def ece(mated: ArrayLike, non_mated: ArrayLike, prior: float) -> float:
    """Return the empirical cross-entropy in bits at a prior, given as log10 odds of one person (Ramos et al. 2013)."""
    share = 1 / (1 + 10**-prior)
    wrong = np.logaddexp(0, -(np.asarray(mated, dtype=np.float64) + prior) * math.log(10)).mean()
    right = np.logaddexp(0, (np.asarray(non_mated, dtype=np.float64) + prior) * math.log(10)).mean()
    return float((share * wrong + (1 - share) * right) / math.log(2))


def cllr_min(scores: ScoreSet) -> float:
    """Return the lowest Cllr that a monotonic map of these scores can have: what their separation alone costs.

    By pooling adjacent violators (Ayer et al. 1955), fitted to the very scores it is measured on.
    """
    check_mated(scores)
    values = np.concatenate([scores.mated, scores.non_mated])
    mated = np.arange(len(values)) < scores.n_mated
    weights = np.where(mated, 1 / scores.n_mated, 1 / scores.n_non_mated)
    share = np.clip(pooled_shares(values, mated, weights), TINY, 1 - TINY)
    logs = np.log10(share / (1 - share))
    return cllr(logs[mated], logs[~mated])


def pooled_shares(values: Floats, mated: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return for each value the weighted share of mated comparisons that rises with it (isotonic regression)."""
    place = np.unique(values, return_inverse=True)[1]
    weight = np.bincount(place, weights)
    share = np.bincount(place, weights * mated) / weight
    blocks: list[tuple[float, float, int]] = []  # share, weight, how many levels
    for level_share, level_weight in zip(share.tolist(), weight.tolist(), strict=True):
        block = (level_share, level_weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            before = blocks.pop()
            both = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / both, both, before[2] + block[2])
        blocks.append(block)
    rising: Floats = np.repeat([block[0] for block in blocks], [block[2] for block in blocks])[place]
    return rising


def posterior(log10_lr: float, prior: float) -> float:
    """Return the probability that two photographs show one person, for a prior that somebody states.

    Parameters
    ----------
    log10_lr : float
    prior : float
        Probability before the comparison, strictly between 0 and 1.

    Raises
    ------
    InputError
        If the prior is no such number.

    >>> round(posterior(2.0, 0.01), 3)
    0.503
    """
    if not 0 < prior < 1:
        raise InputError(f"prior: expected a probability between 0 and 1, got {prior}")
    return 1 / (1 + 10 ** -(log10_lr + math.log10(prior / (1 - prior))))


def _logistic(values: Floats, mated: NDArray[np.bool_], weights: Floats, penalty: float) -> tuple[float, float]:
    """Minimise the weighted logistic loss and half the penalty of the squared slope, by Newton's method."""
    design = np.stack([values, np.ones_like(values)], axis=1)
    line, ridge = np.zeros(2), np.array([penalty, 0.0])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ line, -500, 500)))
        gradient = design.T @ (weights * (chance - mated)) + ridge * line
        curvature = design.T @ (design * (weights * chance * (1 - chance))[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        line -= step
        if np.abs(step).max() < 1e-10:
            break
    return float(line[0]), float(line[1])
