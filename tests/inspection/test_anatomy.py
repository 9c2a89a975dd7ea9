"""Also tests ``inspection/arithmetic.py``, ``inspection/collector.py``, ``inspection/fields.py``,
``inspection/layers.py``, ``inspection/networks.py``."""

import json
import math
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.inspection import anatomy
from faceloupe.training.networks import CNN, FCNN
from helpers.toy_networks import image_gradient


class TestTheTutorialsNetworks:
    def test_the_cnn(self):
        found = anatomy(CNN((64, 64)), (64, 64))
        assert found.parameters == 3405
        assert found.parameter_arithmetic == "260 + 3,140 + 5 = 3,405"
        assert found.multiply_adds == 834_884
        assert found.multiply_add_arithmetic == "831,744 + 3,136 + 4 = 834,884"
        assert found.parameters_elsewhere == 0
        assert found.not_counted == ()
        shapes = {layer.name: layer.output_shape for layer in found.layers}
        assert (shapes["conv"], shapes["pool"], shapes["flatten"]) == ((57, 57, 4), (14, 14, 4), (784,))
        assert (shapes["hidden"], shapes["output"]) == ((4,), (1,))

    def test_the_cnns_convolution_is_written_out(self):
        conv = anatomy(CNN((64, 64)), (64, 64))["conv"]
        assert conv.parameter_arithmetic == "(8·8·1 + 1)·4 = 260"
        assert conv.multiply_add_arithmetic == "57·57·4·64 = 831,744"
        assert conv.parameter_bytes_arithmetic == "260·4 = 1,040"
        assert conv.output_bytes_arithmetic == "57·57·4·4 = 51,984"
        assert (conv.receptive_field, conv.stride, conv.unseen) == ((8, 8), (1, 1), (0, 0))

    def test_the_pooling_never_sees_the_57th_row_and_column(self):
        found = anatomy(CNN((64, 64)), (64, 64))
        pool = found["pool"]
        assert (pool.receptive_field, pool.stride, pool.unseen) == ((11, 11), (4, 4), (1, 1))
        assert (pool.source, found["conv_relu"].unread, found["conv"].unread) == ("conv_relu", (1, 1), (0, 0))
        assert "pool never looks at the last row and column of its 57×57×4 input" in str(found)

    def test_the_hidden_layer_therefore_misses_the_last_row_and_column_of_pixels(self):
        network = CNN((64, 64))
        assert anatomy(network, (64, 64))["hidden"].receptive_field == (63, 63)
        # A bright last row and column changes nothing.
        image = torch.rand(1, 1, 64, 64)
        changed = image.clone()
        changed[..., -1, :] = changed[..., :, -1] = 9
        with torch.no_grad():
            assert torch.equal(network(image), network(changed))

    def test_the_fcnn(self):
        found = anatomy(FCNN((64, 64)), (64, 64))
        assert found.parameters == 16_393
        assert found.parameter_arithmetic == "16,388 + 5 = 16,393"
        assert found.multiply_adds == 16_388
        assert found["hidden"].receptive_field == (64, 64)


class TestCounting:
    def test_agrees_with_torchinfo(self):
        torchinfo = pytest.importorskip("torchinfo")
        network = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2, padding=1, bias=False),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(8, 16, 3, groups=4, dilation=2),
            nn.Dropout(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 5),
        )
        ours = anatomy(network, (3, 40, 56))
        theirs = torchinfo.summary(network, (1, 3, 40, 56), verbose=0)
        assert ours.parameters == theirs.total_params
        for layer, other in zip(ours.layers, theirs.summary_list[1:], strict=True):
            size = other.output_size[1:]
            assert layer.output_shape == ((*size[1:], size[0]) if len(size) == 3 else tuple(size))
            assert layer.parameters == max(0, other.num_params)
        # torchinfo counts a bias as one multiply-add for each output; we count products only.
        biases = sum(math.prod(ours.layers[place].output_shape) for place in (3, 7))
        assert theirs.total_mult_adds == ours.multiply_adds + biases

    def test_batch_normalisation_has_a_scale_and_a_shift_for_each_channel(self):
        layer = anatomy(nn.Sequential(nn.BatchNorm2d(3)), (3, 5, 6))["0"]
        assert layer.parameter_arithmetic == "(1 + 1)·3 = 6"
        assert layer.multiply_add_arithmetic == "5·6·3 = 90"

    def test_prelu_has_a_slope_for_each_channel(self):
        layer = anatomy(nn.Sequential(nn.PReLU(3)), (3, 5, 6))["0"]
        assert (layer.parameters, layer.multiply_adds, layer.receptive_field) == (3, 90, (1, 1))

    def test_a_long_sum_is_shortened_in_the_middle(self):
        found = anatomy(nn.Sequential(*[nn.Conv2d(1, 1, 1) for _ in range(20)]), (2, 2))
        assert found.parameter_arithmetic == "2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + … + 2 (20 terms) = 40"

    def test_without_bias_no_one_is_added(self):
        network = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Flatten(), nn.Linear(18, 4, bias=False))
        written = [layer.parameter_arithmetic for layer in anatomy(network, (5, 5)).layers]
        assert written == ["3·3·1·2 = 18", "0", "18·4 = 72"]

    def test_a_layer_that_runs_twice_is_listed_twice_and_its_parameters_counted_once(self):
        conv = nn.Conv2d(1, 1, 3)
        found = anatomy(nn.Sequential(conv, nn.ReLU(), conv), (9, 9))
        assert [layer.name for layer in found.layers] == ["0", "1", "0 (2)"]
        assert [layer.parameters for layer in found.layers] == [10, 0, 0]
        assert found.layers[2].parameter_arithmetic == "(3·3·1 + 1)·1 = 10, of them 10 counted in an earlier layer"
        assert found.parameters == 10
        assert found.multiply_adds == 7 * 7 * 9 + 5 * 5 * 9

    def test_weights_tied_between_layers_are_counted_once(self):
        first, second = nn.Linear(6, 6), nn.Linear(6, 6)
        second.weight = first.weight
        found = anatomy(nn.Sequential(nn.Flatten(), first, second), (2, 3))
        assert [layer.parameters for layer in found.layers] == [0, 42, 6]
        assert found.parameters == 48

    def test_an_unknown_layer_is_said_not_to_be_counted(self):
        found = anatomy(nn.Sequential(OrderedDict(odd=nn.LocalResponseNorm(2), conv=nn.Conv2d(1, 2, 3))), (8, 8))
        odd, conv = found.layers
        assert (odd.parameters, odd.multiply_adds, odd.multiply_add_arithmetic) == (0, None, "not counted")
        assert odd.receptive_field is None
        assert conv.receptive_field is None
        assert found.not_counted == ("odd",)
        assert "(not counted: odd)" in str(found)

    def test_a_class_that_only_borrows_a_known_name_counts_for_what_it_does(self):
        class Linear(nn.Module):
            def forward(self, x):
                return x * 2

        assert anatomy(nn.Sequential(Linear()), (4, 4)).multiply_adds == 16

    def test_parameters_outside_the_layers_that_ran_are_part_of_the_total(self):
        class Scaled(nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = nn.Parameter(torch.ones(7))
                self.conv = nn.Conv2d(1, 1, 2)

            def forward(self, x):
                return self.conv(x) * self.scale[0]

        found = anatomy(Scaled(), (4, 4))
        assert (found.parameters, found.parameters_elsewhere) == (12, 7)
        assert "of them 7 in no layer that ran" in str(found)


KINDS = st.sampled_from(["conv", "average", "tall average"])


class TestReceptiveFields:
    @settings(max_examples=60)
    @given(
        steps=st.lists(
            st.tuples(KINDS, st.integers(1, 4), st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=3
        )
    )
    def test_agree_with_the_gradient_of_one_output(self, steps):
        made = {
            "conv": lambda kernel, stride, dilation: nn.Conv2d(1, 1, kernel, stride, dilation=dilation),
            "average": lambda kernel, stride, _: nn.AvgPool2d(kernel, stride),
            "tall average": lambda kernel, stride, _: nn.AvgPool2d((kernel, 1), (stride, 1)),
        }
        layers = [made[kind](*numbers) for kind, *numbers in steps]
        for layer in layers:
            for parameter in layer.parameters():
                nn.init.ones_(parameter)
        network = nn.Sequential(*layers)
        last = anatomy(network, (96, 90)).layers[-1]
        field = image_gradient(network, (96, 90), 0, 0)
        # Windows that skip positions (stride above kernel, dilation) leave holes: the field is the extent.
        if all(dilation == 1 and stride <= kernel for _, kernel, stride, dilation in steps):
            assert last.receptive_field == field
        else:
            assert all(extent >= seen for extent, seen in zip(last.receptive_field, field, strict=True))

    @settings(max_examples=60)
    @given(
        size=st.integers(9, 40),
        kernel=st.integers(1, 6),
        stride=st.integers(1, 5),
        padding=st.integers(0, 3),
        dilation=st.integers(1, 2),
    )
    def test_what_is_unseen_is_what_cannot_change_the_output(self, size, kernel, stride, padding, dilation):
        conv = nn.Conv2d(1, 1, kernel, stride=stride, padding=padding, dilation=dilation)
        if size + 2 * padding < dilation * (kernel - 1) + 1:
            return
        nn.init.ones_(conv.weight)
        image = torch.rand(1, 1, size, size, requires_grad=True)
        conv(image).sum().backward()
        seen = (image.grad[0, 0] != 0).any(dim=1).nonzero()
        last_seen = int(seen.max()) if len(seen) else -1
        assert anatomy(nn.Sequential(conv), (size, size))["0"].unseen[0] == size - 1 - last_seen

    def test_same_padding_keeps_the_size_and_global_pooling_sees_everything(self):
        network = nn.Sequential(nn.Conv2d(1, 2, 3, padding="same"), nn.AdaptiveAvgPool2d(1))
        conv, pool = anatomy(network, (16, 12)).layers
        assert (conv.output_shape, conv.receptive_field) == ((16, 12, 2), (3, 3))
        assert pool.receptive_field == (18, 14)  # with the padding on either side

    def test_a_dense_layer_sees_no_more_than_the_image(self):
        network = nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.Flatten(), nn.Linear(90, 2))
        assert anatomy(network, (10, 9)).layers[-1].receptive_field == (10, 9)

    def test_windows_of_unequal_size_have_no_single_field(self):
        assert anatomy(nn.Sequential(nn.AdaptiveAvgPool2d(5)), (12, 12)).layers[0].receptive_field is None

    def test_ceil_mode_sees_the_last_row(self):
        assert anatomy(nn.Sequential(nn.MaxPool2d(4, ceil_mode=True)), (57, 57))["0"].unseen == (0, 0)

    def test_two_branches_from_one_layer_each_follow_their_own_path(self):
        class Branches(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem, self.small, self.large = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 5)
                self.head = nn.Conv2d(1, 1, 3)

            def forward(self, x):
                x = self.stem(x)
                return self.head(functional.relu(self.small(x)) + functional.pad(self.large(x), (2, 2, 2, 2)))

        fields = {layer.name: layer.receptive_field for layer in anatomy(Branches(), (20, 20)).layers}
        assert fields == {"stem": (3, 3), "small": (3, 3), "relu()": (3, 3), "large": (7, 7), "head": (9, 9)}


class TestTheRecord:
    def test_the_document_is_json_and_holds_the_totals(self):
        document = anatomy(CNN((64, 64)), (64, 64)).to_document()
        assert json.loads(json.dumps(document)) == document
        assert document["parameters"] == sum(layer["parameters"] for layer in document["layers"])
        assert document["output_bytes"] == sum(layer["output_bytes"] for layer in document["layers"]) == 110_276

    def test_what_the_numbers_were_made_of_is_held_but_not_shown(self):
        layer = anatomy(CNN((64, 64)), (64, 64))["pool"]
        assert (layer.field.size, layer.field.stride, layer.field.counts) == (layer.receptive_field, (4, 4), (14, 14))
        assert [(window.kernel, window.stride) for window in layer.windows] == [(4, 4), (4, 4)]
        assert not {"field", "windows"} & layer.to_document().keys()
        assert "Window" not in repr(layer)
        assert "Axis" not in repr(layer)

    def test_a_layer_can_be_asked_for_by_name(self):
        found = anatomy(CNN((64, 64)), (64, 64))
        assert found["pool"] is found.layers[2]
        with pytest.raises(KeyError, match="no layer 'nose'; the layers are conv, conv_relu"):
            found["nose"]

    def test_the_table_is_aligned(self):
        head, rule, *rows = str(anatomy(FCNN((64, 64)), (64, 64))).splitlines()
        column = head.index("parameters")
        assert set(rule) == {"-"}
        assert rows[1][column:].startswith("(4096 + 1)·4 = 16,388")

    def test_the_repr_is_one_line(self):
        assert repr(anatomy(CNN((64, 64)), (64, 64))) == (
            "Anatomy(64×64×1 -> 7 layers, 3,405 parameters, 834,884 multiply-adds)"
        )

    @pytest.mark.parametrize("shape", [(64,), (0, 64), (1, 2, 3, 4), (6.5, 64)])
    def test_a_shape_that_is_no_image_is_refused(self, shape):
        with pytest.raises(InputError, match="image_shape"):
            anatomy(nn.Flatten(), shape)

    def test_a_network_for_another_size_says_how_far_it_came(self):
        with pytest.raises(InputError, match="it ran conv, conv_relu, pool, flatten and then stopped"):
            anatomy(CNN((64, 64)), (32, 32))
