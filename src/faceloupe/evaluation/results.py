"""Everything that was measured of one embedder, as values."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from faceloupe.evaluation.failures import FailureRates
from faceloupe.evaluation.groups import GroupRates
from faceloupe.evaluation.identification import ClosedSet, OpenSets
from faceloupe.evaluation.labels import Doubt
from faceloupe.evaluation.likelihood import LikelihoodReport
from faceloupe.evaluation.verification import SplitAccuracy, Verification
from faceloupe.scores.folds import FoldAccuracy
from faceloupe.scores.points import OperatingPoint, Verdict
from faceloupe.scores.rejection import RejectCurve

Origin = Literal["chosen", "given", "published"]
SHARES = np.linspace(0, 0.3, 61)
"""Shares of the mated comparisons that are refused, where a curve of refusals is told: it has a point a comparison."""

Pair = tuple[int, int, float]
"""Two captures, and the score of their comparison."""


@dataclass(frozen=True, slots=True)
class PointCheck:
    """An operating point, and what its threshold gave on other comparisons.

    Attributes
    ----------
    origin : {"chosen", "given", "published"}
        On this data's development side, by the caller, or with the package.
    point, on_test : OperatingPoint
        As it was, and as measured on the test side.
    """

    origin: Origin
    point: OperatingPoint
    on_test: OperatingPoint

    @property
    def verdict(self) -> Verdict:
        """Verdict on whether the FMR asked for holds here, see :attr:`faceloupe.scores.OperatingPoint.verdict`."""
        return self.on_test.verdict

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        points = {"point": self.point.to_document(), "here": self.on_test.to_document()}
        return {"origin": self.origin, "verdict": self.verdict, **points}


@dataclass(frozen=True, slots=True)
class WorstComparisons:
    """The comparisons that went most wrong: mated ones with the lowest scores, non-mated ones with the highest."""

    mated: tuple[Pair, ...]
    non_mated: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecogniserResult:
    """An embedder, measured.

    Attributes
    ----------
    label : str
        Name by which it was asked for.
    embedder, sha256 : str
        Its name and the hash of its weights.
    dimensions : int
        Dimensions of its vectors.
    origin : str
        Origin of the embedder, in words.
    n_without_template : int
        Photographs with a face of which it alone made no template.
    failures : FailureRates
        Failures to acquire and to enrol, among the captures measured.
    accuracy : SplitAccuracy, FoldAccuracy or None
        As the protocol of the pairs has it.
    main : Verification
        On the pairs of the protocol, or else on every two captures.
    every_two : Verification or None
        On every two captures, where that is something else.
    point_checks : tuple of PointCheck
        Operating points.
    closed, open : ClosedSet and OpenSets, or None
        Identification, where there are two subjects with two captures each.
    rejection : dict of measure of quality to RejectCurve
        On the comparisons of `main`; empty without a threshold.
    worst : Worst
    doubts : tuple of Doubt
        Labels to look at.
    groups : GroupRates or None
        Error rates by group, where the data say who is in which.
    likelihood : LikelihoodReport or None
        Likelihood ratios, where there is a development side to fit them on.
    notes : tuple of str
        Measures that were not made, and why.
    """

    label: str
    embedder: str
    sha256: str
    dimensions: int
    origin: str
    n_without_template: int
    failures: FailureRates
    accuracy: SplitAccuracy | FoldAccuracy | None
    main: Verification
    every_two: Verification | None
    point_checks: tuple[PointCheck, ...]
    closed: ClosedSet | None
    open: OpenSets | None
    rejection: dict[str, RejectCurve]
    worst: WorstComparisons
    doubts: tuple[Doubt, ...]
    groups: GroupRates | None
    likelihood: LikelihoodReport | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"RecogniserResult({self.label}: {self.accuracy or self.main!r})"

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        accuracy = self.accuracy
        return {
            "label": self.label,
            "embedder": self.embedder,
            "sha256": self.sha256,
            "dimensions": self.dimensions,
            "how": self.origin,
            "n_without_template": self.n_without_template,
            "failures": self.failures.to_document(),
            "accuracy": accuracy.to_document() if isinstance(accuracy, FoldAccuracy) else accuracy and asdict(accuracy),
            "main": self.main.to_document(),
            "every_two": self.every_two and self.every_two.to_document(),
            "operating_points": [check.to_document() for check in self.point_checks],
            "closed_set": self.closed and self.closed.to_document(),
            "open_set": self.open and self.open.to_document(),
            "rejection": {name: _at_shares(curve) for name, curve in self.rejection.items()},
            "worst": {kind: [list(pair) for pair in pairs] for kind, pairs in asdict(self.worst).items()},
            "doubts": [doubt.to_document() for doubt in self.doubts],
            "groups": self.groups and self.groups.to_document(),
            "likelihood": self.likelihood and self.likelihood.to_document(),
            "notes": list(self.notes),
        }


def _at_shares(curve: RejectCurve) -> dict[str, Any]:
    fnmr = [curve.at(share) for share in SHARES.tolist()]
    return {"rejected": SHARES.tolist(), "fnmr": fnmr, "threshold": curve.threshold, "n_mated": curve.n_mated}
