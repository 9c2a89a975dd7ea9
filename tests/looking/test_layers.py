"""Which layers and channels are shown, and how their maps are cut down."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.errors import InputError
from faceloupe.inspection import anatomy, trace
from faceloupe.looking.layers import choose_layers, observe_layers
from faceloupe.training import CNN


@pytest.fixture
def faces():
    return np.random.default_rng(3).random((3, 1, 130, 70), dtype=np.float32)


@pytest.fixture
def network():
    torch.manual_seed(1)
    return nn.Sequential(
        OrderedDict(conv=nn.Conv2d(1, 20, 3, padding=1), pool=nn.AdaptiveAvgPool2d(4), flat=nn.Flatten(),
                    fc=nn.Linear(320, 300))
    )  # fmt: skip


def test_the_channels_that_vary_most_are_shown_in_their_own_order(network, faces):
    shown = observe_layers(network, faces, ["conv"], shown=2)["conv"]
    variance = trace(network, faces, ["conv"])["conv"].var(axis=(0, 2, 3))
    assert shown.units.tolist() == sorted(np.argsort(-variance)[:16].tolist())
    assert shown.shape == (20, 130, 70)
    assert shown.values.shape == (2, 16, 44, 24)


def test_large_maps_are_means_of_squares_and_the_rest_is_kept(network, faces):
    shown = observe_layers(network, faces, ["conv"], shown=1)["conv"]
    (maps,) = trace(network, faces[:1], ["conv"])["conv"]
    assert shown.block == 3
    means = [[maps[shown.units, row : row + 3, column : column + 3].mean(axis=(1, 2)) for column in range(0, 70, 3)]
             for row in range(0, 130, 3)]  # fmt: skip
    assert np.allclose(shown.values[0], np.moveaxis(np.array(means), 2, 0), atol=1e-6)
    assert not shown.values.flags.writeable


def test_small_maps_are_raw(network, faces):
    shown = observe_layers(network, faces, ["pool"], shown=3)["pool"]
    assert shown.block == 1
    assert np.allclose(shown.values, trace(network, faces, ["pool"])["pool"][:, shown.units], atol=1e-6)


def test_of_a_long_vector_the_numbers_that_vary_most_in_their_own_order(network, faces):
    shown = observe_layers(network, faces, ["fc"], shown=3)["fc"]
    values = trace(network, faces, ["fc"])["fc"]
    assert shown.units.tolist() == sorted(np.argsort(-values.var(axis=0))[:256].tolist())
    assert np.allclose(shown.values, values[:, shown.units], atol=1e-6)


def test_a_small_network_shows_all_that_compute():
    names = choose_layers(anatomy(CNN((64, 64)), (64, 64)), None)
    assert names == ["conv", "conv_relu", "pool", "hidden", "hidden_relu"]  # the one logit is in the answers


def test_of_a_deep_network_the_last_of_each_shape():
    parts = []
    for before, after in ((1, 4), (4, 8), (8, 16)):
        parts += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.Conv2d(after, after, 1),
                  nn.ReLU(), nn.MaxPool2d(2)]  # fmt: skip
    names = choose_layers(anatomy(nn.Sequential(*parts), (32, 32)), None)
    assert names == ["4", "5", "10", "11", "16", "17"]


def test_at_most_sixteen_are_chosen():
    parts = [nn.Conv2d(channels, channels + 1, 1) for channels in range(1, 31)]
    names = choose_layers(anatomy(nn.Sequential(*parts), (4, 4)), None)
    assert len(names) == 16
    assert (names[0], names[-1]) == ("0", "29")


def test_named_layers_in_the_order_of_running():
    found = anatomy(CNN((64, 64)), (64, 64))
    assert choose_layers(found, ["output", "flatten"]) == ["flatten", "output"]
    with pytest.raises(InputError, match="there is no layer 'conv1'; the layers are conv"):
        choose_layers(found, ["conv1"])
