"""Figures with intervals, computed from the trials of a study and from nothing else."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.layers import Anatomy
from faceloupe.scores.intervals import wilson
from faceloupe.studies.networks import build
from faceloupe.studies.plan import StudyPlan
from faceloupe.studies.statistics import (
    Estimate,
    mean_over_pairs,
    paired_difference,
    probability_of_superiority,
    share_over_pairs,
)
from faceloupe.studies.trials import Trials

FAILED = 0.75  # held-out accuracy below which a network has failed: half way between chance and perfect
LEARNED = 0.95  # training accuracy from which a network has learned its captures

CHANCE_LOSS = float(np.log(2))  # cross-entropy in nats of an answer of one half, whatever the face
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A mean by amount, with the interval at each."""

    amounts: tuple[float, ...]
    intervals: tuple[Estimate, ...]

    def at(self, amount: float) -> Estimate:
        """Return the interval at one amount."""
        return self.intervals[self.amounts.index(amount)]


class Findings:
    """A study's trials, asked in the words of the page.

    Parameters
    ----------
    plan : StudyPlan
    trials : Trials
    image_shape : (int, int)
    captures : ndarray of int, (subjects,)
        Captures of each subject.
    command : str
        Command of the study.
    """

    def __init__(
        self,
        plan: StudyPlan,
        trials: Trials,
        image_shape: tuple[int, int],
        captures: NDArray[np.intp],
        command: str = "",
    ) -> None:
        self.plan = plan
        self.command = command
        self.trials = trials
        self.image_shape = image_shape
        self.captures = captures
        self.half = int(captures.min()) // 2

    def anatomy(self, network: str) -> Anatomy:
        """Return the anatomy of one of the study's networks for two people."""
        return _anatomy(network, self.image_shape)

    def fits(
        self, network: str, preprocess: str, *, held_out: bool, experiment: str = "pairs", **more: object
    ) -> Trials:
        """Return the fits of a network that trained on half of the captures, or on all."""
        trials = self.trials.where(
            experiment=experiment, network=network, preprocess=preprocess, condition="", control=more.pop("control", "")
        )
        return Trials(trial for trial in trials if (trial.n_held_out > 0) == held_out).where(**more)

    def mean(self, trials: Trials, column: str) -> Estimate:
        """Return a column's mean over pairs and seeds; that of an accuracy stays between 0 and 1."""
        estimate = share_over_pairs if column.endswith(("accuracy", "consistency")) else mean_over_pairs
        return estimate(trials.grid(column))

    def mean_of(self, grid: Floats) -> Estimate:
        """Return the mean of one number per pair and seed."""
        return mean_over_pairs(grid)

    def share(self, trials: Trials, flags: NDArray[np.bool_]) -> Estimate:
        """Return the share of something, over pairs and seeds."""
        return share_over_pairs(trials.grid(flags))

    def difference(self, a: Trials, b: Trials, column: str) -> Estimate:
        """Return the mean of a - b over the same pairs and seeds."""
        return paired_difference(a.grid(column), b.grid(column))

    def superiority(self, a: Trials, b: Trials, column: str) -> Estimate:
        """Return the share of pairs and seeds on which a beats b, ties counting half."""
        return probability_of_superiority(a.grid(column), b.grid(column))

    def controls(self, network: str, preprocess: str, control: str = "") -> Trials:
        """Return the fits that share pairs, seeds and splits: those of ``pairs``, or with one thing changed."""
        experiment = "pairs" if network in ("fcnn", "cnn") and not control else "controls"
        return self.fits(network, preprocess, held_out=True, experiment=experiment, control=control)

    def overfitted(self, network: str, preprocess: str) -> NDArray[np.bool_]:
        """Return which fits learned their training captures and failed on those held out, one flag a trial."""
        fits = self.fits(network, preprocess, held_out=True)
        learned = fits.column("train_accuracy") >= LEARNED
        flags: NDArray[np.bool_] = learned & (fits.column("accuracy") < FAILED)
        return flags

    def unfitted(self, network: str, preprocess: str, *, held_out: bool = False) -> Estimate:
        """Return the share of fits whose hidden units are all dead, so that every face gets the same answer."""
        trials = self.fits(network, preprocess, held_out=held_out)
        hidden = self.anatomy(network).layers[-2].output_shape[-1]
        return self.share(trials, trials.column("dead_hidden") == hidden)

    def fitted(self, network: str, preprocess: str, *, held_out: bool = False) -> Estimate:
        """Return the share of fits that recognise every training capture."""
        trials = self.fits(network, preprocess, held_out=held_out)
        return self.share(trials, trials.column("train_accuracy") == 1)

    def robustness(self, network: str, condition: str, column: str) -> Curve:
        """Return accuracy or consistency against the amount of a condition."""
        trials = self.trials.where(experiment="robustness", network=network, condition=condition)
        return self._curve(trials, "amount", column)

    def loss_under_shift(self, network: str, pixels: float) -> Floats:
        """Return the accuracy lost by a shift of so many pixels: (pairs, seeds), the mean of four directions."""
        trials = self.trials.where(experiment="robustness", network=network, condition=("shift x", "shift y"))
        still = trials.where(amount=0.0).grid("accuracy")
        moved = trials.where(amount=(-pixels, pixels)).grid("accuracy")
        return still - moved

    def learning(self, network: str, preprocess: str) -> Curve:
        """Return held-out accuracy against captures per person."""
        trials = self.trials.where(experiment="learning", network=network, preprocess=preprocess)
        return self._curve(trials, "captures", "accuracy")

    def epochs(self, network: str, preprocess: str, column: str) -> tuple[Floats, Floats]:
        """Return the epochs (E,) and a column by seed and epoch (S, E) for the tutorial's pair."""
        trials = self.trials.where(experiment="tutorial", network=network, preprocess=preprocess, condition="epoch")
        amounts = sorted(trials.values("amount"))
        columns = [trials.where(amount=amount) for amount in amounts]
        by_seed = [sorted(column_trials, key=lambda trial: trial.seed) for column_trials in columns]
        return np.array(amounts), np.array([[getattr(trial, column) for trial in ordered] for ordered in by_seed]).T

    def seconds(self, network: str) -> Floats:
        """Return the seconds of single fits, one after another."""
        return self.trials.where(experiment="timing", network=network).column("seconds")

    def people(self, network: str, preprocess: str) -> tuple[Floats, Estimate]:
        """Return the accuracies of the splits, and their mean with Wilson's interval for the captures of one split.

        The splits share their captures, so more splits make the mean steadier but are not new evidence: the interval is
        that of one split's held-out captures.
        """
        trials = self.trials.where(experiment="people", network=network, preprocess=preprocess)
        accuracies = trials.column("accuracy")
        n = trials.rows[0].n_held_out
        mean = float(accuracies.mean())
        around = wilson(round(mean * n), n)
        return accuracies, Estimate(mean, around.low, around.high, n)

    def probe(self, network: str, preprocess: str, layer: str, *, moved: bool = False, control: str = "") -> Trials:
        """Return the probes of one layer; the pixels are the same for all networks."""
        if layer == "pixels":
            network, preprocess = "fcnn", "none"
        return self.trials.where(
            experiment="probe moved" if moved else "probe",
            network=network,
            preprocess=preprocess,
            condition=layer,
            control=control,
        )

    def filter_fits(self, control: str = "") -> Trials:
        """Return the fits of the network that learns its filters."""
        return self.trials.where(experiment="filters", control=control)

    def _curve(self, trials: Trials, by: str, column: str) -> Curve:
        amounts = sorted(trials.values(by))
        return Curve(
            tuple(float(amount) for amount in amounts),
            tuple(self.mean(trials.where(**{by: amount}), column) for amount in amounts),
        )


@cache
def _anatomy(network: str, image_shape: tuple[int, int]) -> Anatomy:
    built = build(network, image_shape)
    return anatomy(built, built.image_shape)


def as_document(interval: Estimate) -> dict[str, Any]:
    """Return an interval as JSON holds it."""
    return {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "n": interval.n,
        "counted": interval.counted,
        "confidence": interval.confidence,
    }
