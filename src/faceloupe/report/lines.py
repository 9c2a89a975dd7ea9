"""Curves with bands, their names written at their ends."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from faceloupe.report.markup import element, plain
from faceloupe.report.scales import Scale, axis_label, domain_of, format_number, log_domain, log_ticks, nice_ticks
from faceloupe.report.series import Series, drawable, finite, is_log
from faceloupe.report.svg import LINE, legend, line, marker, path, spread, text, text_width, wrap

MARKERS = 9  # at most so many on a curve
TICKS = 11  # at most so many where every x has its own
BOTTOM = 44.0  # room for tick labels and the label of the x axis
LABELS = 215.0  # the names' column is no wider

Point = tuple[float, float, float, float]  # x, y, lo, hi


@dataclass(frozen=True, slots=True)
class End:
    """The name beside the right end of a curve or, without a style, of a reference line."""

    words: str
    value: float
    style: str | None = None


def draw_lines(chart: Mapping[str, Any], width: float, *, narrow: bool) -> tuple[str, float]:
    """Return the content of the ``<svg>`` of a "line" or "points" chart, `width` pixels wide, and its height.

    Where it is `narrow`, names stand in a key above the plot instead of beside it; several series of points always have
    a key.
    """
    series, joined = drawable(chart), chart["mark"] == "line"
    named = narrow if joined else len(series) > 1
    key, top = legend(series, width, 0) if named else ("", 0.0)
    top += 28 if chart["y"]["label"] else 10
    height = top + 210 + BOTTOM
    (x_low, x_high), (y_low, y_high) = line_domains(chart, series)
    y_ticks = log_ticks(y_low, y_high) if is_log(chart["y"]) else nice_ticks(y_low, y_high, 5)
    y_names = [format_number(tick, chart["y"].get("unit")) for tick in y_ticks]
    left = max(text_width(name) for name in y_names) + 8
    ends: list[End] = []
    if joined and not narrow:
        ends += [End(curve.name, finite(curve.y)[-1], curve.style) for curve in series if finite(curve.y)]
        ends += [End(plain(mark["label"]), mark["y"]) for mark in chart.get("reference") or [] if "y" in mark]
    names = 8.0 if not ends else min(LABELS, max((text_width(end.words) for end in ends), default=0)) + 24
    x = Scale(x_low, x_high, left + 8, width - names - 6, is_log(chart["x"]))
    y = Scale(y_low, y_high, height - BOTTOM, top, is_log(chart["y"]))
    content = (
        key
        + text(0, top - 16, axis_label(plain(chart["y"]["label"]), chart["y"].get("unit")), "axis-label")
        + "".join(
            line(left, y(tick), width - names, y(tick), "grid") + text(left - 8, y(tick) + 4, name, "tick", "end")
            for tick, name in zip(y_ticks, y_names, strict=True)
        )
        + _x_axis(chart["x"], series, x, (left, width - names), height - BOTTOM)
        + "".join((_curve if joined else _cloud)(curve, x, y) for curve in series)
        + _references(chart.get("reference") or [], x, y, left, named=not ends)
        + _names(ends, x, y)
    )
    return content, height


def line_domains(chart: Mapping[str, Any], series: Sequence[Series]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the values that the axes span: (x low, x high), (y low, y high); nothing drawn lies outside."""
    references = chart.get("reference") or []
    ys = [value for curve in series for column in (curve.y, curve.lo, curve.hi) for value in column]
    ys += [mark["y"] for mark in references if "y" in mark]
    wanted = chart["y"].get("range") or []
    xs = [value for curve in series for value in curve.x]
    return (
        log_domain(xs) if is_log(chart["x"]) else domain_of(xs),
        log_domain([*ys, *wanted]) if is_log(chart["y"]) else domain_of([*ys, *wanted], round_to=None if wanted else 5),
    )


def _x_axis(axis: Mapping[str, Any], series: Sequence[Series], x: Scale, span: tuple[float, float], base: float) -> str:
    left, right = span
    ticks = axis.get("ticks") or _x_ticks({value for curve in series for value in finite(curve.x)}, x)
    marks = "".join(
        line(x(tick), base, x(tick), base + 5, "axis")
        + text(x(tick), base + 19, format_number(tick, axis.get("unit")), "tick", "middle")
        for tick in ticks
    )
    label = axis_label(plain(axis["label"]), axis.get("unit"))
    name = text((left + right) / 2, base + 40, label, "axis-label", "middle")
    return line(left, base, right, base, "axis") + marks + name


def _x_ticks(values: set[float], x: Scale) -> list[float]:
    """Return the values themselves where they are few and leave room for their labels, else round numbers."""
    if x.log:
        return log_ticks(x.low, x.high)
    held = sorted(values)
    room = min((x(after) - x(before) for before, after in pairwise(held)), default=0)
    if len(held) <= TICKS and room > 8 + max((text_width(format_number(value)) for value in held), default=0):
        return held
    whole = all(value.is_integer() for value in held)
    return nice_ticks(x.low, x.high, max(2, int((x.stop - x.start) / 75)), whole=whole)


def _references(references: Sequence[Mapping[str, Any]], x: Scale, y: Scale, left: float, *, named: bool) -> str:
    """Return reference lines; those across are named here only where no column of names stands beside the plot."""
    parts = []
    for mark in references:
        words = plain(mark["label"])
        if "y" in mark:
            at = y(mark["y"])
            parts.append(line(left, at, x.stop + 6, at, "reference"))
            parts.append(text(left + 8, at + 14, words, "reference-label") if named else "")
        else:
            at = x(mark["x"])
            parts.append(line(at, y.start, at, y.stop, "reference"))
            parts.append(text(at + 5, y.stop + 12, words, "reference-label"))
    return "".join(parts)


def _curve(series: Series, x: Scale, y: Scale) -> str:
    points = list(zip(series.x, series.y, series.lo, series.hi, strict=True))
    runs = [list(run) for drawn, run in groupby(points, lambda point: not math.isnan(point[0] + point[1])) if drawn]
    content = "".join(_band([point for point in run if not math.isnan(point[2] + point[3])], x, y) for run in runs)
    content += "".join(
        path([(x(at), y(value)) for at, value, *_ in run], "curve", dash=series.dash) for run in runs if len(run) > 1
    )
    drawn = [(x(at), y(value)) for run in runs for at, value, *_ in run]
    alone = any(len(run) == 1 for run in runs)  # without its marker such a point would not be seen
    every = 1 if alone else max(1, math.ceil(len(drawn) / MARKERS))
    return element("g", content + marker(series, drawn[::every]), class_=series.style)


def _cloud(series: Series, x: Scale, y: Scale) -> str:
    drawn = [(x(at), y(value)) for at, value in zip(series.x, series.y, strict=True) if not math.isnan(at + value)]
    return element("g", marker(series, drawn), class_=series.style)


def _band(points: Sequence[Point], x: Scale, y: Scale) -> str:
    if len(points) == 1:
        at, _, low, high = points[0]
        return line(x(at), y(low), x(at), y(high), "whisker")
    there = [(x(at), y(high)) for at, _, _, high in points]
    back = [(x(at), y(low)) for at, _, low, _ in reversed(points)]
    return path(there + back, "band", closed=True) if points else ""


def _names(ends: Sequence[End], x: Scale, y: Scale) -> str:
    """Return the names of curves and reference lines beside their ends, moved apart where they would overlap."""
    lines = [wrap(end.words, LABELS) for end in ends]
    heights = [LINE * len(rows) + 2 for rows in lines]
    wanted = [y(end.value) - height / 2 for end, height in zip(ends, heights, strict=True)]
    parts = []
    tops = spread(wanted, heights, y.stop - 14, y.start + 8)
    for end, rows, height, top in zip(ends, lines, heights, tops, strict=True):
        moved = abs(top + height / 2 - y(end.value)) > 5
        lead = path([(x.stop + 8, y(end.value)), (x.stop + 16, top + height / 2)], "lead") if moved else ""
        class_ = "name" if end.style else "reference-label"
        words = "".join(text(x.stop + 20, top + 12 + LINE * index, row, class_) for index, row in enumerate(rows))
        parts.append(element("g", lead + words, class_=end.style))
    return "".join(parts)
