"""A comparison's page: which networks, what each reached, how they differ, what they withstand, how they learn."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from faceloupe.blocks import Block, section, table, text
from faceloupe.numerals import counted, decimals
from faceloupe.studies.comparison.findings import Difference, Reached, differences, mean, reached, sizes
from faceloupe.studies.comparison.run import Comparison
from faceloupe.studies.run import provenance
from faceloupe.studies.statistics import Estimate

PIXELS = {"none": "as they are", "centre": "mean subtracted", "standardise": "standardised"}
CHANGES = (
    ("shift x", 8.0, "moved 8 pixels to the right"),
    ("shift y", 8.0, "moved 8 pixels down"),
    ("rotation", 20.0, "turned by 20°"),
    ("occlusion", 24.0, "a square of 24 pixels covered"),
    ("brightness", 40.0, "40 % brighter"),
)


def write_article(comparison: Comparison) -> dict[str, Any]:
    """Return the page of a finished comparison; it shows no face."""
    rows = list(reached(comparison.plan, comparison.trials))
    compared = list(differences(comparison.plan, comparison.trials))
    return {
        "title": f"{counted(len(comparison.plan.networks), 'network')} on the same faces",
        "lead": list(_lead(comparison, rows, compared)),
        "sections": [
            section("networks", "The networks", [_networks(comparison)]),
            section("reached", "What each reached", _reached(rows)),
            section("differences", "Every two of them", _differences(compared)),
            section("changes", "Faces that were changed", [_changes(comparison)]),
            section("captures", "How many captures a person", [_learning(comparison)]),
            section("people", "All people at once", [_people(comparison)]),
            section("method", "How this was measured", [text(_method(comparison))]),
        ],
        "evidence": comparison.to_document(),
        "provenance": provenance(comparison.manifest),
    }


def _lead(comparison: Comparison, rows: list[Reached], compared: list[Difference]) -> Iterator[str]:
    best = max(rows, key=lambda row: row.accuracy.estimate)
    n = best.accuracy.n_text().removeprefix("n = ")
    yield (
        f"On {n} of {_short(comparison)}, **{_entry((best.network, best.preprocess))}** recognised most held-out "
        f"captures: {_percent(best.accuracy)}."
    )
    shown = [row for row in compared if row.verdict != "not shown"]
    yield (
        f"{len(shown)} of {counted(len(compared), 'difference')} in held-out accuracy "
        f"{'is' if len(shown) == 1 else 'are'} shown at this sample size. Each 95 % interval is judged by itself, "
        "whatever their number."
    )


def _networks(comparison: Comparison) -> Block:
    height, width = comparison.manifest["data"]["shape"]
    rows = [
        [network.name, f"`{network.spec}`", f"{parameters:,}", f"{multiply_adds:,}"]
        for network, (parameters, multiply_adds) in zip(
            comparison.plan.networks, sizes(comparison.plan, (height, width)), strict=True
        )
    ]
    columns = {"network": "left", "sentence": "left", "parameters": "right", "multiply-adds a face": "right"}
    return table("sizes", f"For faces of {height} × {width} pixels and two people", columns, rows)


def _reached(results: list[Reached]) -> Iterator[Block]:
    yield text(
        "Each network was trained on half of the captures of two people and tested on the other half. The gap is "
        "training minus held-out accuracy; where it is large, the network overfits. A dead unit puts out 0 for every "
        "training capture."
    )
    rows = [
        [
            row.network, PIXELS[row.preprocess], _percent(row.train_accuracy), _percent(row.accuracy),
            _percent(row.gap, signed=True), decimals(row.dead, 1), f"{1000 * row.seconds:.0f}",
        ]
        for row in results
    ]  # fmt: skip
    columns = {
        "network": "left", "pixels": "left", "training": "right", "held out": "right", "gap, points": "right",
        "dead units": "right", "ms a fit": "right",
    }  # fmt: skip
    yield table("accuracy", f"Accuracy with 95 % intervals; {results[0].accuracy.n_text()}", columns, rows)


def _differences(compared: list[Difference]) -> Iterator[Block]:
    yield text(
        "Held-out accuracy of the first minus that of the second. Both had the same pairs, splits, seeds and batches, "
        "so that what is common to them cancels out."
    )
    rows = [
        [
            _entry(row.first), _entry(row.second), _percent(row.difference, signed=True), row.verdict,
            f"about {row.pairs_to_settle:,}" if row.pairs_to_settle else "",
        ]
        for row in compared
    ]  # fmt: skip
    columns = {
        "first": "left", "second": "left", "difference, points": "right", "the first recognises": "left",
        "pairs that would settle it": "right",
    }  # fmt: skip
    yield table("pairwise", f"{counted(len(compared), 'comparison')}, judged one by one", columns, rows)


def _changes(comparison: Comparison) -> Block:
    rows = []
    for name, kind in _entries(comparison):
        trials = comparison.trials.where(experiment="robustness", network=name, preprocess=kind)
        before = trials.where(condition="shift x", amount=0.0).grid("accuracy")
        cells = []
        for condition, amount, _ in CHANGES:
            changed = trials.where(condition=condition, amount=amount)
            cells.append(_percent(mean(changed.grid("accuracy") - before), signed=True) if len(changed) else "–")
        rows.append([name, PIXELS[kind], *cells])
    columns = {"network": "left", "pixels": "left"} | {words: "right" for _, _, words in CHANGES}
    return table("robustness", "Change of the held-out accuracy, in points, with 95 % intervals", columns, rows)


def _learning(comparison: Comparison) -> Block:
    trials = comparison.trials.where(experiment="learning")
    counts = sorted(set(trials.values("captures")))
    rows = [
        [name, PIXELS[kind], *(_percent(mean(part.grid("accuracy"))) for part in (
            trials.where(network=name, preprocess=kind, captures=count) for count in counts))]
        for name, kind in _entries(comparison)
    ]  # fmt: skip
    study = comparison.plan.study
    caption = f"Held-out accuracy; {counted(study.learning_pairs, 'pair')} × {counted(study.learning_seeds, 'seed')}"
    columns = {"network": "left", "pixels": "left"} | {counted(count, "capture"): "right" for count in counts}
    return table("learning", caption, columns, rows)


def _people(comparison: Comparison) -> Block:
    rows = []
    for name, kind in _entries(comparison):
        trials = comparison.trials.where(experiment="people", network=name, preprocess=kind)
        accuracy = 100 * trials.column("accuracy")
        rows.append([name, PIXELS[kind], f"{accuracy.mean():.1f} %", f"{accuracy.min():.1f} to {accuracy.max():.1f}"])
    subjects, splits = comparison.manifest["data"]["subjects"], comparison.plan.study.network_splits
    caption = (
        f"Held-out accuracy over {counted(splits, 'split')} of {subjects} people; chance is {100 / subjects:.1f} %"
    )
    columns = {"network": "left", "pixels": "left", "mean": "right", "lowest to highest": "right"}
    return table("everyone", caption, columns, rows)


def _method(comparison: Comparison) -> str:
    study, data = comparison.plan.study, comparison.manifest["data"]
    possible = data["subjects"] * (data["subjects"] - 1) // 2
    return (
        f"Faces: {data['source']}; {data['captures']} captures of {data['subjects']} subjects. "
        f"{counted(len(study.pairs), 'pair')} of {possible}, {counted(study.seeds, 'seed')} each; "
        f"{len(comparison.trials):,} trials in `trials.csv`. The pairs of people are the independent observations; "
        "they share people, so intervals are somewhat too narrow for other people. Accuracies depend on how the "
        "faces are cropped."
    )


def _entries(comparison: Comparison) -> list[tuple[str, str]]:
    return [(network.name, kind) for network in comparison.plan.networks for kind in network.preprocess]


def _entry(entry: tuple[str, str]) -> str:
    return f"{entry[0]} (pixels {PIXELS[entry[1]]})"


def _percent(estimate: Estimate, *, signed: bool = False) -> str:
    value = decimals(100 * np.float64(estimate.estimate), 1, signed=signed)
    return f"{value}{'' if signed else ' %'} {estimate.range_text(percent=True, signed=signed)}"


def _short(comparison: Comparison) -> str:
    return str(comparison.manifest["data"]["source"]).split(",")[0]
