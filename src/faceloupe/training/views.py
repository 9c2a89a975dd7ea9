"""Sections on a training: its curves, and the filters before and after it."""

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, chart, pictures, section, table, text
from faceloupe.training.filters import Filters
from faceloupe.training.history import History

COLUMNS = 8
FILTERS = 64  # drawn


def history_section(history: History) -> Block:
    """Return the curves of a training as a section."""
    blocks = [text(f"**{history!r}.**")]
    if len(history):
        blocks += [
            _curves("loss", "Loss", "mean cross-entropy in nats", history.loss, history.validation_loss, None),
            _curves("accuracy", "Accuracy", "captures recognised", history.accuracy, history.validation_accuracy, 1.0),
        ]
    return section("history", "How the training went", blocks)


def filters_section(filters: Filters) -> Block:
    """Return the filters of a network before and after training as a section."""
    alike, count = filters.correlation, min(len(filters), FILTERS)
    summary = (
        f"**{filters!r}.** A filter whose correlation with its random start is near 1 is that start, almost untouched: "
        "what the network learned, it learned elsewhere."
    )
    height, width = filters.after.shape[1:]
    limit = float(max(np.abs(filters.before).max(), np.abs(filters.after).max()))
    which = f"The first {count} of {len(filters)}. " if count < len(filters) else ""
    panels = [
        pictures(
            name,
            f"The filters {name} training",
            f"{which}Black is below 0, grey 0, white above; one scale for both pictures.",
            {
                f"filter {place + 1}": (
                    kernel,
                    f"Filter {place + 1} {name} training, {height}x{width}",
                )
                for place, kernel in enumerate(kernels[:count])
            },
            scale={"kind": "grey", "limit": limit, "unit": "weight"},
            columns=min(COLUMNS, count),
        )
        for name, kernels in (("before", filters.before), ("after", filters.after))
    ]
    rows = [[f"filter {place + 1}", f"{value:.3f}"] for place, value in enumerate(alike[:count])]
    numbers = table("alike", "Correlation with the random start", {"filter": "left", "correlation": "right"}, rows)
    return section("filters", "What training did to the filters", [text(summary), *panels, numbers])


def _curves(
    id: str,  # noqa: A002 - the document's own word
    title: str,
    label: str,
    training: NDArray[np.float64],
    held_out: NDArray[np.float64] | None,
    most: float | None,
) -> Block:
    epochs = [float(epoch) for epoch in range(1, len(training) + 1)]
    series = [{"name": "training", "style": "blue", "x": epochs, "y": training.tolist()}]
    if held_out is not None:
        series.append({"name": "validation", "style": "orange", "x": epochs, "y": held_out.tolist()})
    top = most or float(max(max(each["y"]) for each in series)) or 1.0
    beside = ", and on the captures set aside, after it" if held_out is not None else ""
    return chart(
        id,
        title,
        f"On the training captures as each epoch went by, before the step they led to{beside}.",
        "line",
        x={"label": "epoch", "unit": ""},
        y={"label": label, "unit": "%" if most else "", "range": [0.0, top]},
        series=series,
    )
