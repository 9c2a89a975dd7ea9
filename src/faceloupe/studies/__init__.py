"""Studies: networks x people x seeds x preprocessing -> trials, and what they show.

``plan`` says what will be done, ``experiments`` do it with ``fits``, ``folder`` keeps the trials and what the page
shows (``kept``), ``findings`` computes figures with intervals, ``checks`` are the ``statements`` of the tutorial with
their verdicts, and ``article`` writes the page, step by step (``lesson``).
"""

from importlib.util import find_spec

from faceloupe.errors import extra

with extra("study"):
    import torch  # noqa: F401 - so that its absence is told once, in words

    if find_spec("sklearn") is None:  # loaded where it is used: it takes a second
        raise ImportError("sklearn is not installed", name="sklearn")

from faceloupe.studies.plan import StudyPlan, make_plan
from faceloupe.studies.run import Study, open_study, run_study, study
from faceloupe.studies.statements import Statement
from faceloupe.studies.statistics import Estimate
from faceloupe.studies.trials import Trial, Trials

__all__ = [
    "Estimate",
    "Statement",
    "Study",
    "StudyPlan",
    "Trial",
    "Trials",
    "make_plan",
    "open_study",
    "run_study",
    "study",
]
