"""Also tests ``inspection/measures/diagnosis_sentences.py``, ``inspection/measures/weights.py``."""

import json
from collections import OrderedDict
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.inspection import OnnxNetwork, dead_units, diagnose_units, trace
from faceloupe.inspection.measures.diagnosis import Push
from faceloupe.training.ensemble import fit_many, initial_weights
from faceloupe.training.fit import batch_orders
from faceloupe.training.networks import CNN, FCNN
from faceloupe.training.preprocessing import Preprocessing
from helpers.toy_networks import CONVOLUTIONS


@pytest.fixture
def faces():
    return np.random.default_rng(0).random((12, 1, 20, 20), dtype=np.float32)


def set_unit(layer, unit, weight, bias=0.0):
    with torch.no_grad():
        layer.weight[unit] = torch.as_tensor(weight, dtype=torch.float32)
        layer.bias[unit] = bias


def test_a_copied_filter_is_reported_with_how_much_it_rests_on(faces):
    network = CNN((20, 20))
    set_unit(network.conv, 3, 2 * network.conv.weight[0], 2 * network.conv.bias[0])
    conv, hidden = diagnose_units(network, faces - 0.5)
    assert (conv.layer, hidden.layer) == ("conv_relu", "hidden_relu")
    assert conv.duplicates == ((0, 3),)
    # 13 rows and columns less the last one, which pooling by 4 does not see
    assert conv.values == 12 * 12 * 12
    assert conv.words[-1] == (
        "units 1 and 4 say the same: their outputs are correlated above 0.999 over 12 faces (1,728 values each)."
    )


def test_the_mean_pixel_is_named_as_the_cause(faces):
    network = FCNN((20, 20))
    weight = np.random.default_rng(3).standard_normal(400) * 0.01
    weight -= weight.mean() + 0.01
    set_unit(network.hidden, 2, weight, -0.02)
    [report] = diagnose_units(network, faces)
    [dead] = [unit for unit in report.dead if unit.unit == 2]
    # The same by hand, in NumPy.
    flat, mean = faces.reshape(12, -1).astype(np.float64), faces.mean(dtype=np.float64)
    before, left = flat @ weight - 0.02, (flat - mean) @ weight - 0.02
    assert dead.highest == pytest.approx(before.max(), abs=1e-5)
    assert dead.push == Push(
        bias=pytest.approx(-0.02),
        weight_sum=pytest.approx(-4.0, abs=1e-5),
        mean_input=pytest.approx(mean),
        of_pixels=True,
        left=pytest.approx(left.mean(), abs=1e-5),
        spread=pytest.approx(left.std(), abs=1e-5),
        alive_without_mean=np.sum(left > 0),
        alive_without_bias=0,
    )
    assert dead.push.alive_without_mean > 0
    text = next(words for words in report.words if words.startswith("unit 3:"))
    assert (
        f"the weights' sum -4 times the mean pixel {mean:.3g} = {-4 * mean:+.3g}: the mean of the pixels pushes" in text
    )
    assert f"above 0 for {np.sum(left > 0)} of 12 faces" in text


def test_the_bias_is_named_as_the_cause(faces):
    network = CNN((20, 20))
    set_unit(network.conv, 1, network.conv.weight[1] * 0.1, -5.0)
    conv, _ = diagnose_units(network, faces - 0.5)
    assert [unit.unit for unit in conv.dead] == [1]
    assert conv.dead[0].push.alive_without_bias == 12
    assert "The bias keeps it down: with 0 it would be above 0 for 12 of 12 faces." in conv.words[1]


def test_where_neither_is_the_cause_that_is_said(faces):
    network = FCNN((20, 20))
    pattern = faces.mean(axis=0).ravel() - faces.mean()
    set_unit(network.hidden, 0, -pattern)  # the very opposite of the mean face
    [report] = diagnose_units(network, faces - faces.mean())
    assert report.dead[0].unit == 0
    assert "times the mean pixel 0 = " in report.words[1]
    assert "Neither alone is the cause" in report.words[1]
    assert "above 0 for none of these faces. What they have in common keeps it down." in report.words[1]


def test_a_layer_behind_another_reads_inputs_not_pixels(faces):
    network = CNN((20, 20))
    set_unit(network.hidden, 0, np.full(36, -0.1), 0.0)
    _, hidden = diagnose_units(network, faces)
    assert 0 in [unit.unit for unit in hidden.dead]
    assert not hidden.dead[0].push.of_pixels
    assert hidden.dead[0].push.mean_input == pytest.approx(trace(network, faces)["pool"].mean(), rel=1e-5)
    assert "the mean input" in hidden.words[1]


def test_a_layer_that_is_dead_as_a_whole_is_said_to_say_nothing(faces):
    network = FCNN((20, 20))
    for unit in range(4):
        set_unit(network.hidden, unit, np.full(400, -1.0))
    [report] = diagnose_units(network, faces)
    assert report.words[0] == "hidden_relu: 4 of 4 units dead on 12 faces, so the layer says nothing of any face."
    assert repr(report) == "UnitReport(hidden_relu: 4 units, dead [0, 1, 2, 3], duplicates [])"


def test_what_only_the_unseen_last_row_hears_is_dead(faces):
    network = CNN((20, 20))
    kernel = torch.zeros(8, 8)
    kernel[0, 0] = 1.0
    set_unit(network.conv, 0, kernel, 0.0)
    marked = np.full_like(faces, -1.0)
    marked[:, :, 12:] = 1.0  # rows that only the 13th row of the map begins with
    conv, _ = diagnose_units(network, marked)
    assert not dead_units(trace(network, marked)["conv_relu"])[0]
    assert conv.dead[0].unit == 0


@pytest.mark.parametrize(
    ("silent", "since", "words"),
    [
        ([1, 1, 1, 1], 0, "Silent before training already."),
        ([0, 0, 1, 1], 2, "Silent since epoch 2 of 3."),
        ([1, 0, 0, 1], 3, "Silent since epoch 3 of 3."),
        ([1, 1, 1, 0], 4, "In the last epoch of training it was heard: it is dead for these faces only."),
    ],
)
def test_the_history_tells_when_a_unit_died(silent, since, words, faces):
    network = FCNN((20, 20))
    set_unit(network.hidden, 1, np.full(400, -1.0))
    history = np.zeros((4, 4), dtype=bool)
    history[:, 1] = silent
    [report] = diagnose_units(network, faces, {"hidden_relu": history})
    [dead] = [unit for unit in report.dead if unit.unit == 1]
    assert (dead.silent_since, report.epochs) == (since, 3)
    assert any(line.startswith("unit 2:") and line.endswith(words) for line in report.words)


def test_one_fit_of_many_is_a_history():
    images = np.random.default_rng(0).random((10, 20, 20), dtype=np.float32)
    network, fits = CNN((20, 20)), 6
    train = np.tile(np.arange(10), (fits, 1))
    orders = np.stack([batch_orders(10, 3, seed) for seed in range(fits)])
    start = initial_weights(network, np.arange(fits))
    many = fit_many(network, images, np.arange(10) % 2, train, orders, start, [Preprocessing("none")] * fits)
    died = []
    for fit in range(fits):
        network.load_state_dict({name: value[fit] for name, value in start.items()})
        silent = {name: value[fit] for name, value in many.silent.items()}
        # With the weights of the start, the dead are those that were silent before training.
        for report in diagnose_units(network, images[:, None], silent):
            assert [unit.unit for unit in report.dead] == np.flatnonzero(silent[report.layer][0]).tolist()
            died += [unit.silent_since for unit in report.dead]
    assert 0 in died


@pytest.mark.parametrize("history", [np.zeros((3, 5), bool), np.zeros((2, 3, 4), bool), np.zeros((3, 4))])
def test_a_history_of_other_units_is_refused(history, faces):
    with pytest.raises(InputError, match=r"expected booleans \(epochs \+ 1, 4\) for hidden_relu"):
        diagnose_units(FCNN((20, 20)), faces, {"hidden_relu": history})


def test_relus_that_work_in_place_and_after_a_normalisation(faces):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(2), nn.ReLU6())
    set_unit(network[0], 0, torch.full((1, 3, 3), -1.0))
    with torch.no_grad():
        network[2].bias[1] = -10.0
        network[2].weight[1] = 0.1
    first, second = diagnose_units(network, faces)
    assert first.dead[0].push.weight_sum == pytest.approx(-9)
    assert first.dead[0].highest < 0
    assert second.dead[-1].unit == 1
    assert second.dead[-1].push is None
    assert second.dead[-1].highest < -5
    assert second.words[-1].endswith("over 12 faces.")


def test_a_relu_fed_by_a_function_is_told_without_a_cause(faces):
    class Negated(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(-x)

    [report] = diagnose_units(Negated(), faces)
    assert report.words[1] == "unit 1: puts out 0 for each of the 12 faces."


def test_looking_triggers_nobodys_hooks_twice_and_changes_nothing(faces):
    network = FCNN((20, 20))
    set_unit(network.hidden, 0, np.full(400, -1.0))
    calls = []
    network.hidden.register_forward_hook(lambda *_: calls.append(1))
    state = {name: value.clone() for name, value in network.state_dict().items()}
    diagnose_units(network, faces)
    assert len(calls) == 2  # the trace and the wiring
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_a_report_is_a_document(faces):
    network = FCNN((20, 20))
    set_unit(network.hidden, 0, np.full(400, -1.0))
    [report] = diagnose_units(network, faces, {"hidden_relu": np.zeros((2, 4), bool)})
    document = json.loads(json.dumps(report.to_document()))
    assert document["dead"][0]["push"]["weight_sum"] == -400
    assert document["words"] == list(report.words) == str(report).split("\n")


@settings(max_examples=30)
@given(
    **CONVOLUTIONS,
    groups=st.sampled_from([1, 2]),
    seed=st.integers(0, 1000),
)
def test_what_is_left_without_the_mean_is_what_torch_makes_of_centred_faces(
    kernel, stride, padding, dilation, groups, seed
):
    images = np.random.default_rng(seed).random((4, 2, 11, 13), dtype=np.float32)
    torch.manual_seed(seed)
    conv = nn.Conv2d(2, 2, kernel, stride, min(padding, kernel // 2), dilation, groups)
    set_unit(conv, 1, -conv.weight[1].abs(), -0.1)
    [report] = diagnose_units(nn.Sequential(conv, nn.ReLU()), images)
    push = report.dead[-1].push
    with torch.no_grad():
        left = conv(torch.from_numpy(images - images.mean()))[:, 1].numpy()
        silent = conv(torch.from_numpy(images))[:, 1].numpy() + 0.1
    assert (report.dead[-1].unit, push.left) == (1, pytest.approx(left.mean(), abs=1e-5))
    assert push.spread == pytest.approx(left.std(), abs=1e-5)
    assert push.alive_without_mean == (left > 0).any(axis=(1, 2)).sum()
    assert push.alive_without_bias == (silent > 0).any(axis=(1, 2)).sum()


def test_a_border_that_is_no_zeros_is_not_taken_apart(faces):
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), nn.ReLU())
    set_unit(network[0], 0, torch.full((1, 3, 3), -1.0))
    [report] = diagnose_units(network, faces)
    assert report.dead[0].highest < 0
    assert report.dead[0].push is None


def test_what_a_function_reads_past_the_pooling_keeps_a_unit_alive(faces):
    class Skipping(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(6)

        def forward(self, x):
            maps = self.relu(x)
            return self.pool(maps).flatten(1).sum(1) + maps.flatten(1).sum(1)

    marked = np.full_like(faces, -1.0)
    marked[:, :, 18:] = 1.0  # rows that the pooling does not look at
    assert diagnose_units(Skipping(), marked)[0].dead == ()
    assert [unit.unit for unit in diagnose_units(nn.Sequential(nn.ReLU(), nn.MaxPool2d(6)), marked)[0].dead] == [0]


class TestOnnx:
    """The same network, written operator by operator, gets the same report."""

    @pytest.fixture(autouse=True)
    def _needs_onnx(self):
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")

    def layers(self):
        torch.manual_seed(0)
        layers = {
            "conv": nn.Conv2d(1, 4, 5, padding=2, bias=False),
            "relu": nn.ReLU(),
            "second": nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2),
            "clip": nn.ReLU6(),
            "pool": nn.MaxPool2d(3, 3),
            "flat": nn.Flatten(),
            "hidden": nn.Linear(36, 4),
            "last": nn.ReLU(),
        }
        with torch.no_grad():
            layers["conv"].weight[1] = -1.0
        set_unit(layers["second"], 2, layers["second"].weight[2], -9.0)
        set_unit(layers["hidden"], 3, np.full(36, -0.2), 0.1)
        return layers

    def test_every_number_is_that_of_the_torch_network(self, faces, tmp_path):
        from helpers.onnx_files import of_layers

        layers = self.layers()
        theirs = diagnose_units(nn.Sequential(OrderedDict(layers)), faces)
        path = of_layers(tmp_path / "network.onnx", layers, ["N", 1, 20, 20])
        for ours in (diagnose_units(path, faces), diagnose_units(OnnxNetwork(path), faces)):
            assert [report.layer for report in ours] == ["relu", "clip", "last"]
            for one, other in zip(ours, theirs, strict=True):
                assert (one.values, one.duplicates) == (other.values, other.duplicates)
                assert [unit.unit for unit in one.dead] == [unit.unit for unit in other.dead]
                for unit, same in zip(one.dead, other.dead, strict=True):
                    assert asdict(unit.push) == pytest.approx(asdict(same.push), abs=1e-5)
                    assert unit.highest == pytest.approx(same.highest, abs=1e-5)
        assert [len(report.dead) > 0 for report in theirs] == [True] * 3

    @pytest.mark.parametrize(
        "dense",
        [
            [("Gemm", ["flat", "w", "b"], ["dense"], {})],
            [("Gemm", ["flat", "w"], ["sum"], {}), ("Add", ["b", "sum"], ["dense"], {})],
            [("Gemm", ["flat", "half", "twice"], ["dense"], {"alpha": 2.0, "beta": 0.5})],
            [("Gemm", ["flat", "turned", "row"], ["dense"], {"transB": 1})],
            [("MatMul", ["flat", "w"], ["sum"], {}), ("Add", ["sum", "row"], ["dense"], {})],
        ],
    )
    def test_every_way_to_write_a_dense_layer(self, faces, tmp_path, dense):
        from helpers.onnx_files import write

        rng = np.random.default_rng(0)
        w, b = -rng.random((400, 3)), rng.normal(size=3)
        held = {"w": w, "half": w / 2, "turned": w.T, "b": b, "twice": 2 * b, "row": b[None]}
        held = {name: np.ascontiguousarray(value, np.float32) for name, value in held.items()}
        nodes = [("Flatten", ["image"], ["flat"], {}), *dense, ("Relu", ["dense"], ["relu"], {})]
        [report] = diagnose_units(write(tmp_path / "dense.onnx", nodes, held, ("N", 1, 20, 20)), faces)
        left = (faces.reshape(12, -1) - faces.mean()) @ w + b
        assert [unit.unit for unit in report.dead] == [0, 1, 2]
        for unit in report.dead:
            assert unit.push.bias == pytest.approx(b[unit.unit])
            assert unit.push.weight_sum == pytest.approx(w[:, unit.unit].sum())
            assert unit.push.left == pytest.approx(left[:, unit.unit].mean(), abs=1e-4)
            assert unit.push.of_pixels

    @pytest.mark.parametrize(
        ("bias", "known"),
        [((3, 1, 1), True), ((1, 3, 1, 1), True), ((1,), True), ((18, 18), False), ((3, 18, 1), False)],
    )
    def test_a_bias_of_its_own_after_a_convolution(self, faces, tmp_path, bias, known):
        from helpers.onnx_files import write

        held = {"w": np.full((3, 1, 3, 3), -1.0, np.float32), "b": np.full(bias, -0.5, np.float32)}
        nodes = [
            ("Conv", ["image", "w"], ["conv"], {}),
            ("Add", ["conv", "b"], ["sum"], {}),
            ("Relu", ["sum"], ["relu"], {}),
        ]
        [report] = diagnose_units(write(tmp_path / "conv.onnx", nodes, held, ("N", 1, 20, 20)), faces)
        push = report.dead[0].push
        assert (push is not None) == known
        assert push is None or (push.bias, push.weight_sum) == (-0.5, -9.0)

    def test_after_a_sum_of_maps_or_weights_that_are_made_no_cause_is_told(self, faces, tmp_path):
        from helpers.onnx_files import write

        held = {"w": np.full((1, 1, 3, 3), -1.0, np.float32), "two": np.array(2, np.float32)}
        nodes = [
            ("Mul", ["w", "two"], ["twice"], {}),
            ("Conv", ["image", "twice"], ["conv"], {}),
            ("Relu", ["conv"], ["relu"], {}),
            ("Add", ["conv", "conv"], ["sum"], {}),
            ("Relu", ["sum"], ["other"], {}),
        ]
        reports = diagnose_units(write(tmp_path / "made.onnx", nodes, held, ("N", 1, 20, 20)), faces)
        assert [report.dead[0].push for report in reports] == [None, None]
        assert all(report.dead[0].highest < 0 for report in reports)

    def test_normed_tokens_have_their_units_last(self, tmp_path):
        from helpers.onnx_files import write

        bias = np.float32([9, 9, -9, 9])
        held = {"w": np.ones((4, 1, 5, 5), np.float32), "scale": np.ones(4, np.float32), "shift": bias}
        nodes = [
            ("Conv", ["image", "w"], ["maps"], {}),
            ("Transpose", ["maps"], ["tokens"], {"perm": [0, 2, 3, 1]}),
            ("LayerNormalization", ["tokens", "scale", "shift"], ["normed"], {}),
            ("Relu", ["normed"], ["relu"], {}),
        ]
        captures = np.random.default_rng(0).random((2, 1, 9, 9), np.float32)
        [report] = diagnose_units(write(tmp_path / "made.onnx", nodes, held, ("N", 1, 9, 9)), captures)
        assert (report.units, [unit.unit for unit in report.dead]) == (4, [2])


@pytest.mark.parametrize("shape", [(4, 6, 6), (6,)])
def test_a_layer_norm_of_maps_leaves_the_units_where_the_convolution_put_them(shape):
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.LayerNorm(shape), nn.ReLU())
    network[0].weight.data[1], network[0].bias.data[1] = 0.0, 0.0
    network[1].bias.data[...] = -0.01
    if len(shape) == 3:
        network[1].weight.data[1], network[1].bias.data[1] = 0.0, -1.0
    [report] = diagnose_units(network, np.random.default_rng(0).random((3, 1, 6, 6), np.float32))
    assert (report.units, [unit.unit for unit in report.dead]) == (4, [1])


@pytest.mark.parametrize("is_dense", [False, True])
@pytest.mark.parametrize("is_layer", [False, True])
def test_a_layer_norm_of_tokens_finds_their_units_last(is_dense, is_layer):
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps, self.dense, self.norm = nn.Conv2d(1, 6, 5, 5), nn.Linear(6, 6), nn.LayerNorm(6)

        def forward(self, x):
            tokens = self.maps(x).permute(0, 2, 3, 1)
            tokens = self.dense(tokens) if is_dense else tokens
            norm = self.norm
            return (
                norm(tokens).relu() if is_layer else functional.layer_norm(tokens, (6,), norm.weight, norm.bias).relu()
            )

    network = Tokens()
    nn.init.constant_(network.norm.bias, 9.0)
    network.norm.bias.data[4] = -9.0
    [report] = diagnose_units(network, np.random.default_rng(0).random((3, 1, 20, 20), np.float32))
    assert (report.units, [unit.unit for unit in report.dead]) == (6, [4])


def test_units_of_tokens_lie_along_the_last_axis():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense, self.drop = nn.Linear(25, 6), nn.Dropout()

        def forward(self, x):
            patches = x.unfold(2, 5, 5).unfold(3, 5, 5).reshape(len(x), 16, 25)
            return torch.relu(self.drop(self.dense(patches))).mean(1)

    network = Tokens()
    nn.init.zeros_(network.dense.bias)
    network.dense.bias.data[[1, 4]] = -99.0
    captures = np.random.default_rng(0).normal(size=(3, 1, 20, 20)).astype(np.float32)
    [report] = diagnose_units(network, captures)
    assert (report.units, report.values) == (6, 3 * 16)
    assert [unit.unit for unit in report.dead] == [1, 4]
    assert all(unit.highest < 0 for unit in report.dead)
