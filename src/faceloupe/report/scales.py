"""Numbers to pixels and to words: scales, ticks and how a number reads."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale", "axis_label", "domain_of", "format_interval", "format_number", "nice_step", "nice_ticks"]

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
WHOLE = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values ``low..high`` to pixels ``start..stop``."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)


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


def format_number(value: float | None, unit: str | None = None) -> str:
    r"""Return a number as it reads: four figures at most, shares in per cent, a true minus sign.

    >>> format_number(0.9375, "%"), format_number(-0.5), format_number(834884), format_number(None)
    ('93.8\xa0%', '−0.5', '834,884', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "%":
        text = f"{100 * value:.1f}".removesuffix(".0")
        return f"{_minus(text)}\N{NO-BREAK SPACE}%"
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
    """Return an axis label with its unit; per cent is said by the ticks.

    >>> axis_label("Shift", "pixels"), axis_label("Accuracy", "%"), axis_label("", None)
    ('Shift (pixels)', 'Accuracy', '')
    """
    return f"{label} ({unit})" if unit and unit != "%" and label else label


def _minus(text: str) -> str:
    return "0" if text == "-0" else text.replace("-", "\N{MINUS SIGN}")
