"""Tests ``inspection/attribution/gradients.py``, ``inspection/attribution/method_names.py``,
``inspection/attribution/methods.py``, ``inspection/attribution/placement.py``, ``inspection/attribution/targets.py``
too."""

import json
import subprocess
import sys

import captum.attr
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from faceloupe.arrays import decode_array
from faceloupe.errors import InputError, UnavailableError
from faceloupe.inspection import attribute, trace
from faceloupe.inspection.attribution.method_names import METHOD_NAMES, RUN_ONLY
from faceloupe.inspection.attribution.methods import METHODS, window_of, windows_on
from faceloupe.inspection.attribution.placement import Placement
from faceloupe.training.networks import CNN, FCNN, initialise

SIDE = 24


@pytest.fixture(scope="module")
def cnn():
    return initialise(CNN((SIDE, SIDE), hidden=8, outputs=3), seed=3)


@pytest.fixture(scope="module")
def face():
    return np.random.default_rng(0).standard_normal((1, SIDE, SIDE)).astype(np.float32)


def raw(network, face, *args, **options):
    return attribute(network, face, *args, certify=False, **options)


def hooks_of(network):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


class OnlyRuns:
    """A network that can be run and nothing else, as one from a file; notes how many faces it gets at once."""

    def __init__(self, network):
        self.network = network
        self.batches = []

    def run(self, faces):
        self.batches.append(len(faces))
        assert faces.dtype == np.float32
        with torch.no_grad():
            return self.network(torch.from_numpy(faces)).numpy()


class Around(nn.Module):
    """Some of the answer goes through `inner`, some around it; one ReLU serves twice."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(1, 1, 3, padding=1)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.output = nn.Linear(SIDE * SIDE, 1)

    def forward(self, x):
        x = self.relu(x)
        return self.output(self.flatten(self.relu(x + self.inner(x))))


def test_occlusion_by_hand(cnn, face):
    found = raw(cnn, face, 1)
    with torch.no_grad():
        whole = cnn(torch.tensor(face[None]))[0, 1]
        for i, row in enumerate(range(0, 22, 1)):
            for j, column in enumerate(range(0, 22, 1)):
                covered = torch.tensor(face[None])
                covered[..., row : row + 3, column : column + 3] = float(face.mean())
                assert found.map[i, j] == pytest.approx(float(whole - cnn(covered)[0, 1]), abs=1e-5)
    assert found.map.shape == (22, 22)
    assert found.unit == "logit lost when a window of 3×3 pixels is covered"


def test_occlusion_averaged_over_the_windows_of_a_pixel_is_captums(cnn, face):
    with torch.no_grad():
        theirs = captum.attr.Occlusion(cnn).attribute(
            torch.tensor(face[None]), (1, 3, 3), strides=(1, 1, 1), baselines=0.5, target=2
        )
    losses = raw(cnn, face, 2, baseline=0.5).map
    total, windows = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for i, j in np.ndindex(losses.shape):
        total[i : i + 3, j : j + 3] += losses[i, j]
        windows[i : i + 3, j : j + 3] += 1
    np.testing.assert_allclose(total / windows, theirs[0, 0].numpy(), atol=1e-6)


def test_gradient_is_captums_saliency(cnn, face):
    pixels = torch.tensor(face[None], requires_grad=True)
    theirs = captum.attr.Saliency(cnn).attribute(pixels, target=0, abs=False)
    np.testing.assert_allclose(raw(cnn, face, 0, "gradient").map, theirs[0, 0].numpy(), atol=1e-6)


@pytest.mark.parametrize("layer", ["conv", "conv_relu", "pool"])
def test_gradient_x_activation_and_grad_cam_are_captums(cnn, face, layer):
    module, pixels = cnn.get_submodule(layer), torch.tensor(face[None], requires_grad=True)
    product = captum.attr.LayerGradientXActivation(cnn, module).attribute(pixels, target=2)
    cam = captum.attr.LayerGradCam(cnn, module).attribute(pixels, target=2)
    found = raw(cnn, face, 2, "gradient-x-activation", layer=layer)
    np.testing.assert_allclose(found.map, product[0].detach().sum(0).numpy(), atol=1e-6)
    found = raw(cnn, face, 2, "grad-cam", layer=layer)
    np.testing.assert_allclose(found.map, cam[0, 0].detach().numpy(), atol=1e-6)


def test_integrated_gradients_are_captums_and_sum_to_the_change(cnn, face):
    pixels, picture = torch.tensor(face[None]), np.full_like(face, 0.25)
    theirs = captum.attr.IntegratedGradients(cnn).attribute(pixels, torch.tensor(picture[None]), 1, n_steps=500)
    found = attribute(cnn, face, 1, "integrated-gradients", baseline=picture)
    assert np.corrcoef(found.map.ravel(), theirs[0, 0].numpy().ravel())[0, 1] > 0.999
    with torch.no_grad():
        change = float((cnn(pixels) - cnn(torch.tensor(picture[None])))[0, 1])
    complete = found.certificate.completeness
    assert (complete.expected, complete.passed) == (pytest.approx(change, abs=1e-5), True)
    assert found.map.sum() == pytest.approx(change, abs=0.01 * float(np.abs(found.map).sum()))


def test_colours_are_added_up():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 36, 2))
    face = np.random.default_rng(1).random((3, 8, 8), dtype=np.float32)
    pixels = torch.tensor(face[None], requires_grad=True)
    theirs = captum.attr.Saliency(network).attribute(pixels, target=1, abs=False)
    np.testing.assert_allclose(raw(network, face, 1, "gradient").map, theirs[0].sum(0).numpy(), atol=1e-6)
    assert raw(network, face, 1).baseline.count(",") == 3  # a mean for each channel


def test_in_double_precision_the_answer_is_the_same(cnn, face):
    double = initialise(CNN((SIDE, SIDE), hidden=8, outputs=3), seed=3).double()
    for method in METHODS:
        np.testing.assert_allclose(raw(double, face, 1, method).map, raw(cnn, face, 1, method).map, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_at_the_pooling_layer_the_map_and_the_biases_sum_to_the_logit(seed):
    network = initialise(CNN((64, 64)), seed)
    with torch.no_grad():
        for layer in (network.conv, network.hidden, network.output):
            layer.bias.uniform_(-0.3, 0.3, generator=torch.Generator().manual_seed(seed))
    face = np.random.default_rng(seed).standard_normal((64, 64)).astype(np.float32)
    found = attribute(network, face, 1, "gradient-x-activation", layer="pool")
    layers = trace(network, face[None, None])
    units_on = layers["hidden"][0] > 0
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    path = (weights["output.weight"][0] * units_on) @ weights["hidden.weight"]
    bias = (weights["output.weight"][0] * units_on) @ weights["hidden.bias"] + weights["output.bias"][0]
    np.testing.assert_allclose(found.map, (path.reshape(4, 14, 14) * layers["pool"][0]).sum(0), atol=1e-5)
    assert found.map.sum() + bias == pytest.approx(found.value, abs=1e-5)
    assert found.value - found.certificate.completeness.expected == pytest.approx(bias, abs=1e-5)


def test_through_batch_normalisation_and_layers_that_work_in_place(face):
    torch.manual_seed(1)
    network = nn.Sequential(
        *(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
    )
    network(torch.randn(8, 1, SIDE, SIDE) * 2 + 1)  # gives the normalisation something to subtract
    for layer in "012345"[:5]:
        found = attribute(network, face, (0, 1), "gradient-x-activation", layer=layer)
        assert found.certificate.completeness.error == pytest.approx(0, abs=1e-5), layer


def test_it_does_not_hold_where_something_goes_around_the_layer(face):
    found = attribute(Around(), face, 1, "gradient-x-activation", layer="inner")
    assert not found.certificate.completeness.passed
    assert "not complete: the map sums to" in found.warning


def test_a_layer_beside_the_one_looked_at_does_no_harm(face):
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return (self.left(x) + self.right(x)).mean((2, 3))

    torch.manual_seed(2)
    network = Beside()
    left, right = (attribute(network, face, 1, "gradient-x-activation", layer=side) for side in ("left", "right"))
    assert left.map.sum() + right.map.sum() == pytest.approx(left.value, abs=1e-6)
    assert not left.certificate.completeness.passed


def test_it_does_not_hold_behind_a_curved_function(face):
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(22 * 22, 4), nn.Tanh(), nn.Linear(4, 1))
    with torch.no_grad():
        network[2].weight *= 20
    assert not attribute(network, face, 1, "gradient-x-activation").certificate.completeness.passed


def test_it_is_not_promised_for_a_cosine(cnn, face):
    found = attribute(cnn, face, [1.0, 2.0, 3.0], "gradient-x-activation")
    assert found.certificate.completeness is None


@pytest.mark.parametrize(
    ("logit", "target", "text", "value"),
    [
        (1.5, None, "logit of class 1", 1.5),
        (-1.5, None, "minus the logit: evidence for class 0", 1.5),
        (-1.5, 1, "logit of class 1", -1.5),
        (1.5, 0, "minus the logit: evidence for class 0", -1.5),
        (1.5, (1, 0), "logit of class 1", 1.5),
        (1.5, (0, 1), "minus the logit: evidence for class 0", -1.5),
    ],
)
def test_one_logit(face, logit, target, text, value):
    network = FCNN((SIDE, SIDE))
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.fill_(logit)
    found = raw(network, face, target)
    assert (found.target, found.value) == (text, value)


def test_several_logits(cnn, face):
    logits = trace(cnn, face[None])["output"][0]
    best = int(logits.argmax())
    assert raw(cnn, face).target == f"logit of class {best}"
    assert raw(cnn, face).value == pytest.approx(logits[best])
    difference = raw(cnn, face, (2, 0))
    assert difference.target == "logit of class 2 minus logit of class 0"
    assert difference.value == pytest.approx(logits[2] - logits[0], abs=1e-6)
    np.testing.assert_allclose(difference.map, raw(cnn, face, 2).map - raw(cnn, face, 0).map, atol=1e-6)


def test_the_cosine_with_a_template(cnn, face):
    template = np.array([1.0, -2.0, 0.5])
    pixels = torch.tensor(face[None], requires_grad=True)
    cosine = nn.functional.cosine_similarity(cnn(pixels), torch.tensor(template[None], dtype=torch.float32))
    [slope] = torch.autograd.grad(cosine, pixels)
    found = raw(cnn, face, template, "gradient")
    assert (found.target, found.value) == ("cosine with the given template", pytest.approx(cosine.item(), abs=1e-6))
    np.testing.assert_allclose(found.map, slope[0, 0].numpy(), atol=1e-6)
    assert found.unit == "cosine gained per unit of pixel value"


@pytest.mark.parametrize("target", [3, -1, True, (0, 3), (1, 2, 0), 1.0, "two"])
def test_a_class_that_does_not_exist_is_answered_with_what_does(cnn, face, target):
    with pytest.raises(InputError, match=r"a class from 0 to 2, a pair .* or a template of 3 numbers .*; got"):
        raw(cnn, face, target)


def test_one_logit_has_two_classes(face):
    with pytest.raises(InputError, match=r"class 0 or 1 \(the network has one logit\)"):
        raw(FCNN((SIDE, SIDE)), face, 2)


@pytest.mark.parametrize("template", [[1.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, np.nan], [[1.0, 2.0, 3.0]]])
def test_a_template_that_does_not_fit_is_refused(cnn, face, template):
    with pytest.raises(InputError, match="a template of 3 finite numbers, not all 0"):
        raw(cnn, face, np.array(template))


def test_a_class_against_itself_is_refused(cnn, face):
    with pytest.raises(InputError, match="two different classes, got 1 twice"):
        raw(cnn, face, (1, 1))


def test_an_unknown_method_is_answered_with_the_methods(cnn, face):
    names = "occlusion, correlation, gradient, gradient-x-activation, grad-cam, integrated-gradients"
    with pytest.raises(InputError, match=f"expected one of {names}; got 'lime'"):
        raw(cnn, face, method="lime")


def test_an_unknown_layer_is_answered_with_the_layers(cnn, face):
    with pytest.raises(InputError, match="maps, conv, conv_relu, pool; got 'hidden'"):
        raw(cnn, face, method="grad-cam", layer="hidden")


def test_a_layer_is_refused_where_none_is_looked_at(cnn, face):
    with pytest.raises(InputError, match="layer='pool' is for gradient-x-activation and grad-cam"):
        raw(cnn, face, layer="pool")


def test_a_network_without_maps_has_no_layer_to_look_at(face):
    with pytest.raises(InputError, match="no layer of this network puts out a map"):
        raw(FCNN((SIDE, SIDE)), face, method="grad-cam")


@pytest.mark.parametrize("shape", [(SIDE,), (1, 1, SIDE, SIDE), (0, SIDE)])
def test_a_face_of_another_shape_is_refused(cnn, shape):
    with pytest.raises(InputError, match=r"face: expected finite numbers of shape \(C, H, W\) or \(H, W\)"):
        raw(cnn, np.zeros(shape))


def test_a_face_of_another_size_is_refused(cnn):
    with pytest.raises(InputError, match=r"the network cannot run on faces of shape \(1, 30, 30\)"):
        raw(cnn, np.zeros((30, 30)))


def test_numbers_that_are_not_finite_are_refused(cnn, face):
    with pytest.raises(InputError, match="face: expected finite numbers"):
        raw(cnn, np.where(face > 0, np.nan, face))
    with pytest.raises(InputError, match="baseline: expected a finite number or an array"):
        raw(cnn, face, baseline=np.inf)


def test_a_network_that_diverged_is_refused(face):
    network = FCNN((SIDE, SIDE))
    with torch.no_grad():
        network.output.bias.fill_(np.nan)
    with pytest.raises(InputError, match="is nan for this face; the network may have diverged"):
        raw(network, face)


def test_what_is_no_network_is_refused(cnn, face):
    class Classifier:
        network_ = cnn

    with pytest.raises(InputError, match=r"object with run\(faces\).*; pass its network_"):
        raw(Classifier(), face)


def test_a_network_that_answers_with_no_tensor_is_refused(face):
    class Describes(nn.Module):
        def forward(self, faces):
            return {"faces": len(faces)}

    with pytest.raises(InputError, match=r"answers with a tensor \(N, K\), got dict; wrap it in a module"):
        raw(Describes(), face)


def test_gradients_that_do_not_arrive_are_reported(face):
    class Cut(FCNN):
        def forward(self, faces):
            return super().forward(faces).detach()

    with pytest.raises(InputError, match="gradients do not reach the network's outputs; method='occlusion'"):
        raw(Cut((SIDE, SIDE)), face, method="gradient")


def test_without_captum_integrated_gradients_say_how_to_get_it(cnn, face, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(UnavailableError, match=r"pip install faceloupe\[attribution\]"):
        raw(cnn, face, method="integrated-gradients")


def test_the_module_loads_no_torch():
    code = "import faceloupe.inspection.attribution, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_occlusion_is_that_of_the_torch_network(cnn, face):
    np.testing.assert_allclose(raw(OnlyRuns(cnn), face, 1).map, raw(cnn, face, 1).map, atol=1e-6)


def test_every_name_has_its_method():
    assert tuple(METHODS) == METHOD_NAMES


@pytest.mark.parametrize("method", [name for name in METHODS if name not in RUN_ONLY])
def test_other_methods_are_refused_with_what_works(cnn, face, method):
    with pytest.raises(InputError, match=f"{method} needs gradients.*; what works: occlusion, correlation"):
        raw(OnlyRuns(cnn), face, method=method)


def test_memory_is_bounded(cnn, face):
    network = OnlyRuns(cnn)
    attribute(network, face)
    assert max(network.batches) == 32
    assert sum(network.batches) > 22 * 22 + 21 * 17


def test_without_a_way_to_its_weights_the_certificate_says_so(cnn, face):
    certificate = attribute(OnlyRuns(cnn), face).certificate
    assert certificate.randomisation is None
    assert "weights cannot be reached" in certificate.reasons[-1]


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_modes_hooks_gradients_parameters_and_random_state(method, ends, face):
    network = nn.Sequential(
        *(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(2 * 22 * 22, 2))
    )
    network[2].eval()
    network[0].register_forward_hook(lambda *_: None)
    network[0].weight.requires_grad_(False)
    network[4].weight.grad = torch.ones_like(network[4].weight)
    parameters = list(network.parameters())
    state = {name: value.clone() for name, value in network.state_dict().items()}
    before = torch.get_rng_state()

    calls = []

    def stop(*numbers):
        calls.append(numbers)
        if ends == "badly" and len(calls) == 4:
            raise KeyboardInterrupt

    if ends == "badly":
        with pytest.raises(KeyboardInterrupt):
            attribute(network, face, 1, method, progress=stop)
    else:
        attribute(network, face, 1, method, progress=stop)

    assert hooks_of(network) == 1
    assert [module.training for module in network] == [True, True, False, True, True]
    assert [parameter.requires_grad for parameter in network.parameters()] == [False] + [True] * 5
    assert all(one is other for one, other in zip(network.parameters(), parameters, strict=True))
    assert torch.equal(network[4].weight.grad, torch.ones_like(network[4].weight))
    assert network[4].bias.grad is None
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before)


def test_no_hook_stays_when_the_network_fails(face):
    class Fails(CNN):
        times = 0

        def forward(self, faces):
            self.times += 1
            if self.times >= 3:
                raise ValueError("enough")
            return super().forward(faces)

    network = Fails((SIDE, SIDE))
    with pytest.raises(InputError, match="ValueError: enough"):
        raw(network, face, method="grad-cam")
    assert hooks_of(network) == 0
    assert network.training


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_off_and_leaves_them_off(cnn, face, mode):
    expected = raw(cnn, face, method="gradient").map
    with mode():
        assert np.array_equal(raw(cnn, face, method="gradient").map, expected)
        assert not torch.is_grad_enabled()


def test_the_face_is_not_changed():
    face = np.full((1, 8, 8), -1, np.float32)
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 1))
    for method in ("occlusion", "gradient", "integrated-gradients"):
        raw(network, face, method=method)
    assert (face == -1).all()


def test_one_seed_gives_one_result(cnn, face):
    one, other = (attribute(cnn, face, seed=5) for _ in range(2))
    assert np.array_equal(one.map, other.map)
    assert one.certificate == other.certificate
    assert attribute(cnn, face, seed=6).certificate.randomisation != one.certificate.randomisation


def test_the_map_cannot_be_written(cnn, face):
    with pytest.raises(ValueError, match="read-only"):
        raw(cnn, face).map[:] = 0


def test_a_face_without_channel_axis_has_one_channel(cnn, face):
    assert np.array_equal(raw(cnn, face[0]).map, raw(cnn, face).map)


def test_the_baseline_is_named(cnn, face):
    assert raw(cnn, face).baseline == f"the face's mean, {face.mean():.3g}"
    assert raw(cnn, face, baseline=0).baseline == "0 everywhere"
    assert raw(cnn, face, baseline=face[0]).baseline == "the given picture"


def test_the_last_layer_with_a_map_is_taken(cnn, face):
    assert raw(cnn, face, method="grad-cam").layer == "pool"
    pooled = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    assert raw(pooled, face, method="grad-cam").layer == "1"
    assert raw(Around(), face, method="grad-cam").layer == "relu (2)"


def test_a_map_lies_where_its_receptive_fields_are(cnn, face):
    pool = raw(cnn, face, method="grad-cam").placement
    np.testing.assert_array_equal(pool.rows, [5, 9, 13, 17])  # kernel 8 and pooling 4: 11 pixels, 4 apart
    occlusion = raw(cnn, face).placement
    np.testing.assert_array_equal(occlusion.columns, np.arange(22) + 1)


def test_on_the_face_the_values_stay(cnn, face):
    found = raw(cnn, face, method="grad-cam")
    np.testing.assert_allclose(found.on_face()[np.ix_([5, 9, 13, 17], [5, 9, 13, 17])], found.map, atol=1e-7)
    assert found.on_face().shape == (SIDE, SIDE)
    assert np.array_equal(raw(cnn, face, method="gradient").on_face(), raw(cnn, face, method="gradient").map)


def test_it_is_told_in_words(cnn, face):
    found = attribute(cnn, face, 1)
    assert repr(found).startswith(f"Attribution(occlusion of logit of class 1 = {found.value:.4g}: 22×22 map from ")
    assert "logit lost when a window of 3×3 pixels is covered; certificate " in repr(found)
    assert repr(raw(cnn, face)).endswith("; no certificate)")
    assert raw(cnn, face).warning is None


def test_the_document_is_plain_and_whole(cnn, face):
    found = attribute(cnn, face, method="gradient-x-activation")
    document = json.loads(json.dumps(found.to_document(), allow_nan=False))
    assert document == found.to_document()
    assert np.array_equal(decode_array(document["map"]), found.map)
    assert document["layer"] == "pool"
    assert document["certificate"]["completeness"]["passed"]
    assert len(document["certificate"]["randomisation"]["correlations"]) == 10


@pytest.mark.parametrize("method", ["occlusion", "correlation"])
@pytest.mark.parametrize("certify", [True, False])
def test_progress_counts_the_faces_that_run(cnn, face, method, certify):
    network, seen = OnlyRuns(cnn), []
    attribute(network, face, method=method, certify=certify, progress=lambda *numbers: seen.append(numbers))
    own_value, settling = 1, 4
    assert seen[-1] == (sum(network.batches) - own_value - settling,) * 2


def test_progress_runs_to_the_end(cnn, face):
    seen = []
    attribute(cnn, face, progress=lambda *numbers: seen.append(numbers))
    windows, deletions, floor = 22 * 22 + 1, 21 * 17, 19 * 17
    whole = 11 * windows + deletions + floor
    assert seen[0] == (windows, whole)
    assert seen[10] == (11 * windows + 10 * 17, whole)
    assert len(seen) == 41 + 1
    assert seen[-1] == (whole, whole)
    assert [worked for worked, _ in seen] == sorted(worked for worked, _ in seen)


@given(st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_the_windows_cover_the_face_and_no_more(shape):
    for starts, window, size in zip(windows_on(shape), window_of(shape), shape, strict=True):
        covered = np.zeros(size, dtype=bool)
        for start in starts:
            covered[start : start + window] = True
        assert covered.all()
        assert starts[-1] + window == size
        assert len(starts) == len(set(starts)) <= 32


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_spread_map_keeps_its_range(h, w, seed):
    rng = np.random.default_rng(seed)
    placement = Placement(np.sort(rng.uniform(0, 20, h)), np.sort(rng.uniform(0, 20, w)))
    values = rng.standard_normal((h, w))
    spread = placement.spread(values, (21, 17))
    assert spread.shape == (21, 17)
    assert values.min() - 1e-12 <= spread.min() <= spread.max() <= values.max() + 1e-12
