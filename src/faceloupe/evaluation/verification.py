"""Verification, two captures compared: accuracy, EER, AUC, TAR at a FAR, DET with its band."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faceloupe.evaluation.comparisons import ScoredComparisons
from faceloupe.scores.bands import DetBand, det_band
from faceloupe.scores.confidence import Interval
from faceloupe.scores.folds import FoldAccuracy, best_threshold, fold_accuracy
from faceloupe.scores.intervals import auc_interval, complement, eer_interval, error_interval, fnmr_interval
from faceloupe.scores.points import rule_of_3
from faceloupe.scores.rates import DetCurve, EqualErrorRate, accuracy_at, auc, det_curve
from faceloupe.scores.sets import ScoreSet

FARS = (1e-2, 1e-3, 1e-4)
HIGHEST_FMR = 0.1  # of a DET curve; past that nobody works
POINTS = 25  # of a DET curve
SAMPLES = 300  # of the bootstrap
PEOPLE = 20  # that a band is drawn from: of fewer the bootstrap knows too little
NESTED = ("eer", "eer_interval", "auc_interval", "tars", "band")  # fields of a Verification that are not plain values


@dataclass(frozen=True, slots=True)
class TarAtFar:
    """The true accept rate (1 - FNMR) at a false accept rate (FMR), as papers on LFW write it.

    Attributes
    ----------
    far : float
    tar : float or None
        A comparison that could not be made is not accepted. None where the comparisons do not support this FAR.
    interval : Interval or None
        95 %, at the threshold as found.
    threshold : float or None
        The lowest whose FAR is at most that.
    needed : int
        Non-mated comparisons that this FAR takes at least (rule of 3).
    """

    far: float
    tar: float | None
    interval: Interval | None
    threshold: float | None
    needed: int


@dataclass(frozen=True, slots=True)
class SplitAccuracy:
    """Accuracy at a threshold that other pairs chose; a comparison that could not be made is an error.

    Attributes
    ----------
    threshold : float
        Threshold of the highest accuracy on the pairs of "train".
    train, test : float
        Accuracy, in [0, 1]; that on train flatters.
    interval : Interval
        95 %, of that on test.
    n_train, n_test : int
        Pairs.
    """

    threshold: float
    train: float
    test: float
    interval: Interval
    n_train: int
    n_test: int

    def __repr__(self) -> str:
        return f"SplitAccuracy({100 * self.test:.2f} % of {self.n_test:,} pairs at {self.threshold:.4f})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Verification:
    """Error rates of many comparisons; one that could not be made counts as matching nobody.

    Attributes
    ----------
    what : str
        Description of the comparisons, in words.
    n_mated, n_non_mated : int
        Comparisons, those included that could not be made.
    failed_mated, failed_non_mated : int
        Those that could not.
    eer : EqualErrorRate
    eer_interval : Interval
    auc : float
        In [0, 1].
    auc_interval : Interval
    tars : tuple of TarAtFar
        One for each of ``FARS``.
    band : DetBand or None
        FNMR at FMRs that the comparisons support, subjects drawn; None where subjects are not known, fewer than twenty,
        or nothing is supported.
    """

    what: str
    n_mated: int
    n_non_mated: int
    failed_mated: int
    failed_non_mated: int
    eer: EqualErrorRate
    eer_interval: Interval
    auc: float
    auc_interval: Interval
    tars: tuple[TarAtFar, ...]
    band: DetBand | None

    def __repr__(self) -> str:
        return f"Verification({self.eer!r}, AUC {self.auc:.4f}, {self.n_mated:,} + {self.n_non_mated:,}, {self.what})"

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        numbers = {name: getattr(self, name) for name in self.__slots__ if name not in NESTED}
        return {
            **numbers,
            "eer": self.eer.rate,
            "eer_interval": asdict(self.eer_interval),
            "auc_interval": asdict(self.auc_interval),
            "tars": [asdict(tar) for tar in self.tars],
            "band": self.band and self.band.to_document(),
        }


def verification(compared: ScoredComparisons, *, seed: int = 0) -> Verification:
    """Measure all that needs no threshold from elsewhere.

    Parameters
    ----------
    compared : ScoredComparisons
    seed : int
        Seed of the bootstrap.
    """
    scores, comparable = compared.with_failures, compared.scores
    curve = det_curve(scores)
    eer, tars = curve.eer, tuple(_tar_at(scores, curve, far) for far in FARS)
    del curve  # as large as the scores themselves
    return Verification(
        compared.comparisons.what,
        scores.n_mated,
        scores.n_non_mated,
        comparable.failed_mated,
        comparable.failed_non_mated,
        eer,
        eer_interval(scores),
        auc(scores),
        auc_interval(scores),
        tars,
        _band(scores, seed),
    )


def split_accuracy(train: ScoredComparisons, test: ScoredComparisons) -> SplitAccuracy:
    """Choose the threshold of highest accuracy on one set of comparisons, and count on both."""
    threshold = best_threshold(train.scores.mated, train.scores.non_mated)
    counts = (
        sum((comparisons.scores.n_mated, comparisons.scores.n_non_mated, comparisons.scores.n_failed))
        for comparisons in (train, test)
    )
    return SplitAccuracy(
        threshold,
        accuracy_at(train.scores, threshold),
        accuracy_at(test.scores, threshold),
        _accuracy_interval(test, threshold),
        *counts,
    )


def _accuracy_interval(compared: ScoredComparisons, threshold: float) -> Interval:
    """Return the interval of the accuracy, comparisons that could not be made being errors."""
    pairs, subjects = compared.comparisons.pairs[:], compared.comparisons.subjects
    severity = np.full(len(pairs), np.inf)
    severity[compared.mated] = threshold - compared.scores.mated
    severity[compared.non_mated] = compared.scores.non_mated - threshold
    errors = severity > 0
    errors[compared.non_mated] = severity[compared.non_mated] >= 0  # a score at the threshold matches
    return complement(error_interval(errors, severity, None if subjects is None else subjects[pairs]))


def fold_accuracy_of(compared: ScoredComparisons, folds: tuple[str, ...]) -> FoldAccuracy:
    """Measure accuracy by LFW's protocol: each fold at the threshold that the others choose."""
    labels = np.array(folds)
    return fold_accuracy(compared.scores, labels[compared.mated], labels[compared.non_mated], labels[compared.failed])


def _tar_at(scores: ScoreSet, curve: DetCurve, far: float) -> TarAtFar:
    needed = rule_of_3(far)
    if scores.n_non_mated < needed:
        return TarAtFar(far, None, None, None, needed)
    point = curve.at_fmr(far)
    interval = complement(fnmr_interval(scores, point.threshold))
    return TarAtFar(far, 1 - point.fnmr, interval, point.threshold, needed)


def _band(scores: ScoreSet, seed: int) -> DetBand | None:
    lowest = 3 / scores.n_non_mated
    if scores.mated_subjects is None or scores.n_subjects < PEOPLE or lowest >= HIGHEST_FMR:
        return None
    return det_band(scores, np.geomspace(lowest, HIGHEST_FMR, POINTS).tolist(), samples=SAMPLES, seed=seed)
