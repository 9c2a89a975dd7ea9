"""The tutorial's questions and statements, each an executable check that yields verdicts with their figures.

A verdict says on which side of a limit, the same for every study, a quantity lies: *supported* or *contradicted* when
its whole interval lies on one side, *not shown* when it does not, with the command that would settle it. Each verdict
is of the networks and the preprocessing that it names. All are judged at once, so each interval is wider than 95 %:
together, all of them hold what they say in 95 % of studies (Bonferroni).
"""

import shlex
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faceloupe.numerals import decimals
from faceloupe.studies.findings import Findings, as_document
from faceloupe.studies.labels import share
from faceloupe.studies.statistics import Estimate, mean_over_pairs, sample_size_for_difference, share_over_pairs

Verdict = Literal["supported", "not shown", "contradicted"]
Manner = Literal["asks", "says", "shows"]

SIZES = (12, 16, 24, 36, 48, 72, 100, 150, 200, 300, 500, 780)  # pairs that are tried
JUDGED = 22
"""Verdicts of a study that rest on an interval, all judged at once."""
CONFIDENCE = 1 - 0.05 / JUDGED
"""Of each of their intervals, so that together they hold in 95 % of studies."""
MIN_PAIRS = 12
"""Below so many independent pairs there is no verdict: too few to see how pairs differ."""
MUCH, LITTLE, OFTEN = 0.10, 0.05, 1 / 3
"""Ten points of accuracy are much; less than five are no difference to speak of; often is in a third of fits."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number beside a verdict, as it reads: label, value, interval and n."""

    label: str
    value: str
    interval: str | None = None
    n: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict.

    Attributes
    ----------
    of : str
        The networks and the preprocessing that it is of; empty where the statement leaves no choice.
    verdict : {"supported", "not shown", "contradicted"}
    quantity : str
        Quantity measured, with its value; empty for what was counted.
    rule : str
        Rule that sets the limit.
    estimate : Estimate or None
        The quantity with the interval that was judged; None for what was counted.
    settle : str
        Command that would settle it, if it is not shown.
    """

    of: str
    verdict: Verdict
    quantity: str = ""
    rule: str = ""
    estimate: Estimate | None = None
    settle: str = ""

    def to_document(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {
            "of": self.of,
            "verdict": self.verdict,
            "quantity": self.quantity,
            "rule": self.rule,
            "interval": self.estimate and as_document(self.estimate),
            "settle": self.settle,
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that the tutorial asks, says or shows, in our words, and what became of it.

    Attributes
    ----------
    id, claim : str
    manner : {"asks", "says", "shows"}
    judged : tuple of Judgement
        One for each half of the claim, network and preprocessing that it is of.
    because : str
        The verdicts in words made from the figures.
    figures : tuple of Figure
    block : dict or None
        A chart for the page.
    """

    id: str
    manner: Manner
    claim: str
    judged: tuple[Judgement, ...]
    because: str
    figures: tuple[Figure, ...] = ()
    block: dict[str, Any] | None = field(default=None, repr=False)

    def to_document(self) -> dict[str, Any]:
        """Return the statement as a block of the page."""
        return {
            "type": "statement",
            "id": self.id,
            "manner": self.manner,
            "claim": self.claim,
            "judged": [judgement.to_document() for judgement in self.judged],
            "because": self.because,
            "figures": [
                {"label": figure.label, "value": figure.value, "interval": figure.interval, "n": figure.n}
                for figure in self.figures
            ],
            "block": self.block,
        }


def judge(
    findings: Findings, of: str, quantity: str, grid: NDArray[Any], limit: float, *, above: bool = True
) -> Judgement:
    """Judge whether the mean of a grid (pairs, seeds) of differences lies above a limit, or below it."""
    estimate = mean_over_pairs(grid, confidence=CONFIDENCE)
    size = sample_size_for_difference(grid - limit, confidence=CONFIDENCE) if estimate.n > 1 else MIN_PAIRS
    return _judged(findings, of, quantity, estimate, limit, above, size)


def judge_share(
    findings: Findings, of: str, quantity: str, grid: NDArray[Any], limit: float, *, above: bool = True
) -> Judgement:
    """Judge whether a share of fits, or an accuracy, lies above a limit, or below it."""
    estimate = share_over_pairs(grid, confidence=CONFIDENCE)
    alike = (grid == grid[0, 0]).all()  # then there is no spread to go by, and the pairs alone count
    size = (
        next((n for n in SIZES if _excludes(grid[0, 0], n, limit)), None)
        if alike
        else (sample_size_for_difference(grid - limit, confidence=CONFIDENCE) if estimate.n > 1 else MIN_PAIRS)
    )
    return _judged(findings, of, quantity, estimate, limit, above, size, signed=False)


def _excludes(share: float, pairs: int, limit: float) -> bool:
    """Return whether as many pairs that are all alike would exclude a limit."""
    interval = share_over_pairs(np.full((pairs, 1), share), confidence=CONFIDENCE)
    return interval.low > limit or interval.high < limit


def ahead(gap: Estimate) -> str:
    """Return the network that recognises more held-out captures, by an interval of CNN minus FCNN."""
    if gap.low > -LITTLE and gap.high < LITTLE:
        return f"the two are within {100 * LITTLE:.0f} points of each other"
    if gap.low <= 0 <= gap.high:
        return "it is open which of the two recognises more"
    return f"the {'CNN' if gap.low > 0 else 'FCNN'} recognises more"


def counted_fact(true: bool, of: str = "") -> Judgement:
    """Return the verdict on what is counted in the live networks, not measured."""
    return Judgement(of, "supported" if true else "contradicted")


def no_witness(judgement: Judgement, accuracy: Estimate) -> Judgement:
    """Return the verdict of a network that has not learned the task and so says nothing of how it does it."""
    reason = f"This network recognises only {share(accuracy.estimate)} of held-out captures here: it is no witness."
    return Judgement(judgement.of, "not shown", judgement.quantity, judgement.rule, judgement.estimate, reason)


def _judged(
    findings: Findings, of: str, quantity: str, estimate: Estimate, limit: float, above: bool, size: int | None,
    *, signed: bool = True,
) -> Judgement:  # fmt: skip
    over, under = estimate.low > limit, estimate.high < limit
    enough = estimate.n >= MIN_PAIRS
    verdict: Verdict = "not shown"
    if enough and (over or under):
        verdict = "supported" if over is above else "contradicted"
    value = estimate.text(percent=True, signed=signed).rpartition(", n = ")[0]
    limit_text = f"{100 * limit:.0f} {'points' if signed else '%'}"
    return Judgement(
        of,
        verdict,
        f"{quantity}: {value}",
        f"supported {'above' if above else 'below'} {limit_text}, {estimate.n_text()}",
        estimate,
        "" if verdict != "not shown" else _settle(findings, size, estimate.n),
    )


def _settle(findings: Findings, size: int | None, n: int) -> str:
    """Return the command that would settle a verdict, by the effect seen, which is an order of magnitude."""
    subjects = len(findings.captures)
    possible = subjects * (subjects - 1) // 2
    if size is None:
        return "What was measured lies on the limit: no number of pairs that was tried would settle it."
    wanted = max(MIN_PAIRS, size, n + 1)
    few = f"Not shown at this sample size: {n} of at least {MIN_PAIRS} pairs. " if n < MIN_PAIRS else ""
    seen = f"If what was measured is the truth, about {wanted:,} pairs would settle it (80 % power)"
    if wanted > possible:
        return f"{few}{seen}; these {subjects} subjects form only {possible:,}."
    return f"{few}{seen}: `{_larger(findings.command, wanted)}`"


def _larger(command: str, pairs: int) -> str:
    """Return the command of a study of more pairs, in a folder of its own."""
    words = shlex.split(command) if command.startswith("faceloupe study") else ["faceloupe", "study"]
    rest: list[str] = []
    drop = False
    for word in words:
        if drop:
            drop = False
        elif word in ("--pairs", "--out"):
            drop = True
        elif word not in ("--resume", "--json") and not word.startswith(("--pairs=", "--out=")):
            rest.append(word)
    return shlex.join([*rest, "--pairs", str(pairs), "--out", f"study-{pairs}"])


def percent_figure(label: str, interval: Estimate, *, signed: bool = False) -> Figure:
    """Return a share, or with a sign a difference of shares, as it reads."""
    value = f"{decimals(100 * interval.estimate, 1, signed=True)} points" if signed else share(interval.estimate)
    return Figure(label, value, interval.range_text(percent=True, signed=signed), interval.n_text())
