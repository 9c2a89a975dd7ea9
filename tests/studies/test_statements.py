"""Statements: every figure under them, and every number in their reasons, is counted again from the trials."""

import re

import numpy as np
from recount import (
    KINDS,
    LAYERS,
    NETWORKS,
    THREE,
    blocks,
    changes,
    controls,
    decimals,
    fates,
    fits,
    grid,
    interval,
    limits,
    number,
    permutation_costs,
    pick,
    probes,
    wins,
)

from faceloupe.training.networks import CNN

COUNTED = {  # statements and figures that are about the network's shape, checked against a live one below
    "fewer-parameters": {"CNN, parameters", "FCNN, parameters"},
    "cheaper": {
        "CNN, multiply-adds a face", "FCNN, multiply-adds a face",
        "CNN, bytes of parameters and of outputs", "FCNN, bytes of parameters and of outputs",
    },
    "pooling-stride": {"stride", "output", "unseen rows and columns"},
    "hidden-layers": {"hidden layers", "units in it"},
}  # fmt: skip


def shift_cost(table, network):
    rows = [
        row
        for row in pick(table, experiment="robustness", network=network)
        if row["condition"] in ("shift x", "shift y")
    ]
    moved = [row for row in rows if float(row["amount"]) in (-8.0, 8.0)]
    return grid([row for row in rows if float(row["amount"]) == 0], "accuracy") - grid(moved, "accuracy")


def percent(found):
    return (f"{number(100 * found[0])} %", limits(found))


def points(found):
    return (f"{number(100 * found[0], signed=True)} points", limits(found, signed=True))


def expected_figures(table):
    """Statement -> label -> (value, interval)."""
    cnn, fcnn = (grid(fits(table, name, "none", False), "train_accuracy") for name in ("cnn", "fcnn"))
    won = wins(cnn, fcnn)
    fate = fates(table)
    loss = interval(grid(fits(table, "fcnn", "none", True), "train_loss"))
    fewer, repair, _ = changes(table)
    cost = {name: shift_cost(table, name) for name in ("fcnn", "cnn", "cnn-global")}
    seconds = {
        name: [float(row["seconds"]) for row in pick(table, experiment="timing", network=name)] for name in NETWORKS
    }
    measured, control = probes(table), probes(table, "shuffled labels")
    sizes = {name: int(float(pick(table, experiment="probe", condition=name)[0]["amount"])) for name in LAYERS}
    return {
        "cheaper": {
            f"{NETWORKS[name]}, seconds a fit": (f"{np.median(s):.3f}", f"[{min(s):.3f}, {max(s):.3f}]")
            for name, s in seconds.items()
        },
        "training-accuracy": {
            "FCNN, training accuracy": percent(interval(fcnn)),
            "CNN, training accuracy": percent(interval(cnn)),
            "CNN − FCNN": points(interval(cnn - fcnn)),
            "P(CNN > FCNN)": (f"{won[0]:.2f}", limits(won, 1, 2)),
        },
        "overfitting": {label: percent(found) for label, found in fate.items()}
        | {"mean training loss, nats": (f"{loss[0]:.3f}", limits(loss, 1, 2))},
        "number-of-parameters": {
            "FCNN": percent(interval(controls(table, "fcnn", "none", "train_accuracy"))),
            re.compile(r"FCNN with [\d,]+ parameters"): percent(
                interval(controls(table, "fcnn-equal", "none", "train_accuracy"))
            ),
            "FCNN, mean pixel subtracted": percent(interval(controls(table, "fcnn", "centre", "train_accuracy"))),
            "changed by fewer parameters": points(fewer),
            "changed by subtracting the mean": points(repair),
        },
        "location": {f"{label}, accuracy lost": points(interval(cost[name])) for label, name in THREE.items()}
        | {"FCNN − CNN": points(interval(cost["fcnn"] - cost["cnn"]))},
        "local-patterns": {
            f"{label}, lost by permuting": points(found) for label, found in permutation_costs(table).items()
        },
        "relu": {
            f"dead of the FCNN's 4 hidden units, {words}, {when} training": (f"{found[0]:.2f}", limits(found, 1, 2))
            for kind, words in KINDS.items()
            for when, column in (("before", "dead_hidden_start"), ("after", "dead_hidden"))
            for found in [interval(grid(fits(table, "fcnn", kind, False), column))]
        },
        "separable": {
            f"{label}, d = {sizes[name]:,}": (
                f"{number(100 * measured[label][0])} %, shuffled {number(100 * control[label][0])} %",
                limits(measured[label]),
            )
            for name, label in LAYERS.items()
        },
    }


def test_figures_of_statements(document, table):
    expected = expected_figures(table)
    seen = set()
    for statement in blocks(document, "statement"):
        wanted = dict(expected.get(statement["id"], {}))
        for figure in statement["figures"]:
            if figure["label"] in COUNTED.get(statement["id"], ()):
                continue
            (label,) = [
                one
                for one in wanted
                if one == figure["label"] or (not isinstance(one, str) and one.match(figure["label"]))
            ]
            assert (figure["value"], figure["interval"]) == wanted.pop(label), (statement["id"], figure["label"])
            assert re.match(r"n = \d+ ", figure["n"])
        assert not wanted
        seen.add(statement["id"])
    assert seen == {*expected, *COUNTED}


def test_reasons_quote_their_figures(document, table):
    still = {
        number(
            100
            * interval(
                grid(pick(table, experiment="robustness", network=name, condition="shift x", amount="0"), "accuracy")
            )[0]
        )
        for name in THREE.values()
    }
    more = {"location": still, "number-of-parameters": {number(100 * abs(value)) for value in changes(table)[2]}}
    gain = interval(
        grid(pick(table, experiment="probe", condition="hidden_relu", control=""), "accuracy")
        - grid(pick(table, experiment="probe", condition="pixels", control=""), "accuracy")
    )
    more["separable"] = {number(100 * abs(value)) for value in gain}
    seconds = [
        np.median([float(r["seconds"]) for r in pick(table, experiment="timing", network=n)]) for n in ("cnn", "fcnn")
    ]
    work = (25 * 25 * 64 * 4 + 144 * 4 + 4) / (1024 * 4 + 4)
    floats = (2 * 625 * 4 + 2 * 144 + 9) / (1024 + 9)
    more["cheaper"] = {f"{seconds[0] / seconds[1]:.1f}", f"{work:.1f}", f"{floats:.1f}"}
    more["fewer-parameters"] = {f"{(1024 * 4 + 9) / (260 + 144 * 4 + 9):.1f}"}
    for statement in blocks(document, "statement"):
        figures = " ".join(f"{one['value']} {one['interval']}" for one in statement["figures"])
        known = set(decimals(figures)) | more.get(statement["id"], set())
        assert set(decimals(statement["because"])) <= known, statement["id"]


def test_the_pooling_and_the_hidden_layer(document):
    found = {
        (one["id"], figure["label"]): figure["value"]
        for one in blocks(document, "statement")
        for figure in one["figures"]
    }
    network = CNN((32, 32))
    assert found["pooling-stride", "stride"] == str(network.pool.stride)
    assert found["pooling-stride", "output"] == "6x6x4"
    assert found["pooling-stride", "unseen rows and columns"] == "1 and 1"
    assert found["hidden-layers", "hidden layers"] == "1"
    assert found["hidden-layers", "units in it"] == str(network.hidden.out_features)
