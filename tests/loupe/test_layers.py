"""The layers of a torch network as the loupe reads them, and those that it refuses."""

import pytest
from torch import nn

from faceloupe.errors import InputError
from faceloupe.loupe.data import tutorial_layers
from faceloupe.loupe.layers import loupe_layers
from faceloupe.training import CNN, FCNN


class Doubled(nn.Linear):
    def forward(self, inputs):
        return 2 * super().forward(inputs)


@pytest.mark.parametrize(("kind", "network"), [("fcnn", FCNN((64, 64))), ("cnn", CNN((64, 64)))])
def test_the_tutorials_networks_are_those_of_the_documents(kind, network):
    def told(layers):
        return [{key: value for key, value in layer.items() if key != "name"} for layer in layers]

    assert told(loupe_layers(network.named_children())) == told(tutorial_layers(kind))


def test_what_weights_do_not_tell_is_told():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=(2, 1), padding="valid"), nn.LeakyReLU(0.3), nn.AdaptiveAvgPool2d(1)
    )
    assert loupe_layers(network.named_children()) == [
        {"name": "0", "kind": "convolution", "stride": [2, 1], "padding": [0, 0]},
        {"name": "1", "kind": "activation", "function": "leaky", "slope": 0.3},
        {"name": "2", "kind": "pooling", "average": True},
    ]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (nn.Conv2d(2, 2, 3, groups=2), "groups 1 alone, and it has 2"),
        (nn.Conv2d(1, 2, 3, dilation=2), "dilation"),
        (nn.Conv2d(1, 2, 4, padding="same"), "pads one side more"),
        (nn.MaxPool2d(2, ceil_mode=True), "ceil_mode False alone"),
        (nn.GELU(), "does not compute layer '0', GELU"),
        (Doubled(2, 2), "does not compute layer '0', Doubled"),
    ],
)
def test_what_it_does_not_compute_is_refused_with_the_reason(layer, said):
    with pytest.raises(InputError, match=said):
        loupe_layers([("0", layer)])
