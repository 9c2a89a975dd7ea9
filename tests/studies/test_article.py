"""The page: every number on it is traced back to ``trials.csv``, read here with the csv module and NumPy alone."""

import csv
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from faceloupe.documents import decode_array
from faceloupe.studies import Study, Trials, make_plan, run_study
from faceloupe.studies.statistics import cluster_bootstrap, wilson
from faceloupe.training.networks import CNN, FCNN

KINDS = {"none": "pixels as they are", "centre": "mean pixel subtracted"}
SHORT = {"none": "raw", "centre": "centred"}
NETWORKS = {"fcnn": "FCNN", "cnn": "CNN"}
THREE = {"FCNN": "fcnn", "CNN": "cnn", "CNN, global pooling": "cnn-global"}
AXES = ("shift x", "shift y", "rotation", "occlusion", "brightness")


@pytest.fixture(scope="module")
def document(finished):
    return finished.to_document()


@pytest.fixture(scope="module")
def table(finished):
    with (finished.folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


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


def shift_cost(table, network):
    rows = [
        row
        for row in pick(table, experiment="robustness", network=network)
        if row["condition"] in ("shift x", "shift y")
    ]
    moved = [row for row in rows if float(row["amount"]) in (-8.0, 8.0)]
    return grid([row for row in rows if float(row["amount"]) == 0], "accuracy") - grid(moved, "accuracy")


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


LAYERS = {
    "pixels": "pixels",
    "conv_relu": "convolution, after ReLU",
    "pool": "pooling",
    "hidden": "hidden layer, before ReLU",
    "hidden_relu": "hidden layer",
}


def probes(table, control=""):
    return {
        label: interval(grid(pick(table, experiment="probe", condition=name, control=control), "accuracy"))
        for name, label in LAYERS.items()
    }


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


def number(value, digits=1, signed=False):
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return (text.lstrip("+-") if float(text) == 0 else text).replace("-", "−")


def limits(found, scale=100, digits=1, signed=False):
    return f"[{number(scale * found[1], digits, signed)}, {number(scale * found[2], digits, signed)}]"


def cell(found):
    return f"{number(100 * found[0])} {limits(found)}"


def wins(cnn, fcnn):
    return interval((cnn > fcnn) + 0.5 * (cnn == fcnn))


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


COUNTED = {  # statements and figures that are about the network's shape, checked against a live one below
    "fewer-parameters": {"CNN, parameters", "FCNN, parameters"},
    "cheaper": {
        "CNN, multiply-adds a face", "FCNN, multiply-adds a face",
        "CNN, bytes of parameters and of outputs", "FCNN, bytes of parameters and of outputs",
    },
    "pooling-stride": {"stride", "output", "unseen rows and columns"},
    "hidden-layers": {"hidden layers", "units in it"},
}  # fmt: skip


def agree(shown, expected):
    assert len(shown) == len(expected)
    for one, other in zip(shown, expected, strict=True):
        assert one == other if isinstance(other, str) else one == pytest.approx(float(other), abs=1e-9)


class TestEveryNumberComesFromTheTrials:
    def test_every_chart_is_covered(self, document, table):
        shown = [block["id"] for block in blocks(document, "chart")]
        assert sorted(shown) == sorted([*expected_charts(table), *expected_dots(table)])

    def test_curves_and_forests(self, document, table):
        expected = expected_charts(table)
        for chart in blocks(document, "chart"):
            if chart["mark"] == "dots":
                continue
            assert [series["name"] for series in chart["series"]] == [
                name for name in expected[chart["id"]] if name in [series["name"] for series in chart["series"]]
            ] or set(expected[chart["id"]]) == {series["name"] for series in chart["series"]}
            for series in chart["series"]:
                for shown, wanted in zip(["x", "y", "lo", "hi"], expected[chart["id"]][series["name"]], strict=True):
                    agree(series[shown], wanted)

    def test_dots_and_their_means(self, document, table):
        expected = expected_dots(table)
        for chart in blocks(document, "chart"):
            if chart["mark"] != "dots":
                continue
            groups = expected[chart["id"]]
            assert (
                {series["name"] for series in chart["series"]} == set(groups) == {one["x"] for one in chart["summary"]}
            )
            for series in chart["series"]:
                rows, column = groups[series["name"]]
                assert set(series["x"]) == {series["name"]}
                agree(sorted(series["y"]), sorted(float(row[column]) for row in rows))
            for one in chart["summary"]:
                rows, column = groups[one["x"]]
                agree([one["mean"], one["lo"], one["hi"]], interval(grid(rows, column)))

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("differences", expected_differences),
            ("dead-units", expected_dead_units),
            ("controls-table", expected_controls),
            ("people-table", expected_people),
        ],
    )
    def test_tables(self, document, table, name, expected):
        (shown,) = [block for block in blocks(document, "table") if block["id"] == name]
        assert sorted(map(str, shown["rows"])) == sorted(map(str, expected(table)))
        assert all(len(row) == len(shown["columns"]) for row in shown["rows"])

    def test_every_table_is_covered(self, document):
        assert [block["id"] for block in blocks(document, "table")] == [
            "summary-fcnn", "summary-cnn", "differences", "dead-units", "controls-table", "people-table"
        ]  # fmt: skip

    def test_the_people_table_rises(self, document):
        (shown,) = [block for block in blocks(document, "table") if block["id"] == "people-table"]
        values = [float(row[1].split()[0]) for row in shown["rows"]]
        assert values == sorted(values)

    def test_figures_of_statements(self, document, table):
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

    def test_the_evidence_for_machines(self, document, table):
        evidence = document["evidence"]
        for name in NETWORKS:
            for kind in KINDS:
                everything, half = (fits(table, name, kind, held_out) for held_out in (False, True))
                expected = {
                    "train_accuracy": interval(grid(everything, "train_accuracy")),
                    "held_out_accuracy": interval(grid(half, "accuracy")),
                    "all_hidden_dead": share_of(everything, lambda row: float(row["dead_hidden"]) == 4),
                    "learned_every_capture": share_of(everything, lambda row: float(row["train_accuracy"]) == 1),
                }
                assert set(evidence[f"{name}/{kind}"]) == set(expected)
                for what, found in expected.items():
                    one = evidence[f"{name}/{kind}"][what]
                    agree([one["estimate"], one["low"], one["high"]], found)
        assert evidence["statements"] == {one["id"]: one["verdict"] for one in blocks(document, "statement")}
        assert set(evidence) == {"statements", *(f"{name}/{kind}" for name in NETWORKS for kind in KINDS)}


def decimals(text):
    """The shares and differences in a sentence, without their sign."""
    return re.findall(r"(?<![\d.])\d+\.\d(?!\d)", text)


class TestEveryNumberInTheWords:
    def test_captions_quote_the_chart(self, document, table):
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

    def test_the_lead(self, document, table):
        dead = [
            share_of(fits(table, name, "none", False), lambda row: float(row["dead_hidden"]) == 4) for name in NETWORKS
        ]
        fcnn, cnn = (grid(fits(table, name, "centre", True), "accuracy") for name in NETWORKS)
        raw = grid(fits(table, "fcnn", "none", True), "accuracy")
        learned = share_of(fits(table, "fcnn", "centre", True), lambda row: float(row["train_accuracy"]) == 1)
        expected = [number(100 * abs(value)) for found in dead for value in found]
        expected += [number(100 * learned[0]), number(100 * fcnn.mean())]
        expected += [number(100 * abs(value)) for value in interval(fcnn - raw)]
        expected += [number(100 * cnn.mean()), *(number(100 * abs(value)) for value in interval(fcnn - cnn))]
        assert decimals(" ".join(document["lead"])) == expected
        assert "3 pairs of people with 2 seeds each" in document["lead"][0]

    def test_reasons_quote_their_figures(self, document, table):
        still = {
            number(
                100
                * interval(
                    grid(
                        pick(table, experiment="robustness", network=name, condition="shift x", amount="0"), "accuracy"
                    )
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
            np.median([float(r["seconds"]) for r in pick(table, experiment="timing", network=n)])
            for n in ("cnn", "fcnn")
        ]
        work = (25 * 25 * 64 * 4 + 144 * 4 + 4) / (1024 * 4 + 4)
        floats = (2 * 625 * 4 + 2 * 144 + 9) / (1024 + 9)
        more["cheaper"] = {f"{seconds[0] / seconds[1]:.1f}", f"{work:.1f}", f"{floats:.1f}"}
        more["fewer-parameters"] = {f"{(1024 * 4 + 9) / (260 + 144 * 4 + 9):.1f}"}
        for statement in blocks(document, "statement"):
            figures = " ".join(f"{one['value']} {one['interval']}" for one in statement["figures"])
            known = set(decimals(figures)) | more.get(statement["id"], set())
            assert set(decimals(statement["because"])) <= known, statement["id"]

    def test_every_n(self, document):
        text = json.dumps(document["sections"], ensure_ascii=False)
        assert set(re.findall(r"n = (\d+) pairs × (\d+) seeds", text)) == {("3", "2")}
        assert "NaN" not in text
        assert "nan" not in re.findall(r"\bnan\b", text)


class TestWhatIsCounted:
    def test_the_networks_summaries_are_those_of_live_networks(self, document):
        for name, network in (("fcnn", FCNN((32, 32))), ("cnn", CNN((32, 32)))):
            (shown,) = [block for block in blocks(document, "table") if block["id"] == f"summary-{name}"]
            assert [row[0] for row in shown["rows"]] == [
                layer.replace("_", " ") for layer, _ in network.named_children()
            ]
            for row, (_, layer) in zip(shown["rows"], network.named_children(), strict=True):
                count = sum(weights.numel() for weights in layer.parameters())
                assert row[2].endswith(f"= {count:,}") if count else row[2] == "–"
            total = sum(weights.numel() for weights in network.parameters())
            assert f"= {total:,} ({4 * total:,} bytes)" in shown["note"]

    def test_the_pooling_and_the_hidden_layer(self, document):
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


class TestTheDocument:
    def test_it_is_json_without_nan(self, document):
        assert json.loads(json.dumps(document, allow_nan=False)) == document

    def test_from_the_disk_it_is_the_same(self, finished, document, faces):
        read = run_study(finished.plan, faces, finished.folder, resume=True, n_jobs=1)
        assert read.to_document() == document

    def test_writing_it_twice_gives_the_same(self, finished, document):
        assert finished.to_document() == document

    @pytest.mark.parametrize(
        ("experiment", "column"),
        [
            ("pairs", "accuracy"), ("pairs", "train_accuracy"), ("pairs", "dead_hidden"), ("tutorial", "train_loss"),
            ("controls", "accuracy"), ("robustness", "consistency"), ("learning", "accuracy"), ("probe", "accuracy"),
            ("people", "accuracy"), ("timing", "seconds"),
        ],
    )  # fmt: skip
    def test_one_changed_trial_changes_it(self, finished, document, experiment, column):
        rows = list(finished.trials)
        place = next(
            index
            for index, row in enumerate(rows)
            if row.experiment == experiment
            and not math.isnan(getattr(row, column))
            and (experiment != "tutorial" or row.condition == "epoch")
        )
        rows[place] = replace(rows[place], **{column: 0.3125 if getattr(rows[place], column) != 0.3125 else 0.5})
        assert doctored(finished, rows).to_document()["sections"] != document["sections"]

    def test_ids_are_unique(self, document):
        ids = [block["id"] for block in blocks(document) if "id" in block]
        assert len(set(ids)) == len(ids)


def doctored(finished, rows):
    return Study(finished.plan, finished.faces, Trials(rows), finished.folder, finished.manifest, 0.0)


class TestWithoutFaces:
    @pytest.fixture(scope="class")
    @staticmethod
    def named(make_faces, tmp_path_factory):
        faces = make_faces(shape=(21, 21))
        plan = make_plan(faces, pairs=2, seeds=2, epochs=1)
        return run_study(plan, faces, tmp_path_factory.mktemp("named") / "study", n_jobs=1)

    def test_no_picture_is_larger_than_a_filter(self, named):
        document = named.to_document(show_faces=False)
        shapes = {
            decode_array(panel["array"]).shape for block in blocks(document, "pictures") for panel in block["panels"]
        }
        assert shapes == {(8, 8)}
        assert {block["id"] for block in blocks(document, "pictures")} == {"filters-none", "filters-centre"}

    def test_no_weights_are_left_in_which_somebody_could_be_seen(self, named):
        document = named.to_document(show_faces=False)
        assert document["networks"] == {}
        assert json.dumps(document).count("base64") == 2 * 4
        assert document["provenance"]["this file holds"] == "no faces"

    @pytest.mark.parametrize("show_faces", [True, False])
    def test_no_name_of_a_subject_and_no_path_of_a_capture(self, named, show_faces):
        text = json.dumps(named.to_document(show_faces=show_faces), ensure_ascii=False)
        assert not [name for name in named.faces.names if name in text]
        assert ".png" not in text

    def test_the_words_do_not_speak_of_pictures_that_are_not_there(self, named):
        text = json.dumps(named.to_document(show_faces=False)["sections"])
        assert "what the CNN makes of a face" not in text


class TestPictures:
    def test_they_show_the_faces_and_the_networks_of_the_first_seed(self, document, faces):
        pictures = {
            block["id"]: [decode_array(p["array"]) for p in block["panels"]] for block in blocks(document, "pictures")
        }
        assert np.array_equal(pictures["people"], faces.images[[0, 10]])
        for kind in KINDS:
            network = CNN((32, 32))
            kept = document["networks"][f"cnn/{kind}"]
            weights = {name: decode_array(value) for name, value in kept["weights"].items()}
            import torch

            network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
            face = (faces.images[:1] - kept["preprocessing"]["mean"]) / kept["preprocessing"]["scale"]
            with torch.no_grad():
                before = network.conv(torch.tensor(face, dtype=torch.float32)[:, None])
                pooled = network.pool(network.conv_relu(before))
            assert np.array_equal(pictures[f"filters-{kind}"], weights["conv.weight"][:, 0])
            assert np.allclose(pictures[f"conv-{kind}"], before[0], atol=1e-5)
            assert np.allclose(pictures[f"pool-{kind}"], pooled[0], atol=1e-5)
            fcnn = decode_array(document["networks"][f"fcnn/{kind}"]["weights"]["hidden.weight"])
            assert np.array_equal(pictures[f"fcnn-weights-{kind}"], fcnn.reshape(4, 32, 32))

    def test_the_scale_holds_every_value(self, document):
        for block in blocks(document, "pictures"):
            if block["scale"]["kind"] == "grey":
                largest = max(np.abs(decode_array(panel["array"])).max() for panel in block["panels"])
                assert block["scale"]["limit"] == pytest.approx(float(largest))

    def test_every_panel_is_described(self, document):
        assert all(len(panel["alt"]) > 10 for block in blocks(document, "pictures") for panel in block["panels"])


class TestOtherStudies:
    @pytest.mark.parametrize(
        ("options", "faces_options"),
        [
            ({"preprocess": ("centre",)}, {}),
            ({"preprocess": ("none",)}, {}),
            ({"preprocess": ("standardise",)}, {}),
            ({"preprocess": ("none", "centre", "standardise")}, {}),
            ({"pairs": 1}, {"subjects": 2}),
            ({"pairs": 1, "seeds": 4}, {}),
            ({"pairs": 3}, {"captures": [4, 9, 7]}),
            ({}, {"shape": (17, 30)}),
            ({}, {"shape": (11, 11)}),
        ],
    )
    def test_they_have_a_page_too(self, make_faces, tmp_path, options, faces_options):
        faces = make_faces(**faces_options)
        plan = make_plan(faces, **{"pairs": 2, "seeds": 2, "epochs": 1} | options)
        document = run_study(plan, faces, tmp_path / "study", n_jobs=1).to_document()
        text = json.dumps(document, allow_nan=False)
        assert " nan " not in text
        checked = {block["id"] for block in blocks(document, "statement")}
        # What is said of pixels as they are needs fits on them.
        assert ({"training-accuracy", "overfitting"} <= checked) == ("none" in plan.preprocess)
        assert len(checked) == 11 if "none" in plan.preprocess else 9
        assert ("repair" in {block["id"] for block in blocks(document, "chart")}) == (
            {"none", "centre"} <= set(plan.preprocess)
        )
