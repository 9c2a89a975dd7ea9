"""Studies: networks x people x seeds x preprocessing -> trials, and what they show.

``plan`` says what will be done, ``experiments`` do it with ``fits``, ``folder`` keeps the trials, ``findings`` computes
figures with intervals from them, ``statements`` checks what the tutorial says, ``article`` writes the page's document
from that and its ``sections``.
"""

from faceloupe.errors import extra

with extra("study"):
    import sklearn  # noqa: F401 - so that its absence is told once, in words
    import torch  # noqa: F401

from faceloupe.studies.article import write_article
from faceloupe.studies.plan import StudyPlan, make_plan
from faceloupe.studies.run import Study, run_study, study
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
    "run_study",
    "study",
    "write_article",
]
