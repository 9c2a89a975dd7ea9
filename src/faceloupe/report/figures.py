"""The charts and pictures of a document as files, drawn by Matplotlib, for slides and papers."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from faceloupe.errors import InputError
from faceloupe.files import write_whole
from faceloupe.report.lines import line_domains
from faceloupe.report.markup import identifier
from faceloupe.report.page import check_document
from faceloupe.report.panels import GRID, MUTED, draw_panels, drawn_words, panels_size
from faceloupe.report.rendering import blocks_of
from faceloupe.report.rows import BINS, row_domain
from faceloupe.report.scales import axis_label, format_number, nice_step
from faceloupe.report.series import Series, dot_rows, drawable, finite, interval_rows, is_log, read_series, stack_dots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from faceloupe.report.drawing import Drawing

FORMATS = ("png", "svg", "pdf")
MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle": "^"}
Block = Mapping[str, Any]


def save_figures(
    document: Block,
    folder: str | Path,
    format: Literal["png", "svg", "pdf"] = "png",  # noqa: A002
) -> list[Path]:
    """Draw every chart and pictures block of a document into a folder, one file each, named by its id.

    Parameters
    ----------
    document : mapping
        As for :func:`faceloupe.report.render_page`.
    folder : str or Path
        Made if missing; files of the same names are replaced.
    format : {"png", "svg", "pdf"}

    Returns
    -------
    list of Path
        In reading order.

    Raises
    ------
    InputError
        If the document cannot be drawn or the format is another.
    """
    check_document(document)
    if format not in FORMATS:
        raise InputError(f"Figures are saved as {', '.join(FORMATS)}, not {format!r}.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [_save(block, folder, format) for block in blocks_of(document) if block["type"] in ("chart", "pictures")]


def draw_blocks(blocks: Iterable[Block]) -> "Drawing":
    """Return the charts and pictures among some blocks as one Matplotlib figure, one below the other.

    Where there are none, the figure holds the words.
    """
    from faceloupe.report.drawing import Drawing  # Matplotlib takes its time, and pages do not need it

    blocks = list(blocks)
    drawn = [block for block in blocks if block["type"] in ("chart", "pictures")]
    if not drawn:
        return _text([block["text"] for block in blocks if block["type"] == "text"])
    sizes = [_size(block) for block in drawn]
    heights = [height for _, height in sizes]
    width = max(width for width, _ in sizes)
    figure = Drawing(figsize=(width, sum(heights)), layout="constrained")
    parts: Any = [figure] if len(drawn) == 1 else figure.subfigures(len(drawn), 1, height_ratios=heights)
    for part, block in zip(parts, drawn, strict=True):
        if block["type"] == "pictures":
            draw_panels(part, block, width)
        else:
            axes = part.add_subplot()
            axes.set_title(drawn_words(block["title"]), loc="left", fontsize=11, fontweight="bold")
            {"line": _lines, "points": _lines, "dots": _dots, "interval": _intervals}[block["mark"]](axes, block)
    return figure


def _save(block: Block, folder: Path, format: str) -> Path:  # noqa: A002
    path = folder / f"{identifier(block['id'])}.{format}"
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same study gives the same file on any day
    drawn = BytesIO()
    draw_blocks([block]).savefig(drawn, format=format, dpi=200, metadata=dates.get(format))
    write_whole(path, drawn.getvalue())
    return path


def _size(block: Block) -> tuple[float, float]:
    """Return width and height of a block's drawing in inches."""
    if block["type"] == "pictures":
        return panels_size(block)
    mark = block["mark"]
    rows = len(dot_rows(block)) if mark == "dots" else len(interval_rows(block)) if mark == "interval" else 0
    return 7.2, max(3.0, 1.2 + 0.9 * rows) if rows else 4.2


def _text(words: Iterable[str]) -> "Drawing":
    from faceloupe.report.drawing import Drawing

    lines = [line for paragraph in words for part in paragraph.split("\n") for line in textwrap.wrap(part, 92) or [""]]
    figure = Drawing(figsize=(7.2, 0.2 * len(lines) + 0.3))
    figure.text(0.02, 0.5, drawn_words("\n".join(lines)), va="center", fontsize=10, linespacing=1.3)
    return figure


def _lines(axes: "Axes", block: Block) -> None:
    from matplotlib.ticker import MaxNLocator

    series, joined = drawable(block), block["mark"] == "line"
    (x_low, x_high), (y_low, y_high) = line_domains(block, series)
    for curve in series:
        axes.fill_between(curve.x, curve.lo, curve.hi, color=curve.look.colour, alpha=0.15, linewidth=0)
        every = max(1, math.ceil(len(curve.x) / 9)) if joined else 1
        dash = (0, tuple(float(part) / 2 for part in curve.dash.split())) if curve.dash else "-"
        line = dash if joined else ""
        axes.plot(curve.x, curve.y, linestyle=line, markevery=every, label=drawn_words(curve.name), **_look(curve))
    margin = 0.0 if is_log(block["x"]) else 0.02 * (x_high - x_low)
    axes.set(xlim=(x_low - margin, x_high + margin), ylim=(y_low, y_high + 0.02 * (y_high - y_low)))
    axes.set(xscale="log" if is_log(block["x"]) else "linear", yscale="log" if is_log(block["y"]) else "linear")
    if not is_log(block["x"]) and all(value.is_integer() for curve in series for value in finite(curve.x)):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if block["x"].get("ticks"):
        axes.set_xticks(block["x"]["ticks"])
    _dress(axes, block, block["x"], block["y"])
    if len(series) > (not joined):
        axes.legend(frameon=False, fontsize=9, loc="best")


def _dots(axes: "Axes", block: Block) -> None:
    rows = dot_rows(block)
    low, high = row_domain(block, block["y"], [v for row in rows for v in (*row.values, row.mean, row.lo, row.hi)])
    step, columns = nice_step(low, high, BINS), 4
    piles = [stack_dots(row.values, step, columns) for row in rows]
    levels = 1 + max((level for pile in piles for *_, level in pile), default=0)
    height, size = min(0.05, 0.75 / levels), 0.85 * step / columns
    for index, (row, pile) in enumerate(zip(rows, piles, strict=True)):
        x = [centre + offset * size for centre, offset, _ in pile]
        y = [index - 0.08 - height * (level + 0.5) for *_, level in pile]
        look = row.series.look
        axes.plot(x, y, linestyle="", marker=MARKERS[look.marker], markersize=2, color=look.colour)
        if finite([row.mean]):
            _whisker(axes, row.series, (row.mean, row.lo, row.hi), index + 0.1)
    _rows(axes, [row.label for row in rows], (low, high), block, block["y"])


def _intervals(axes: "Axes", block: Block) -> None:
    rows, series = interval_rows(block), read_series(block)
    values = [value for _, marks in rows for _, *numbers in marks for value in numbers]
    for index, (_, marks) in enumerate(rows):
        for place, (group, *numbers) in enumerate(marks):
            label = drawn_words(group.name) if index == 0 and len(series) > 1 else None
            _whisker(axes, group, (numbers[0], numbers[1], numbers[2]), index + 0.22 * place, label)
    _rows(axes, [label for label, _ in rows], row_domain(block, block["x"], values), block, block["x"])
    if len(series) > 1 and rows:
        axes.legend(frameon=False, fontsize=9, loc="best")


def _whisker(
    axes: "Axes", series: Series, interval: tuple[float, float, float], y: float, label: str | None = None
) -> None:
    value, low, high = interval
    errors = None if math.isnan(low + high) else [[value - low], [high - value]]
    axes.errorbar([value], [y], xerr=errors, capsize=3, linestyle="", label=label, **_look(series))


def _rows(axes: "Axes", labels: list[str], span: tuple[float, float], block: Block, axis: Block) -> None:
    margin = 0.03 * (span[1] - span[0])
    axes.set(xlim=(span[0] - margin, span[1] + margin), ylim=(max(len(labels), 1) - 0.5, -0.95))
    axes.set_yticks(range(len(labels)), [drawn_words(label) for label in labels])
    _dress(axes, block, axis, None)


def _look(series: Series) -> dict[str, Any]:
    look = series.look
    return {
        "color": look.colour,
        "marker": MARKERS[look.marker],
        "markersize": 5,
        "markerfacecolor": "white" if look.alternative else look.colour,
    }


def _dress(axes: "Axes", block: Block, x: Block, y: Block | None) -> None:
    """Give axes their labels, reference lines and a quiet look; without ``y`` the rows name themselves."""
    axes.set_xlabel(drawn_words(axis_label(x["label"], x.get("unit"))), color=MUTED)
    axes.xaxis.set_major_formatter(lambda value, _: format_number(value, x.get("unit")))
    if y is not None:
        axes.set_ylabel(drawn_words(axis_label(y["label"], y.get("unit"))), color=MUTED)
        axes.yaxis.set_major_formatter(lambda value, _: format_number(value, y.get("unit")))
    for mark in block.get("reference") or []:
        at = mark.get("x", mark.get("y"))
        look: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": ":"}
        if y is not None and "y" in mark:
            axes.axhline(at, **look)
            place, offset, frame = (0.01, at), (0, 3), ("axes fraction", "data")
        else:
            axes.axvline(at, **look)
            place, offset, frame = (at, 1), (3, -9), ("data", "axes fraction")
        label = drawn_words(mark["label"])
        axes.annotate(label, place, offset, frame, "offset points", fontsize=8, color=MUTED)
    axes.grid(axis="x" if y is None else "y", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=9)
