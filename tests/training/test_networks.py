import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.training import CNN, FCNN, initialise


def test_state_dict_keys_and_shapes_are_the_documented_ones():
    shapes = {name: tuple(value.shape) for name, value in CNN((64, 64), outputs=3).state_dict().items()}
    assert shapes == {
        "conv.weight": (4, 1, 8, 8),
        "conv.bias": (4,),
        "hidden.weight": (4, 784),
        "hidden.bias": (4,),
        "output.weight": (3, 4),
        "output.bias": (3,),
    }
    assert list(FCNN((64, 64)).state_dict()) == ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]


def test_cnn_computes_what_numpy_computes():
    network = CNN((9, 7), filters=2, kernel_size=3, stride=2, pool_size=2, hidden=3, outputs=2)
    face = np.random.default_rng(0).random((9, 7), dtype=np.float32)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    patches = np.lib.stride_tricks.sliding_window_view(face, (3, 3))[::2, ::2]  # (4, 3, 3, 3)
    maps = np.einsum("hwij,fij->fhw", patches, weights["conv.weight"][:, 0]) + weights["conv.bias"][:, None, None]
    pooled = np.maximum(maps, 0)[:, :4, :2].reshape(2, 2, 2, 1, 2).max(axis=(2, 4))  # the third column is not seen
    hidden = np.maximum(weights["hidden.weight"] @ pooled.ravel() + weights["hidden.bias"], 0)
    expected = weights["output.weight"] @ hidden + weights["output.bias"]
    logits = network(torch.from_numpy(face)[None, None]).detach().numpy()[0]
    np.testing.assert_allclose(logits, expected, atol=1e-6)


def test_fcnn_computes_what_numpy_computes():
    network = FCNN((3, 5), hidden=2)
    face = np.random.default_rng(0).random((3, 5), dtype=np.float32)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    expected = weights["output.weight"] @ np.maximum(weights["hidden.weight"] @ face.ravel(), 0)
    np.testing.assert_allclose(network(torch.from_numpy(face)[None, None]).detach().numpy()[0], expected, atol=1e-6)


@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    kernel=st.integers(1, 10),
    stride=st.integers(1, 4),
    pool=st.integers(1, 5),
)
@settings(max_examples=60)
def test_a_cnn_either_runs_or_says_that_nothing_is_left(size, kernel, stride, pool):
    positions = [len(range(0, side - kernel + 1, stride)) for side in size]
    if min(positions) < pool:
        with pytest.raises(InputError, match="take a smaller kernel or pooling window"):
            CNN(size, 2, kernel, stride, pool)
        return
    network = CNN(size, 2, kernel, stride, pool)
    assert network(torch.zeros(3, 1, *size)).shape == (3, 1)
    assert network.hidden.in_features == 2 * (positions[0] // pool) * (positions[1] // pool)


@pytest.mark.parametrize(
    ("layer", "fans"),  # (fan in, fan out) as Keras counts them: a kernel's pixels times its channels
    [("conv", (8 * 8 * 1, 8 * 8 * 4)), ("hidden", (784, 4)), ("output", (4, 1))],
)
def test_weights_fill_glorots_interval_and_biases_are_zero(layer, fans):
    limit = np.sqrt(6 / sum(fans))
    draws = [getattr(initialise(CNN((64, 64)), seed), layer) for seed in range(200)]
    weights = np.concatenate([draw.weight.detach().numpy().ravel() for draw in draws])
    assert np.abs(weights).max() <= limit
    assert np.abs(weights).max() > 0.99 * limit
    np.testing.assert_allclose(weights.std(), limit / np.sqrt(3), rtol=0.05)  # of a uniform distribution
    assert not any(draw.bias.detach().numpy().any() for draw in draws)


@pytest.mark.usefixtures("torch_as_found")
@pytest.mark.parametrize("network", [FCNN, CNN])
def test_a_seed_means_the_same_weights_whatever_the_global_generator(network):
    first = initialise(network((20, 20)), seed=7).state_dict()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        again = initialise(network((20, 20)), seed=7).state_dict()
    other = initialise(network((20, 20)), seed=8).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["hidden.weight"], other["hidden.weight"])


def test_a_network_is_born_with_seed_0_and_initialise_returns_it():
    born, drawn = CNN((20, 20)), CNN((20, 20))
    assert initialise(drawn, seed=0) is drawn
    assert all(torch.equal(a, b) for a, b in zip(born.parameters(), drawn.parameters(), strict=True))
