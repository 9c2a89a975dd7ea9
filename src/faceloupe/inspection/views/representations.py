"""Sections on how a layer places the captures: separability, projections, and similarity of layers."""

import math
from collections.abc import Sequence

import numpy as np

from faceloupe.blocks import Block, chart, pictures, section, table, text
from faceloupe.inspection.arithmetic import evenly
from faceloupe.inspection.measures.projection import Projection
from faceloupe.inspection.measures.separability import Separability
from faceloupe.inspection.measures.similarity import LayerSimilarity, Similarity
from faceloupe.numerals import counted, decimals

POINTS = 1000  # captures drawn
LAYERS = 16  # along each side of the table


def separability_section(result: Separability) -> Block:
    """Return a probe's result as a section."""
    cut = f"A hyperplane puts {'all' if result.separable else 'not all'} {result.n} captures on their sides"
    if result.trivial:
        cut += f", as it would with any labels, since they differ in {result.rank} dimensions"
    summary = (
        f"**{result.correct} of {counted(result.n, 'capture')} right when held out, {100 * result.accuracy:.1f} %**; "
        f"with shuffled labels {100 * result.shuffled_accuracy:.1f} % on average: "
        f"{decimals(100 * result.selectivity, 1, signed=True)} percentage points, "
        f"p = {result.p_value:.3g}.\n\n{cut}. {counted(result.d, 'number')} a capture."
    )
    dots = _beside_shuffles(
        "probe",
        "Held-out accuracy, beside that on shuffled labels",
        f"A linear probe on {counted(result.n, 'capture')}. One dot a labelling: the true one, and "
        f"{counted(len(result.shuffled_correct), 'shuffle')}. The dotted line is chance.",
        ("true labels", [result.accuracy]),
        ("shuffled labels", [correct / result.n for correct in result.shuffled_correct]),
        {"label": "captures on the right side", "unit": "%", "range": [0.0, 1.0]},
        [{"y": 0.5, "label": "chance"}],
    )
    return section("separability", "How well a straight cut tells two classes apart", [text(summary), dots])


def similarity_section(result: Similarity) -> Block:
    """Return the similarity of two layers as a section."""
    blocks = [text(f"**{result}.**")]
    if not math.isnan(result.unbiased):
        blocks[0] = text(f"**{result}.** p = {result.p_value:.3g}.")
        blocks.append(
            _beside_shuffles(
                "cka",
                "Unbiased CKA, beside that with the captures shuffled",
                f"{counted(result.n, 'capture')}. 1: the same up to rotation and scale; about 0: unrelated. One dot an "
                f"order of the captures in one layer: the true one, and {counted(len(result.shuffled), 'shuffle')}.",
                ("true order", [result.unbiased]),
                ("shuffled", list(result.shuffled)),
                {"label": "unbiased linear CKA", "range": [min(0.0, *result.shuffled) - 0.1, 1.0]},
                [{"y": 0.0, "label": "unrelated"}],
            )
        )
    return section("similarity", "How alike two layers place the same captures", blocks)


def layer_similarity_section(result: LayerSimilarity) -> Block:
    """Return the similarity of many layers as a section."""
    n, unbiased = result.cells[0][0].n, result.unbiased
    rows, columns = (evenly(range(len(names)), LAYERS) for names in (result.rows, result.columns))
    summary = f"{counted(len(result.rows), 'layer')} by {counted(len(result.columns), 'layer')}, {n} captures."
    if len(rows) < len(result.rows) or len(columns) < len(result.columns):
        summary += f" The picture holds all of them, the table at most {LAYERS} a side, evenly chosen."
    finite = unbiased[np.isfinite(unbiased)]
    span = f"from {finite.min():.2f} to {finite.max():.2f}" if finite.size else "all undefined"
    matrix = pictures(
        "matrix",
        "Unbiased CKA, every layer with every layer",
        "A cell for each pair: rows and columns in the order of the table, from the top and from the left. White is 0 "
        "(unrelated), dark orange 1 (the same up to rotation and scale); nothing is drawn where it is undefined.",
        {f"{n} captures": (unbiased, f"CKA of {len(result.rows)} by {len(result.columns)} layers: {span}")},
        scale={"kind": "diverging", "limit": 1.0, "unit": "unbiased CKA"},
        columns=1,
    )
    numbers = table(
        "cells",
        "Unbiased CKA.",
        {"layer": "left", **{f"`{result.columns[column]}`": "right" for column in columns}},
        [
            [f"`{result.rows[row]}`", *("–" if math.isnan(cka) else decimals(cka) for cka in unbiased[row, columns])]
            for row in rows
        ],
        f"With the captures shuffled, {_shuffled(result)}.",
    )
    return section("similarity", "How alike the layers place the same captures", [text(summary), matrix, numbers])


def projection_section(projection: Projection) -> Block:
    """Return a projection as a section."""
    points = np.array(evenly(list(projection.points), POINTS))
    summary = text(f"{str(projection)[0].upper()}{str(projection)[1:]}.")
    which = f"{counted(len(points), 'capture')}, one dot each"
    if len(points) < len(projection.points):
        which = f"{len(points)} of {len(projection.points)} captures, evenly chosen"
    caption = f"{which}; in the layer’s own units, around the mean. Captures that overlap here may be apart elsewhere."
    axes = [{"label": f"component {place + 1}: {100 * share:.0f} %"} for place, share in enumerate(projection.shares)]
    if len(axes) > 1:
        series = {"name": "captures", "style": "blue", "x": points[:, 0].tolist(), "y": points[:, 1].tolist()}
        mark, x, y = "points", axes[0], axes[1]
    else:
        series = {"name": "captures", "style": "blue", "x": ["captures"] * len(points), "y": points[:, 0].tolist()}
        mark, x, y = "dots", {"label": ""}, axes[0]
    title = "The directions in which the captures differ most"
    scatter = chart("points", title, caption, mark, x=x, y=y, series=[series])
    return section("projection", "Where a layer places the captures", [summary, scatter])


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


def _shuffled(result: LayerSimilarity) -> str:
    values = [value for row in result.cells for cell in row for value in cell.shuffled if not math.isnan(value)]
    if not values:
        return "undefined"
    return f"from {decimals(min(values), signed=True)} to {decimals(max(values), signed=True)}"
