"""Charts with a row for each category: piles of dots, and intervals (a forest plot)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from faceloupe.report.markup import element, plain
from faceloupe.report.scales import Scale, axis_label, domain_of, format_interval, format_number, nice_step, nice_ticks
from faceloupe.report.series import Row, Series, dot_rows, finite, interval_rows, read_series, stack_dots
from faceloupe.report.svg import LINE, legend, line, marker, path, place, text, text_width, wrap

BINS = 20  # about so many piles across the axis
# Of a dot with its gap: the largest whose highest pile fits is used.
DIAMETERS = (6.0, 5.0, 4.0, 3.2, 2.8, 2.5, 1.8, 1.2)
PILE = 60.0  # pixels that the highest pile may take
LABELS = 215.0  # the categories' column is no wider
BOTTOM = 44.0
EDGE = 20.0  # from the plot's sides to the ends of its values


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a rows chart: the axis of its values, the plot's sides, and the references in order."""

    axis: Mapping[str, Any]
    x: Scale
    left: float
    right: float
    width: float
    references: Sequence[tuple[float, str]]
    narrow: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One row ready to draw: its label and reading, room above and below its base line, and its marks around y = 0."""

    label: str
    reading: str
    above: float
    below: float
    content: str


def draw_dots(chart: Mapping[str, Any], width: float, *, narrow: bool) -> tuple[str, float]:
    """Return the content of a dots chart's ``<svg>`` and its height: a pile of dots a row, its mean below."""
    rows = dot_rows(chart)
    values = [value for row in rows for value in (*row.values, row.mean, row.lo, row.hi)]
    unit = chart["y"].get("unit")
    readings = [format_interval(row.mean, row.lo, row.hi, unit) if finite([row.mean]) else "" for row in rows]
    low, high = row_domain(chart, chart["y"], values)
    frame = _frame(chart, "y", (low, high), [row.label for row in rows], readings, width, narrow=narrow)
    step = nice_step(low, high, BINS)
    bins = [Counter(round(value / step) for value in row.values) for row in rows]
    # Piles are some bins apart: accuracies on ten captures leave every other bin empty.
    gap = min((after - before for before, after in pairwise(sorted(set().union(*bins)))), default=1)
    room = 0.88 * gap * (frame.x(low + step) - frame.x(low))
    highest = max((max(pile.values()) for pile in bins if pile), default=1)
    fitting = (size for size in DIAMETERS if -(-highest // max(1, int(room / size))) * size <= PILE)
    diameter = next(fitting, DIAMETERS[-1])
    columns = max(1, int(room / diameter))
    bands = [
        _dot_band(row, reading, frame.x, step, columns, diameter) for row, reading in zip(rows, readings, strict=True)
    ]
    return _assemble(frame, bands, "", 0.0)


def draw_intervals(chart: Mapping[str, Any], width: float, *, narrow: bool) -> tuple[str, float]:
    """Return the content of an interval chart's ``<svg>`` and its height: an estimate for each row and series."""
    rows, series = interval_rows(chart), read_series(chart)
    values = [value for _, marks in rows for _, *numbers in marks for value in numbers]
    unit, single = chart["x"].get("unit"), len(series) == 1
    readings = [format_interval(*marks[0][1:], unit) if single and marks else "" for _, marks in rows]
    domain = row_domain(chart, chart["x"], values)
    frame = _frame(chart, "x", domain, [label for label, _ in rows], readings, width, narrow=narrow)
    bands = [
        _interval_band(label, reading, marks, frame.x, len(series))
        for (label, marks), reading in zip(rows, readings, strict=True)
    ]
    return _assemble(frame, bands, *(("", 0.0) if single else legend(series, width, 0)))


def row_domain(chart: Mapping[str, Any], axis: Mapping[str, Any], values: Sequence[float]) -> tuple[float, float]:
    """Return the values that the axis of a rows chart spans: all that is drawn, and the range asked for."""
    references = [mark.get("x", mark.get("y")) for mark in chart.get("reference") or []]
    wanted = axis.get("range") or []
    return domain_of([*values, *references, *wanted], round_to=None if wanted else 5)


def _frame(
    chart: Mapping[str, Any],
    axis: str,
    domain: tuple[float, float],
    labels: Sequence[str],
    readings: Sequence[str],
    width: float,
    *,
    narrow: bool,
) -> Frame:
    label, reading = (max((text_width(words) for words in column), default=0) for column in (labels, readings))
    left, right = (0.0, width) if narrow else (min(LABELS, label) + 14, width - (reading + 12 if reading else 8))
    references = [(float(mark.get("x", mark.get("y"))), plain(mark["label"])) for mark in chart.get("reference") or []]
    return Frame(chart[axis], Scale(*domain, left + EDGE, right - EDGE), left, right, width, sorted(references), narrow)


def _dot_band(row: Row, reading: str, x: Scale, step: float, columns: int, diameter: float) -> Band:
    places = stack_dots(row.values, step, columns)
    # Lines of hardly any length: their round or square caps are the dots, in a few bytes each. A line of none has no
    # direction, and printed into a PDF its square caps are not drawn.
    d = "".join(
        f"M{place(x(centre) + offset * diameter)} {place(-(level + 0.5) * diameter - 2)}h.01"
        for centre, offset, level in places
    )
    caps = "square" if row.series.look.marker == "square" else "round"
    size = diameter * (0.72 if caps == "square" else 0.86)
    content = element("path", d=d, class_="dots", stroke_width=place(size), stroke_linecap=caps) if d else ""
    if finite([row.mean]):
        content += _interval(row.series, x, row.mean, row.lo, row.hi, 11)
    above = max((level for *_, level in places), default=0) * diameter + diameter + 14
    return Band(row.label, reading, max(34.0, above), 26.0, element("g", content, class_=row.series.style))


def _interval_band(
    label: str, reading: str, marks: Sequence[tuple[Series, float, float, float]], x: Scale, series: int
) -> Band:
    shift = 18.0
    content = "".join(
        element("g", _interval(group, x, value, low, high, index * shift), class_=group.style)
        for index, (group, value, low, high) in enumerate(marks)
    )
    return Band(label, reading, 17.0, 17.0 + shift * (series - 1), content)


def _interval(series: Series, x: Scale, value: float, low: float, high: float, y: float) -> str:
    whisker = ""
    if finite([low]) and finite([high]):
        whisker = path([(x(low), y), (x(high), y)], "whisker")
        whisker += "".join(line(x(end), y - 4, x(end), y + 4, "whisker") for end in (low, high))
    return whisker + marker(series, [(x(value), y)], 4.4)


def _assemble(frame: Frame, bands: Sequence[Band], key: str, key_height: float) -> tuple[str, float]:
    """Return key, references, rows and axis from top to bottom, and the height they take."""
    notes, notes_height = _reference_labels(frame, key_height)
    start = y = key_height + notes_height
    rows = []
    for band in bands:
        lines = wrap(band.label, frame.width if frame.narrow else LABELS)
        named = LINE * len(lines)
        y += band.above + named + 6 if frame.narrow else max(band.above, named / 2 + 4)
        rows.append(_row(frame, band, lines, y))
        y += band.below if frame.narrow else max(band.below, named / 2 + 4)
    references = "".join(
        line(frame.x(value), start - 4, frame.x(value), y, "reference") for value, _ in frame.references
    )
    return key + _value_axis(frame, start, y) + references + notes + "".join(rows), y + BOTTOM


def _value_axis(frame: Frame, top: float, base: float) -> str:
    """Return the grid and the axis below the rows."""
    x, unit = frame.x, frame.axis.get("unit")
    ticks = frame.axis.get("ticks") or nice_ticks(x.low, x.high, max(2, int((frame.right - frame.left) / 80)))
    grid = "".join(
        line(x(tick), top, x(tick), base + 5, "grid")
        + text(x(tick), base + 19, format_number(tick, unit), "tick", "middle")
        for tick in ticks
    )
    name = text((x.start + x.stop) / 2, base + 40, axis_label(plain(frame.axis["label"]), unit), "axis-label", "middle")
    return grid + line(frame.left, base, frame.right, base, "axis") + name


def _row(frame: Frame, band: Band, lines: Sequence[str], y: float) -> str:
    """Return a row: its name to the left and its reading to the right, or both above where the page is narrow."""
    base = line(frame.left, y, frame.right, y, "base")
    marks = element("g", band.content, transform=f"translate(0 {place(y)})")
    if frame.narrow:
        first = y - band.above - LINE * (len(lines) - 1) - 3
        fits = text_width(lines[0]) + text_width(band.reading) + 12 < frame.width
        reading = text(frame.width, first, band.reading, "tick", "end") if fits else ""
        x, anchor = 0.0, None
    else:
        first = y + 4 - LINE * (len(lines) - 1) / 2
        reading = text(frame.right + 8, y + 4, band.reading, "tick")
        x, anchor = frame.left - 14, "end"
    words = "".join(text(x, first + LINE * index, row, "category", anchor) for index, row in enumerate(lines))
    return base + words + marks + (reading if band.reading else "")


def _reference_labels(frame: Frame, top: float) -> tuple[str, float]:
    """Return the references' labels above the rows, in as many lines as keep them apart, and the height they take."""
    ends: list[float] = []  # of each line, where its last label ends
    parts = []
    for value, words in frame.references:
        half = text_width(words) / 2
        at = min(max(frame.x(value), half), frame.width - half)
        row = next((index for index, end in enumerate(ends) if end < at - half), len(ends))
        ends[row : row + 1] = [at + half + 8]
        parts.append(text(at, top + 13 + LINE * row, words, "reference-label", "middle"))
    return "".join(parts), LINE * len(ends) + 8
