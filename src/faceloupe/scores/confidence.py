"""The range in which a rate lies, with the confidence of saying so."""

from dataclasses import dataclass

CONFIDENCE = 0.95
"""The confidence of an interval unless another is asked for."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The range of a rate.

    Attributes
    ----------
    low, high : float
        In [0, 1].
    confidence : float
        Between 0 and 1.
    n_effective : float
        Number of independent comparisons that the comparisons are worth.
    method : str
        Method that gave the range, in words.
    """

    low: float
    high: float
    confidence: float
    n_effective: float
    method: str

    @property
    def least(self) -> float:
        """The lower limit; 0 where it is below one in a hundred times as many comparisons, which show no such rate."""
        return self.low if 100 * self.low * self.n_effective >= 1 else 0.0

    def __contains__(self, rate: float) -> bool:
        return self.low <= rate <= self.high
