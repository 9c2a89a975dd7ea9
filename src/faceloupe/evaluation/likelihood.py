"""The quality of likelihood ratios on people whom they were not fitted to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, chart, line, text
from faceloupe.scores.evidence import LikelihoodRatio
from faceloupe.scores.likelihood import cllr, cllr_min, ece
from faceloupe.scores.sets import ScoreSet

PRIORS = np.linspace(-4, 4, 41)  # log10 odds
STEPS = 101  # of a Tippett plot

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodReport:
    """Likelihood ratios, as fitted to some people and as measured on others.

    Attributes
    ----------
    ratio : LikelihoodRatio
    cllr, cllr_min : float
        In bits, of the others: what the ratios cost, and what the scores' separation alone costs.
    scores : ScoreSet
        The others' comparisons.
    """

    ratio: LikelihoodRatio
    cllr: float
    cllr_min: float
    scores: ScoreSet

    def __repr__(self) -> str:
        mated = f"{self.scores.n_mated:,} mated"
        return f"LikelihoodReport(Cllr {self.cllr:.4f}, at best {self.cllr_min:.4f}, {mated})"

    @property
    def mated(self) -> Floats:
        """log10 LR of the others' mated comparisons, (M,)."""
        return self.ratio.log10(self.scores.mated)

    @property
    def non_mated(self) -> Floats:
        """log10 LR of the others' non-mated comparisons, (K,)."""
        return self.ratio.log10(self.scores.non_mated)

    def to_document(self) -> dict[str, Any]:
        """Return the numbers as a plain dictionary that JSON can hold."""
        costs = {"cllr": self.cllr, "cllr_min": self.cllr_min}
        return {"ratio": self.ratio.to_document(), **costs, "misleading": self.misleading()}

    def misleading(self) -> dict[str, float]:
        """Return how often evidence points the wrong way: LR below 1 of mated comparisons, from 1 of non-mated ones."""
        return {"mated": float((self.mated < 0).mean()), "non_mated": float((self.non_mated >= 0).mean())}


def likelihood_report(ratio: LikelihoodRatio, test: ScoreSet) -> LikelihoodReport:
    """Measure likelihood ratios on other comparisons than those they were fitted to."""
    return LikelihoodReport(ratio, cllr(ratio.log10(test.mated), ratio.log10(test.non_mated)), cllr_min(test), test)


def likelihood_section(
    label: str, report: LikelihoodReport, suffix: str = "", others: str = "other people"
) -> Iterator[Block]:
    """Yield the evidence that scores give, with Tippett and ECE plots."""
    ratio, wrong = report.ratio, report.misleading()
    mated, non_mated = report.mated, report.non_mated
    with_sign = f"{'−' if ratio.offset < 0 else '+'} {abs(ratio.offset):.2f}"
    yield text(
        f"**{label}.** log10 LR = {ratio.slope:.2f} × score {with_sign}, never below {ratio.low:.2f} nor "
        f"above {ratio.high:.2f}, for the data support no more; fitted to {ratio.source}. On {others} Cllr is "
        f"**{report.cllr:.4f} bits** (0 is perfect, 1 says nothing; {report.cllr_min:.4f} is the least that these "
        f"scores can have). {100 * wrong['mated']:.2f} % of mated comparisons have an LR below 1, "
        f"{100 * wrong['non_mated']:.2f} % of non-mated ones 1 or more. An LR is no probability: that takes a prior."
    )
    values = np.linspace(min(non_mated.min(), mated.min()) - 0.1, ratio.high + 0.1, STEPS)
    yield chart(
        f"tippett{suffix}",
        "How strong the evidence is",
        f"Tippett plot, {label}: share of comparisons whose log10 LR is at least so high. Mated ones should be at the "
        "right of 0, non-mated ones at its left.",
        "line",
        x={"label": "log10 LR"},
        y={"label": "Share of comparisons", "unit": "%", "range": [0.0, 1.0]},
        series=[
            line(name, style, values, [float((logs >= value).mean()) for value in values])
            for name, style, logs in (("mated", "blue", mated), ("non-mated", "orange", non_mated))
        ],
        reference=[{"x": 0.0, "label": "LR 1"}],
    )
    yield chart(
        f"ece{suffix}",
        "What the evidence leaves unknown",
        f"Empirical cross-entropy, {label}: bits left to learn at a prior, with these ratios and with none (LR 1). "
        "Where a line lies above that without, the ratios mislead.",
        "line",
        x={"label": "Prior, log10 odds of one person"},
        y={"label": "Bits"},
        series=[
            line("these ratios", "blue", PRIORS, [ece(mated, non_mated, prior) for prior in PRIORS]),
            line("without", "grey", PRIORS, [ece([0.0], [0.0], prior) for prior in PRIORS]),
        ],
    )
