"""The evidence that a score gives: the values saved with a threshold and reported with a decision.

LR = P(score | one person) / P(score | two people), written as log10 LR: +2 says that the score is a hundred times as
likely where both photographs show one person. It is not the probability that they do: that takes a prior, which nobody
here knows. No word such as "strong" stands for a ratio: the scales in use differ, and their words are misunderstood
(Mullen, Spence, Moxey & Jamieson 2014, doi:10.1016/j.scijus.2013.10.004). :mod:`faceloupe.scores.likelihood` fits the
ratios and judges them.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from faceloupe.errors import InputError
from faceloupe.scores.sets import Floats, from_plain

Z = 1.959963984540054  # of a 95 % interval
MOST = 300  # a log10 LR, either way, so that the ratio itself is a number


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence that one score gives.

    Attributes
    ----------
    log10_lr : float
    low, high : float
        95 % interval of it: other people to fit the line to would have given another one. It does not say whether a
        straight line is right.
    limited : bool
        Whether the score lies past what the data support, so that the ratio may be further from 0.
    source : str
        Data that the ratio was fitted on.
    prior, posterior : float or None
        The probability of one person before and after the comparison, if somebody stated the first.
    """

    log10_lr: float
    low: float
    high: float
    limited: bool
    source: str
    prior: float | None = None
    posterior: float | None = None

    def words(self) -> str:
        """Return the evidence of the score, in sentences; a probability only where a prior was stated."""
        kind, times = ("one person", self.log10_lr) if self.log10_lr >= 0 else ("two people", -self.log10_lr)
        limit = " or more (the data support no more)" if self.limited else ""
        often = f"{float(f'{10**times:.2g}'):,.6g} times as likely{limit}"
        return (
            f"log10 LR {self.log10_lr:+.2f} (95 % interval {self.low:+.2f} to {self.high:+.2f}): a score like this is "
            f"about {often} where the photographs show {kind}, on photographs like those of {self.source}. "
            f"{self._posterior_words()}"
        )

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        return asdict(self)

    def _posterior_words(self) -> str:
        if self.prior is None or self.posterior is None:
            return "Without a prior this is no probability that they do."
        chance = f"{100 * self.posterior:.4g} %"
        if "100 %" in chance or chance == "0 %":
            chance = f"{self.posterior:.10g}"
        return f"With the stated prior of {self.prior:g} the probability that they show one person is {chance}."


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A straight line from scores to log10 likelihood ratios, with the limits past which data support none.

    Attributes
    ----------
    slope, offset : float
        log10 LR = slope · score + offset.
    low, high : float
        Limits of log10 LR: among as many independent comparisons as there were, one error could have been missed.
    n_mated, n_non_mated : int
        Comparisons that it was fitted to.
    source, embedder, weights_sha256 : str
        Data that it was fitted on, and the embedder that made the templates.
    covariance : tuple of float
        Variance of the slope, covariance with the offset, variance of the offset, comparisons that share people being
        dependent, and wider by Student's t where people were few.
    """

    slope: float
    offset: float
    low: float
    high: float
    n_mated: int
    n_non_mated: int
    source: str
    embedder: str
    weights_sha256: str = ""
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        numbers = (self.slope, self.offset, self.low, self.high, *self.covariance)
        ordered = -MOST <= self.low <= self.high <= MOST
        if not all(map(math.isfinite, numbers)) or not ordered or len(self.covariance) != 3:
            raise InputError(
                f"likelihood ratio: expected finite numbers, low <= high, both between -{MOST} and {MOST}, and 3 "
                f"covariances, got {numbers}"
            )

    def log10(self, scores: ArrayLike) -> Floats:
        """Return log10 LR of scores, within the limits."""
        line: Floats = np.clip(self.slope * np.asarray(scores, dtype=np.float64) + self.offset, self.low, self.high)
        return line

    def evidence(self, score: float, prior: float | None = None) -> Evidence:
        """Return the evidence of a score; a probability only for a prior that somebody states.

        Parameters
        ----------
        score : float
        prior : float, optional
            Probability that the photographs show one person before they are compared, between 0 and 1.

        Raises
        ------
        InputError
            If the prior is not such a number.
        """
        line, value = self.slope * score + self.offset, float(self.log10(score))
        slope_variance, covariance, offset_variance = self.covariance
        variance = score * score * slope_variance + 2 * score * covariance + offset_variance
        margin = Z * math.sqrt(max(0.0, variance))
        low, high = (float(np.clip(line + side, self.low, self.high)) for side in (-margin, margin))
        chance = None if prior is None else posterior(value, prior)
        limited = not self.low < line < self.high
        return Evidence(value, low, high, limited, self.source, prior, chance)

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "LikelihoodRatio":
        """Return what :meth:`to_document` wrote.

        Raises
        ------
        InputError
            If the document is of something else.
        """
        return from_plain(cls, document, "a likelihood ratio", covariance=tuple)


def posterior(log10_lr: float, prior: float) -> float:
    """Return the probability that two photographs show one person, for a prior that somebody states.

    Raises InputError if the prior is not strictly between 0 and 1.

    >>> round(posterior(2.0, 0.01), 3)
    0.503
    """
    if not 0 < prior < 1:
        raise InputError(f"prior: expected a probability between 0 and 1, got {prior}")
    odds = log10_lr + math.log10(prior / (1 - prior))
    return 1 / (1 + 10**-odds) if odds > 0 else 10**odds / (1 + 10**odds)  # neither power is too large
