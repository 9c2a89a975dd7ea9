"""ReLUs as layers, functions and whatever else makes the same numbers. Also tests ``inspection/relu_probes.py``."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.inspection import anatomy, diagnose_units, trace

FACES = np.random.default_rng(0).random((2, 3, 16, 16), dtype=np.float32)


class ByFunctions(nn.Module):
    def __init__(self, rectify):
        super().__init__()
        self.hidden, self.out = nn.Linear(3, 6), nn.Linear(6, 2)
        self.rectify = rectify

    def forward(self, x):
        return self.out(self.rectify(self.hidden(x.mean((2, 3)))))


class ByCall(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def set_to_zero(x):
    x = x.clone()
    x[x < 0] = 0
    return x


@pytest.mark.parametrize(
    "rectify",
    [
        torch.relu,
        functional.relu6,
        torch.Tensor.relu_,
        lambda x: x.clamp(min=0),
        lambda x: torch.maximum(x, torch.zeros(1)),
        lambda x: torch.max(x, torch.zeros_like(x)),
        lambda x: torch.fmax(x, x.new_zeros(1)),
        lambda x: functional.leaky_relu(x, 0.0),
        lambda x: torch.where(x > 0, x, 0),
        lambda x: x * (x > 0),
        lambda x: (x > 0).float() * x,
        lambda x: x.masked_fill(x < 0, 0),
        lambda x: functional.prelu(x, torch.zeros(6)),
        lambda x: (x + x.abs()) / 2,
        lambda x: -torch.minimum(-x, torch.zeros(1)),
        lambda x: torch.relu(x).clone(),
        set_to_zero,
    ],
)
def test_units_rectified_by_a_function_are_counted(rectify):
    network = ByFunctions(rectify)
    nn.init.constant_(network.hidden.bias, -100.0)
    [report] = diagnose_units(network, FACES)
    assert (report.units, len(report.dead)) == (6, 6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 0,
        lambda x: torch.where(x > 0, x, -x),
        lambda x: functional.threshold(x, 0.01, 0.0),
        lambda x: functional.prelu(x, torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.1])),
        lambda x: torch.relu(x) ** 2,
        lambda x: torch.max(*x.repeat(1, 2).split(6, 1)),
        lambda x: torch.where(x > x.flip(1), x, x.flip(1)),
        lambda x: torch.maximum(x, torch.relu(x.flip(1) - 99)),
    ],
)
def test_what_is_no_relu_is_none(function):
    layers = anatomy(ByFunctions(function), (3, 16, 16)).layers
    assert [layer.name for layer in layers if layer.rectifies and layer.kind != "relu"] == []


def test_no_sentence_speaks_of_inputs_that_a_dead_layer_does_not_rectify():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), ByCall(lambda x: torch.relu(x - 99)))
    nn.init.constant_(network[0].bias, 5.0)
    [report] = diagnose_units(network, FACES)
    assert [(unit.highest, unit.push) for unit in report.dead] == [(None, None)] * 4


def test_a_layer_that_convolves_and_rectifies_is_diagnosed_by_what_it_puts_out():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(5, 3, 3, 3))

        def forward(self, x):
            return torch.relu(
                functional.conv2d(x.abs(), self.weight) - torch.tensor([99.0, 0, 0, 0, 99.0])[:, None, None]
            )

    [report] = diagnose_units(nn.Sequential(nn.Conv2d(3, 3, 1), Both(), nn.Dropout()), FACES)
    assert [(unit.unit, unit.highest) for unit in report.dead] == [(0, None), (4, None)]


class Maxima(nn.Module):
    """A layer of LightCNN: the larger of two maps (arXiv:1511.02683), which are 0 on an image of zeros."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 8, 3, bias=False), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(torch.max(*self.conv(x).split(4, 1)).mean((2, 3)))


def test_the_maximum_of_two_maps_is_no_relu_whatever_the_faces():
    network = Maxima()
    nn.init.constant_(network.conv.weight, 1.0)
    assert diagnose_units(network, FACES) == ()
    assert [layer.name for layer in anatomy(network, (3, 16, 16)).layers] == list(trace(network, FACES))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.relu().to(torch.float8_e4m3fn).float(),
        lambda x: torch.mm((x * 2).to_sparse(), torch.ones(6, 6)),
        lambda x: x.to_sparse().relu().to_dense(),
    ],
)
def test_numbers_that_cannot_be_compared_end_nothing(function):
    layers = anatomy(nn.Sequential(nn.Flatten(), nn.Linear(768, 6), ByCall(function)), (3, 16, 16)).layers
    assert [layer.name for layer in layers[:2]] == ["0", "1"]


@pytest.mark.parametrize(
    "rectify", [torch.relu, lambda x: x.clamp(min=0), lambda x: (x + x.abs()) / 2, functional.gelu]
)
@pytest.mark.parametrize("measure", [diagnose_units, lambda network, faces: anatomy(network, faces.shape[1:])])
def test_a_layer_within_vmap_is_named_with_what_to_do(measure, rectify):
    network = ByFunctions(torch.vmap(rectify))
    with pytest.raises(InputError, match=r"within torch\.vmap .*take the whole batch"):
        measure(network, FACES)


def test_one_unit_is_tried_on_many_numbers():
    def almost(x):  # for the smallest numbers that is a ReLU
        return torch.where(x > 0, x + 0.1 * x**2, 0)

    network = nn.Sequential(nn.Flatten(), nn.Linear(768, 1), ByCall(almost))
    assert not any(layer.rectifies for layer in anatomy(network, (3, 16, 16)).layers)
