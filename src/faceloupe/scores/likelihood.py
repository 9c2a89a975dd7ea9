"""Likelihood ratios: fitted to scores, and how good they are.

:mod:`faceloupe.scores.evidence` says what such a ratio is. Ramos & Gonzalez-Rodriguez 2013, "Reliable support:
measuring calibration of likelihood ratios".
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from faceloupe.errors import InputError
from faceloupe.scores.dependence import SharedSubjects
from faceloupe.scores.evidence import LikelihoodRatio
from faceloupe.scores.intervals import fmr_interval, fnmr_interval, student, subjects_of_all
from faceloupe.scores.rates import check_mated
from faceloupe.scores.sets import Floats, ScoreSet, blocks

STEPS = 100  # of Newton's method, which takes about ten
ENOUGH = 1e-10  # a step so short is the last
FEW = 50_000  # comparisons of each kind that the first line is of
TINY = 1e-12
LARGE = 1e100  # scores whose squares still are numbers
NORMAL = 1.96  # standard errors to either side, of many people


def fit_likelihood_ratio(
    scores: ScoreSet, *, source: str, embedder: str, weights_sha256: str = "", penalty: float = 1e-3
) -> LikelihoodRatio:
    """Fit log10 LR as a straight line by logistic regression, both kinds of comparisons weighing the same.

    Brümmer & du Preez 2006, doi:10.1016/j.csl.2005.08.001. Half the squared slope, in standard deviations of the
    scores, costs `penalty`: where the kinds are apart the line would else be infinitely steep. Scores outside
    :func:`usual_range` count as at its ends: one of a million would make the line flat.

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
        If there is no mated comparison, the penalty is not above 0, or the scores are too large or too near each other
        to reckon with.
    """
    if not penalty > 0:
        raise InputError(f"penalty: expected a number above 0, got {penalty}")
    scores = _drawn_in(scores)
    n = scores.n_mated + scores.n_non_mated
    centre = float(scores.mated.sum() + scores.non_mated.sum()) / n
    spread = math.sqrt(sum(float(((part - centre) ** 2).sum()) for part, _ in _parts(scores)) / n) or 1.0
    fit = _Fit(scores, centre, spread, penalty)
    to_scores = np.array([[1 / spread, 0.0], [-centre / spread, 1.0]]) / math.log(10)  # of a line over scaled scores
    slope, offset = to_scores @ fit.line
    covariance = to_scores @ fit.covariance() @ to_scores.T
    match, miss = (
        interval.n_effective for interval in (fmr_interval(scores, math.inf), fnmr_interval(scores, -math.inf))
    )
    return LikelihoodRatio(
        float(slope),
        float(offset),
        -math.log10(miss + 1),
        math.log10(match + 1),
        scores.n_mated,
        scores.n_non_mated,
        source,
        embedder,
        weights_sha256,
        (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
    )


def usual_range(scores: ScoreSet) -> tuple[float, float]:
    """Return the ends past which a score is unlike all others.

    They are three times as far beyond the middle half of both kinds as that is wide (Tukey 1977, "Exploratory data
    analysis"), 4.7 standard deviations of normal scores. Where that half is one score there are no ends.
    Raises InputError if there is no mated comparison.
    """
    check_mated(scores)
    few = [kind[:: 1 + len(kind) // FEW] for kind in (scores.mated, scores.non_mated)]
    low = min(float(np.quantile(kind, 0.25, method="higher")) for kind in few)
    high = max(float(np.quantile(kind, 0.75, method="lower")) for kind in few)
    far = 3 * max(high - low, 0.0) or math.inf
    return low - far, high + far


def _drawn_in(scores: ScoreSet) -> ScoreSet:
    """Return the same with scores outside the usual range at its ends."""
    ends = usual_range(scores)
    both = np.array([np.clip((kind.min(), kind.max()), *ends) for kind in (scores.mated, scores.non_mated)])
    if np.abs(both).max() > LARGE or 0 < both.max() - both.min() < 1 / LARGE:
        raise InputError(f"scores from {both.min():g} to {both.max():g} are past reckoning; give them another unit")
    if ends[0] <= min(scores.mated.min(), scores.non_mated.min()) and both.max() < ends[1]:
        return scores
    return replace(scores, mated=np.clip(scores.mated, *ends), non_mated=np.clip(scores.non_mated, *ends))


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
    wrong = _mean_cost(-np.asarray(mated, dtype=np.float64), -prior)
    right = _mean_cost(np.asarray(non_mated, dtype=np.float64), prior)
    return (share * wrong + (1 - share) * right) / math.log(2)


def _mean_cost(wrong: Floats, prior: float) -> float:
    """Return the mean cost in nats of log10 ratios in favour of the wrong answer; in parts, for there are millions."""
    parts = (np.logaddexp(0, (wrong[part] + prior) * math.log(10)).sum() for part in blocks(len(wrong)))
    return float(sum(parts)) / len(wrong)


def cllr_min(scores: ScoreSet) -> float:
    """Return the lowest Cllr that a monotonic map of these scores can have: what their separation alone costs.

    By pooling adjacent violators (Ayer et al. 1955), fitted to the very scores it is measured on. Non-mated scores
    between two mated ones that follow each other are pooled whatever they are, so that they need only be counted.
    """
    from scipy.optimize import isotonic_regression

    check_mated(scores)
    values, counts = np.unique(scores.mated, return_counts=True)
    non_mated = np.zeros(2 * len(values) + 1)  # below the first mated score, equal to it, between it and the next ...
    for part in blocks(scores.n_non_mated):
        place = np.searchsorted(values, scores.non_mated[part])
        equal = values[np.minimum(place, len(values) - 1)] == scores.non_mated[part]
        non_mated += np.bincount(2 * place + equal, minlength=len(non_mated))
    mated_shares, non_mated_shares = np.zeros(len(non_mated)), non_mated / scores.n_non_mated
    mated_shares[1::2] = counts / scores.n_mated
    occupied = mated_shares + non_mated_shares > 0
    mated_shares, non_mated_shares = mated_shares[occupied], non_mated_shares[occupied]
    weights = mated_shares + non_mated_shares
    fitted = np.clip(isotonic_regression(mated_shares / weights, weights=weights).x, TINY, 1 - TINY)
    return float(-(mated_shares @ np.log2(fitted) + non_mated_shares @ np.log2(1 - fitted)) / 2)


class _Fit:
    """A line over scaled scores that minimises the weighted logistic loss and half the penalty of its squared slope.

    The loss is summed in parts, so that millions of comparisons take little memory; a few of them give the first line.
    """

    def __init__(self, scores: ScoreSet, centre: float, spread: float, penalty: float) -> None:
        self.scores, self.centre, self.spread, self.penalty = scores, centre, spread, penalty
        self.line = np.zeros(2)
        mated, non_mated = (kind[:: 1 + len(kind) // FEW] for kind in (scores.mated, scores.non_mated))
        for comparisons in (ScoreSet(mated, non_mated), scores):
            self._descend(comparisons)

    def _descend(self, scores: ScoreSet) -> None:
        """Go down by Newton's method, from the line as it is."""
        ridge = np.array([self.penalty, 0.0])
        for _ in range(STEPS):
            self.curvature, slopes = np.diag(ridge), np.zeros((2, 2))
            for mated, weight, design, probability in self._designs(scores):
                slopes[mated] += weight * ((probability - mated) @ design)
                self.curvature += design.T @ (design * (weight * probability * (1 - probability))[:, None])
            step = np.linalg.solve(self.curvature, slopes.sum(axis=0) + ridge * self.line)
            self.line -= step
            if np.abs(step).max() < ENOUGH:
                break
        self.means = -np.linalg.solve(self.curvature, slopes.T).T / [[scores.n_non_mated], [scores.n_mated]]

    def _designs(self, scores: ScoreSet) -> Iterator[tuple[int, float, Floats, Floats]]:
        """Yield, in parts: whether mated, weights, scaled scores beside a 1, (n, 2), and probabilities, (n,)."""
        for part, mated in _parts(scores):
            design = np.stack([(part - self.centre) / self.spread, np.ones_like(part)], axis=1)
            weight = 0.5 / (scores.n_mated if mated else scores.n_non_mated)
            yield mated, weight, design, 1 / (1 + np.exp(-np.clip(design @ self.line, -500, 500)))

    def _influences(self) -> Iterator[Floats]:
        """Yield how far each comparison moved the line, (n, 2), from the mean of its kind, whose weight is fixed."""
        for mated, weight, design, probability in self._designs(self.scores):
            moved = np.linalg.solve(self.curvature, design.T * (weight * (mated - probability)))
            yield moved.T - self.means[mated]

    def covariance(self) -> Floats:
        """Return the covariance of slope and offset, (2, 2), people shared: the sandwich of Huber 1967."""
        subjects = subjects_of_all(self.scores)
        if subjects is None:
            return sum((influence.T @ influence for influence in self._influences()), start=np.zeros((2, 2)))
        shared = SharedSubjects.of(*subjects)
        wider = (student(shared.n_people) / NORMAL) ** 2
        if shared.all_share_one:
            return wider * np.diag(sum(np.abs(influence).sum(axis=0) for influence in self._influences()) ** 2)
        return wider * shared.covariance(shared.sums(self._influences()))


def _parts(scores: ScoreSet) -> Iterator[tuple[Floats, int]]:
    """Yield parts of the scores and whether they are of mated comparisons, those first."""
    for values, mated in ((scores.mated, 1), (scores.non_mated, 0)):
        for part in blocks(len(values)):
            yield values[part], mated
