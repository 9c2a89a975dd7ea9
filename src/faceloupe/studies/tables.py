"""The tables of a study's page."""

from statistics import median_low
from typing import Any

from faceloupe.inspection import Anatomy
from faceloupe.inspection.views.anatomy import anatomy_table
from faceloupe.studies.charts import KINDS, share
from faceloupe.studies.findings import Findings
from faceloupe.studies.statistics import Interval
from faceloupe.studies.trials import Trials

__all__ = [
    "LABELS",
    "SHORT",
    "controls_table",
    "dead_units_table",
    "differences_table",
    "people_table",
    "summary_table",
]

Table = dict[str, Any]
LABELS = {
    "fcnn": "FCNN",
    "cnn": "CNN",
    "fcnn-equal": "FCNN, as few parameters as the CNN",
    "cnn-global": "CNN, global pooling",
    "1-nn": "nearest neighbour on pixels",
    "pca-logistic": "PCA + logistic regression",
    "pca-svm": "PCA + linear SVM",
    "lda": "linear discriminant analysis",
    "deep": "our deep network",
}
SHORT = {"none": "raw", "centre": "centred", "standardise": "standardised"}


def summary_table(name: str, anatomy: Anatomy) -> Table:
    """Return a network layer by layer, with its arithmetic."""
    return anatomy_table(
        f"summary-{name}",
        f"The {LABELS[name]}, layer by layer, counted in the live network.",
        anatomy,
        lambda layer: layer.name.replace("_", " "),
    )


def differences_table(findings: Findings) -> Table:
    """Return the CNN against the FCNN on the same pairs, splits and seeds."""
    rows = []
    for kind in findings.plan.preprocess:
        for held_out, column, what in (
            (False, "train_accuracy", "training, all captures"),
            (True, "accuracy", "held out"),
        ):
            fcnn, cnn = (findings.fits(name, kind, held_out=held_out) for name in ("fcnn", "cnn"))
            gap, wins = findings.difference(cnn, fcnn, column), findings.superiority(cnn, fcnn, column)
            rows.append(
                [
                    KINDS[kind],
                    what,
                    _cell(findings.mean(fcnn, column)),
                    _cell(findings.mean(cnn, column)),
                    f"{100 * gap.estimate:+.1f} {gap.range_text(percent=True, signed=True)}".replace("-", "−"),
                    f"{wins.estimate:.2f} {wins.range_text()}",
                ]
            )
    return {
        "type": "table",
        "id": "differences",
        "caption": "CNN against FCNN on the same pairs, splits and seeds.",
        "columns": [
            {"label": "preprocessing", "align": "left"},
            {"label": "accuracy", "align": "left"},
            {"label": "FCNN, %", "align": "right"},
            {"label": "CNN, %", "align": "right"},
            {"label": "CNN − FCNN, points", "align": "right"},
            {"label": "P(CNN > FCNN)", "align": "right"},
        ],
        "rows": rows,
        "note": f"n = {len(findings.plan.pairs)} pairs × {findings.plan.seeds} seeds in every row. P counts ties as "
        "one half.",
    }


def dead_units_table(findings: Findings) -> Table:
    """Return how many units are dead before and after training, and when they died."""
    rows = []
    for name in ("fcnn", "cnn"):
        for kind in findings.plan.preprocess:
            trials = findings.fits(name, kind, held_out=False)
            conv = "–"
            if name == "cnn":
                conv = _before_after(findings, trials, "dead_conv")
            rows.append(
                [
                    f"{LABELS[name]}, {SHORT[kind]}",
                    conv,
                    _before_after(findings, trials, "dead_hidden"),
                    _when(trials),
                    _cell(findings.unfitted(name, kind)),
                    _cell(findings.fitted(name, kind)),
                ]
            )
    return {
        "type": "table",
        "id": "dead-units",
        "caption": "Dead units: ReLU units that put out 0 for every training capture.",
        "columns": [
            {"label": "network", "align": "left"},
            {"label": "filters, of 4: before → after", "align": "right"},
            {"label": "hidden units, of 4: before → after", "align": "right"},
            {"label": "hidden units died in epoch: median (range)", "align": "right"},
            {"label": "fits with all hidden units dead, %", "align": "right"},
            {"label": "fits that learned every capture, %", "align": "right"},
        ],
        "rows": rows,
        "note": f"Means over {len(findings.plan.pairs)} pairs × {findings.plan.seeds} seeds, trained on all captures. "
        "Epoch 0 is before training; epochs are of the hidden units that are dead at the end.",
    }


def _before_after(findings: Findings, trials: Trials, column: str) -> str:
    before, after = (findings.mean(trials, name) for name in (f"{column}_start", column))
    return f"{before.estimate:.2f} → {after.estimate:.2f} {after.range_text()}"


def _when(trials: Trials) -> str:
    epochs = sorted(
        int(epoch)
        for trial in trials
        for layer in trial.died.split("; ")
        if layer.startswith("hidden")
        for epoch in layer.split()[1:]
    )
    return f"{median_low(epochs)} ({epochs[0]} to {epochs[-1]})" if epochs else "–"


def controls_table(findings: Findings) -> Table:
    """Return training and held-out accuracy of every control."""
    settings = [
        ("fcnn", "none", ""), ("fcnn", "centre", ""), ("fcnn-equal", "none", ""), ("fcnn-equal", "centre", ""),
        ("cnn", "none", ""), ("cnn", "centre", ""), ("cnn-global", "none", ""), ("cnn-global", "centre", ""),
        ("fcnn", "centre", "permuted pixels"), ("cnn", "centre", "permuted pixels"),
        ("fcnn", "centre", "shuffled labels"), ("cnn", "centre", "shuffled labels"),
        ("1-nn", "none", ""), ("pca-logistic", "none", ""),
    ]  # fmt: skip
    rows = []
    for name, kind, control in settings:
        trials = findings.fits(name, kind, held_out=True, experiment="controls", control=control)
        rows.append(
            [
                LABELS[name],
                KINDS[kind],
                control or "–",
                _cell(findings.mean(trials, "train_accuracy")),
                _cell(findings.mean(trials, "accuracy")),
            ]
        )
    plan = findings.plan
    return {
        "type": "table",
        "id": "controls-table",
        "caption": "Controls: training and held-out accuracy, half of the captures held out.",
        "columns": [
            {"label": "network", "align": "left"},
            {"label": "preprocessing", "align": "left"},
            {"label": "control", "align": "left"},
            {"label": "training, %", "align": "right"},
            {"label": "held out, %", "align": "right"},
        ],
        "rows": rows,
        "note": f"n = {len(plan.some_pairs)} pairs × {plan.side_seeds} seeds in every row; all rows share pairs and "
        "splits. On shuffled labels training accuracy is that on the labels given, held-out accuracy that on the "
        "true ones.",
    }


def people_table(findings: Findings) -> Table:
    """Return the accuracy of every method on all people at once, the best last."""
    methods = [
        *((name, kind) for name in ("fcnn", "cnn") for kind in ("none", "centre")),
        *((name, "none") for name in ("1-nn", "pca-svm", "pca-logistic", "lda", "deep")),
    ]
    rows = []
    for name, kind in methods:
        accuracies, interval = findings.people(name, kind)
        seconds = findings.trials.where(experiment="people", network=name, preprocess=kind).column("seconds").mean()
        label = f"{LABELS[name]}, {SHORT[kind]}" if name in ("fcnn", "cnn") else LABELS[name]
        rows.append((interval.estimate, [label, share(interval.estimate), f"{100 * accuracies.std(ddof=1):.1f}",
                     interval.range_text(percent=True), len(accuracies), f"{seconds:.2f}"]))  # fmt: skip
    rows.sort(key=lambda row: row[0])
    n = findings.people("lda", "none")[1].n
    return {
        "type": "table",
        "id": "people-table",
        "caption": f"All {len(findings.captures)} people at once: share of {n} held-out captures named correctly.",
        "columns": [
            {"label": "method", "align": "left"},
            {"label": "accuracy", "align": "right"},
            {"label": "std over splits, points", "align": "right"},
            {"label": f"95 % interval, n = {n}", "align": "right"},
            {"label": "splits", "align": "right"},
            {"label": "seconds a fit", "align": "right"},
        ],
        "rows": [row for _, row in rows],
        "note": "Wilson’s interval for the captures of one split; the splits share captures, so more of them steady "
        "the mean but are no new evidence. Seconds on one core while other fits may have run beside it.",
    }


def _cell(interval: Interval) -> str:
    return f"{100 * interval.estimate:.1f} {interval.range_text(percent=True)}"
