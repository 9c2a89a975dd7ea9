"""Evaluation by the field's protocols: LFW, pairs of one's own, a folder of subjects; and thresholds from those.

``datasets`` says whom photographs show and which are compared, ``embedding`` makes their templates (``cache`` keeps
them), ``split`` says which people choose and which are measured, ``bench`` measures one embedder after another by the
protocols in ``verification`` and ``identification``, ``results`` holds what came out, ``article`` writes the page, and
``evaluate``, ``calibrate`` and ``calibrate_gallery`` are the way in.
"""

from faceloupe.evaluation.baselines import FITTED
from faceloupe.evaluation.bundle import Bundle, read_bundle, write_bundle
from faceloupe.evaluation.cache import cache_folder, forget_cache
from faceloupe.evaluation.calibrate import calibrate, calibrate_gallery
from faceloupe.evaluation.datasets import LabelledPhotographs, Pairs, open_data
from faceloupe.evaluation.evaluate import Evaluation, evaluate
from faceloupe.evaluation.failures import Failure
from faceloupe.evaluation.score_evaluation import ScoreEvaluation, evaluate_scores

__all__ = [
    "FITTED",
    "Bundle",
    "Evaluation",
    "Failure",
    "LabelledPhotographs",
    "Pairs",
    "ScoreEvaluation",
    "cache_folder",
    "calibrate",
    "calibrate_gallery",
    "evaluate",
    "evaluate_scores",
    "forget_cache",
    "open_data",
    "read_bundle",
    "write_bundle",
]
