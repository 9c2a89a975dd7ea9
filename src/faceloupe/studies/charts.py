"""Charts as plain values: what the page draws, and what Matplotlib exports."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceloupe.blocks import Block, chart
from faceloupe.numerals import decimals
from faceloupe.studies.findings import Curve
from faceloupe.studies.statistics import Estimate, cluster_bootstrap
from faceloupe.studies.trials import Trials

__all__ = ["dots_chart", "forest_chart", "line_chart", "share"]

Name = tuple[str, str]  # what a series is called and which style it has
CHANCE = [{"y": 0.5, "label": "chance"}]
NO_CHANGE = [{"x": 0.0, "label": "no change"}]
KINDS = {"none": "pixels as they are", "centre": "mean pixel subtracted", "standardise": "pixels standardised"}


def share(value: float) -> str:
    """Return a share in per cent as it reads: 93.8 %."""
    return f"{decimals(100 * value, 1)} %"


def line_chart(
    id: str,  # noqa: A002 - the document's own word
    title: str,
    caption: str,
    curves: Mapping[Name, Curve],
    x: tuple[str, str],
    y: str,
    *,
    reference: Sequence[Mapping[str, Any]] = CHANCE,
) -> Block:
    """Return curves of shares with their bands."""
    return chart(
        id,
        title,
        caption,
        "line",
        x={"label": x[0], "unit": x[1]},
        y={"label": y, "unit": "%", "range": [0.0, 1.0]},
        series=[
            {
                "name": name,
                "style": style,
                "x": list(curve.amounts),
                "y": [interval.estimate for interval in curve.intervals],
                "lo": [interval.low for interval in curve.intervals],
                "hi": [interval.high for interval in curve.intervals],
            }
            for (name, style), curve in curves.items()
        ],
        reference=reference,
    )


def dots_chart(
    id: str,  # noqa: A002
    title: str,
    caption: str,
    groups: Mapping[Name, Trials],
    column: str,
    y: str,
) -> Block:
    """Return one dot a fit, by group, with each group's mean and interval."""
    means = {name: cluster_bootstrap(trials.grid(column)) for (name, _), trials in groups.items()}
    block = chart(
        id,
        title,
        caption,
        "dots",
        x={"label": ""},
        y={"label": y, "unit": "%", "range": [0.0, 1.0]},
        series=[
            {
                "name": name,
                "style": style,
                "x": [name] * len(trials),
                "y": [float(value) for value in trials.column(column)],
                "lo": None,
                "hi": None,
            }
            for (name, style), trials in groups.items()
        ],
        reference=CHANCE,
    )
    summary = [{"x": name, "mean": mean.estimate, "lo": mean.low, "hi": mean.high} for name, mean in means.items()]
    return block | {"summary": summary}


def forest_chart(
    id: str,  # noqa: A002
    title: str,
    caption: str,
    rows: Mapping[str, Estimate],
    x: str,
    *,
    control: Mapping[str, Estimate] | None = None,
    reference: Sequence[Mapping[str, Any]] = NO_CHANGE,
) -> Block:
    """Return intervals, one a row, with a control beside them where there is one."""
    series = [("measured", "cnn", rows)] + ([("shuffled labels", "other", control)] if control else [])
    return chart(
        id,
        title,
        caption,
        "interval",
        x={"label": x, "unit": "%"},
        y={"label": "", "categories": list(rows)},
        series=[
            {
                "name": name,
                "style": style,
                "y": list(intervals),
                "x": [interval.estimate for interval in intervals.values()],
                "lo": [interval.low for interval in intervals.values()],
                "hi": [interval.high for interval in intervals.values()],
            }
            for name, style, intervals in series
        ],
        reference=reference,
    )
