"""How a layer places the captures: two classes told apart, a flat picture, and one layer beside others."""

import math
from collections.abc import Sequence

import numpy as np

from faceloupe.blocks import Block, chart, pictures, section, table, text
from faceloupe.inspection.arithmetic import evenly
from faceloupe.inspection.measures.projection import Projection
from faceloupe.inspection.measures.separability import Separability
from faceloupe.inspection.measures.similarity import LayerSimilarity, Similarity
from faceloupe.numerals import counted, decimals

__all__ = ["layer_similarity_section", "projection_section", "separability_section", "similarity_section"]

POINTS = 1000  # captures drawn
COMPONENTS = 8
LAYERS = 16  # along each side of the table


def separability_section(found: Separability) -> Block:
    """Return a probe's result as a section."""
    cut = f"A hyperplane puts {'all' if found.separable else 'not all'} {found.n} captures on their sides"
    if found.trivial:
        cut += f", as it would with any labels, since they differ in {found.rank} dimensions"
    told = (
        f"**{found.correct} of {counted(found.n, 'capture')} right when held out, {100 * found.accuracy:.1f} %**; with "
        f"shuffled labels {100 * found.shuffled_accuracy:.1f} % on average: "
        f"{decimals(100 * found.selectivity, 1, signed=True)} percentage points, "
        f"p = {found.p_value:.3g}.\n\n{cut}. {counted(found.d, 'number')} a capture."
    )
    drawn = _beside_shuffles(
        "probe",
        "Held-out accuracy, beside that on shuffled labels",
        f"A linear probe on {counted(found.n, 'capture')}. One dot a labelling: the true one, and "
        f"{counted(len(found.shuffled_correct), 'shuffle')}. The dotted line is chance.",
        ("true labels", [found.accuracy]),
        ("shuffled labels", [correct / found.n for correct in found.shuffled_correct]),
        {"label": "captures on the right side", "unit": "%", "range": [0.0, 1.0]},
        [{"y": 0.5, "label": "chance"}],
    )
    return section("separability", "How well a straight cut tells two classes apart", [text(told), drawn])


def similarity_section(found: Similarity) -> Block:
    """Return the similarity of two layers as a section."""
    blocks = [text(f"**{found}.**")]
    if not math.isnan(found.unbiased):
        blocks[0] = text(f"**{found}.** p = {found.p_value:.3g}.")
        blocks.append(
            _beside_shuffles(
                "cka",
                "Unbiased CKA, beside that with the captures shuffled",
                f"{counted(found.n, 'capture')}. 1: the same up to rotation and scale; about 0: unrelated. One dot an "
                f"order of the captures in one layer: the true one, and {counted(len(found.shuffled), 'shuffle')}.",
                ("true order", [found.unbiased]),
                ("shuffled", list(found.shuffled)),
                {"label": "unbiased linear CKA", "range": [min(0.0, *found.shuffled) - 0.1, 1.0]},
                [{"y": 0.0, "label": "unrelated"}],
            )
        )
    return section("similarity", "How alike two layers place the same captures", blocks)


def layer_similarity_section(found: LayerSimilarity) -> Block:
    """Return the similarity of many layers as a section."""
    n, unbiased = found.cells[0][0].n, found.unbiased
    rows, columns = (evenly(range(len(names)), LAYERS) for names in (found.rows, found.columns))
    told = f"{counted(len(found.rows), 'layer')} by {counted(len(found.columns), 'layer')}, {n} captures."
    if len(rows) < len(found.rows) or len(columns) < len(found.columns):
        told += f" The picture holds all of them, the table at most {LAYERS} a side, evenly chosen."
    known = unbiased[np.isfinite(unbiased)]
    span = f"from {known.min():.2f} to {known.max():.2f}" if known.size else "all undefined"
    matrix = pictures(
        "matrix",
        "Unbiased CKA, every layer with every layer",
        "A cell for each pair: rows and columns in the order of the table, from the top and from the left. White is 0 "
        "(unrelated), dark orange 1 (the same up to rotation and scale); nothing is drawn where it is undefined.",
        {f"{n} captures": (unbiased, f"CKA of {len(found.rows)} by {len(found.columns)} layers: {span}")},
        scale={"kind": "diverging", "limit": 1.0, "unit": "unbiased CKA"},
        columns=1,
    )
    numbers = table(
        "cells",
        "Unbiased CKA.",
        {"layer": "left", **{f"`{found.columns[column]}`": "right" for column in columns}},
        [[f"`{found.rows[row]}`", *(_rounded(float(unbiased[row, column])) for column in columns)] for row in rows],
        f"With the captures shuffled, {_shuffled(found)}.",
    )
    return section("similarity", "How alike the layers place the same captures", [text(told), matrix, numbers])


def projection_section(found: Projection) -> Block:
    """Return a projection as a section."""
    points = np.array(evenly(list(found.points), POINTS))
    told = text(f"{str(found)[0].upper()}{str(found)[1:]}.")
    some = (
        f"{len(points)} of {len(found.points)} captures, evenly chosen"
        if len(points) < len(found.points)
        else (f"{counted(len(points), 'capture')}, one dot each")
    )
    caption = f"{some}; in the layer’s own units, around the mean. Captures that overlap here may be apart elsewhere."
    axes = [{"label": f"component {place + 1}: {100 * share:.0f} %"} for place, share in enumerate(found.shares)]
    if len(axes) > 1:
        series = {"name": "captures", "style": "blue", "x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
        drawn = chart("points", _FLAT, caption, "points", x=axes[0], y=axes[1], series=[series])
    else:
        series = {"name": "captures", "style": "blue", "x": ["captures"] * len(points), "y": points[:, 0].tolist()}
        drawn = chart("points", _FLAT, caption, "dots", x={"label": ""}, y=axes[0], series=[series])
    return section("projection", "Where a layer places the captures", [told, drawn])


_FLAT = "The directions in which the captures differ most"


def _beside_shuffles(
    id_: str,
    title: str,
    caption: str,
    true: tuple[str, Sequence[float]],
    shuffled: tuple[str, Sequence[float]],
    axis: Block,
    reference: Sequence[Block],
) -> Block:
    series = [
        {"name": name, "style": style, "x": [name] * len(values), "y": list(values)}
        for (name, values), style in ((true, "blue"), (shuffled, "grey"))
    ]
    return chart(id_, title, caption, "dots", x={"label": ""}, y=axis, series=series, reference=reference)


def _rounded(value: float) -> str:
    return "–" if math.isnan(value) else decimals(value)


def _shuffled(found: LayerSimilarity) -> str:
    values = [value for row in found.cells for cell in row for value in cell.shuffled if not math.isnan(value)]
    if not values:
        return "undefined"
    return f"from {decimals(min(values), signed=True)} to {decimals(max(values), signed=True)}"
