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
from faceloupe.evaluation.results import RecogniserResult
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
    parts = [
        section("summary", "All recognisers in one table", sections.overview(evaluation)),
        section("paired", "Which recogniser is better?", paired_section(evaluation.paired)),
        section("verification", "Are these two the same person?", sections.verification(evaluation)),
        section("points", "Do thresholds hold?", sections.points(evaluation)),
        section(
            "robustness",
            "Where does it stop?",
            robustness_section(evaluation.robustness) if evaluation.robustness else (),
        ),
        section("identification", "Who is this?", sections.identification(evaluation)),
        section("groups", "For whom does it err?", group_section(evaluation.recognisers)),
        section("likelihood", "What is a score worth as evidence?", _likelihood(evaluation)),
        section("failures", "What failed, and what else to know of the data", sections.failures(evaluation)),
        section("quality", "Which photographs fail", sections.quality(evaluation)),
        section("errors", "The worst comparisons", sections.errors(evaluation, show_faces=show_faces)),
        section("speed", "Speed", sections.speed(evaluation)),
        section("method", "How this was measured", sections.method(evaluation)),
        section("auditor", "For an auditor", reporting_section(evaluation)),
    ]
    charts = [block["id"] for part in parts for block in part["blocks"] if block["type"] == "chart"]
    return {
        "title": f"Recognisers measured on {evaluation.data.source}",
        "lead": list(lead(evaluation)),
        "sections": [part for part in parts if part["blocks"]],
        "plot": charts[:1],
        "evidence": evaluation.to_document(),
        "provenance": _provenance(evaluation),
    }


def _likelihood(evaluation: Evaluation) -> Iterator[Block]:
    for number, recogniser in enumerate(evaluation.recognisers):
        if recogniser.likelihood:
            yield from likelihood_section(recogniser.label, recogniser.likelihood, f"-{number}" if number else "")


def _recogniser(recogniser: RecogniserResult) -> str:
    provenance = provenance_of(recogniser.sha256)
    origin = provenance.words() if provenance else "licence and training data not known here"
    return f"{recogniser.label}: {recogniser.embedder}, SHA-256 {recogniser.sha256}; {origin}"


def _provenance(evaluation: Evaluation) -> dict[str, Any]:
    detector = evaluation.search.detector or YUNET
    provenance = provenance_of(detector.sha256)
    return {
        "made by": f"faceloupe {version('faceloupe')}",
        "photographs": evaluation.data.source,
        "faces found by": f"{detector.name}, SHA-256 {detector.sha256}, photographs shrunk to {DETECTION_SIDE} pixels"
        f"{f'; {provenance.words()}' if provenance else ''}",
        "recognisers": [_recogniser(recogniser) for recogniser in evaluation.recognisers],
        "seed": evaluation.plan.seed,
    }
