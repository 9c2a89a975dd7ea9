"""Tables: every cell is counted again from the trials, or is that of a live network."""

import numpy as np
import pytest
from recount import KINDS, NETWORKS, SHORT, blocks, controls, fits, grid, interval, limits, number, pick, share_of, wins

from faceloupe.scores import wilson
from faceloupe.training.networks import CNN, FCNN

LONG = {
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


def cell(found):
    return f"{number(100 * found[0])} {limits(found)}"


def expected_differences(table):
    for kind in KINDS:
        for held_out, column, what in (
            (False, "train_accuracy", "training, all captures"),
            (True, "accuracy", "held out"),
        ):
            fcnn, cnn = (grid(fits(table, name, kind, held_out), column) for name in ("fcnn", "cnn"))
            gap, won = interval(cnn - fcnn), wins(cnn, fcnn)
            yield [
                KINDS[kind], what, cell(interval(fcnn)), cell(interval(cnn)),
                f"{number(100 * gap[0], signed=True)} {limits(gap, signed=True)}",
                f"{won[0]:.2f} {limits(won, 1, 2)}",
            ]  # fmt: skip


def expected_dead_units(table):
    for name, label in NETWORKS.items():
        for kind in KINDS:
            rows = fits(table, name, kind, False)

            def change(column, rows=rows):
                after = interval(grid(rows, column))
                return f"{interval(grid(rows, column + '_start'))[0]:.2f} → {after[0]:.2f} {limits(after, 1, 2)}"

            died = sorted(
                int(epoch)
                for row in rows
                for part in row["died"].split("; ")
                if part.startswith("hidden")
                for epoch in part.split()[1:]
            )
            yield [
                f"{label}, {SHORT[kind]}",
                change("dead_conv") if name == "cnn" else "–",
                change("dead_hidden"),
                f"{died[(len(died) - 1) // 2]} ({died[0]} to {died[-1]})" if died else "–",
                cell(share_of(rows, lambda row: float(row["dead_hidden"]) == 4)),
                cell(share_of(rows, lambda row: float(row["train_accuracy"]) == 1)),
            ]


def expected_controls(table):
    found = pick(table, experiment="controls")
    for name, kind, control in dict.fromkeys((row["network"], row["preprocess"], row["control"]) for row in found):
        yield [LONG[name], KINDS[kind], control or "–"] + [
            cell(interval(controls(table, name, kind, column, control))) for column in ("train_accuracy", "accuracy")
        ]


def expected_people(table):
    found = pick(table, experiment="people")
    for name, kind in dict.fromkeys((row["network"], row["preprocess"]) for row in found):
        rows = pick(found, network=name, preprocess=kind)
        values = np.array([float(row["accuracy"]) for row in rows])
        n = int(rows[0]["n_held_out"])
        around = wilson(round(values.mean() * n), n)
        label = LONG[name] + (f", {SHORT[kind]}" if name in NETWORKS else "")
        yield [
            label, f"{number(100 * values.mean())} %", f"{100 * values.std(ddof=1):.1f}",
            limits((0, around.low, around.high)), len(rows), f"{np.mean([float(row['seconds']) for row in rows]):.2f}",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("differences", expected_differences),
        ("dead-units", expected_dead_units),
        ("controls-table", expected_controls),
        ("people-table", expected_people),
    ],
)
def test_tables(document, table, name, expected):
    (shown,) = [block for block in blocks(document, "table") if block["id"] == name]
    assert sorted(map(str, shown["rows"])) == sorted(map(str, expected(table)))
    assert all(len(row) == len(shown["columns"]) for row in shown["rows"])


def test_every_table_is_covered(document):
    assert [block["id"] for block in blocks(document, "table")] == [
        "summary-fcnn", "summary-cnn", "differences", "dead-units", "controls-table", "people-table"
    ]  # fmt: skip


def test_the_people_table_rises(document):
    (shown,) = [block for block in blocks(document, "table") if block["id"] == "people-table"]
    values = [float(row[1].split()[0]) for row in shown["rows"]]
    assert values == sorted(values)


def test_the_networks_summaries_are_those_of_live_networks(document):
    for name, network in (("fcnn", FCNN((32, 32))), ("cnn", CNN((32, 32)))):
        (shown,) = [block for block in blocks(document, "table") if block["id"] == f"summary-{name}"]
        assert [row[0] for row in shown["rows"]] == [layer.replace("_", " ") for layer, _ in network.named_children()]
        for row, (_, layer) in zip(shown["rows"], network.named_children(), strict=True):
            count = sum(weights.numel() for weights in layer.parameters())
            assert row[2].endswith(f"= {count:,}") if count else row[2] == "–"
        total = sum(weights.numel() for weights in network.parameters())
        assert f"= {total:,} ({4 * total:,} bytes)" in shown["note"]
