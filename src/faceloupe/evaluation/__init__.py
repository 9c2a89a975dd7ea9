"""Evaluation by the field's protocols: LFW, pairs of one's own, a folder of subjects; and thresholds from those.

``labelled`` says whom photographs show and which are compared, ``captures`` makes their templates (``cache`` keeps
them), ``parts`` says what chooses and what is measured, ``verification`` and ``identification`` are the protocols, and
``evaluate``, ``calibrate`` and ``calibrate_gallery`` are the way in.
"""

from faceloupe.evaluation.cache import cache_folder, forget_cache
from faceloupe.evaluation.calibrate import calibrate, calibrate_gallery
from faceloupe.evaluation.evaluate import Evaluation, Failure, evaluate
from faceloupe.evaluation.fitted import FITTED
from faceloupe.evaluation.labelled import Labelled, Pairs, open_data
from faceloupe.evaluation.score_files import ScoreEvaluation, evaluate_scores

__all__ = [
    "FITTED",
    "Evaluation",
    "Failure",
    "Labelled",
    "Pairs",
    "ScoreEvaluation",
    "cache_folder",
    "calibrate",
    "calibrate_gallery",
    "evaluate",
    "evaluate_scores",
    "forget_cache",
    "open_data",
]
