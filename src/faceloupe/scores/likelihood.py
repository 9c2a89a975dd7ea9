"""Likelihood ratios: fitted to scores, and how good they are.

:mod:`faceloupe.scores.evidence` says what such a ratio is. Ramos & Gonzalez-Rodriguez 2013, "Reliable support:
measuring calibration of likelihood ratios".
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.scores.dependence import SharedSubjects
from faceloupe.scores.evidence import LikelihoodRatio
from faceloupe.scores.intervals import fmr_interval, fnmr_interval, student, subjects_of_all
from faceloupe.scores.rates import check_mated
from faceloupe.scores.sets import Floats, ScoreSet

__all__ = ["cllr", "cllr_min", "ece", "fit_likelihood_ratio"]

STEPS = 100  # of Newton's method, which takes about ten
TINY = 1e-12
NORMAL = 1.96  # standard errors to either side, of many people


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
    line, influence = _logistic((values - centre) / spread, mated, weights, penalty)
    to_scores = np.array([[1 / spread, 0.0], [-centre / spread, 1.0]]) / math.log(10)  # of a line over scaled scores
    slope, offset = to_scores @ line
    covariance = to_scores @ _covariance(influence, scores) @ to_scores.T
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


def _logistic(values: Floats, mated: NDArray[np.bool_], weights: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Minimise the weighted logistic loss and half the penalty of the squared slope, by Newton's method.

    Returns the slope and offset, (2,), and by how much each comparison moved them, (N, 2).
    """
    design = np.stack([values, np.ones_like(values)], axis=1)
    line, ridge = np.zeros(2), np.array([penalty, 0.0])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ line, -500, 500)))
        parts = design * (weights * (chance - mated))[:, None]
        curvature = design.T @ (design * (weights * chance * (1 - chance))[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curvature, parts.sum(axis=0) + ridge * line)
        line -= step
        if np.abs(step).max() < 1e-10:
            break
    influence: Floats = -np.linalg.solve(curvature, parts.T).T.astype(np.float64)
    return line, influence


def _covariance(influence: Floats, scores: ScoreSet) -> Floats:
    """Return the covariance of slope and offset, (2, 2): the sandwich of Huber 1967, comparisons of a person dependent.

    The kinds have fixed weights, so each kind's influences are taken from their own mean.
    """
    kinds = np.split(influence, [scores.n_mated])
    parts = np.concatenate([kind - kind.mean(axis=0) for kind in kinds])
    subjects = subjects_of_all(scores)
    if subjects is None:
        return np.asarray(parts.T @ parts)
    shared = SharedSubjects.of(subjects)
    return shared.covariance(parts) * (student(shared.n_people) / NORMAL) ** 2
