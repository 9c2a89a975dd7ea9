"""Two recognisers on the same comparisons: how far their error rates differ, with intervals that know of the pairing.

What is hard for the one is mostly hard for the other, so that their difference is known far better than either rate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from faceloupe.errors import InputError
from faceloupe.scores.bands import WeightedTradeOff, draw_fnmr
from faceloupe.scores.dependence import SharedSubjects
from faceloupe.scores.intervals import student
from faceloupe.scores.points import one_in, rule_of_3
from faceloupe.scores.rates import auc, det_curve, placements
from faceloupe.scores.sets import Floats, Labels, ScoreSet, checked_share

SAMPLES = 500  # of the bootstrap
AROUND = 4  # times the EER, up and down: where it is looked for when subjects are drawn again
STEPS = 41
LEAST = 6  # people: of five who all favour one recogniser a sign test says p = 0.06

DRAWN = "subjects drawn with replacement, the same for both"
PLACED = "DeLong, DeLong & Clarke-Pearson 1988, comparisons that share subjects counted as dependent"

Verdict = Literal["first", "second", "cannot be told apart"]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A rate of two recognisers on the same comparisons, and its difference.

    Attributes
    ----------
    what : str
        Name of the rate.
    first, second : float
        The rate of each, in [0, 1].
    difference : float
        Second minus first.
    low, high : float
        95 % interval of the difference.
    n_people : int
        On how many people's comparisons the two decide differently; of the AUC, how many people there are.
    better : {"first", "second", "cannot be told apart"}
        Holder of the better rate: the interval lies on one side of 0, and six people at least make the difference.
    method : str
        Method that gave the interval, in words.
    """

    what: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    n_people: int
    better: Verdict
    method: str

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        return asdict(self)


def paired_differences(
    first: ScoreSet, second: ScoreSet, fmrs: Sequence[float], *, samples: int = SAMPLES, seed: int = 0
) -> tuple[PairedDifference, ...]:
    """Compare two recognisers: FNMR where each has the same FMR, EER and AUC.

    In each sample of the bootstrap the thresholds of both are found anew (see :func:`faceloupe.scores.det_band` for how
    subjects are drawn). ``benchmarks/coverage.py --paired`` shows how often the intervals hold the truth: mostly so
    from 40 people on; of 20 who err very unlike one another 80 to 90 % did, not 95 %.

    Parameters
    ----------
    first, second : ScoreSet
        Scores of the same comparisons in the same order, with subjects.
    fmrs : sequence of float
        At which FNMR is compared; those that the comparisons do not support (rule of 3) are left out.
    samples : int
        Bootstrap samples, at least 1.
    seed : int
        Same seed, same intervals.

    Raises
    ------
    InputError
        If subjects are not known or not those of the same comparisons, or a number is out of range.
    """
    own, sides = _subjects_of_both(first, second)
    if samples < 1:
        raise InputError(f"samples: expected at least 1, got {samples}")
    targets = [checked_share("FMR", fmr) for fmr in fmrs if first.n_non_mated >= rule_of_3(fmr)]
    curves = det_curve(first), det_curve(second)
    eers = [curve.eer.rate for curve in curves]
    grid = _grid(eers, first.n_non_mated)
    trade_offs = [WeightedTradeOff(scores, own, sides, np.array([*targets, *grid])) for scores in (first, second)]
    rng = np.random.default_rng(seed)
    n = len(targets)
    drawn = np.array(
        [[[*fnmr[:n], _crossing(grid, fnmr[n:])] for fnmr in draw_fnmr(trade_offs, rng)] for _ in range(samples)]
    )  # (samples, 2, targets + 1): FNMR at each target, and the EER
    low, high = np.quantile(drawn[:, 1] - drawn[:, 0], [0.025, 0.975], axis=0)
    differences = []
    for place, fmr in enumerate(targets):
        points = [curve.at_fmr(fmr) for curve in curves]
        people = _people_between(first, second, own, sides, [point.threshold for point in points])
        rates = (points[0].fnmr, points[1].fnmr)
        differences.append(_difference(f"FNMR at FMR {one_in(fmr)}", rates, (low[place], high[place]), people, DRAWN))
    people = _people_between(first, second, own, sides, [curve.eer.low for curve in curves])
    eer = _difference("EER", (eers[0], eers[1]), (low[-1], high[-1]), people, DRAWN)
    return (*differences, eer, _auc_difference(first, second, own, sides))


def _subjects_of_both(first: ScoreSet, second: ScoreSet) -> tuple[Labels, Labels]:
    own, sides = first.mated_subjects, first.non_mated_subjects
    if own is None or sides is None or second.mated_subjects is None or second.non_mated_subjects is None:
        raise InputError("two recognisers are compared by drawing subjects: give both ScoreSets their subjects")
    if not (np.array_equal(own, second.mated_subjects) and np.array_equal(sides, second.non_mated_subjects)):
        raise InputError("two recognisers are compared on the same comparisons in the same order; these are others")
    return own, sides


def _grid(eers: Sequence[float], n_non_mated: int) -> Floats:
    """Return FMRs among which the EERs of other draws will be."""
    lowest = max(min(eers) / AROUND, 1 / n_non_mated)
    highest = min(max(AROUND * max(eers), 10 * lowest), 0.9)
    return np.geomspace(min(lowest, highest / 2), highest, STEPS)


def _crossing(fmr: Floats, fnmr: Floats) -> float:
    """Return where FNMR, which falls, meets FMR, on the line between two points; at an end if it does so beyond."""
    gap = fnmr - fmr
    if gap[0] <= 0 or gap[-1] >= 0:
        return float(fmr[0] if gap[0] <= 0 else fmr[-1])
    after = int(np.argmax(gap < 0))
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))


def _people_between(first: ScoreSet, second: ScoreSet, own: Labels, sides: Labels, thresholds: Sequence[float]) -> int:
    """Return the number of people on whose comparisons two recognisers decide differently."""
    mated = (first.mated >= thresholds[0]) != (second.mated >= thresholds[1])
    non_mated = (first.non_mated >= thresholds[0]) != (second.non_mated >= thresholds[1])
    return len(np.union1d(own[mated], sides[non_mated]))


def _auc_difference(first: ScoreSet, second: ScoreSet, own: Labels, sides: Labels) -> PairedDifference:
    areas = auc(first), auc(second)
    shared = SharedSubjects.of(own, sides)
    parts = shared.sums(_placement_differences(first, second, areas))
    sizes = shared.sums(map(np.abs, _placement_differences(first, second, areas)))
    deviation = float(np.sqrt(shared.variance(parts))) if sizes.any() else 0.0
    margin = student(round(shared.involved(sizes))) * deviation  # few people make most of it: less is known
    gain = areas[1] - areas[0]
    return _difference("AUC", areas, (gain - margin, gain + margin), shared.n_people, PLACED)


def _placement_differences(first: ScoreSet, second: ScoreSet, areas: tuple[float, float]) -> Iterator[Floats]:
    """Yield each comparison's part of the difference, mated ones and then parts of the non-mated."""
    n = first.n_mated
    for before, after in zip(placements(first), placements(second), strict=True):
        yield ((after - areas[1]) - (before - areas[0])) / n
        n = first.n_non_mated


def _difference(
    what: str, rates: tuple[float, float], limits: tuple[float, float], people: int, method: str
) -> PairedDifference:
    low, high = map(float, limits)
    better: Verdict = "cannot be told apart"
    if people >= LEAST and (low > 0 or high < 0):
        better = "second" if (low > 0) == (what == "AUC") else "first"
    return PairedDifference(what, *rates, rates[1] - rates[0], low, high, people, better, method)
