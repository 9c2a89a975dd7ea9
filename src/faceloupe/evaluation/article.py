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

__all__ = ["write_article"]


def write_article(found: Evaluation, *, show_faces: bool = False) -> dict[str, Any]:
    """Return the page of an evaluation; its picture is the first chart.

    Parameters
    ----------
    found : Evaluation
    show_faces : bool
        Show the faces of the comparisons that went most wrong; their files are read again for that.
    """
    written = [
        section("summary", "All recognisers in one table", sections.summarised(found)),
        section("paired", "Which recogniser is better?", paired_section(found.paired)),
        section("verification", "Are these two the same person?", sections.verification(found)),
        section("points", "Do thresholds hold?", sections.points(found)),
        section("robustness", "Where does it stop?", robustness_section(found.robustness) if found.robustness else ()),
        section("identification", "Who is this?", sections.identification(found)),
        section("groups", "For whom does it err?", group_section(found.measured)),
        section("likelihood", "What is a score worth as evidence?", _likelihood(found)),
        section("failures", "What failed, and what else to know of the data", sections.failures(found)),
        section("quality", "Which photographs fail", sections.quality(found)),
        section("errors", "The worst comparisons", sections.errors(found, show_faces=show_faces)),
        section("speed", "Speed", sections.speed(found)),
        section("method", "How this was measured", sections.method(found)),
        section("auditor", "For an auditor", reporting_section(found)),
    ]
    drawn = [block["id"] for part in written for block in part["blocks"] if block["type"] == "chart"]
    return {
        "title": f"Recognisers measured on {found.data.source}",
        "lead": list(lead(found)),
        "sections": [one for one in written if one["blocks"]],
        "plot": drawn[:1],
        "evidence": found.to_document(),
        "provenance": _provenance(found),
    }


def _likelihood(found: Evaluation) -> Iterator[Block]:
    for number, one in enumerate(found.measured):
        if one.likelihood:
            yield from likelihood_section(one.label, one.likelihood, f"-{number}" if number else "")


def _recogniser(one: Measured) -> str:
    known = provenance_of(one.sha256)
    of_weights = known.words() if known else "licence and training data not known here"
    return f"{one.label}: {one.embedder}, SHA-256 {one.sha256}; {of_weights}"


def _provenance(found: Evaluation) -> dict[str, Any]:
    by = found.detecting.detector or YUNET
    known = provenance_of(by.sha256)
    return {
        "made by": f"faceloupe {version('faceloupe')}",
        "photographs": found.data.source,
        "faces found by": f"{by.name}, SHA-256 {by.sha256}, photographs shrunk to {DETECTION_SIDE} pixels"
        f"{f'; {known.words()}' if known else ''}",
        "recognisers": [_recogniser(one) for one in found.measured],
        "seed": found.plan.seed,
    }
