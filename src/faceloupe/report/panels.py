"""Pictures drawn by Matplotlib: all panels of a block with their labels, and the scale below them."""

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from faceloupe.arrays import decode_array
from faceloupe.report.markup import plain
from faceloupe.report.pictures import array_to_pixels, scale_ends, scale_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MUTED, GRID = "#5f5a52", "#e9e5dc"
LETTERS = 11  # of a bold title in an inch
SIDE = 1.8  # inches of a panel
GAP = 0.06  # between panels, in widths of one
LABEL = 0.2  # above a panel, in widths of one
Block = Mapping[str, Any]


def panels_size(block: Block) -> tuple[float, float]:
    """Return width and height of a pictures block in inches."""
    columns, rows, height = _grid(block)
    return max(4.8, SIDE * columns + 0.2), (SIDE * height + 0.35) * rows + 0.9


def draw_panels(figure: "FigureBase", block: Block, width: float) -> None:
    """Draw a pictures block onto a figure of this width in inches.

    All panels go into one pair of axes, which takes a fifth of the time of a pair for each.
    """
    from matplotlib.patches import Rectangle

    columns, rows, height = _grid(block)
    title = textwrap.fill(drawn_words(block["title"]), round(LETTERS * width))
    figure.suptitle(title, fontsize=11, fontweight="bold", x=0.01, ha="left")
    axes = figure.add_subplot()
    for place, panel in enumerate(block["panels"]):
        array = decode_array(panel["array"])
        left, top = place % columns * (1 + GAP), place // columns * (height + LABEL)
        tall = array.shape[0] / array.shape[1]
        pixels, extent = array_to_pixels(array, block["scale"]), (left, left + 1, top + tall, top)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=extent)
        axes.add_patch(Rectangle((left, top), 1, tall, fill=False, color=MUTED, linewidth=0.4, clip_on=False))
        label: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9, "color": MUTED, "annotation_clip": False}
        axes.annotate(drawn_words(panel["label"]), (left, top), (0, 4), **label)
    axes.set(xlim=(0, columns * (1 + GAP) - GAP), ylim=(rows * (height + LABEL) - LABEL, -LABEL / 2), anchor="W")
    axes.set_axis_off()
    if block["scale"]["kind"] != "photograph":
        _colour_bar(figure, axes, block["scale"], min(0.6, 3 / width))


def drawn_words(text: str) -> str:
    """Return text that Matplotlib does not take for a formula."""
    return plain(text).replace("$", r"\$")


def _grid(block: Block) -> tuple[int, int, float]:
    """Return columns and rows of panels, and the height of a row in widths of a panel."""
    columns = max(1, min(int(block["columns"]), len(block["panels"])))
    shapes = [panel["array"]["shape"] for panel in block["panels"]]
    height = max((shape[0] / shape[1] for shape in shapes), default=1.0)
    return columns, max(1, math.ceil(len(shapes) / columns)), height


def _colour_bar(figure: "FigureBase", axes: "Axes", scale: Block, share: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    low, high = scale_ends(scale)
    ramp = array_to_pixels(np.linspace(low, high, 256), scale) / 255
    colours = ListedColormap(ramp if ramp.ndim == 2 else np.repeat(ramp[:, None], 3, axis=1))
    place: dict[str, Any] = {"location": "bottom", "pad": 0.03, "anchor": (0.0, 1.0), "panchor": (0.0, 1.0)}
    bar = figure.colorbar(ScalarMappable(Normalize(low, high), colours), ax=axes, shrink=share, aspect=30, **place)
    bar.set_ticks([low, 0.0, high], labels=list(scale_labels(scale)))
    bar.ax.tick_params(labelsize=9)
    bar.outline.set_visible(False)
    bar.set_label(drawn_words(scale.get("unit") or ""), fontsize=9, color=MUTED, loc="left")
