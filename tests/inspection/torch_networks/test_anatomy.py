"""Also tests ``inspection/torch_networks/operators.py``."""

from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from faceloupe.inspection import anatomy
from helpers.toy_networks import image_gradient


class Residual(nn.Module):
    """Two residual blocks, written with modules, functions and sums in place as the usual libraries do."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 2, 7, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(inplace=True))
        self.one, self.two = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.three, self.short = nn.Conv2d(2, 4, 3, 2, 1), nn.Conv2d(2, 4, 1, 2)
        self.norm, self.last = nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1)
        self.fc = nn.Linear(4, 2)
        self.head = True

    def forward(self, x):
        x = functional.max_pool2d(self.stem((x - 0.5) / 0.5), 3, stride=2, padding=1)
        y = self.two(functional.relu(self.one(x), inplace=True))
        y += x
        y = torch.relu_(y)
        z = self.norm(self.three(y))
        z += self.short(y)
        return self.fc(torch.flatten(functional.adaptive_avg_pool2d(z, 1), 1)) if self.head else self.last(z)


class BasicBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.one, self.norm_one = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.two, self.norm_two = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        short = [nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)]
        self.short = nn.Sequential(*short * (before != after))

    def forward(self, x):
        y = self.norm_two(self.two(self.relu(self.norm_one(self.one(x)))))
        y += self.short(x)
        return self.relu(y)


def resnet_18():
    """Return the network of He et al. 2016 (arXiv:1512.03385)."""
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [BasicBlock(*pair, 1 if pair[0] == pair[1] else 2) for pair in pairwise(widths)]
    stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    parts = {"pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "dense": nn.Linear(512, 1000)}
    return nn.Sequential(OrderedDict(stem=stem, **dict(zip("01234567", blocks, strict=True)), **parts))


def ones_everywhere(network):
    """Return the network with weights of 1 and no bias, so that every path lets a gradient through."""
    for name, parameter in network.named_parameters():
        nn.init.constant_(parameter, float(name.endswith("weight")))
    return network.eval()


def last_field(forward, layer, shape=(1, 16, 16)):
    """Return the field of a convolution or dense layer that reads what a function makes of the image."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(1, 4, 3, padding=1), layer

        def forward(self, x):
            return self.last(forward(self.conv(x), x))

    return anatomy(Network(), shape).layers[-1].receptive_field


class TestFunctionsBetweenTheLayers:
    def test_a_residual_networks_field_is_that_of_the_gradient_in_the_middle(self):
        network = ones_everywhere(Residual())
        network.head = False
        last = anatomy(network, (160, 160)).layers[-1]
        with pytest.MonkeyPatch.context() as patch:
            # The average of a window passes the gradient to all its pixels, the maximum to one only.
            patch.setattr(functional, "max_pool2d", functional.avg_pool2d)
            assert image_gradient(network, (160, 160), 10, 10) == last.receptive_field == (35, 35)
        assert last.stride == (8, 8)

    @settings(max_examples=30)
    @given(
        blocks=st.lists(
            st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]), st.integers(1, 2)),
            min_size=1,
            max_size=3,
        )
    )
    def test_branches_of_any_kernels_see_what_the_gradient_reaches(self, blocks):
        class Branching(nn.Module):
            def __init__(self):
                super().__init__()
                self.ways = nn.ModuleList(
                    nn.ModuleList(nn.Conv2d(1, 1, kernel, stride, kernel // 2) for kernel in kernels)
                    for *kernels, stride in blocks
                )
                self.last = nn.Conv2d(1, 1, 1)

            def forward(self, x):
                for one, other in self.ways:
                    x = one(x) + other(x)
                return self.last(x)

        network = ones_everywhere(Branching())
        last = anatomy(network, (128, 128)).layers[-1]
        middle = last.output_shape[0] // 2
        field = image_gradient(network, (128, 128), middle, middle)
        # A stride above the kernel leaves holes, which the gradient does not cross at the edge of a field.
        if all(max(kernels) >= stride for *kernels, stride in blocks):
            assert last.receptive_field == field
        else:
            assert all(extent >= seen for extent, seen in zip(last.receptive_field, field, strict=True))

    def test_a_residual_network_is_followed_to_its_head(self):
        found = anatomy(Residual(), (64, 64))
        fields = {layer.name: layer.receptive_field for layer in found.layers}
        assert fields["two"] == (27, 27)
        assert fields["short"] == (27, 27)
        assert fields["three"] == fields["norm"] == (35, 35)
        assert fields["fc"] == (64, 64)
        assert found.not_counted == ()

    def test_resnet_18_has_the_published_numbers(self):
        found = anatomy(resnet_18(), (3, 224, 224))
        layers = {layer.name: layer for layer in found.layers}
        products = sum(layer.multiply_adds for layer in found.layers if layer.kind in {"Conv2d", "Linear"})
        # He et al. 2016, table 1: 1.8 billion. torchvision: 11,689,512 parameters. Araujo et al. 2019: a field of 435.
        assert (found.parameters, products) == (11_689_512, 1_814_073_344)
        assert (layers["7.norm_two"].receptive_field, layers["7.norm_two"].stride) == ((435, 435), (32, 32))
        assert layers["dense"].receptive_field == (224, 224)
        assert found.not_counted == ()

    @pytest.mark.parametrize(
        ("function", "field"),
        [
            (lambda maps, _: maps * torch.sigmoid(maps.mean((2, 3), keepdim=True)), (18, 18)),
            (lambda maps, _: 1 - maps / 2, (5, 5)),
            (lambda maps, image: torch.cat([maps, image, image, image, image], 1)[:, :4], None),
            (lambda maps, image: torch.cat([maps[:, :0], image.expand(-1, 4, -1, -1)], dim=1), None),
            (lambda maps, image: maps + torch.cat([image, image, image, image], dim=1), (5, 5)),
            (lambda maps, _: torch.cat([maps, maps], dim=-2), None),
            (lambda maps, _: maps.view(1, 2, 2, 16, 16).reshape(1, 4, 16, 16), (5, 5)),
            (lambda maps, _: maps.flatten(1).view(1, 4, 16, 16), None),
            (lambda maps, _: functional.avg_pool2d(maps, (2, 1)), (8, 5)),
            (lambda maps, _: functional.max_pool2d(maps, 2, 1, 0, 2), (7, 7)),
            (lambda maps, _: functional.pad(maps, (1, 0), value=0.5), (5, 5)),
            (lambda maps, _: functional.pad(maps, (1, 1, 1, 1), mode="reflect"), None),
            (lambda maps, _: maps.roll(3, dims=2), None),
            (lambda maps, _: maps + torch.ones(4, 1, 1), (5, 5)),
            (lambda maps, _: maps.chunk(2)[0], None),
        ],
    )
    def test_what_a_convolution_sees_through_a_function(self, function, field):
        assert last_field(function, nn.Conv2d(4, 1, 3)) == field

    @pytest.mark.parametrize(
        ("function", "field"),
        [
            (lambda maps, _: functional.normalize(maps.mean([2, 3])), (16, 16)),
            (lambda maps, _: maps.mean(dim=(-2, -1)), (16, 16)),
            (lambda maps, _: maps.sum((2, 3)), None),
            (lambda maps, _: torch.ones_like(maps[:, :, 0, 0]) * 2, None),
        ],
    )
    def test_what_a_dense_layer_sees_through_a_function(self, function, field):
        assert last_field(function, nn.Linear(4, 1)) == field

    def test_maps_that_are_written_into_are_unknown_from_then_on(self):
        def overwrite(maps, _):
            maps[:, :, 0] = maps[:, :, -1]
            return maps

        assert last_field(overwrite, nn.Conv2d(4, 1, 3)) is None

    def test_a_module_of_ones_own_is_followed_through_its_functions(self):
        class Swish(nn.Module):
            def forward(self, x):
                return x * torch.sigmoid(x)

        found = anatomy(nn.Sequential(nn.Conv2d(1, 1, 3), Swish(), nn.Conv2d(1, 1, 3)), (9, 9))
        assert [layer.receptive_field for layer in found.layers] == [(3, 3), (3, 3), (5, 5)]
        assert found["1"].multiply_add_arithmetic == "7·7·1 = 49"


def through(function, first=None, last=None):
    """Return a network of two layers with a function between them."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = first or nn.Conv2d(1, 2, 3), last or nn.ReLU()

        def forward(self, x):
            return self.last(function(self.first(x)))

    return Network()


class TestWhatFeedsALayer:
    def test_a_chain_with_layers_that_work_in_place(self):
        network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten(), nn.Linear(72, 1))
        for precise in (network, network.double()):
            found = anatomy(precise, (8, 8)).layers
            assert [layer.source for layer in found] == ["image", "0", "1", "2", "3"]

    def test_a_residual_network(self):
        sources = {layer.name: layer.source for layer in anatomy(resnet_18(), (3, 32, 32)).layers}
        assert sources["0.norm_one"] == "0.one"
        assert sources["0.relu"] == "0.norm_one"
        assert sources["0.relu (2)"] is None  # it reads a sum, made in place
        assert sources["1.one"] == "0.relu (2)"
        assert sources["2.short.0"] == sources["2.one"] == "1.relu (2)"

    @pytest.mark.parametrize(
        ("function", "source"),
        [
            (lambda maps: maps.contiguous().to(torch.float32).float(), "first"),
            (lambda maps: functional.dropout(maps, 0.5, training=False), "first"),
            (lambda maps: maps + 1, None),
            (lambda maps: maps.add_(1), None),
            (lambda maps: functional.relu(maps, inplace=True), "relu()"),
        ],
    )
    def test_what_a_function_between_hands_on(self, function, source):
        assert anatomy(through(function), (8, 8))["last"].source == source

    def test_what_a_function_reads_beside_the_pooling_is_not_unread(self):
        pool = nn.MaxPool2d(4)
        assert anatomy(nn.Sequential(nn.Conv2d(1, 2, 3), pool), (8, 9))["0"].unread == (2, 3)
        both = through(lambda maps: pool(maps).sum() + maps)
        assert anatomy(both, (8, 9))["first"].unread == (0, 0)
        told = through(lambda maps: maps if maps.shape[2] > maps.size(0) else None, last=pool)
        assert anatomy(told, (8, 9))["first"].unread == (2, 3)

    def test_of_several_readers_the_one_that_sees_most_counts(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.three, self.five = nn.Conv2d(1, 2, 3), nn.AvgPool2d((3, 5)), nn.AvgPool2d((5, 3))

            def forward(self, x):
                maps = self.first(x)
                return self.three(maps).mean() + self.five(maps).mean()

        assert anatomy(Twice(), (16, 16))["first"].unread == (2, 2)
        assert anatomy(Twice(), (16, 15))["first"].unread == (2, 1)


@pytest.mark.filterwarnings("ignore:torch.ao.quantization:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
@pytest.mark.filterwarnings("ignore:Please use quant_min:UserWarning")
class TestOtherKindsOfLayers:
    @pytest.mark.parametrize("numbers", [torch.qint8, torch.float16])
    def test_dense_layers_quantised_while_running(self, numbers):
        plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
        quantised = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, dtype=numbers)
        found = anatomy(quantised, (3, 16, 16))
        assert [layer.name for layer in found.layers] == ["0", "1", "2", "3", "4"]
        assert found.multiply_adds == anatomy(plain, (3, 16, 16)).multiply_adds
        assert (found.parameters, found.not_counted) == (269, ())

    def test_convolutions_quantised_before(self):
        quantisation = torch.ao.quantization
        parts = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8), nn.Flatten(), nn.Linear(1152, 5)
        plain = nn.Sequential(quantisation.QuantStub(), *parts, quantisation.DeQuantStub()).eval()
        plain.qconfig = quantisation.get_default_qconfig(torch.backends.quantized.engine)
        watched = quantisation.prepare(quantisation.fuse_modules(plain, [["1", "2"]]))
        watched(torch.rand(2, 3, 16, 16))
        found = anatomy(quantisation.convert(watched), (3, 16, 16))
        expected = anatomy(nn.Sequential(*parts), (3, 16, 16))
        assert (found.multiply_adds, found.parameters) == (expected.multiply_adds, expected.parameters)
        assert (found["3"].receptive_field, found.not_counted) == ((5, 5), ())

    @pytest.mark.parametrize(
        "layer",
        [
            nn.GRU(16, 8, batch_first=True),
            nn.RNN(16, 8, nonlinearity="relu"),
            nn.GRU(16, 8, 2, bidirectional=True),
            nn.GRUCell(16, 8),
        ],
    )
    def test_recurrent_layers_multiply_at_each_step_as_torch_counts(self, layer):
        class Rows(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = layer

            def forward(self, x):
                rows = x.mean(1)
                return self.layer(rows[:, 0] if isinstance(layer, nn.GRUCell) else rows)[0]

        network = Rows().eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.rand(1, 3, 16, 16))
        found = anatomy(network, (3, 16, 16))
        assert found["layer"].multiply_adds == counter.get_total_flops() // 2
        assert found.not_counted == ()

    def test_a_layer_of_ones_own_may_do_several_things(self):
        class Own(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.rand(4, 3, 3, 3))

            def forward(self, x):
                return functional.conv2d(x, self.weight, stride=2).relu_().mean((2, 3))

        [layer] = anatomy(nn.Sequential(Own()), (3, 16, 16)).layers
        assert (layer.output_shape, layer.multiply_adds, layer.unseen) == ((4,), 7 * 7 * 4 * 27, (0, 0))

    def test_a_tensor_made_in_the_kind_of_another_does_not_carry_the_image(self):
        class Moved(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, x):
                return self.conv(x * torch.eye(1, 3).to(x).flatten()[:, None, None])

        assert anatomy(Moved(), (3, 16, 16))["conv"].receptive_field == (3, 3)

    def test_what_is_written_into_a_part_of_a_constant_is_seen(self):
        class Framed(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, x):
                framed = torch.zeros(1, 3, 20, 20)
                framed[:, :, 2:-2, 2:-2].copy_(x)
                return self.conv(framed)

        found = anatomy(Framed(), (3, 16, 16))
        assert (found.multiply_adds, found.not_counted) == (18 * 18 * 4 * 27, ())


def test_a_network_of_functions_alone_is_taken_apart_as_one_of_modules():
    class Functions(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernels, self.bias = nn.Parameter(torch.rand(4, 3, 3, 3)), nn.Parameter(torch.rand(4))
            self.weight = nn.Parameter(torch.rand(2, 4))

        def forward(self, x):
            maps = functional.relu(functional.conv2d(x, self.kernels, self.bias, padding=1))
            return functional.linear(functional.adaptive_avg_pool2d(maps, 1).flatten(1), self.weight)

    modules = (
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2, bias=False),
    )
    found, same = anatomy(Functions(), (3, 16, 16)), anatomy(nn.Sequential(*modules), (3, 16, 16))
    assert [layer.kind for layer in found.layers] == ["conv2d", "relu", "adaptive_avg_pool2d", "linear"]
    assert (found.parameters, found.multiply_adds) == (same.parameters, same.multiply_adds)
    assert [layer.receptive_field for layer in found.layers][:2] == [(3, 3), (3, 3)]
    assert [layer.name for layer in anatomy(nn.Conv2d(3, 4, 3), (3, 16, 16)).layers] == ["Conv2d"]
