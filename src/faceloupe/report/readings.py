"""A chart in words and as a table, made from its numbers: for those who do not see it, or want to check it."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from faceloupe.report.markup import plain
from faceloupe.report.scales import axis_label, format_interval, format_number
from faceloupe.report.series import Row, Series, dot_rows, finite, interval_rows, read_series

Chart = Mapping[str, Any]


def describe(chart: Chart) -> str:
    """Return a chart as a few sentences, one for each series or category."""
    words, _ = READERS[chart["mark"]]
    return words(chart)


def tabulate(chart: Chart) -> dict[str, Any]:
    """Return a chart's numbers as a table block; a dots chart counts how many dots share a value."""
    _, table = READERS[chart["mark"]]
    columns, rows = table(chart)
    return {
        "type": "table",
        "id": f"{chart['id']}-numbers",
        "caption": f"The numbers behind “{plain(chart['title'])}”",
        "columns": [{"label": name, "align": "right" if index else "left"} for index, name in enumerate(columns)],
        "rows": rows,
    }


def _line_words(chart: Chart) -> str:
    axes = f"Line chart of {_lower(chart['y']['label'])} by {_lower(chart['x']['label'])}."
    return " ".join([axes, *(_curve_words(curve, chart["x"], chart["y"]) for curve in read_series(chart))])


def _curve_words(series: Series, x: Mapping[str, Any], y: Mapping[str, Any]) -> str:
    points = [(value, at) for at, value in zip(series.x, series.y, strict=True) if not math.isnan(at + value)]
    if not points:
        return f"{series.name}: no values."

    def say(point: tuple[float, float]) -> str:
        return f"{format_number(point[0], y.get('unit'))} at {format_number(point[1], x.get('unit'))}"

    if len(points) == 1:
        return f"{series.name}: {say(points[0])}."
    ends = f"from {say(points[0])} to {say(points[-1])}"
    return f"{series.name}: {ends}; lowest {say(min(points))}, highest {say(max(points))}."


def _line_table(chart: Chart) -> tuple[list[str], list[list[str]]]:
    series, unit = read_series(chart), chart["y"].get("unit")
    points = [
        {x: (y, lo, hi) for x, y, lo, hi in zip(curve.x, curve.y, curve.lo, curve.hi, strict=True)} for curve in series
    ]
    xs = sorted({x for places in points for x in places if not math.isnan(x)})
    rows = [
        [
            format_number(x, chart["x"].get("unit")),
            *(format_interval(*places[x], unit) if x in places else "–" for places in points),
        ]
        for x in xs
    ]
    return [axis_label(plain(chart["x"]["label"]), chart["x"].get("unit")), *(curve.name for curve in series)], rows


def _point_words(chart: Chart) -> str:
    axes = f"Scatter plot of {_lower(chart['y']['label'])} by {_lower(chart['x']['label'])}."
    return " ".join([axes, *(_cloud_words(cloud, chart["x"], chart["y"]) for cloud in read_series(chart))])


def _cloud_words(series: Series, x: Mapping[str, Any], y: Mapping[str, Any]) -> str:
    spans = (
        f"{_lower(axis['label'])} from {format_number(min(values), axis.get('unit'))} to "
        f"{format_number(max(values), axis.get('unit'))}"
        for axis, values in ((x, finite(series.x)), (y, finite(series.y)))
        if values
    )
    return f"{series.name}: {len(series.x)} points: {', '.join(spans)}."


def _point_table(chart: Chart) -> tuple[list[str], list[list[str]]]:
    x, y = chart["x"], chart["y"]
    rows = [
        [cloud.name, format_number(at, x.get("unit")), format_number(value, y.get("unit"))]
        for cloud in read_series(chart)
        for at, value in zip(cloud.x, cloud.y, strict=True)
    ]
    return ["of", *(axis_label(plain(axis["label"]), axis.get("unit")) for axis in (x, y))], rows


def _dot_words(chart: Chart) -> str:
    unit = chart["y"].get("unit")
    return " ".join(
        [f"Dot plot of {_lower(chart['y']['label'])}.", *(_pile_words(row, unit) for row in dot_rows(chart))]
    )


def _pile_words(row: Row, unit: str | None) -> str:
    if not row.values:
        return f"{row.label}: no values."
    value, times = Counter(row.values).most_common(1)[0]
    mean = f", mean {format_interval(row.mean, row.lo, row.hi, unit)}" if finite([row.mean]) else ""
    return (
        f"{row.label}: {len(row.values)} values from {format_number(min(row.values), unit)} "
        f"to {format_number(max(row.values), unit)}{mean}; "
        f"the most frequent is {format_number(value, unit)} ({times} of {len(row.values)})."
    )


def _dot_table(chart: Chart) -> tuple[list[str], list[list[str]]]:
    rows, unit = dot_rows(chart), chart["y"].get("unit")
    counts = [Counter(format_number(value, unit) for value in row.values) for row in rows]
    values = sorted({value for row in rows for value in row.values})
    means = [["mean", *(format_interval(row.mean, row.lo, row.hi, unit) for row in rows)]]
    body = [
        [name, *(str(count[name]) for count in counts)]
        for name in dict.fromkeys(format_number(v, unit) for v in values)
    ]
    head = axis_label(plain(chart["y"]["label"]), unit) or "value"
    return [head, *(f"{row.label}: how many" for row in rows)], (means if chart.get("summary") else []) + body


def _interval_words(chart: Chart) -> str:
    unit = chart["x"].get("unit")
    rows = [
        f"{label}, {series.name}: {format_interval(value, low, high, unit)}."
        for label, marks in interval_rows(chart)
        for series, value, low, high in marks
    ]
    return " ".join([f"Estimates with intervals of {_lower(chart['x']['label'])}.", *rows])


def _interval_table(chart: Chart) -> tuple[list[str], list[list[str]]]:
    series, unit = read_series(chart), chart["x"].get("unit")
    rows = []
    for label, marks in interval_rows(chart):
        held = {group.name: format_interval(value, low, high, unit) for group, value, low, high in marks}
        rows.append([label, *(held.get(group.name, "–") for group in series)])
    return [plain(chart["y"]["label"]) or "row", *(group.name for group in series)], rows


def _lower(label: str) -> str:
    words = plain(label)
    return words[:1].lower() + words[1:] if words else "values"


READERS: dict[str, tuple[Callable[[Chart], str], Callable[[Chart], tuple[list[str], list[list[str]]]]]] = {
    "line": (_line_words, _line_table),
    "points": (_point_words, _point_table),
    "dots": (_dot_words, _dot_table),
    "interval": (_interval_words, _interval_table),
}
