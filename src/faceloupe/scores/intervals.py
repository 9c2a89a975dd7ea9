"""Confidence intervals of rates, 95 %, that know which comparisons share a subject.

Comparisons that show the same person err together, so a thousand of them may say no more than fifty. Where subjects
are known all intervals here are of one kind, Korn and Graubard's (1998, "Confidence intervals for proportions with
small expected number of positive counts estimated from survey data"): the exact limits of Clopper and Pearson for as
many independent comparisons as would vary as much, fewer by Student's t where few people tell how much that is.
``benchmarks/coverage.py`` shows how often they hold the truth.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.scores.confidence import CONFIDENCE, Interval
from faceloupe.scores.dependence import SharedSubjects
from faceloupe.scores.rates import accuracy_at, auc, det_curve, fmr, fnmr, placements
from faceloupe.scores.sets import Floats, Labels, ScoreSet, checked_share

INDEPENDENT = "Wilson, comparisons taken as independent"
SHARING = "Clopper-Pearson, comparisons that share subjects counted as fewer"
EITHER = "FMR and FNMR where they are equal, each at half the error"


def wilson(errors: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a proportion of independent comparisons (Wilson 1927; Brown, Cai & DasGupta 2001).

    Parameters
    ----------
    errors, n : int
        0 <= errors <= n, n at least 1.
    confidence : float
        Between 0 and 1.

    Raises
    ------
    InputError
        If the counts or the confidence are out of range.

    >>> round(wilson(0, 3000).high, 4)
    0.0013
    """
    if n < 1 or not 0 <= errors <= n:
        raise InputError(f"expected 0 <= errors <= n with n at least 1, got {errors} of {n}")
    return _wilson(errors / n, n, confidence)


def error_interval(
    errors: NDArray[np.bool_],
    severity: Floats,
    subjects: "NDArray[np.integer] | tuple[NDArray[np.integer], ...] | None",
    confidence: float = CONFIDENCE,
    *,
    n: float = math.inf,
) -> Interval:
    """Return the interval of the share of comparisons that are errors.

    Parameters
    ----------
    errors : array of bool, (N,)
    severity : array of float64, (N,)
        Nearness of each comparison to an error, the errors highest: where hardly anybody is involved in an error
        it shows how errors would hang together.
    subjects : array of int, (N,) or (N, 2), or several of those, or None
        Subjects of a comparison, on one side or both; equal on both sides of a mated one. None if that is not known:
        then comparisons are taken as independent, and the interval is too narrow if they are not.
    confidence : float
        Between 0 and 1.
    n : float
        Number of independent comparisons that these are worth at most, where the same are counted repeatedly.

    Raises
    ------
    InputError
        If the confidence is not between 0 and 1.

    Notes
    -----
    The variance counts all comparisons that share a person as dependent, and is freed of its bias with few people. With
    fewer than thirty people involved in the errors it is no guide; how errors hang together is then read off the most
    severe comparisons that involve so many, and no pair of people counts more than once. At worst S people are worth
    S/2 comparisons of two.
    """
    rate = float(errors.mean())
    if subjects is None:
        return _wilson(rate, len(errors), confidence)
    shared = SharedSubjects.of(*subjects) if isinstance(subjects, tuple) else SharedSubjects.of(subjects)
    return _korn_graubard(rate, shared.worth(errors, severity), shared, confidence, most=n)


def fmr_interval(scores: ScoreSet, threshold: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the FMR at a threshold, see :func:`error_interval`.

    Raises
    ------
    InputError
        If the threshold is NaN or the confidence is not between 0 and 1.
    """
    fmr(scores, threshold)  # raises for NaN
    return error_interval(scores.non_mated >= threshold, scores.non_mated, scores.non_mated_subjects, confidence)


def fnmr_interval(scores: ScoreSet, threshold: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the FNMR at a threshold, see :func:`error_interval`.

    Raises
    ------
    InputError
        If the threshold is NaN or the confidence is not between 0 and 1.
    """
    fnmr(scores, threshold)
    return error_interval(scores.mated < threshold, -scores.mated, scores.mated_subjects, confidence)


def accuracy_interval(scores: ScoreSet, threshold: float) -> Interval:
    """Return the interval of the accuracy at a threshold that was fixed beforehand.

    Comparisons that could not be made are not in it: give them the lowest score, or the highest, to count them.

    Raises
    ------
    InputError
        If the threshold is NaN.
    """
    accuracy_at(scores, threshold)
    severity = np.concatenate([threshold - scores.mated, scores.non_mated - threshold])
    errors = np.concatenate([scores.mated < threshold, scores.non_mated >= threshold])
    return complement(error_interval(errors, severity, subjects_of_all(scores)))


def eer_interval(scores: ScoreSet) -> Interval:
    """Return the interval of the equal error rate.

    At any threshold the EER lies between FMR and FNMR, for the one falls and the other rises. So it lies, with at least
    this confidence, between the lower and the higher limits of both at the threshold where the measured rates cross,
    each at half the error that is allowed (Bonferroni).
    """
    crossing = det_curve(scores).eer.low
    alone = (1 + CONFIDENCE) / 2
    match, miss = fmr_interval(scores, crossing, alone), fnmr_interval(scores, crossing, alone)
    worth = min(match.n_effective, miss.n_effective)
    return Interval(min(match.low, miss.low), max(match.high, miss.high), CONFIDENCE, worth, EITHER)


def auc_interval(scores: ScoreSet) -> Interval:
    """Return the interval of the area under the ROC curve.

    DeLong, DeLong & Clarke-Pearson 1988: how each comparison is placed among those of the other kind. Placements are
    added up by subject (Obuchowski 1997, doi:10.2307/2533958, for clusters).
    """
    area, sizes = auc(scores), (scores.n_mated, scores.n_non_mated)
    most = float(min(sizes))
    subjects = subjects_of_all(scores)
    if subjects is None:
        mated, *non_mated = (float(((placement - area) ** 2).sum()) for placement in placements(scores))
        variance = sum(total / (n * max(1, n - 1)) for total, n in zip((mated, sum(non_mated)), sizes, strict=True))
        return _wilson(area, min(most, area * (1 - area) / variance) if variance else most, CONFIDENCE)
    shared = SharedSubjects.of(*subjects)
    placed = shared.sums(placements(scores))  # those of two people are the non-mated ones
    parts = (placed - area * shared.counts) / np.where(shared.low == shared.high, *sizes)
    worth = shared.worth_of_sum(area, parts, shared.counts - placed)
    return _korn_graubard(area, worth, shared, CONFIDENCE, most=most)


def complement(interval: Interval) -> Interval:
    """Return the interval of 1 - rate."""
    return Interval(1 - interval.high, 1 - interval.low, interval.confidence, interval.n_effective, interval.method)


def student(n_people: int, confidence: float = CONFIDENCE) -> float:
    """Return the half-width of an interval in standard errors, where so many people tell how large one is."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1, n_people - 1), (1 + confidence) / 2))


def subjects_of_all(scores: ScoreSet) -> tuple[Labels, Labels] | None:
    """Return the subjects of the comparisons, mated (M,) and non-mated (K, 2); None if not known."""
    own, sides = scores.mated_subjects, scores.non_mated_subjects
    return None if own is None or sides is None else (own, sides)


def _korn_graubard(
    rate: float, worth: float, shared: SharedSubjects, confidence: float, *, most: float = math.inf
) -> Interval:
    """Return the exact limits for so many independent comparisons, fewer where few people say how many they are."""
    from scipy.special import betaincinv  # what NumPy lacks

    upper = (1 + checked_share("confidence", confidence)) / 2
    if shared.n_people > 1:
        worth *= (NormalDist().inv_cdf(upper) / student(shared.n_people, confidence)) ** 2
    worth = min(most, max(worth, shared.least))
    errors = rate * worth
    low = float(betaincinv(errors, worth - errors + 1, 1 - upper)) if rate > 0 else 0.0
    high = float(betaincinv(errors + 1, worth - errors, upper)) if rate < 1 else 1.0
    return Interval(min(low, rate), max(high, rate), confidence, worth, SHARING)


def _wilson(p: float, n: float, confidence: float) -> Interval:
    z = NormalDist().inv_cdf((1 + checked_share("confidence", confidence)) / 2)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # At p = 0 and p = 1 the limit is p itself, which rounding can miss by an ulp.
    return Interval(max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)), confidence, float(n), INDEPENDENT)


def is_by_chance(count: int, expected: float) -> bool:
    """Return whether so many events, or more, are no surprise (above 5 %) where so many are expected (Poisson)."""
    from scipy.special import gammainc

    return count == 0 or bool(gammainc(count, expected) > 0.05)
