"""How often the 95 % intervals of faceloupe.scores hold the truth, by simulation: few people, mild and strong effects.

Every two captures of some people are compared. A score is a sum of normal parts: what each of the two people is prone
to (`own`, the subject effect), what is peculiar to the two, what each capture brings, and noise; so the true rates are
known. With strong effects a person's own part is a third of the spread of all scores. A threshold is fixed beforehand,
at an FMR of 1 % or 10 %, or it is calibrated on the same comparisons for 1 %, as `faceloupe calibrate` does.

    python benchmarks/coverage.py [DRAWS]

prints for each rate and number of people how many of DRAWS (300) intervals held the truth, in per cent; how many lay
below it, for that is where an interval promises too much; and the median upper limit. Rank 1 is of templates in eight
dimensions, a gallery of one reference each, its truth the mean of many such galleries.

    python benchmarks/coverage.py --paired [DRAWS]

does so for differences of two recognisers on the same comparisons, whose scores correlate by 0.8, equal or one better;
and for log10 LR at one score, whose truth is the mean of many fits.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from faceloupe.evaluation.identification import Templates, closed_set
from faceloupe.scores import (
    Interval,
    ScoreSet,
    accuracy_interval,
    auc_interval,
    det_curve,
    eer_interval,
    fit_likelihood_ratio,
    fmr_interval,
    fnmr_interval,
    paired_differences,
    wilson,
)

PEOPLE = (2, 3, 5, 8, 12, 20, 40)
EFFECTS = {"none": 0.0, "mild": 0.3, "strong": 1.0}
CAPTURES = 5
PAIR, CAPTURE, NOISE = 0.7, 0.4, 0.6  # standard deviations of the other parts of a score
MATED = 4.0  # mean of a mated score; that of a non-mated one is 0
DIMENSIONS = 8
TOGETHER = 0.8  # correlation of two recognisers' scores of one comparison
GAIN = 0.5  # by which mated scores of the better one lie higher
PAIRED_PEOPLE = (20, 40, 80)

Case = tuple[Interval, float]
"""An interval, and the truth that it should hold."""


@dataclass(frozen=True)
class Population:
    """Scores whose true rates are known; `own` is the standard deviation of a person's part."""

    own: float

    @property
    def mated(self) -> NormalDist:
        """How mated scores are distributed."""
        return NormalDist(MATED, (self.own**2 + 2 * CAPTURE**2 + NOISE**2) ** 0.5)

    @property
    def non_mated(self) -> NormalDist:
        """How non-mated scores are distributed."""
        return NormalDist(0, (2 * self.own**2 + PAIR**2 + 2 * CAPTURE**2 + NOISE**2) ** 0.5)

    def fmr(self, threshold: float) -> float:
        """Return the true FMR."""
        return 1 - self.non_mated.cdf(threshold)

    def threshold(self, fmr: float) -> float:
        """Return the threshold of a true FMR."""
        return self.non_mated.inv_cdf(1 - fmr)

    def auc(self) -> float:
        """Return the true area under the ROC curve."""
        return NormalDist().cdf(MATED / (self.mated.variance + self.non_mated.variance) ** 0.5)

    def eer(self) -> float:
        """Return the true equal error rate, where the same number of standard deviations lies on both sides."""
        return 1 - NormalDist().cdf(MATED / (self.mated.stdev + self.non_mated.stdev))

    def draw(self, people: int, rng: np.random.Generator, captures: int = CAPTURES) -> ScoreSet:
        """Return all comparisons of some people."""
        subjects = np.repeat(np.arange(people), captures)
        first, second = np.array(list(combinations(range(len(subjects)), 2))).T
        own, hard = self.own * rng.standard_normal((2, people))
        pair = PAIR * rng.standard_normal((people, people))
        capture = CAPTURE * rng.standard_normal(len(subjects))
        noise = capture[first] + capture[second] + NOISE * rng.standard_normal(len(first))
        a, b = subjects[first], subjects[second]
        same = a == b
        scores = noise + np.where(same, MATED + hard[a], own[a] + own[b] + pair[a, b])
        return ScoreSet(scores[same], scores[~same], a[same], np.stack([a, b], axis=1)[~same])


def calibrated(scores: ScoreSet, fmr: float) -> float:
    """Return the threshold that is chosen on these comparisons."""
    return min(det_curve(scores).at_fmr(fmr).threshold, float(np.nextafter(scores.non_mated.max(), np.inf)))


def _fmr(rate: float) -> Callable[[Population, ScoreSet], Case]:
    def case(population: Population, scores: ScoreSet) -> Case:
        return fmr_interval(scores, population.threshold(rate)), rate

    return case


def _calibrated(population: Population, scores: ScoreSet) -> Case:
    threshold = calibrated(scores, 0.01)
    return fmr_interval(scores, threshold), population.fmr(threshold)


def _fnmr(population: Population, scores: ScoreSet) -> Case:
    threshold = population.mated.inv_cdf(0.1)
    return fnmr_interval(scores, threshold), 0.1


def _accuracy(population: Population, scores: ScoreSet) -> Case:
    threshold = MATED / 2
    mated = scores.n_mated / (scores.n_mated + scores.n_non_mated)
    wrong = mated * population.mated.cdf(threshold) + (1 - mated) * population.fmr(threshold)
    return accuracy_interval(scores, threshold), 1 - wrong


MEASURES: dict[str, Callable[[Population, ScoreSet], Case]] = {
    "FMR, fixed at 1 %": _fmr(0.01),
    "FMR, fixed at 10 %": _fmr(0.1),
    "FMR, calibrated for 1 %": _calibrated,
    "FNMR, fixed at 10 %": _fnmr,
    "accuracy": _accuracy,
    "EER": lambda population, scores: (eer_interval(scores), population.eer()),
    "AUC": lambda population, scores: (auc_interval(scores), population.auc()),
}


def cases(measure: str, people: int, own: float, draws: int, seed: int = 0) -> Iterator[Case]:
    """Yield intervals of one measure, each of people of its own."""
    rng, population = np.random.default_rng(seed), Population(own)
    for _ in range(draws):
        yield MEASURES[measure](population, population.draw(people, rng))


def blind_cases(people: int, own: float, draws: int, seed: int = 0) -> Iterator[Case]:
    """Yield what Wilson's interval says of the calibrated FMR, all comparisons taken as independent."""
    rng, population = np.random.default_rng(seed), Population(own)
    for _ in range(draws):
        scores = population.draw(people, rng)
        threshold = calibrated(scores, 0.01)
        matched = int((scores.non_mated >= threshold).sum())
        yield wilson(matched, scores.n_non_mated), population.fmr(threshold)


def templates(people: int, effect: float, rng: np.random.Generator, captures: int = 10) -> Templates:
    """Return templates of people of whom some are much harder than others."""
    subjects = np.repeat(np.arange(people), captures)
    spread = 0.45 * np.exp(0.6 * effect * rng.standard_normal(people))
    vectors = rng.standard_normal((people, DIMENSIONS))[subjects]
    vectors = vectors + spread[subjects, None] * rng.standard_normal((len(subjects), DIMENSIONS))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Templates(units.astype(np.float32), subjects, np.zeros(len(subjects), dtype=np.bool_))


def rank_1_cases(people: int, effect: float, draws: int, seed: int = 0) -> list[Case]:
    """Return intervals of rank 1, each of people of its own, with the mean rate of all as the truth."""
    rng = np.random.default_rng(seed)
    captures = np.arange(10 * people)
    found = [closed_set(templates(people, effect, rng), captures, draws=4) for _ in range(draws)]
    truth = float(np.mean([closed.mean(1) for closed in found]))
    return [(closed.interval, truth) for closed in found]


def summary(found: list[Case]) -> tuple[float, float, float]:
    """Return the share of intervals that hold the truth, the share that lie below it, and the median upper limit."""
    held = float(np.mean([truth in interval for interval, truth in found]))
    below = float(np.mean([truth > interval.high for interval, truth in found]))
    return held, below, float(np.median([interval.high for interval, _ in found]))


def _row(name: str, effect: str, rows: list[list[Case]]) -> None:
    cells = (summary(found) for found in rows)
    print(
        f"{name:24}{effect:8}" + "".join(f"{100 * h:5.0f} {100 * b:4.1f} {up:6.4f} |" for h, b, up in cells), flush=True
    )


def main(draws: int) -> None:
    """Print a line for each rate and strength of the effects."""
    print(f"{'held %, below %, upper':32}" + "".join(f"{f'{people} people':>17} |" for people in PEOPLE))
    for measure in MEASURES:
        for effect, own in EFFECTS.items():
            _row(measure, effect, [list(cases(measure, people, own, draws)) for people in PEOPLE])
    for effect, own in EFFECTS.items():
        _row("calibrated, independent", effect, [list(blind_cases(people, own, draws)) for people in PEOPLE])
    for effect, own in EFFECTS.items():
        _row("rank 1", effect, [rank_1_cases(people, own, draws) for people in PEOPLE])


def two(population: Population, people: int, gain: float, rng: np.random.Generator) -> tuple[ScoreSet, ScoreSet]:
    """Return scores of two recognisers whose errors hang together; the second has higher mated scores."""
    first = population.draw(people, rng)
    alone = (1 - TOGETHER**2) ** 0.5

    def other(scores: NDArray[np.float64], kind: NormalDist) -> NDArray[np.float64]:
        noise = alone * kind.stdev * rng.standard_normal(len(scores))
        moved: NDArray[np.float64] = kind.mean + TOGETHER * (scores - kind.mean) + noise
        return moved

    mated, non_mated = other(first.mated, population.mated) + gain, other(first.non_mated, population.non_mated)
    return first, ScoreSet(mated, non_mated, first.mated_subjects, first.non_mated_subjects)


def paired_cases(people: int, own: float, gain: float, draws: int) -> dict[str, list[tuple[bool, bool]]]:
    """Return for each rate, and each pair of recognisers, whether its interval held the truth and told a difference."""
    rng, population = np.random.default_rng(0), Population(own)
    found: dict[str, list[tuple[bool, bool]]] = {}
    better = NormalDist(MATED + gain, population.mated.stdev)
    threshold = population.threshold(0.01)
    spread = (population.mated.variance + population.non_mated.variance) ** 0.5
    areas = [NormalDist().cdf(mean / spread) for mean in (MATED, MATED + gain)]
    gap = population.mated.stdev + population.non_mated.stdev
    eers = [NormalDist().cdf(-mean / gap) for mean in (MATED, MATED + gain)]
    truth = {
        "FNMR at FMR 1 in 100": better.cdf(threshold) - population.mated.cdf(threshold),
        "EER": eers[1] - eers[0],
        "AUC": areas[1] - areas[0],
    }
    for _ in range(draws):
        for each in paired_differences(*two(population, people, gain, rng), (0.01,), samples=300):
            held = each.low <= truth[each.what] <= each.high
            found.setdefault(each.what, []).append((held, each.better != "cannot be told apart"))
    return found


def evidence_cases(people: int, own: float, draws: int) -> float:
    """Return how many intervals of log10 LR, half-way between both kinds, hold the mean of all fits."""
    rng, population = np.random.default_rng(0), Population(own)
    told = [
        fit_likelihood_ratio(population.draw(people, rng), source="", embedder="").evidence(MATED / 2)
        for _ in range(draws)
    ]
    truth = float(np.mean([each.log10_lr for each in told]))
    return float(np.mean([each.low <= truth <= each.high for each in told]))


def main_paired(draws: int) -> None:
    """Print a line for each rate, number of people, effect and gain."""
    for people in PAIRED_PEOPLE:
        for effect, own in EFFECTS.items():
            for gain in (0.0, GAIN):
                for what, cases_ in paired_cases(people, own, gain, draws).items():
                    held, told = (100 * float(np.mean(column)) for column in zip(*cases_, strict=True))
                    where = f"{people:3} people, {effect:6}, gain {gain:.1f}"
                    print(f"{where}: {what:22} held {held:5.1f} %, told apart {told:5.1f} %", flush=True)
            held = 100 * evidence_cases(people, own, draws)
            print(f"{people:3} people, {effect:6}: log10 LR held {held:5.1f} %", flush=True)


def _of_arguments(arguments: list[str]) -> int:
    if len(arguments) > 1 or not all(argument.isdecimal() for argument in arguments):
        sys.exit(__doc__)
    return int(arguments[0]) if arguments else 300


if __name__ == "__main__":
    if sys.argv[1:2] == ["--paired"]:
        main_paired(_of_arguments(sys.argv[2:]))
    else:
        main(_of_arguments(sys.argv[1:]))
