"""Measuring embedders by the protocol of the data, one after another on the same captures."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceloupe.embedders import PUBLISHED
from faceloupe.errors import InputError
from faceloupe.evaluation.baselines import embed_grey, fit_embedder
from faceloupe.evaluation.comparisons import ScoredComparisons, score
from faceloupe.evaluation.datasets import LabelledPhotographs
from faceloupe.evaluation.embedding import SIDE, Captures
from faceloupe.evaluation.failures import FailureRates, failure_rates
from faceloupe.evaluation.groups import GroupRates, group_rates
from faceloupe.evaluation.identification import ClosedSet, OpenSets, Templates, closed_set, open_sets
from faceloupe.evaluation.labels import Doubt, doubtful_labels, sort_doubts
from faceloupe.evaluation.likelihood import LikelihoodReport, likelihood_report
from faceloupe.evaluation.packed import PackedPhoto
from faceloupe.evaluation.paired import PairedComparison, compare_with_first
from faceloupe.evaluation.results import Origin, Pair, PointCheck, RecogniserResult, WorstComparisons
from faceloupe.evaluation.robustness import Robustness, draw_probes, measure_robustness
from faceloupe.evaluation.split import Parts
from faceloupe.evaluation.verification import SplitAccuracy, fold_accuracy_of, split_accuracy, verification
from faceloupe.progress import Progress
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.thresholds import published_points
from faceloupe.scores.choosing import operating_point, remeasure
from faceloupe.scores.evidence import LikelihoodRatio
from faceloupe.scores.folds import FoldAccuracy
from faceloupe.scores.likelihood import fit_likelihood_ratio
from faceloupe.scores.points import OperatingPoint, one_in
from faceloupe.scores.rejection import RejectCurve, error_versus_reject
from faceloupe.scores.sets import ScoreSet, highest

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]

LOOSER = (1e-5, 1e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1)  # rates, tried in turn where people are too few
SHOWN = 4  # pairs of either kind that are named


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """The protocol by which an embedder is measured.

    Attributes
    ----------
    fmr : float
        FMR for which a threshold is chosen; where the people are too few for it, the strictest rate that they support.
    draws : int
        Number of galleries drawn.
    seed : int
    points : tuple of OperatingPoint
        To check besides the published ones; those of other embedders are passed over.
    detector : str
        Detector that found the faces, as :class:`OperatingPoint` has it.
    """

    fmr: float
    draws: int
    seed: int
    points: tuple[OperatingPoint, ...] = ()
    detector: str = "yunet"


class Bench:
    """A bench on which embedders are measured one after another, on the same captures.

    Parameters
    ----------
    data : LabelledPhotographs
    parts : Parts
        The side that chooses, and the side that is measured.
    captures : Captures
        Templates of those embedders that are not fitted here; for the others "pixels".
    plan : EvaluationPlan
    """

    def __init__(self, data: LabelledPhotographs, parts: Parts, captures: Captures, plan: EvaluationPlan) -> None:
        self._data, self._parts, self._captures, self._plan = data, parts, captures, plan
        self.embedders: dict[str, Embedder] = {}
        self.results: list[RecogniserResult] = []
        self.scores: dict[str, ScoreSet] = {}
        self._with_failures: dict[str, ScoreSet] = {}

    def add(self, label: str, embedder: Embedder | None) -> None:
        """Measure an embedder; None is fitted first, see :mod:`faceloupe.evaluation.baselines`.

        Raises
        ------
        InputError
            If no mated or no non-mated comparison could be made, or it cannot be fitted.
        """
        parts, captures, origin = self._parts, self._captures, "as published" if label in PUBLISHED else "as given"
        if embedder is None:
            embedder, parts, captures, origin = self._fitted(label)
        self.embedders[label] = embedder
        work = _Measurement(embedder, self._data, parts, captures, self._plan)
        self.results.append(_measure(label, origin, work))
        self.scores[label], self._with_failures[label] = work.most.scores, work.most.with_failures

    def paired(self) -> tuple[PairedComparison, ...]:
        """Return each embedder beside the first, on the same comparisons."""
        return tuple(compare_with_first(self._parts.test.most.what, self._with_failures, self._plan.seed))

    def robustness(
        self, paths: Sequence[Path | PackedPhoto], search: FaceSearch, count: int, progress: Progress | None
    ) -> Robustness:
        """Spoil some photographs, and measure the first embedder that has a threshold.

        Raises
        ------
        InputError
            If none has, there is no mated comparison, or templates are of several photographs.
        """
        result = next((result for result in self.results if result.point_checks), None)
        if result is None or self._data.templates is not None:
            raise InputError("robustness: it takes a threshold fixed before, and templates of one photograph each")
        threshold, test = _nearest(result.point_checks, self._plan.fmr), self._parts.test
        failed = self._captures.failed(result.embedder)
        return measure_robustness(
            result.label, self.embedders[result.label], paths,
            draw_probes(test.most, failed, count, self._plan.seed), self._captures.vectors[result.embedder],
            threshold.threshold, threshold.target_fmr, search, strangers=test.captures[~failed[test.captures]],
            seed=self._plan.seed, progress=progress,
        )  # fmt: skip

    def _fitted(self, label: str) -> tuple[Embedder, Parts, Captures, str]:
        """Return an embedder, its parts and captures, and how it was made."""
        development, subjects = self._parts.development, self._data.subjects
        if development is None or subjects is None:
            raise InputError(f"{label} is fitted on development subjects, and {self._data.source} has none")
        failed = self._captures.failed("pixels")
        pixels = self._captures.vectors["pixels"] * self._captures.norms["pixels"][:, np.newaxis]
        faces = np.clip(pixels.reshape(-1, SIDE, SIDE), 0.0, 1.0)
        chosen = development.captures[~failed[development.captures]]
        fitted = fit_embedder(label, faces[chosen], subjects[chosen], self._plan.seed)
        vectors = embed_grey(fitted.embedder, faces)
        vectors[failed] = 0
        parts = Parts(development.without(fitted.subjects), self._parts.test)
        return fitted.embedder, parts, self._captures.plus(fitted.embedder.name, vectors), fitted.origin


def _measure(label: str, origin: str, work: "_Measurement") -> RecogniserResult:
    checks = tuple(work.point_checks())
    point = _nearest(checks, work.plan.fmr) if checks else None
    threshold = point.threshold if point else None
    closed_rates, open_rates = work.identification(threshold)
    seed = work.plan.seed
    return RecogniserResult(
        label,
        work.embedder.name,
        work.embedder.sha256,
        work.vectors.shape[1],
        origin,
        work.n_without_template(),
        work.failures(),
        work.accuracy(),
        verification(work.main, seed=seed),
        None if work.most is work.main else verification(work.most, seed=seed),
        checks,
        closed_rates,
        open_rates,
        work.rejection(threshold),
        work.worst(),
        work.doubts,
        work.groups(point),
        work.likelihood(),
        tuple(work.notes),
    )


@dataclass
class _Measurement:
    """The measurements of one embedder, which share what was compared."""

    embedder: Embedder
    data: LabelledPhotographs
    parts: Parts
    captures: Captures
    plan: EvaluationPlan
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        name, test = self.embedder.name, self.parts.test
        self.vectors, self.failed = self.captures.vectors[name], self.captures.failed(name)
        self.chosen: tuple[OperatingPoint, ...] = ()
        self.ratio: LikelihoodRatio | None = None
        self.doubts: tuple[Doubt, ...] = ()
        if self.parts.development is not None:  # its millions of scores are gone before those of the test are there
            self._choose(score(self.vectors, self.failed, replace(self.parts.development.most)))
        self.main = score(self.vectors, self.failed, test.main)
        self.most = self.main if test.most is test.main else score(self.vectors, self.failed, test.most)
        self.doubts = sort_doubts((*doubtful_labels(self.most), *self.doubts))

    def _choose(self, development: ScoredComparisons) -> None:
        """Choose a threshold and fit likelihood ratios on the development side, and doubt its labels."""
        name, weights, source = self.embedder.name, self.embedder.sha256, self._source(development)
        refusals: list[InputError] = []
        for fmr in (self.plan.fmr, *(rate for rate in LOOSER if rate > self.plan.fmr)):
            try:
                point = operating_point(development.scores, fmr, source=source, embedder=name, weights_sha256=weights)
            except InputError as problem:
                refusals.append(problem)
                continue
            self.chosen = (replace(point, detector=self.plan.detector),)
            break
        if refusals:
            wanted = f" for an FMR of {one_in(self.plan.fmr)}, but one for {one_in(fmr)}" if self.chosen else ""
            self.notes.append(f"No threshold was chosen{wanted}: {refusals[0]}.")
        self.ratio = fit_likelihood_ratio(development.scores, source=source, embedder=name, weights_sha256=weights)
        self.doubts = doubtful_labels(development)

    def n_without_template(self) -> int:
        """Return the number of captures with a face of which this embedder alone made no template."""
        faces = np.array([quality is not None for quality in self.captures.qualities])
        return int((self.failed & faces).sum())

    def failures(self) -> FailureRates:
        """Return failures to acquire and to enrol among the captures measured."""
        subjects = self.main.comparisons.subjects
        people = np.arange(len(self.failed)) if subjects is None else subjects
        return failure_rates(self.failed, people, self.parts.test.captures, self.captures.problems)

    def accuracy(self) -> SplitAccuracy | FoldAccuracy | None:
        """Return the accuracy by the pairs' protocol; None where they have no parts."""
        folds = self.data.pairs and self.data.pairs.folds
        if not folds:
            return None
        if self.parts.development is None:
            return fold_accuracy_of(self.main, folds)
        return split_accuracy(score(self.vectors, self.failed, self.parts.development.main), self.main)

    def point_checks(self) -> Iterator[PointCheck]:
        """Yield the point chosen on the development side, the given and the published ones, as measured on the test."""
        for origin, point in self._points():
            on_test = remeasure(point, self.most.scores, source=self._source(self.most))
            yield PointCheck(origin, point, replace(on_test, detector=self.plan.detector))

    def identification(self, threshold: float | None) -> tuple[ClosedSet | None, OpenSets | None]:
        """Return closed-set and open-set identification; none where too few subjects have two captures."""
        if self.data.subjects is None:
            return None, None
        templates = Templates(self.vectors, self.data.subjects, self.failed)
        captures, draws, seed = self.parts.test.captures, self.plan.draws, self.plan.seed
        try:
            closed = closed_set(templates, captures, draws=draws, seed=seed)
            return closed, open_sets(templates, captures, threshold, draws=draws, seed=seed)
        except InputError as problem:
            self.notes.append(f"Identification was not measured: {problem}.")
            return None, None

    def rejection(self, threshold: float | None) -> dict[str, RejectCurve]:
        """Return for each measure of quality how FNMR falls when the worst captures are refused."""
        if threshold is None:
            return {}
        pairs, norms = self.main.comparisons.pairs[self.main.mated], self.captures.norms[self.embedder.name]
        return {
            name: error_versus_reject(self.main.scores, values[pairs], threshold)
            for name, values in _measures(self.captures, norms).items()
        }

    def groups(self, point: OperatingPoint | None) -> GroupRates | None:
        """Return error rates by group; None where the data name none, or there is no threshold."""
        if not self.data.groups:
            return None
        if point is None:
            self.notes.append("Error rates by group were not measured: there is no threshold.")
            return None
        try:
            return group_rates(self.most, self.data.groups, point.threshold, point.target_fmr)
        except InputError as problem:
            self.notes.append(f"Error rates by group were not measured: {problem}.")
            return None

    def likelihood(self) -> LikelihoodReport | None:
        """Return likelihood ratios, fitted on the development side; None without one."""
        return None if self.ratio is None else likelihood_report(self.ratio, self.most.scores)

    def worst(self) -> WorstComparisons:
        """Return the mated comparisons with the lowest scores, and the non-mated ones with the highest."""
        mated, non_mated = self.main.scores.mated, self.main.scores.non_mated
        return WorstComparisons(
            self._pairs(self.main.mated, mated, highest(-mated, SHOWN)),
            self._pairs(self.main.non_mated, non_mated, highest(non_mated, SHOWN)),
        )

    def _pairs(self, comparisons: NDArray[np.integer], scores: Floats, places: Labels) -> tuple[Pair, ...]:
        pairs = self.main.comparisons.pairs[comparisons[places]]
        return tuple((int(a), int(b), float(value)) for (a, b), value in zip(pairs, scores[places], strict=True))

    def _points(self) -> Iterator[tuple[Origin, OperatingPoint]]:
        for point in self.chosen:
            yield "chosen", point
        for point in self.plan.points:
            if point.is_of(self.embedder):
                yield "given", point
        for point in published_points(self.embedder):
            yield "published", point

    def _source(self, compared: ScoredComparisons) -> str:
        return f"{compared.comparisons.what}, {self.data.source}"


def _nearest(checks: Sequence[PointCheck], fmr: float) -> OperatingPoint:
    """Return the point whose target comes nearest to an FMR; of several the first."""
    return min((check.point for check in checks), key=lambda point: abs(math.log(point.target_fmr / fmr)))


def _measures(captures: Captures, norms: NDArray[np.float32]) -> dict[str, Floats]:
    """Return measures of quality, (N,) each, higher is better; 0 for captures without a face."""
    faces = captures.qualities
    return {
        "embedding norm": norms.astype(np.float64),
        "detection score": np.array([face.detection_score if face else 0.0 for face in faces]),
        "frontal pose (yaw)": np.array([-abs(face.pose.yaw) if face else 0.0 for face in faces]),
        "eye distance": np.array([face.eye_distance if face else 0.0 for face in faces]),
        "sharpness": np.array([face.sharpness if face else 0.0 for face in faces]),
    }
