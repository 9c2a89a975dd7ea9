"""The tutorial's statements, each an executable check that yields a verdict with its figures.

A verdict rests on an interval: *supported* or *contradicted* when the interval lies on one side of what the statement
says, *not shown* when it does not, with the number of pairs that would settle it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from faceloupe.numerals import decimals
from faceloupe.studies.charts import share
from faceloupe.studies.findings import Findings
from faceloupe.studies.statistics import Estimate

__all__ = ["Figure", "Statement", "Verdict", "percent_figure", "points", "what_settles"]

Verdict = Literal["supported", "not shown", "contradicted"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a verdict rests on, as it reads: label, value, interval and n."""

    label: str
    value: str
    interval: str | None = None
    n: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the tutorial and what became of it.

    Attributes
    ----------
    id, claim : str
    verdict : {"supported", "not shown", "contradicted"}
    because : str
        The verdict in words made from the figures.
    figures : tuple of Figure
    settle : str or None
        What would settle a statement that is not shown.
    block : dict or None
        A chart for the page.
    """

    id: str
    claim: str
    verdict: Verdict
    because: str
    figures: tuple[Figure, ...]
    settle: str | None = None
    block: dict[str, Any] | None = field(default=None, repr=False)

    def to_document(self) -> dict[str, Any]:
        """Return the statement as a block of the page."""
        return {
            "type": "statement",
            "id": self.id,
            "claim": self.claim,
            "verdict": self.verdict,
            "because": self.because,
            "settle": self.settle,
            "figures": [
                {"label": one.label, "value": one.value, "interval": one.interval, "n": one.n} for one in self.figures
            ],
            "block": self.block,
        }


def percent_figure(label: str, interval: Estimate, *, signed: bool = False) -> Figure:
    """Return a share, or with a sign a difference of shares, as it reads."""
    value = f"{decimals(100 * interval.estimate, 1, signed=True)} points" if signed else share(interval.estimate)
    return Figure(label, value, interval.range_text(percent=True, signed=signed), interval.n_text())


def what_settles(verdict: Verdict, findings: Findings, pairs: int | None) -> str | None:
    """Say what would settle a statement that is not shown; the number of pairs is an order of magnitude."""
    if verdict != "not shown":
        return None
    if pairs is None:
        return "More pairs of people would narrow the intervals: `--pairs all`."
    subjects = len(findings.captures)
    possible = subjects * (subjects - 1) // 2
    short = f" These {subjects} subjects form only {possible:,}." if pairs > possible else ""
    return (
        f"If the difference seen is the true one, about {pairs:,} pairs of people would settle it (80 % power).{short}"
    )


def points(interval: Estimate) -> str:
    """Return a difference of shares in points, without its sign."""
    return f"{decimals(100 * interval.estimate, 1)} points"
