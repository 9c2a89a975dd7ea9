"""Thresholds chosen for a false match rate or given by hand, and measured, here or on other comparisons."""

import math
from dataclasses import replace

import numpy as np

from faceloupe.errors import InputError
from faceloupe.scores.intervals import fmr_interval, fnmr_interval
from faceloupe.scores.points import LEAST, OperatingPoint, one_in, rule_of_3
from faceloupe.scores.rates import DetCurve
from faceloupe.scores.rates import fmr as fmr_of
from faceloupe.scores.rates import fnmr as fnmr_of
from faceloupe.scores.sets import ScoreSet

REFUSED, HALF = 10, 0.5  # times the rate asked for, or the rate, past which the true one must not reach


def operating_point(
    scores: ScoreSet, fmr: float = 1e-3, *, source: str, embedder: str, weights_sha256: str = ""
) -> OperatingPoint:
    """Choose the lowest threshold whose FMR on these comparisons is at most `fmr`.

    The rates are measured on the comparisons that chose the threshold, which flatters them a little:
    :func:`remeasure` them on others.

    Parameters
    ----------
    scores : ScoreSet
        With subjects, if they are known: the intervals are too narrow without. Mated comparisons are not needed.
    fmr : float
        Target, between 0 and 1.
    source, embedder, weights_sha256 : str
        Provenance, kept with the point.

    Raises
    ------
    InputError
        If there are fewer non-mated comparisons than the rule of 3 asks for at this target, or the interval of the FMR
        reaches past ten times the target, or past a half: people were too few.
    """
    needed = rule_of_3(fmr)
    if scores.n_non_mated < needed:
        raise InputError(
            f"an FMR of {one_in(fmr)} takes {needed:,} non-mated comparisons or more (rule of 3), and there are "
            f"{scores.n_non_mated:,}: compare more captures{_offer(scores)}"
        )
    point = _measure(scores, _lowest_threshold(scores, fmr), fmr, source, embedder, weights_sha256)
    if point.fmr_interval.high > _highest(scores, fmr):
        raise InputError(_too_few_people(scores, point))
    return point


def given_point(
    scores: ScoreSet, threshold: float, *, source: str, embedder: str, weights_sha256: str = ""
) -> OperatingPoint:
    """Measure a threshold that somebody gave.

    Parameters
    ----------
    scores : ScoreSet
    threshold : float
    source, embedder, weights_sha256
        As for :func:`operating_point`.

    Raises
    ------
    InputError
        If the threshold is not finite.
    """
    if not math.isfinite(threshold):
        raise InputError(f"threshold: expected a finite number, got {threshold}")
    high = min(fmr_interval(scores, threshold).high, 1 - LEAST)
    return replace(_measure(scores, threshold, high, source, embedder, weights_sha256), given=True)


def remeasure(point: OperatingPoint, scores: ScoreSet, *, source: str) -> OperatingPoint:
    """Measure a chosen threshold on other comparisons of the same embedder; the threshold stays.

    Both FMRs are measurements. Where nothing has changed, the new one lies in the first one's 95 % interval about five
    times in six, not nineteen times in twenty.
    """
    measured = _measure(scores, point.threshold, point.target_fmr, source, point.embedder, point.weights_sha256)
    return replace(measured, given=point.given)


def _lowest_threshold(scores: ScoreSet, fmr: float) -> float:
    """Return the lowest threshold with at most this FMR: a score, or the next float above the highest score."""
    curve = DetCurve(np.sort(scores.mated), np.sort(scores.non_mated))
    highest = max(curve.mated.max(initial=-np.inf), curve.non_mated[-1])
    return min(curve.lowest_threshold(fmr), float(np.nextafter(highest, np.inf)))


def _too_few_people(scores: ScoreSet, point: OperatingPoint) -> str:
    high = point.fmr_interval.high
    who = f"{scores.n_subjects:,} people" if scores.n_subjects else "the people of these comparisons"
    worth = f"{scores.n_non_mated:,} comparisons of {who} are worth about {point.fmr_interval.n_effective:,.0f}"
    times = "more than half" if REFUSED * point.target_fmr > HALF else f"more than {REFUSED} times as much"
    return (
        f"too few people for an FMR of {one_in(point.target_fmr)}: {worth} independent ones, so that with other people "
        f"the FMR at the threshold may be {one_in(high)}, {times}. It takes more people (about "
        f"{_people_for(point.target_fmr):,} or more), not more photographs of these{_offer(scores)}"
    )


def _highest(scores: ScoreSet, fmr: float) -> float:
    """Return the FMR that the interval may reach at most where a threshold is chosen for this one."""
    return min(REFUSED * fmr, HALF) if scores.n_subjects else REFUSED * fmr


def _offer(scores: ScoreSet) -> str:
    """Return the lowest rate that these comparisons and people support, in words; nothing where that is no use."""
    rate = _rounded_up(3 / max(scores.n_non_mated, 1))
    while rate < HALF / 5:
        high = fmr_interval(scores, _lowest_threshold(scores, rate)).high
        if high <= _highest(scores, rate):
            return f"; or ask for {one_in(rate)}: --fmr {rate:g}"
        rate = _rounded_up(max(high / REFUSED, 1.1 * rate))
    return ""


def _rounded_up(rate: float) -> float:
    """Return the least number of two figures that is not below a rate."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return float(f"{math.ceil(round(rate / unit, 6)) * unit:.1e}")


def _people_for(fmr: float) -> int:
    """Return how many people give one and a half times the pairs that support the rate if none of them matches."""
    return math.ceil(math.sqrt(2 * 1.5 * 3.69 / min(REFUSED * fmr, HALF))) + 1


def _measure(
    scores: ScoreSet, threshold: float, target: float, source: str, embedder: str, weights_sha256: str
) -> OperatingPoint:
    return OperatingPoint(
        threshold=threshold,
        target_fmr=target,
        fmr=fmr_of(scores, threshold),
        fmr_interval=fmr_interval(scores, threshold),
        fnmr=fnmr_of(scores, threshold) if scores.n_mated else None,
        fnmr_interval=fnmr_interval(scores, threshold) if scores.n_mated else None,
        n_mated=scores.n_mated,
        n_non_mated=scores.n_non_mated,
        n_failed=scores.n_failed,
        source=source,
        embedder=embedder,
        weights_sha256=weights_sha256,
    )
