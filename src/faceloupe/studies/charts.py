"""Charts as plain values: what the page draws, and what Matplotlib exports."""

from collections.abc import Mapping, Sequence
from typing import Any

from faceloupe.blocks import Block, chart
from faceloupe.studies.findings import Curve, Findings
from faceloupe.studies.labels import LABELS
from faceloupe.studies.statistics import Estimate, share_over_pairs

Name = tuple[str, str]  # what a series is called and which style it has
CHANCE = [{"y": 0.5, "label": "chance"}]
NO_CHANGE = [{"x": 0.0, "label": "no change"}]


def accuracy_chart(findings: Findings) -> Block:
    """Return the training accuracy of every fit, a dot each, with the mean and interval of each network's."""
    groups = {
        (f"{LABELS[name]}, {'raw' if kind == 'none' else 'centred'}", style): findings.fits(name, kind, held_out=False)
        for kind, styles in (("none", ("orange", "blue")), ("centre", ("orange-alt", "blue-alt")))
        for name, style in zip(("fcnn", "cnn"), styles, strict=True)
    }
    means = {name: share_over_pairs(trials.grid("train_accuracy")) for (name, _), trials in groups.items()}
    block = chart(
        "training-accuracy-dots",
        "Every fit of the two networks: the share of its training captures that it gets right",
        "Each dot is one [[fit]]: one pair of people, one [[seed]]. Raw: pixels as they are, from 0 (black) to 1 "
        "(white); centred: [[mean pixel]] subtracted. Where all [[hidden units|hidden unit]] are [[dead|dead unit]], "
        "every face gets the same answer: chance, 50 %. Below the dots, their mean with its [[interval]].",
        "dots",
        x={"label": ""},
        y={"label": "training accuracy", "unit": "%", "range": [0.4, 1.0]},
        series=[
            {
                "name": name,
                "style": style,
                "x": [name] * len(trials),
                "y": [float(value) for value in trials.column("train_accuracy")],
                "lo": None,
                "hi": None,
            }
            for (name, style), trials in groups.items()
        ],
        reference=CHANCE,
    )
    summary = [{"x": name, "mean": mean.estimate, "lo": mean.low, "hi": mean.high} for name, mean in means.items()]
    return block | {"summary": summary}


def epochs_chart(findings: Findings, column: str, label: str) -> Block:
    """Return how the tutorial's pair trained: one curve a network and preprocessing, with the band of the seeds."""
    loss = "loss" in column
    series = []
    for kind, alternative in (("none", ""), ("centre", "-alt")):
        for name, style in (("fcnn", "orange"), ("cnn", "blue")):
            epochs, runs = findings.epochs(name, kind, column)
            series.append(
                {
                    "name": f"{name.upper()}, {'raw' if kind == 'none' else 'centred'}",
                    "style": style + alternative,
                    "x": epochs.tolist(),
                    "y": runs.mean(axis=0).tolist(),
                    "lo": runs.min(axis=0).tolist(),
                    "hi": runs.max(axis=0).tolist(),
                }
            )
    return chart(
        f"epochs-{column.replace('_', '-')}",
        f"{label.capitalize()} by epoch, the tutorial’s pair",
        "Means of the seeds; bands run from the lowest to the highest. A point is the mean over an epoch’s captures, "
        "each taken before the update it took part in, as Keras prints it."
        + (" Answering one half to every face costs a loss of 0.693." if loss else ""),
        "line",
        x={"label": "epoch"},
        y={"label": label, "unit": "nats" if loss else "%", "range": None if loss else [0.0, 1.0]},
        series=series,
        reference=[{"y": 0.6931, "label": "ln 2"}] if loss else CHANCE,
    )


def learning_chart(findings: Findings) -> Block:
    """Return the growth of accuracy with captures per person."""
    curves = {
        ("FCNN, centred", "orange"): findings.learning("fcnn", "centre"),
        ("CNN, centred", "blue"): findings.learning("cnn", "centre"),
        ("FCNN, raw", "orange-alt"): findings.learning("fcnn", "none"),
        ("CNN, raw", "blue-alt"): findings.learning("cnn", "none"),
        ("nearest neighbour", "grey"): findings.learning("1-nn", "none"),
    }
    counts = [interval.n for interval in curves["CNN, centred", "blue"].intervals]
    n = f"{counts[0]}" if min(counts) == counts[0] else f"{counts[0]} (at the right end {counts[-1]})"
    return line_chart(
        "learning-curve",
        "Accuracy on held-out captures against captures per person",
        f"Bands are 95 % intervals, n = {n} pairs × {findings.plan.learning_seeds} seeds: few, so no verdict rests on "
        "them.",
        curves,
        ("training captures per person", ""),
        "accuracy",
    )


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
        y={"label": y, "unit": "%", "range": [0.4, 1.0]},
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


def forest_chart(
    id: str,  # noqa: A002
    title: str,
    caption: str,
    rows: Mapping[str, Estimate],
    x: str,
    *,
    control: Mapping[str, Estimate] | None = None,
    unit: str = "points",
    reference: Sequence[Mapping[str, Any]] = NO_CHANGE,
) -> Block:
    """Return intervals, one a row, with a control beside them where there is one."""
    series = [("measured", "blue", rows)] + ([("shuffled labels", "grey", control)] if control else [])
    return chart(
        id,
        title,
        caption,
        "interval",
        x={"label": x, "unit": unit},
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
