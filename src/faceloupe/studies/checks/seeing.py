"""The tutorial's questions and statements on how the networks see: location, local patterns, layers and filters."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block
from faceloupe.numerals import decimals
from faceloupe.studies.charts import forest_chart
from faceloupe.studies.findings import FAILED, Findings
from faceloupe.studies.fits import FROZEN, PERMUTED, SHUFFLED
from faceloupe.studies.labels import LABELS, PIXELS, in_points, share
from faceloupe.studies.plan import COMPARED, MOVED
from faceloupe.studies.statements import (
    LITTLE,
    Figure,
    Judgement,
    Statement,
    judge,
    no_witness,
    percent_figure,
)
from faceloupe.studies.statistics import mean_over_pairs

SHIFT = 8.0  # pixels, one eighth of a face of 64
LAYERS = {
    "fcnn": {"pixels": "pixels", "hidden": "hidden layer, before ReLU", "hidden_relu": "hidden layer, after ReLU"},
    "cnn": {
        "pixels": "pixels",
        "conv": "convolution, before ReLU",
        "conv_relu": "convolution, after ReLU",
        "pool": "pooling",
        "hidden": "hidden layer, before ReLU",
        "hidden_relu": "hidden layer, after ReLU",
    },
}


def location(findings: Findings) -> Iterator[Statement]:
    """Ask what a shift costs each network; only one that has learned the task is a witness."""
    losses = {name: findings.loss_under_shift(name, SHIFT) for name in ("fcnn", "cnn")}
    still = {name: findings.mean(findings.fits(name, "centre", held_out=True), "accuracy") for name in losses}
    cost = {name: mean_over_pairs(grid) for name, grid in losses.items()}
    lost = f"lost if moved by {SHIFT:.0f}"
    judged = [
        judge(findings, "sensitive: FCNN, mean pixel subtracted", lost, losses["fcnn"], LITTLE),
        judge(findings, "insensitive: CNN, mean pixel subtracted", lost, losses["cnn"], LITTLE, above=False),
    ]
    yield Statement(
        "location",
        "says",
        "The FCNN is sensitive to where the face lies; the CNN is not.",
        tuple(
            no_witness(verdict, still[name]) if still[name].low < FAILED else verdict
            for name, verdict in zip(losses, judged, strict=True)
        ),
        f"Trained on unmoved faces and tested on held-out ones moved by {SHIFT:.0f} of {findings.image_shape[1]} "
        f"pixels (mean of left, right, up and down), the FCNN loses {in_points(cost['fcnn'])} of its "
        f"{share(still['fcnn'].estimate)} and the CNN {in_points(cost['cnn'])} of its {share(still['cnn'].estimate)}. "
        "The CNN’s maps move with the face, but its hidden layer has a weight of its own for every place.",
        (
            percent_figure("FCNN, accuracy lost", cost["fcnn"], signed=True),
            percent_figure("CNN, accuracy lost", cost["cnn"], signed=True),
            percent_figure("FCNN − CNN", mean_over_pairs(losses["fcnn"] - losses["cnn"]), signed=True),
        ),
    )


def local_patterns(findings: Findings) -> Iterator[Statement]:
    """Ask what a fixed permutation of the pixels costs each network."""
    grids = {
        name: findings.controls(name, "centre").grid("accuracy")
        - findings.controls(name, "centre", PERMUTED).grid("accuracy")
        for name in ("cnn", "fcnn")
    }
    cost = {name: mean_over_pairs(grid) for name, grid in grids.items()}
    yield Statement(
        "local-patterns",
        "says",
        "The CNN finds small patterns; local features matter greatly.",
        (judge(findings, "CNN, mean pixel subtracted", "lost without neighbours", grids["cnn"], LITTLE),),
        "Here the pixels of all faces are put in one other order: none is left beside its neighbours. Trained and "
        f"tested like that, the CNN loses {in_points(cost['cnn'])} of held-out accuracy. The FCNN knows no neighbours; "
        f"what it loses, {in_points(cost['fcnn'])}, is chance.",
        (
            percent_figure("CNN, lost by permuting", cost["cnn"], signed=True),
            percent_figure("FCNN, lost by permuting", cost["fcnn"], signed=True),
        ),
    )


def separable(findings: Findings) -> Iterator[Statement]:
    """Ask how linearly separable the classes are in each layer of each network, against the pixels."""
    cells = [(name, kind) for name in ("fcnn", "cnn") for kind in COMPARED]
    pixels = findings.probe("fcnn", "none", "pixels", moved=True).grid("accuracy")
    gains = {cell: findings.probe(*cell, "hidden_relu", moved=True).grid("accuracy") - pixels for cell in cells}
    still = findings.mean(findings.probe("fcnn", "none", "pixels"), "accuracy")
    n = " or ".join(map(str, sorted(findings.probe("fcnn", "none", "pixels").values("n_held_out"))))
    yield Statement(
        "separable",
        "says",
        "A trained network makes the two people linearly separable. (Said of an MLP, asked of the CNN.)",
        tuple(
            judge(findings, f"{LABELS[name]}, {PIXELS[kind]}", "hidden layer minus pixels", gains[name, kind], LITTLE)
            for name, kind in cells
        ),
        f"A straight cut through the pixels, laid by some of a pair’s {n} held-out captures and tested on the others, "
        f"gets {share(still.estimate)} right: {decimals(100 * (1 - still.estimate), 1)} points are left to gain. So "
        f"each capture was first moved by up to {MOVED} pixels; then the pixels give {share(float(pixels.mean()))}. "
        "Networks that are trained on moved captures, as these were not, might separate more.",
        tuple(_probe_figures(findings)),
        _layers_chart(findings),
    )


def _probe_figures(findings: Findings) -> Iterator[Figure]:
    for name, layers in LAYERS.items():
        for kind in COMPARED:
            for layer, label in layers.items():
                if layer == "pixels" and (name, kind) != ("fcnn", "none"):
                    continue
                values = [
                    findings.mean(findings.probe(name, kind, layer, moved=moved, control=control), "accuracy")
                    for moved, control in ((False, ""), (True, ""), (True, SHUFFLED))
                ]
                text = [share(value.estimate) for value in values]
                size = int(findings.probe(name, kind, layer).rows[0].amount)
                who = "" if layer == "pixels" else f"{LABELS[name]}, {PIXELS[kind]}: "
                yield Figure(
                    f"{who}{label}, {size:,} numbers", f"{text[0]}; moved {text[1]}",
                    f"moved {values[1].range_text(percent=True)}, shuffled labels {text[2]}", values[1].n_text(),
                )  # fmt: skip


def _layers_chart(findings: Findings) -> Block:
    rows = {}
    for name in ("fcnn", "cnn"):
        for layer, label in LAYERS[name].items():
            if layer == "pixels" and name == "cnn":
                continue
            where = label if layer == "pixels" else f"{LABELS[name]}: {label}"
            rows[where] = [
                findings.mean(findings.probe(name, "centre", layer, moved=True, control=control), "accuracy")
                for control in ("", SHUFFLED)
            ]
    return forest_chart(
        "separable-chart",
        "How well a straight cut tells two people apart, layer by layer",
        f"Held-out captures, each moved by up to {MOVED} pixels, in networks that were trained on unmoved ones; mean "
        f"pixel subtracted; beside it the same probe on shuffled labels. {next(iter(rows.values()))[0].n_text()}.",
        {label: measured for label, (measured, _) in rows.items()},
        "probe accuracy",
        control={label: shuffled for label, (_, shuffled) in rows.items()},
        unit="%",
        reference=[{"x": 0.5, "label": "chance"}],
    )


def learned_filters(findings: Findings) -> Iterator[Statement]:
    """Ask whether the filters were learned: how they differ from their start, and what freezing them there costs."""
    fits = {kind: findings.controls("cnn", kind) for kind in COMPARED}
    costs = {
        kind: trials.grid("accuracy") - findings.controls("cnn", kind, FROZEN).grid("accuracy")
        for kind, trials in fits.items()
    }
    alike = {kind: findings.mean(trials, "filter_correlation") for kind, trials in fits.items()}
    judged: list[Judgement] = [
        judge(findings, f"CNN, {PIXELS[kind]}", "lost with filters frozen at their start", costs[kind], LITTLE)
        for kind in COMPARED
    ]
    free, frozen = (findings.filter_fits(control) for control in ("", FROZEN))
    lost = free.column("accuracy") - frozen.column("accuracy")
    yield Statement(
        "learned-filters",
        "shows",
        "The four filters are what the CNN has learned.",
        tuple(judged),
        "With the mean pixel subtracted, the trained filters [[correlate|correlation]] "
        f"**{decimals(alike['centre'].estimate)}** with their random start (pixels as they are: "
        f"{decimals(alike['none'].estimate)}). Frozen at that start, with only the [[dense layers|dense layer]] "
        f"trained, they cost {in_points(mean_over_pairs(costs['centre']))} of held-out accuracy: so much is their "
        f"change worth. A harder task does teach filters (16, for all {len(findings.captures)} people, on varied "
        f"captures, in {findings.plan.epochs * 4} epochs): these correlate "
        f"{decimals(free.column('filter_correlation').mean())} with their start, and frozen they cost {_span(lost)} "
        f"points of {share(float(free.column('accuracy').mean()))}.",
        (
            *(
                Figure(
                    f"CNN, {PIXELS[kind]}: correlation with the start", f"{alike[kind].estimate:.3f}",
                    alike[kind].range_text(), alike[kind].n_text(),
                )
                for kind in COMPARED
            ),
            *(
                percent_figure(f"CNN, {PIXELS[kind]}: lost when frozen", mean_over_pairs(costs[kind]), signed=True)
                for kind in COMPARED
            ),
            Figure(
                "16 filters, all people: held out, trained and frozen",
                "; ".join(
                    f"{share(float(a))} and {share(float(b))}"
                    for a, b in zip(free.column("accuracy"), frozen.column("accuracy"), strict=True)
                ),
                None, f"{len(free)} fits, one split each",
            ),
        ),
    )  # fmt: skip


def _span(lost: NDArray[np.floating]) -> str:
    """Return differences of shares in points, from the least to the most."""
    least, most = 100 * lost.min(), 100 * lost.max()
    return f"{least:.0f}" if round(least) == round(most) else f"{least:.0f} to {most:.0f}"
