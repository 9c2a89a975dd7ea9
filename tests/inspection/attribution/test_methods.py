"""Each method against Captum, or by hand; also tests ``inspection/attribution/gradients.py`` and
``inspection/attribution/method_names.py``.
"""

import sys

import captum.attr
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from faceloupe.errors import InputError, UnavailableError
from faceloupe.inspection import attribute, trace
from faceloupe.inspection.attribution.method_names import METHOD_NAMES, RUN_ONLY
from faceloupe.inspection.attribution.methods import METHODS, window_of, windows_on
from faceloupe.training.networks import CNN, FCNN, initialise
from helpers.attributing import SIDE, Around, OnlyRuns, raw


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


def test_every_name_has_its_method():
    assert tuple(METHODS) == METHOD_NAMES


@pytest.mark.parametrize("method", [name for name in METHODS if name not in RUN_ONLY])
def test_other_methods_are_refused_with_what_works(cnn, face, method):
    with pytest.raises(InputError, match=f"{method} needs gradients.*; what works: occlusion, correlation"):
        raw(OnlyRuns(cnn), face, method=method)


def test_occlusion_is_that_of_the_torch_network(cnn, face):
    np.testing.assert_allclose(raw(OnlyRuns(cnn), face, 1).map, raw(cnn, face, 1).map, atol=1e-6)


def test_without_captum_integrated_gradients_say_how_to_get_it(cnn, face, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(UnavailableError, match=r"pip install 'faceloupe\[attribution\]'"):
        raw(cnn, face, method="integrated-gradients")


def test_gradients_that_do_not_arrive_are_reported(face):
    class Cut(FCNN):
        def forward(self, faces):
            return super().forward(faces).detach()

    with pytest.raises(InputError, match="gradients do not lead back from the answer to the face; method='occlusion'"):
        raw(Cut((SIDE, SIDE)), face, method="gradient")


@pytest.mark.parametrize("method", ["gradient-x-activation", "grad-cam"])
def test_maps_made_without_gradients_are_reported(method):
    class Frozen(nn.Sequential):
        def forward(self, faces):
            with torch.no_grad():
                maps = self[0](faces)
            return self[1](maps.flatten(1))

    network = Frozen(nn.Conv2d(1, 4, 3), nn.Linear(4 * 6 * 6, 2))
    with pytest.raises(InputError, match=r"gradients do not lead back .* to a layer that puts out a map; method='occ"):
        raw(network, np.zeros((1, 8, 8), np.float32), method=method)


def test_an_unknown_method_is_answered_with_the_methods(cnn, face):
    names = "occlusion, correlation, gradient, gradient-x-activation, grad-cam, integrated-gradients"
    with pytest.raises(InputError, match=f"expected one of {names}; got 'lime'"):
        raw(cnn, face, method="lime")


@given(st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_the_windows_cover_the_face_and_no_more(shape):
    for starts, window, size in zip(windows_on(shape), window_of(shape), shape, strict=True):
        covered = np.zeros(size, dtype=bool)
        for start in starts:
            covered[start : start + window] = True
        assert covered.all()
        assert starts[-1] + window == size
        assert len(starts) == len(set(starts)) <= 32
