"""Photographs and people that a recogniser can do nothing with, apart from the comparisons it gets wrong.

ISO/IEC 19795-1:2021: a *failure to acquire* is a capture in which no face of sufficient quality was found and made into
a template; a *failure to enrol* is a person of whom no capture was.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.recognition.photographs import PhotoProblem
from faceloupe.scores.confidence import Interval
from faceloupe.scores.intervals import error_interval, wilson

Labels = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure to acquire: a photograph that gave no template, of any embedder, and why."""

    photograph: str
    reason: str


@dataclass(frozen=True, slots=True)
class FailureRate:
    """The number of captures or people that failed, with the 95 % interval of their share."""

    n_failed: int
    n: int
    interval: Interval

    @property
    def rate(self) -> float:
        """The share that failed."""
        return self.n_failed / self.n


@dataclass(frozen=True, slots=True)
class FailureRates:
    """Failures of one recogniser among the captures measured.

    Attributes
    ----------
    acquire : FailureRate
        Captures without a template; the interval counts those of one person as fewer.
    enrol : FailureRate
        People without any capture that gave a template.
    kinds : dict of str to int
        Why captures gave none: "unreadable", "no face", "several faces", "no template".
    """

    acquire: FailureRate
    enrol: FailureRate
    kinds: dict[str, int]

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        rates = {"acquire": self.acquire, "enrol": self.enrol}
        return {**{name: {**asdict(rate), "rate": rate.rate} for name, rate in rates.items()}, "kinds": self.kinds}


def failure_rates(
    failed: NDArray[np.bool_], subjects: Labels, captures: Labels, problems: Sequence[PhotoProblem | None]
) -> FailureRates:
    """Count failures to acquire and to enrol.

    Parameters
    ----------
    failed : array of bool, (N,)
        True for photographs that gave no template by this recogniser.
    subjects : array of intp, (N,)
        Subject of each.
    captures : array of intp, (K,)
        Those measured.
    problems : sequence of PhotoProblem or None, (N,)
        Why a photograph gave no template of any recogniser.
    """
    is_failed, people = failed[captures], subjects[captures]
    names = np.unique(people)
    n_not_enrolled = len(names) - len(np.unique(people[~is_failed]))
    kinds = Counter(problem.kind if (problem := problems[place]) else "no template" for place in captures[is_failed])
    return FailureRates(
        FailureRate(
            int(is_failed.sum()), len(captures), error_interval(is_failed, is_failed.astype(np.float64), people)
        ),
        FailureRate(n_not_enrolled, len(names), wilson(n_not_enrolled, len(names))),
        dict(sorted(kinds.items())),
    )
