"""The tables of a study's page."""

import math
from statistics import median_low

import numpy as np

from faceloupe.blocks import Block, table
from faceloupe.inspection.layers import Anatomy
from faceloupe.inspection.views.anatomy import anatomy_table
from faceloupe.numerals import decimals
from faceloupe.studies.findings import Findings
from faceloupe.studies.fits import PERMUTED
from faceloupe.studies.kept import KeptFits
from faceloupe.studies.labels import LABELS, PIXELS, SHORT, share, size_text
from faceloupe.studies.pictures import first_face
from faceloupe.studies.plan import COMPARED, StudyPlan
from faceloupe.studies.statistics import Estimate
from faceloupe.studies.trials import Trials


def summary_table(name: str, anatomy: Anatomy) -> Block:
    """Return a network layer by layer, with its arithmetic."""
    return anatomy_table(
        f"summary-{name}",
        f"The {LABELS[name]}, layer by layer, counted in the live network.",
        anatomy,
        lambda layer: layer.name.replace("_", " "),
    )


def reached_table(findings: Findings) -> Block:
    """Return the accuracy of both networks, on training captures and on those held out."""
    rows = [
        [
            f"{LABELS[name]}, {SHORT[kind]}",
            *(
                f"{findings.mean(trials, column).estimate:.3f}"
                if "loss" in column
                else _cell(findings.mean(trials, column))
                for column in ("train_accuracy", "accuracy", "train_loss", "loss")
            ),
        ]
        for kind in findings.plan.preprocess
        for name in ("fcnn", "cnn")
        for trials in [findings.fits(name, kind, held_out=True)]
    ]
    return table(
        "reached",
        "What the networks reach, with half of the captures held out",
        {
            "network": "left",
            "training accuracy, %": "right",
            "held-out accuracy, %": "right",
            "training loss": "right",
            "held-out loss": "right",
        },
        rows,
        f"Means with 95 % intervals, n = {len(findings.plan.pairs)} pairs × {findings.plan.seeds} seeds. Answering one "
        "half to every face costs a loss of 0.693.",
    )


def points_table(findings: Findings) -> Block:
    """Return strengths and drawbacks of a CNN in theory, each with what was measured of both networks here."""
    names = ("fcnn", "cnn")
    layers = {name: findings.anatomy(name) for name in names}
    pool = window_of(layers["cnn"], "pool")
    lost = {name: findings.mean_of(findings.loss_under_shift(name, 8.0)) for name in names}
    permuted = {
        name: findings.difference(
            findings.controls(name, "centre"), findings.controls(name, "centre", PERMUTED), "accuracy"
        )
        for name in names
    }
    overfitted = {
        name: findings.share(findings.fits(name, "centre", held_out=True), findings.overfitted(name, "centre"))
        for name in names
    }
    rows = {
        "strength: few weights, used everywhere (parameters)": (f"{layers[name].parameters:,}" for name in names),
        "strength: learns less by heart (fits that overfit)": (share(overfitted[name].estimate) for name in names),
        "strength: sees neighbours together (points lost if pixels change places)": (
            decimals(100 * permuted[name].estimate, 1) for name in names
        ),
        "strength: finds a pattern wherever it lies (points lost by a shift of 8 pixels)": (
            decimals(100 * lost[name].estimate, 1) for name in names
        ),
        "drawback: much work (multiply-adds a face)": (f"{layers[name].multiply_adds:,}" for name in names),
        "drawback: much time (seconds a fit)": (
            decimals(float(np.median(findings.seconds(name))), 2) for name in names
        ),
        "drawback: pooling forgets places (numbers of which one is kept)": ("–", f"{math.prod(pool)}"),
    }
    return table(
        "points",
        "A CNN against a fully-connected network, on pictures",
        {"a CNN’s, in theory (what was measured here)": "left", "FCNN": "right", "CNN": "right"},
        [[theory, *measured] for theory, measured in rows.items()],
        "Mean pixel subtracted; [[points|point]] are of held-out accuracy.",
    )


def deeds_table(findings: Findings) -> Block:
    """Return the effect of each layer of the CNN on the data of one face."""
    anatomy = findings.anatomy("cnn")
    shapes = {layer.name: layer.output_shape for layer in anatomy.layers}
    conv, pool = (
        f"{size_text(shapes[name])} =\N{NO-BREAK SPACE}{math.prod(shapes[name]):,}" for name in ("conv", "pool")
    )
    window = size_text(window_of(anatomy, "pool"))
    rows = [
        ["convolution", "lays each filter on every place; bright where the face is like it", conv],
        ["ReLU", "sets to 0 what is below 0: where the face is unlike the filter", "as many"],
        ["pooling", f"keeps the largest of each {window}; where it lay, is forgotten", pool],
        ["[[flatten]]", "writes all maps into one row; changes no number", f"{math.prod(shapes['pool']):,}"],
        ["hidden layer", "each unit weighs all of them and adds them up", f"{shapes['hidden'][-1]}"],
        ["ReLU", "sets to 0 what is below 0", "as many"],
        ["output", "weighs those: below 0 is the first person, above 0 the second", "1"],
    ]
    columns = {"layer": "left", "what it does to the data": "left", "numbers after it": "left"}
    return table("deeds", "What each layer of the CNN does to the data", columns, rows)


def window_of(anatomy: Anatomy, name: str) -> list[int]:
    """Return the rows and columns of a layer's kernel or pooling window."""
    return [window.kernel for layer in anatomy.layers if layer.name == name for window in layer.windows]


def still_table(plan: StudyPlan, fits: KeptFits) -> Block:
    """Return the answer of both networks for the first face, from the hidden layer on: the loupe, standing still."""
    rows = []
    for kind in COMPARED:
        for name in ("fcnn", "cnn"):
            layers = first_face(fits, name, kind)
            before, logit = layers["hidden"], float(layers["output"][0])
            who = plan.people[int(logit > 0)]
            rows.append(
                [
                    f"{LABELS[name]}, {SHORT[kind]}",
                    ", ".join(decimals(value, signed=True) for value in before),
                    ", ".join(decimals(max(value, 0.0)) for value in before),
                    decimals(logit, signed=True),
                    f"subject {who + 1}",
                ]
            )
    return table(
        "still",
        f"How the networks of seed {fits.shown} answer the first face of subject {plan.people[0] + 1}.",
        {
            "network": "left",
            "hidden units 1 to 4, before the ReLU": "right",
            "after the ReLU": "right",
            "output (logit)": "right",
            "answer": "left",
        },
        rows,
        f"Below 0 the answer is subject {plan.people[0] + 1}, above 0 subject {plan.people[1] + 1}. "
        "Raw: pixels as they are; centred: mean pixel subtracted.",
    )


def differences_table(findings: Findings) -> Block:
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
                    PIXELS[kind],
                    what,
                    _cell(findings.mean(fcnn, column)),
                    _cell(findings.mean(cnn, column)),
                    f"{decimals(100 * gap.estimate, 1, signed=True)} {gap.range_text(percent=True, signed=True)}",
                    f"{wins.estimate:.2f} {wins.range_text()}",
                ]
            )
    return table(
        "differences",
        "CNN against FCNN on the same pairs, splits and seeds.",
        {
            "preprocessing": "left",
            "accuracy": "left",
            "FCNN, %": "right",
            "CNN, %": "right",
            "CNN − FCNN, points": "right",
            "fits with the CNN ahead, share": "right",
        },
        rows,
        f"n = {len(findings.plan.pairs)} pairs × {findings.plan.seeds} seeds in every row. Ties count as one half.",
    )


def dead_units_table(findings: Findings) -> Block:
    """Return the numbers of units dead before and after training, and the time of their death."""
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
    return table(
        "dead-units",
        "Dead units: ReLU units that put out 0 for every training capture.",
        {
            "network": "left",
            "filters, of 4: before → after": "right",
            "hidden units, of 4: before → after": "right",
            "hidden units died in epoch: median (range)": "right",
            "fits with all hidden units dead, %": "right",
            "fits that learned every capture, %": "right",
        },
        rows,
        f"Means over {len(findings.plan.pairs)} pairs × {findings.plan.seeds} seeds, trained on all captures. "
        "Epoch 0 is before training; epochs are of the hidden units that are dead at the end.",
    )


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


def controls_table(findings: Findings) -> Block:
    """Return training and held-out accuracy of every control."""
    settings = [
        ("fcnn", "none", ""), ("fcnn", "centre", ""), ("cnn", "none", ""), ("cnn", "centre", ""),
        *((name, "none", "") for name in ("fcnn-equal", "fcnn-wide", "fcnn-slow", "fcnn-leaky", "fcnn-he")),
        ("cnn", "none", "frozen filters"), ("cnn", "centre", "frozen filters"),
        ("fcnn", "centre", "permuted pixels"), ("cnn", "centre", "permuted pixels"),
        ("fcnn", "centre", "shuffled labels"), ("cnn", "centre", "shuffled labels"),
        ("1-nn", "none", ""), ("pca-logistic", "none", ""),
    ]  # fmt: skip
    rows = []
    for name, kind, control in settings:
        trials = findings.controls(name, kind, control)
        rows.append(
            [
                LABELS[name],
                PIXELS[kind],
                control or "–",
                _cell(findings.mean(trials, "train_accuracy")),
                _cell(findings.mean(trials, "accuracy")),
            ]
        )
    plan = findings.plan
    return table(
        "controls-table",
        "Controls: training and held-out accuracy, half of the captures held out.",
        {
            "network": "left",
            "preprocessing": "left",
            "control": "left",
            "training, %": "right",
            "held out, %": "right",
        },
        rows,
        f"n = {len(plan.pairs)} pairs × {plan.seeds} seeds in every row; all rows share pairs and splits. On shuffled "
        "labels training accuracy is that on the labels given, held-out accuracy that on the true ones.",
    )


def people_table(findings: Findings) -> Block:
    """Return the accuracy of every method on all people at once, the best last."""
    methods = [
        *((name, kind) for name in ("fcnn", "cnn") for kind in ("none", "centre")),
        *((name, "none") for name in ("1-nn", "pca-svm", "pca-logistic", "lda", "deep")),
    ]
    methods = [(name, kind) for name, kind in methods if findings.trials.where(experiment="people", network=name)]
    rows = []
    for name, kind in methods:
        accuracies, interval = findings.people(name, kind)
        seconds = findings.trials.where(experiment="people", network=name, preprocess=kind).column("seconds").mean()
        label = f"{LABELS[name]}, {SHORT[kind]}" if name in ("fcnn", "cnn") else LABELS[name]
        spread = f"{100 * accuracies.std(ddof=1):.1f}" if len(accuracies) > 1 else "–"
        rows.append((interval.estimate, [label, share(interval.estimate), spread,
                     interval.range_text(percent=True), len(accuracies), f"{seconds:.2f}"]))  # fmt: skip
    rows.sort(key=lambda row: row[0])
    n = findings.people("lda", "none")[1].n
    return table(
        "people-table",
        f"All {len(findings.captures)} people at once: share of {n} held-out captures named correctly.",
        {
            "method": "left",
            "accuracy": "right",
            "std over splits, points": "right",
            f"95 % interval, n = {n}": "right",
            "splits": "right",
            "seconds a fit": "right",
        },
        [row for _, row in rows],
        "Wilson’s interval for the captures of one split; the splits share captures, so more of them steady "
        "the mean but are no new evidence. Seconds on one core while other fits may have run beside it.",
    )


def _cell(interval: Estimate) -> str:
    return f"{100 * interval.estimate:.1f} {interval.range_text(percent=True)}"
