"""Charts: every number in them, and every number that their captions quote, is counted again from the trials."""

import numpy as np
from recount import (
    KINDS,
    NETWORKS,
    SHORT,
    THREE,
    agree,
    blocks,
    changes,
    decimals,
    fates,
    fits,
    grid,
    interval,
    number,
    permutation_costs,
    pick,
    probes,
)

AXES = ("shift x", "shift y", "rotation", "occlusion", "brightness")


def curve(table, network, condition, column):
    rows = pick(table, experiment="robustness", network=network, condition=condition)
    amounts = sorted({float(row["amount"]) for row in rows})
    return by_amount({amount: [row for row in rows if float(row["amount"]) == amount] for amount in amounts}, column)


def by_amount(groups, column):
    found = [interval(grid(rows, column)) for rows in groups.values()]
    return (list(groups), *map(list, zip(*found, strict=True)))


def learning_curve(table, network, kind):
    rows = pick(table, experiment="learning", network=network, preprocess=kind)
    amounts = sorted({int(row["captures"]) for row in rows})
    return by_amount({n: [row for row in rows if int(row["captures"]) == n] for n in amounts}, "accuracy")


def epochs(table, network, kind, column):
    rows = pick(table, experiment="tutorial", network=network, preprocess=kind, condition="epoch")
    amounts = sorted({float(row["amount"]) for row in rows})
    runs = [[float(row[column]) for row in rows if float(row["amount"]) == epoch] for epoch in amounts]
    return amounts, [np.mean(run) for run in runs], [min(run) for run in runs], [max(run) for run in runs]


def forest(rows):
    found = list(zip(*rows.values(), strict=True))
    return found[0], list(rows), found[1], found[2]  # x, y, lo, hi


def expected_charts(table):
    """Chart -> series -> (x, y, lo, hi)."""
    charts = {}
    for column in ("train_loss", "train_accuracy"):
        charts[f"epochs-{column.replace('_', '-')}"] = {
            f"{label}, {SHORT[kind]}": epochs(table, name, kind, column)
            for name, label in NETWORKS.items()
            for kind in KINDS
        }
    for axis in AXES:
        for column in ("accuracy", "consistency"):
            charts[f"{axis.replace(' ', '-')}-{column}"] = {
                label: curve(table, name, axis, column) for label, name in THREE.items()
            }
    charts["location-chart"] = charts["shift-x-accuracy"]
    charts["learning-curve"] = {
        f"{label}, {SHORT[kind]}": learning_curve(table, name, kind)
        for name, label in NETWORKS.items()
        for kind in KINDS
    } | {"nearest neighbour": learning_curve(table, "1-nn", "none")}
    centred, raw = (
        {label: grid(fits(table, name, kind, True), "accuracy") for name, label in NETWORKS.items()}
        for kind in ("centre", "none")
    )
    charts["repair"] = {"measured": forest({label: interval(centred[label] - raw[label]) for label in raw})}
    charts["overfitting-chart"] = {"measured": forest(fates(table))}
    fewer, repair, _ = changes(table)
    charts["number-of-parameters-chart"] = {
        "measured": forest({"as few parameters as the CNN": fewer, "mean pixel subtracted": repair})
    }
    charts["local-patterns-chart"] = {"measured": forest(permutation_costs(table))}
    charts["separable-chart"] = {
        "measured": forest(probes(table)),
        "shuffled labels": forest(probes(table, "shuffled labels")),
    }
    return charts


def expected_dots(table):
    """Chart -> group -> (rows, column)."""
    groups = {
        f"pairs-{column.replace('_', '-')}": {
            f"{label}, {SHORT[kind]}": (fits(table, name, kind, held_out), column)
            for name, label in NETWORKS.items()
            for kind in KINDS
        }
        for held_out, column in ((False, "train_accuracy"), (True, "accuracy"))
    }
    groups["training-accuracy-dots"] = {
        label: (fits(table, name, "none", False), "train_accuracy") for name, label in NETWORKS.items()
    }
    return groups


def test_every_chart_is_covered(document, table):
    shown = [block["id"] for block in blocks(document, "chart")]
    assert sorted(shown) == sorted([*expected_charts(table), *expected_dots(table)])


def test_curves_and_forests(document, table):
    expected = expected_charts(table)
    for chart in blocks(document, "chart"):
        if chart["mark"] == "dots":
            continue
        assert {series["name"] for series in chart["series"]} == set(expected[chart["id"]])
        for series in chart["series"]:
            for shown, wanted in zip(["x", "y", "lo", "hi"], expected[chart["id"]][series["name"]], strict=True):
                agree(series[shown], wanted)


def test_dots_and_their_means(document, table):
    expected = expected_dots(table)
    for chart in blocks(document, "chart"):
        if chart["mark"] != "dots":
            continue
        groups = expected[chart["id"]]
        assert {series["name"] for series in chart["series"]} == set(groups) == {one["x"] for one in chart["summary"]}
        for series in chart["series"]:
            rows, column = groups[series["name"]]
            assert set(series["x"]) == {series["name"]}
            agree(sorted(series["y"]), sorted(float(row[column]) for row in rows))
        for one in chart["summary"]:
            rows, column = groups[one["x"]]
            agree([one["mean"], one["lo"], one["hi"]], interval(grid(rows, column)))


def test_captions_quote_the_chart(document, table):
    expected = expected_charts(table)
    for name, groups in expected_dots(table).items():
        expected[name] = {group: interval(grid(rows, column)) for group, (rows, column) in groups.items()}
    quoted = 0
    for chart in blocks(document, "chart"):
        known = {
            number(100 * abs(value))
            for series in expected[chart["id"]].values()
            for part in series
            for value in (part if isinstance(part, list | tuple) else [part])
            if not isinstance(value, str)
        }
        assert set(decimals(chart["caption"])) <= known, chart["id"]
        quoted += len(decimals(chart["caption"]))
    assert quoted > 50
