"""What a study's page must say, counted again from ``trials.csv`` as the csv module reads it, with NumPy alone."""

import re

import numpy as np
import pytest

from faceloupe.scores import wilson
from faceloupe.studies.statistics import cluster_bootstrap

KINDS = {"none": "pixels as they are", "centre": "mean pixel subtracted"}
SHORT = {"none": "raw", "centre": "centred"}
NETWORKS = {"fcnn": "FCNN", "cnn": "CNN"}
THREE = {"FCNN": "fcnn", "CNN": "cnn", "CNN, global pooling": "cnn-global"}
LAYERS = {
    "pixels": "pixels",
    "conv_relu": "convolution, after ReLU",
    "pool": "pooling",
    "hidden": "hidden layer, before ReLU",
    "hidden_relu": "hidden layer",
}


def blocks(document, kind=None):
    """Every block of the page, those inside statements too."""
    outer = [block for section in document["sections"] for block in section["blocks"]]
    inner = [block["block"] for block in outer if block.get("block")]
    return [block for block in [*outer, *inner] if kind in (None, block["type"])]


def pick(table, **criteria):
    return [row for row in table if all(row[name] == want for name, want in criteria.items())]


def grid(rows, column):
    """Rows as (people, seeds), means where a cell has several."""
    cells = {}
    for row in rows:
        value = column(row) if callable(column) else float(row[column])
        cells.setdefault((row["people"], int(row["seed"])), []).append(value)
    people, seeds = (sorted({key[part] for key in cells}) for part in (0, 1))
    return np.array([[np.mean(cells[who, seed]) for seed in seeds] for who in people])


def fits(table, network, kind, held_out, experiment="pairs", control=""):
    found = pick(table, experiment=experiment, network=network, preprocess=kind, control=control, condition="")
    return [row for row in found if (int(row["n_held_out"]) > 0) == held_out]


def interval(values):
    assert np.isfinite(values).all()
    found = cluster_bootstrap(values)
    assert found.estimate == pytest.approx(values.mean())
    return values.mean(), found.low, found.high


def share_of(rows, flag):
    flags = grid(rows, lambda row: float(flag(row)))
    if np.ptp(flags) == 0:
        alike = wilson(int(flags[:, 0].sum()), len(flags))
        return flags.mean(), alike.low, alike.high
    return interval(flags)


def controls(table, network, kind, column, control=""):
    return grid(fits(table, network, kind, True, "controls", control), column)


def changes(table):
    raw, small, centred = (
        controls(table, name, kind, "train_accuracy")
        for name, kind in (("fcnn", "none"), ("fcnn-equal", "none"), ("fcnn", "centre"))
    )
    return interval(small - raw), interval(centred - raw), interval(centred - small)


def permutation_costs(table):
    return {
        label: interval(
            controls(table, name, "centre", "accuracy") - controls(table, name, "centre", "accuracy", "permuted pixels")
        )
        for name, label in (("cnn", "CNN"), ("fcnn", "FCNN"))
    }


def fates(table):
    rows = fits(table, "fcnn", "none", True)
    failed = {id(row): float(row["accuracy"]) < 0.75 for row in rows}
    learned = {id(row): float(row["train_accuracy"]) >= 0.95 for row in rows}
    return {
        "learned and failed": share_of(rows, lambda row: failed[id(row)] and learned[id(row)]),
        "never learned and failed": share_of(rows, lambda row: failed[id(row)] and not learned[id(row)]),
        "all hidden units dead": share_of(rows, lambda row: float(row["dead_hidden"]) == 4),
    }


def probes(table, control=""):
    return {
        label: interval(grid(pick(table, experiment="probe", condition=name, control=control), "accuracy"))
        for name, label in LAYERS.items()
    }


def wins(cnn, fcnn):
    return interval((cnn > fcnn) + 0.5 * (cnn == fcnn))


def number(value, digits=1, signed=False):
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")


def limits(found, scale=100, digits=1, signed=False):
    return f"[{number(scale * found[1], digits, signed)}, {number(scale * found[2], digits, signed)}]"


def decimals(text):
    """The shares and differences in a sentence, without their sign."""
    return re.findall(r"(?<![\d.])\d+\.\d(?!\d)", text)


def agree(shown, expected):
    assert len(shown) == len(expected)
    for one, other in zip(shown, expected, strict=True):
        assert one == other if isinstance(other, str) else one == pytest.approx(float(other), abs=1e-9)
