"""The series of a chart as numbers, and the look that tells them apart without colour alone."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from faceloupe.errors import InputError
from faceloupe.report.markup import plain

DASHES = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Style:
    """A style: colour on paper (``style.css`` adds that for the dark), marker, whether it is second."""

    colour: str
    marker: str
    alternative: bool = False


STYLES = {
    "orange": Style("#b45309", "circle"),
    "orange-alt": Style("#99590b", "circle", alternative=True),
    "blue": Style("#1d4ed8", "square"),
    "blue-alt": Style("#0f73a8", "square", alternative=True),
    "grey": Style("#57534e", "diamond"),
    "grey-alt": Style("#7e3fb0", "triangle", alternative=True),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One series; missing numbers are NaN, and ``lo``, ``hi`` are NaN where there is no interval."""

    name: str
    style: str
    x: tuple[Any, ...]
    y: tuple[Any, ...]
    lo: tuple[float, ...]
    hi: tuple[float, ...]
    dash: str

    @property
    def look(self) -> Style:
        """The style by its name."""
        return STYLES[self.style]


@dataclass(frozen=True, slots=True)
class Row:
    """A category of a dots chart: its values, and their mean with an interval (NaN where not given)."""

    label: str
    series: Series
    values: tuple[float, ...]
    mean: float = math.nan
    lo: float = math.nan
    hi: float = math.nan


def finite(values: Sequence[float]) -> list[float]:
    """Return the values that are numbers."""
    return [value for value in values if math.isfinite(value)]


def read_series(chart: Mapping[str, Any]) -> list[Series]:
    """Return the series of a chart; raise InputError if a style is none of the six."""
    seen: Counter[str] = Counter()
    return [_series(chart["id"], entry, seen) for entry in chart["series"]]


def is_log(axis: Mapping[str, Any]) -> bool:
    """Return whether an axis is logarithmic: ``"scale": "log"``, values above 0."""
    return axis.get("scale") == "log"


def drawable(chart: Mapping[str, Any]) -> list[Series]:
    """Return the series of a line chart as they can be drawn: on a logarithmic axis nothing is at 0 or below.

    A point there is missing; a limit there lies at the lowest value that is drawn.
    """
    series = read_series(chart)
    if is_log(chart["x"]):
        series = [replace(curve, x=_positive(curve.x, math.nan)) for curve in series]
    if is_log(chart["y"]):
        shown = [value for curve in series for column in (curve.y, curve.lo, curve.hi) for value in column if value > 0]
        lowest = min(shown, default=1.0)
        for place, curve in enumerate(series):
            lo, hi = _positive(curve.lo, lowest), _positive(curve.hi, lowest)
            series[place] = replace(curve, y=_positive(curve.y, math.nan), lo=lo, hi=hi)
    return series


def dot_rows(chart: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a dots chart, one for each category and series, in the order they appear."""
    series = read_series(chart)
    sharing = Counter(category for group in series for category in dict.fromkeys(group.x))
    summaries: dict[str, list[Mapping[str, Any]]] = {}
    for summary in chart.get("summary") or []:
        summaries.setdefault(summary["x"], []).append(summary)
    rows = []
    for category in dict.fromkeys(category for group in series for category in group.x):
        for group in (group for group in series if category in group.x):
            values = tuple(y for x, y in zip(group.x, group.y, strict=True) if x == category and math.isfinite(y))
            label = plain(category if sharing[category] == 1 else f"{category}, {group.name}")
            matching = summaries.get(category) or [{}]
            summary = matching.pop(0) if len(matching) > 1 else matching[0]
            rows.append(Row(label, group, values, *(_number(summary.get(key)) for key in ("mean", "lo", "hi"))))
    return rows


def interval_rows(chart: Mapping[str, Any]) -> list[tuple[str, list[tuple[Series, float, float, float]]]]:
    """Return for each category of an interval chart the (series, estimate, low, high) that it holds."""
    series = read_series(chart)
    categories = chart["y"].get("categories") or list(dict.fromkeys(name for group in series for name in group.y))
    rows = []
    for category in categories:
        marks = [
            (group, x, low, high)
            for group in series
            for name, x, low, high in zip(group.y, group.x, group.lo, group.hi, strict=True)
            if name == category and math.isfinite(x)
        ]
        rows.append((plain(category), marks))
    return rows


def stack_dots(values: Sequence[float], step: float, columns: int) -> list[tuple[float, float, int]]:
    """Return a place for each dot: bin centre, offset within the bin in dots, level of the pile from 0.

    The bins are ``step`` wide and centred on its multiples, so that a pile of equal values stands on its value
    (a dot plot, after Wilkinson, The American Statistician 53, 1999).
    """
    bins = Counter(round(value / step) for value in values)
    return [
        (index * step, dot % columns - (min(columns, count) - 1) / 2, dot // columns)
        for index, count in sorted(bins.items())
        for dot in range(count)
    ]


def _series(chart: str, series: Mapping[str, Any], seen: Counter[str]) -> Series:
    style = series["style"]
    if style not in STYLES:
        raise InputError(f"Chart {chart!r}: style {style!r} is not known; use one of {', '.join(STYLES)}.")
    dash = DASHES[(int(STYLES[style].alternative) + 2 * seen[style]) % len(DASHES)]
    seen[style] += 1
    nothing = [None] * len(series["x"])
    return Series(
        name=plain(series["name"]),
        style=style,
        x=_column(series["x"]),
        y=_column(series["y"]),
        lo=_column(series.get("lo") or nothing),
        hi=_column(series.get("hi") or nothing),
        dash=dash,
    )


def _column(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(value if isinstance(value, str) else _number(value) for value in values)


def _positive(values: Sequence[float], instead: float) -> tuple[float, ...]:
    return tuple(instead if value <= 0 else value for value in values)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
