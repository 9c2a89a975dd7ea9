"""Numbers to pixels and to words: scales, ticks and how a number reads."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from faceloupe.numerals import with_minus

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
WHOLE = (1.0, 2.0, 5.0, 10.0)
ENOUGH = 3  # powers of ten that make ticks by themselves


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values ``low..high``, or from their logarithms, to pixels ``start..stop``."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def nice_step(low: float, high: float, count: int, nice: tuple[float, ...] = NICE) -> float:
    """Return the smallest of 1, 2, 2.5 and 5 times a power of ten that cuts ``low..high`` into at most ``count`` parts.

    >>> nice_step(0, 1, 5), nice_step(-16, 16, 8)
    (0.2, 5.0)
    """
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in nice if factor * power >= rough * (1 - 1e-9))


def nice_ticks(low: float, high: float, count: int = 5, *, whole: bool = False) -> list[float]:
    """Return round values within ``low..high``, about ``count`` of them; whole numbers only where values are counts.

    >>> nice_ticks(0, 1, 4), nice_ticks(1, 20, 8, whole=True)
    ([0.0, 0.25, 0.5, 0.75, 1.0], [5.0, 10.0, 15.0, 20.0])
    """
    step = max(1.0, nice_step(low, high, count, WHOLE)) if whole else nice_step(low, high, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def domain_of(values: Iterable[float | None], *, round_to: int | None = None) -> tuple[float, float]:
    """Return an interval with positive length that holds every finite value.

    Parameters
    ----------
    values : iterable of float or None
        ``None`` and NaN are passed over; nothing at all gives 0..1.
    round_to : int, optional
        Widen to whole steps of about this many ticks.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        margin = abs(low) / 10 or 0.5
        low, high = low - margin, high + margin
    if round_to is None:
        return low, high
    step = nice_step(low, high, round_to)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def log_domain(values: Iterable[float | None]) -> tuple[float, float]:
    """Return an interval of positive length, its ends 1, 2 or 5 times powers of ten, that holds every positive value.

    >>> log_domain([0.0, 0.003, 0.7]), log_domain([])
    ((0.002, 1.0), (0.1, 1.0))
    """
    positive = [value for value in values if value is not None and value > 0 and math.isfinite(value)]
    low, high = (min(positive), max(positive)) if positive else (0.1, 1.0)
    steps = _log_steps(low / 2, high * 2)
    below = max(step for step in steps if step <= low * (1 + 1e-9))
    above = min(step for step in steps if step >= high * (1 - 1e-9))
    return (below, above) if below < above else (below, next(step for step in steps if step > above))


def log_ticks(low: float, high: float) -> list[float]:
    """Return the powers of ten within ``low..high``, and 2 and 5 times them where there are few.

    >>> log_ticks(1e-4, 0.2), log_ticks(0.05, 0.5)
    ([0.0001, 0.001, 0.01, 0.1], [0.05, 0.1, 0.2, 0.5])
    """
    steps = [step for step in _log_steps(low, high) if low * (1 - 1e-9) <= step <= high * (1 + 1e-9)]
    powers = [step for step in steps if f"{step:e}".startswith("1.0")]
    return powers if len(powers) >= ENOUGH else steps


def _log_steps(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten from below `low` to above `high`."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in (1, 2, 5)]


def format_number(value: float | None, unit: str | None = None) -> str:
    r"""Return a number as it reads: four figures at most, shares in per cent, a true minus sign.

    >>> format_number(0.9375, "%"), format_number(-0.5), format_number(834884), format_number(None)
    ('93.8\xa0%', '−0.5', '834,884', '–')
    >>> format_number(-0.0375, "points")
    '−3.8'
    """
    if value is None or not math.isfinite(value):
        return "–"
    if unit in ("%", "points"):  # shares, and differences of shares
        text = _minus(f"{100 * value:.1f}".removesuffix(".0"))
        return text + "\N{NO-BREAK SPACE}%" * (unit == "%")
    whole = float(value).is_integer() or abs(value) >= 10_000
    return _minus(f"{value:,.0f}" if whole and abs(value) < 1e15 else f"{value:.4g}")


def format_interval(value: float | None, low: float | None, high: float | None, unit: str | None = None) -> str:
    r"""Return an estimate with its interval.

    >>> format_interval(0.5, 0.25, 0.75, "%")
    '50\xa0% [25,\xa075]'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return format_number(value, unit)
    ends = [format_number(end, unit).removesuffix("\N{NO-BREAK SPACE}%") for end in (low, high)]
    return f"{format_number(value, unit)} [{ends[0]},\N{NO-BREAK SPACE}{ends[1]}]"


def axis_label(label: str, unit: str | None) -> str:
    """Return an axis label with its unit; the ticks show per cent.

    >>> axis_label("Shift", "pixels"), axis_label("Accuracy", "%"), axis_label("", None)
    ('Shift (pixels)', 'Accuracy', '')
    """
    return f"{label} ({unit})" if unit and unit != "%" and label else label


def _minus(text: str) -> str:
    return "0" if text == "-0" else with_minus(text)
