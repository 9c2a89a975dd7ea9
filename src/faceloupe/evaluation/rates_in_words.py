"""Rates and intervals as an evaluation's pages write them."""

from faceloupe.evaluation.failures import FailureRate
from faceloupe.scores.confidence import Interval
from faceloupe.scores.points import one_in

LEAST = 1e-9


def percent(rate: float) -> str:
    """Return a rate with two decimals.

    >>> percent(0.99299)
    '99.30 %'
    """
    return f"{100 * rate:.2f} %"


def between(interval: Interval) -> str:
    """Return the limits of an interval in per cent.

    >>> between(Interval(0.1, 0.25, 0.95, 100, ""))
    '[10.00, 25.00]'
    """
    return f"[{100 * interval.low:.2f}, {100 * interval.high:.2f}]"


def rate_between(rate: float | None, interval: Interval | None) -> str:
    """Return a rate with its interval in per cent; a dash where it is not known."""
    return "–" if rate is None or interval is None else f"{percent(rate)} {between(interval)}"


def failures_words(rate: FailureRate) -> str:
    """Return the number that failed, of all, and their share with its interval."""
    return f"{rate.n_failed:,} of {rate.n:,}, {rate_between(rate.rate, rate.interval)}"


def unbroken(rate: float) -> str:
    """Return a rate as people say it, "1 in 1,000", on one line; "0" for what is below one in a thousand million."""
    return one_in(rate if rate >= LEAST else 0.0).replace(" ", "\N{NO-BREAK SPACE}")


def rate_in(rate: float, interval: Interval) -> str:
    """Return a rate with its interval as people say false matches: "1 in 1,000 [1 in 2,000, 1 in 500]"."""
    return f"{unbroken(rate)} [{unbroken(interval.least)}, {unbroken(interval.high)}]"
