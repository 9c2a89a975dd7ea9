"""Also tests ``inspection/layer_names.py``, ``inspection/outputs.py``,
``inspection/torch_networks/trace.py``."""

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.errors import InputError
from faceloupe.inspection import anatomy, trace
from faceloupe.pages import page
from faceloupe.training.networks import CNN


def convolve(images, kernels, bias):
    """Valid cross-correlation of (N, H, W) with (F, k, k): (N, F, H-k+1, W-k+1), in NumPy."""
    patches = np.lib.stride_tricks.sliding_window_view(images, kernels.shape[1:], axis=(1, 2))
    return np.einsum("nijab,fab->nfij", patches, kernels) + bias[:, None, None]


def max_pool(maps, size):
    """Return the maximum of each size x size block; rows and columns that fill no block are dropped."""
    n, f, h, w = maps.shape
    rows, columns = h // size, w // size
    blocks = maps[:, :, : rows * size, : columns * size].reshape(n, f, rows, size, columns, size)
    return blocks.max(axis=(3, 5))


@pytest.fixture
def images():
    return np.random.default_rng(0).random((3, 1, 64, 64), dtype=np.float32)


def hooks_of(network):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


class Stops(nn.Module):
    """Draws a random number and then fails as torch does."""

    def forward(self, x):
        torch.rand(len(x))
        raise RuntimeError("no such shape")


def test_every_layer_agrees_with_numpy(images):
    torch.manual_seed(0)
    network = CNN((64, 64))
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    found = trace(network, images)
    conv = convolve(images[:, 0], weights["conv.weight"][:, 0], weights["conv.bias"])
    pool = max_pool(np.maximum(conv, 0), 4)
    hidden = pool.reshape(3, -1) @ weights["hidden.weight"].T + weights["hidden.bias"]
    output = np.maximum(hidden, 0) @ weights["output.weight"].T + weights["output.bias"]
    expected = {
        "conv": conv,
        "conv_relu": np.maximum(conv, 0),
        "pool": pool,
        "flatten": pool.reshape(3, -1),
        "hidden": hidden,
        "hidden_relu": np.maximum(hidden, 0),
        "output": output,
    }
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)


def test_a_tensor_gives_what_an_array_gives(images):
    network = CNN((64, 64))
    one, other = trace(network, images), trace(network, torch.from_numpy(images))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_layer_that_works_in_place_does_not_change_what_came_before(images):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))
    found = trace(network, images)
    assert found["0"].min() < 0
    assert np.array_equal(found["1"], np.maximum(found["0"], 0))


def test_a_layer_that_works_in_place_does_not_change_the_captures():
    images = torch.full((1, 1, 2, 2), -1.0)
    trace(nn.ReLU(inplace=True), images)
    assert torch.equal(images, torch.full((1, 1, 2, 2), -1.0))


def test_the_outputs_cannot_be_written(images):
    with pytest.raises(ValueError, match="read-only"):
        trace(CNN((64, 64)), images)["conv"][:] = 0


def test_a_name_that_is_no_layer_is_answered_with_the_layers(images):
    with pytest.raises(KeyError, match="the layers are conv, conv_relu, pool"):
        trace(CNN((64, 64)), images)["relu"]


def test_the_repr_tells_names_and_shapes(images):
    assert repr(trace(nn.Sequential(nn.Flatten()), images)) == "Trace(0 (3, 4096))"


def test_a_single_layer_and_a_nested_one_have_names(images):
    assert list(trace(nn.Flatten(), images)) == ["Flatten"]
    assert list(trace(nn.Sequential(nn.Sequential(nn.ReLU())), images)) == ["0.0"]


@pytest.mark.parametrize("look", [lambda network, _: anatomy(network, (64, 64)), trace], ids=["anatomy", "trace"])
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_the_network_is_left_as_it_was_found(look, ends, images):
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(), nn.Conv2d(1, 2, 3))
    if ends == "badly":
        network.append(Stops())
    network[1].eval()
    network[0].register_forward_hook(lambda *_: None)
    network[2].weight.grad = torch.ones_like(network[2].weight)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(7)
    before = torch.get_rng_state()

    if ends == "badly":
        with pytest.raises(InputError, match="no such shape"):
            look(network, images)
    else:
        look(network, images)

    assert hooks_of(network) == 1
    assert [module.training for module in network] == [True, False, True] + [True] * (ends == "badly")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()
    assert torch.equal(network[2].weight.grad, torch.ones_like(network[2].weight))
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_dropout_and_batch_normalisation_work_as_in_recognition(images):
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.9))
    found = trace(network, images)
    np.testing.assert_allclose(found["1"], images / np.sqrt(1 + 1e-5), rtol=1e-5)


def test_only_the_named_layers_are_kept_in_the_order_of_running(images):
    network = CNN((64, 64))
    whole, some = trace(network, images), trace(network, images, layers=iter(["output", "conv"]))
    assert list(some) == ["conv", "output"]
    assert all(np.array_equal(some[name], whole[name]) for name in some)


def test_a_layer_that_runs_again_can_be_named(images):
    relu = nn.ReLU()
    network = nn.Sequential(relu, nn.Conv2d(1, 2, 3), relu)
    assert list(trace(network, images, layers=["0 (2)"])) == ["0 (2)"]


def test_an_unknown_layer_is_answered_with_the_layers_the_closest_first(images):
    with pytest.raises(InputError, match="no layer 'conv_rel'; the layers are conv_relu, conv, pool, flatten, hidden"):
        trace(CNN((64, 64)), images, layers=["conv", "conv_rel"])
    with pytest.raises(InputError, match="expected names, got none"):
        trace(CNN((64, 64)), images, layers=[])


@pytest.mark.parametrize("shape", [(3, 64, 64), (0, 1, 64, 64), (64,)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="images: expected"):
        trace(CNN((64, 64)), np.zeros(shape, dtype=np.float32))


def test_which_side_of_a_relu_an_output_is_on_is_known_and_shown(images):
    found = trace(CNN((64, 64)), images)
    assert found.sides == {
        "conv": "before the ReLU",
        "conv_relu": "after the ReLU",
        "hidden": "before the ReLU",
        "hidden_relu": "after the ReLU",
    }
    titles = [block["title"] for block in page(found)["sections"][0]["blocks"][1:]]
    assert titles[:3] == [
        "conv, before the ReLU: 3×4×57×57", "conv_relu, after the ReLU: 3×4×57×57", "pool: 3×4×14×14",
    ]  # fmt: skip
    branched = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(), nn.ReLU(inplace=True))
    assert trace(branched, images).sides == {"1": "before the ReLU", "2": "after the ReLU"}


class _Mapped(nn.Module):
    """A network that takes its captures one at a time, by torch.vmap."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.out = nn.Linear(2, 3)

    def forward(self, captures):
        maps = torch.vmap(lambda capture: torch.relu(self.conv(capture[None])[0]))(captures)
        return self.out(maps.mean((2, 3)))


def test_a_layer_within_vmap_is_refused_with_what_to_do_and_the_others_are_traced():
    captures = np.ones((2, 1, 6, 6), dtype=np.float32)
    with pytest.raises(InputError, match=r"runs conv within torch\.vmap"):
        trace(_Mapped(), captures)
    assert trace(_Mapped(), captures, layers=["out"]).outputs["out"].shape == (2, 3)


class Rows(nn.Module):
    """A network that reads the rows of an image one after another, with them as the first axis or the second."""

    def __init__(self, kind, batch_first):
        super().__init__()
        torch.manual_seed(0)
        self.lstm = nn.LSTM(48, 8, batch_first=batch_first) if kind == "lstm" else None
        self.attention = nn.MultiheadAttention(48, 2, batch_first=batch_first) if kind == "attention" else None
        self.dense, self.norm, self.batch_first = (
            nn.Linear(8 if kind == "lstm" else 48, 5),
            nn.LayerNorm(5),
            batch_first,
        )

    def forward(self, x):
        rows = x.permute(*((0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3))).flatten(2)
        read = self.lstm(rows) if self.lstm else self.attention(rows, rows, rows)
        return self.norm(self.dense(read[0])).mean(1 if self.batch_first else 0)


@pytest.mark.parametrize("kind", ["lstm", "attention"])
@pytest.mark.parametrize("count", [1, 3, 16])  # 16 captures of 16 rows
def test_captures_come_first_whatever_axis_they_are_along(kind, count):
    captures = np.random.default_rng(0).random((count, 3, 16, 16), dtype=np.float32)
    rows_first, captures_first = (Rows(kind, batch_first) for batch_first in (False, True))
    ours, theirs = trace(rows_first, captures), trace(captures_first, captures)
    assert list(ours) == list(theirs)
    for name, output in theirs.items():
        np.testing.assert_allclose(ours[name], output, atol=1e-5, err_msg=name)
    layers = zip(*(anatomy(network, (3, 16, 16)).layers for network in (rows_first, captures_first)), strict=True)
    for one, other in layers:
        assert (one.output_shape, one.multiply_adds) == (other.output_shape, other.multiply_adds)


def test_rows_that_are_no_captures_are_put_beside_their_capture():
    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(3, 2)

        def forward(self, x):
            return self.dense(x.flatten(2).transpose(1, 2).reshape(-1, 3)).view(len(x), -1)

    captures = np.random.default_rng(0).random((2, 3, 4, 4), dtype=np.float32)
    network = Windows()
    [dense] = trace(network, captures).values()
    assert dense.shape == (2, 16, 2)
    with torch.no_grad():
        np.testing.assert_allclose(dense.reshape(2, -1), network(torch.from_numpy(captures)), atol=1e-6)


def test_of_complex_numbers_the_magnitude_is_kept():
    class Fourier(nn.Module):
        def forward(self, x):
            return torch.fft.rfft2(x).abs()

    captures = np.random.default_rng(0).random((2, 1, 4, 4), dtype=np.float32)
    spectrum = trace(Fourier(), captures)["fft_rfft2()"]
    np.testing.assert_allclose(spectrum, np.abs(np.fft.rfft2(captures)), rtol=1e-4)
