"""An evaluation's page as a plain document."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from faceloupe.blocks import Block, section
from faceloupe.evaluation import sections
from faceloupe.evaluation.evaluate import Evaluation
from faceloupe.evaluation.group_section import group_section
from faceloupe.evaluation.likelihood import likelihood_section
from faceloupe.evaluation.paired import paired_section
from faceloupe.evaluation.reporting import reporting_section
from faceloupe.evaluation.results import Measured
from faceloupe.evaluation.robustness import robustness_section
from faceloupe.evaluation.summary import lead
from faceloupe.recognition.provenance import provenance_of
from faceloupe.recognition.search import DETECTION_SIDE
from faceloupe.recognition.weights import YUNET


def write_article(evaluation: Evaluation, *, show_faces: bool = False) -> dict[str, Any]:
    """Return the page of an evaluation; its picture is the first chart.

    Parameters
    ----------
    evaluation : Evaluation
    show_faces : bool
        Show the faces of the comparisons that went most wrong; their files are read again for that.
    """
    written = [
        section("summary", "All recognisers in one table", sections.summarised(evaluation)),
        section("paired", "Which recogniser is better?", paired_section(evaluation.paired)),
        section("verification", "Are these two the same person?", sections.verification(evaluation)),
        section("points", "Do thresholds hold?", sections.points(evaluation)),
        section(
            "robustness",
            "Where does it stop?",
            robustness_section(evaluation.robustness) if evaluation.robustness else (),
        ),
        section("identification", "Who is this?", sections.identification(evaluation)),
        section("groups", "For whom does it err?", group_section(evaluation.measured)),
        section("likelihood", "What is a score worth as evidence?", _likelihood(evaluation)),
        section("failures", "What failed, and what else to know of the data", sections.failures(evaluation)),
        section("quality", "Which photographs fail", sections.quality(evaluation)),
        section("errors", "The worst comparisons", sections.errors(evaluation, show_faces=show_faces)),
        section("speed", "Speed", sections.speed(evaluation)),
        section("method", "How this was measured", sections.method(evaluation)),
        section("auditor", "For an auditor", reporting_section(evaluation)),
    ]
    drawn = [block["id"] for part in written for block in part["blocks"] if block["type"] == "chart"]
    return {
        "title": f"Recognisers measured on {evaluation.data.source}",
        "lead": list(lead(evaluation)),
        "sections": [one for one in written if one["blocks"]],
        "plot": drawn[:1],
        "evidence": evaluation.to_document(),
        "provenance": _provenance(evaluation),
    }


def _likelihood(evaluation: Evaluation) -> Iterator[Block]:
    for number, one in enumerate(evaluation.measured):
        if one.likelihood:
            yield from likelihood_section(one.label, one.likelihood, f"-{number}" if number else "")


def _recogniser(one: Measured) -> str:
    known = provenance_of(one.sha256)
    of_weights = known.words() if known else "licence and training data not known here"
    return f"{one.label}: {one.embedder}, SHA-256 {one.sha256}; {of_weights}"


def _provenance(evaluation: Evaluation) -> dict[str, Any]:
    by = evaluation.detecting.detector or YUNET
    known = provenance_of(by.sha256)
    return {
        "made by": f"faceloupe {version('faceloupe')}",
        "photographs": evaluation.data.source,
        "faces found by": f"{by.name}, SHA-256 {by.sha256}, photographs shrunk to {DETECTION_SIDE} pixels"
        f"{f'; {known.words()}' if known else ''}",
        "recognisers": [_recogniser(one) for one in evaluation.measured],
        "seed": evaluation.plan.seed,
    }
