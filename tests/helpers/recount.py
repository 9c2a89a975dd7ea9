"""What a study's page must say, counted again from ``trials.csv`` as the csv module reads it, with NumPy and SciPy."""

import numpy as np
from scipy import stats

KINDS = {"none": "pixels as they are", "centre": "mean pixel subtracted"}
NETWORKS = {"fcnn": "FCNN", "cnn": "CNN"}


def blocks(document, kind=None):
    """Every block of the page, those inside others too."""
    found, left = [], [block for section in document["sections"] for block in section["blocks"]]
    while left:
        block = left.pop(0)
        found.append(block)
        inner = [*block.get("blocks", []), *(one for choice in block.get("choices", []) for one in choice["blocks"])]
        left = [*inner, *([block["block"]] if block.get("block") else []), *left]
    return [block for block in found if kind in (None, block["type"])]


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


def interval(values, confidence=0.95):
    """Student's interval of the pairs' means."""
    found = stats.ttest_1samp(values.mean(axis=1), 0).confidence_interval(confidence)
    return values.mean(), found.low, found.high


def number(value, digits=1, signed=False):
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")
