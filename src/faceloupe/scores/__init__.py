"""From comparison scores to error rates that can be defended (NumPy only).

``sets`` holds mated and non-mated scores, ``rates`` counts their errors at a threshold and at all thresholds,
``intervals`` says how far that can be trusted (``dependence``: what comparisons that share people are worth), ``bands``
does so for a whole curve, ``points`` chooses a threshold and keeps its provenance, ``folds``
and ``identification`` are the protocols of LFW and of galleries, ``paired`` compares two recognisers, ``likelihood``
says what a score is worth as evidence, ``rejection`` judges measures of quality. The words
are those of ISO/IEC 2382-37 and 19795-1. Everywhere a higher score means more alike, and the decision is "match" when
score >= threshold.
"""

from faceloupe.scores.bands import DetBand, det_band
from faceloupe.scores.choosing import given_point, operating_point, remeasure
from faceloupe.scores.confidence import Interval
from faceloupe.scores.evidence import Evidence, LikelihoodRatio
from faceloupe.scores.folds import FoldAccuracy, fold_accuracy
from faceloupe.scores.identification import (
    Cmc,
    OpenSet,
    ProbeErrors,
    cmc,
    fpir_at_size,
    fpir_in_words,
    open_set,
    rank_1_errors,
)
from faceloupe.scores.intervals import (
    accuracy_interval,
    auc_interval,
    eer_interval,
    error_interval,
    fmr_interval,
    fnmr_interval,
    wilson,
)
from faceloupe.scores.likelihood import fit_likelihood_ratio
from faceloupe.scores.paired import PairedDifference, paired_differences
from faceloupe.scores.points import OperatingPoint, rule_of_3, rule_of_30
from faceloupe.scores.rates import (
    DetCurve,
    DetPoint,
    EqualErrorRate,
    accuracy_at,
    auc,
    det_curve,
    fmr,
    fnmr,
)
from faceloupe.scores.rejection import RejectCurve, error_versus_reject
from faceloupe.scores.sets import ScoreSet

__all__ = [
    "Cmc",
    "DetBand",
    "DetCurve",
    "DetPoint",
    "EqualErrorRate",
    "Evidence",
    "FoldAccuracy",
    "Interval",
    "LikelihoodRatio",
    "OpenSet",
    "OperatingPoint",
    "PairedDifference",
    "ProbeErrors",
    "RejectCurve",
    "ScoreSet",
    "accuracy_at",
    "accuracy_interval",
    "auc",
    "auc_interval",
    "cmc",
    "det_band",
    "det_curve",
    "eer_interval",
    "error_interval",
    "error_versus_reject",
    "fit_likelihood_ratio",
    "fmr",
    "fmr_interval",
    "fnmr",
    "fnmr_interval",
    "fold_accuracy",
    "fpir_at_size",
    "fpir_in_words",
    "given_point",
    "open_set",
    "operating_point",
    "paired_differences",
    "rank_1_errors",
    "remeasure",
    "rule_of_3",
    "rule_of_30",
    "wilson",
]
