"""The few SVG parts that every chart is made of; classes give them their colours, so that themes reach them."""

import textwrap
from collections.abc import Iterable, Sequence

from faceloupe.report.markup import element, escape
from faceloupe.report.series import Series

LETTER = 7.2  # a generous mean width in pixels of a letter at the charts' 13 px, so that labels never overlap
CAPITAL = 0.25  # how much wider a capital is, of a letter
LINE = 15.0  # from one line of a label to the next

SHAPES = {
    "circle": "M{x} {y}m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z",
    "square": "M{x} {y}m-{r} -{r}h{d}v{d}h-{d}z",
    "diamond": "M{x} {y}m0 -{l}l{l} {l}l-{l} {l}l-{l} -{l}z",
    "triangle": "M{x} {y}m0 -{l}l{l} {w}h-{e}z",
}


def place(value: float) -> str:
    """Return a coordinate with a tenth of a pixel at most."""
    return f"{value:.1f}".removesuffix(".0")


def text_width(words: str) -> float:
    """Return about how wide a label is, in pixels; no font is at hand to ask."""
    return (len(words) + CAPITAL * sum(letter.isupper() for letter in words)) * LETTER


def wrap(words: str, width: float) -> list[str]:
    """Return a label cut into lines of at most ``width`` pixels."""
    return textwrap.wrap(words, max(8, int(width / LETTER))) or [""]


def text(x: float, y: float, words: str, class_: str = "", anchor: str | None = None) -> str:
    """Return a line of text whose base line starts, ends or is centred at a point."""
    return element("text", escape(words), x=place(x), y=place(y), class_=class_ or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Return a straight line."""
    return element("line", x1=place(x1), y1=place(y1), x2=place(x2), y2=place(y2), class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str, *, closed: bool = False, dash: str = "") -> str:
    """Return a line through points."""
    d = "M" + "L".join(f"{place(x)} {place(y)}" for x, y in points) + ("z" if closed else "")
    return element("path", d=d, class_=class_, stroke_dasharray=dash or None)


def marker(series: Series, points: Iterable[tuple[float, float]], radius: float = 3.6) -> str:
    """Return the series' marker at each point, as one path; second series are hollow."""
    r, longer = radius * (0.9 if series.look.marker == "square" else 1), radius * 1.35
    sizes = {key: place(size) for key, size in zip("rdlwe", (r, 2 * r, longer, 1.8 * longer, 2 * longer), strict=True)}
    shape = SHAPES[series.look.marker]
    d = "".join(shape.format(x=place(x), y=place(y), **sizes) for x, y in points)
    return element("path", d=d, class_="mark hollow" if series.look.alternative else "mark")


def legend(series: Sequence[Series], width: float, top: float) -> tuple[str, float]:
    """Return a key to the series in as many lines as it needs, and the height it takes."""
    x, y, parts = 0.0, top + 12, []
    for curve in series:
        if x and x + 34 + text_width(curve.name) > width:
            x, y = 0.0, y + LINE + 5
        swatch = path([(x, y - 4), (x + 26, y - 4)], "curve", dash=curve.dash) + marker(curve, [(x + 13, y - 4)])
        parts.append(element("g", swatch + text(x + 34, y, curve.name, "name"), class_=curve.style))
        x += 34 + text_width(curve.name) + 16
    return "".join(parts), y - top + 12


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Return places for labels, in order, near those wanted and without overlap, within ``low..high`` where they fit.

    >>> spread([100, 100, 20], [15, 15, 15], 0, 200)
    [100, 115, 20]
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places = list(wanted)
    free = low
    for index in order:
        places[index] = max(places[index], free)
        free = places[index] + heights[index]
    limit = high
    for index in reversed(order):
        places[index] = min(places[index], limit - heights[index])
        limit = places[index]
    return places


def picture(id_: str, class_: str, width: float, content: str, height: float) -> str:
    """Return an ``<svg>`` that is named by the figure's title and described by its ``<desc>`` in the page."""
    return element(
        "svg",
        content,
        class_=f"chart {class_}",
        viewBox=f"0 0 {place(width)} {place(height)}",
        role="img",
        aria_labelledby=f"{id_}-title",
        aria_describedby=f"{id_}-words",
    )
