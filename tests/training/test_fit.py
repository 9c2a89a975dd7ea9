"""Also tests ``training/augmentation.py``."""

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.training import CNN, FCNN, History, RMSprop, Training, batch_orders, evaluate, fit_network
from faceloupe.training.optimisers import optimiser_of


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    images = generator.random((13, 1, 12, 12), dtype=np.float32) - np.float32(0.5)
    return images, generator.integers(0, 2, 13)


def by_hand(network, images, labels, orders, batch_size, learning_rate):
    """The FCNN's fit in NumPy, forward pass, backward pass and RMSprop; weights, and loss and accuracy by epoch."""
    w1, b1, w2, b2 = (value.detach().numpy().astype(np.float64) for value in network.parameters())
    squares = [np.zeros_like(weights) for weights in (w1, b1, w2, b2)]
    pixels, curves = images.reshape(len(images), -1), []
    for order in orders:
        losses, right = [], []
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            x, y = pixels[batch], labels[batch]
            hidden = np.maximum(x @ w1.T + b1, 0)
            logit = (hidden @ w2.T + b2)[:, 0]
            p = 1 / (1 + np.exp(-logit))
            losses += list(-np.where(y == 1, np.log(p), np.log(1 - p)))
            right += list((p > 0.5) == y)
            slope = ((p - y) / len(batch))[:, None]
            back = slope @ w2 * (hidden > 0)
            gradients = [back.T @ x, back.sum(0), slope.T @ hidden, slope.sum(0)]
            for weights, square, gradient in zip((w1, b1, w2, b2), squares, gradients, strict=True):
                square[:] = 0.9 * square + 0.1 * gradient**2
                weights -= learning_rate * gradient / np.sqrt(square + 1e-7)
        curves.append((np.mean(losses), np.mean(right)))
    return (w1, b1, w2, b2), np.array(curves)


def test_a_fit_is_what_numpy_computes_by_hand(data):
    images, labels = data
    orders = batch_orders(len(images), 15, seed=3)
    network = FCNN((12, 12))
    weights, curves = by_hand(network, images, labels, orders, 5, 2e-3)
    history = fit_network(network, images, labels, orders, Training(learning_rate=2e-3))
    for expected, found in zip(weights, network.parameters(), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(history.loss, curves[:, 0], atol=1e-5)
    np.testing.assert_array_equal(history.accuracy, curves[:, 1])


def test_rmsprop_puts_epsilon_under_the_root():
    weights = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimiser = RMSprop([weights], learning_rate=0.1)
    gradient = torch.tensor([2.0, 1e-6])  # the second is where ε beside the root would step 40 times as far
    optimiser.step([gradient])
    optimiser.step([gradient])
    first, second = 0.1 * gradient**2, 0.19 * gradient**2
    expected = 1 - 0.1 * gradient / (first + 1e-7).sqrt() - 0.1 * gradient / (second + 1e-7).sqrt()
    np.testing.assert_allclose(weights.detach(), expected, rtol=1e-6)


def test_every_epoch_is_a_fresh_permutation():
    orders = batch_orders(50, 4, seed=1)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(50), (4, 1)))
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(orders, batch_orders(50, 4, seed=1))
    assert not np.array_equal(orders, batch_orders(50, 4, seed=2))
    np.testing.assert_array_equal(orders[:2], batch_orders(50, 2, seed=1))  # more epochs go on where fewer stopped


@pytest.mark.usefixtures("torch_as_found")
@pytest.mark.parametrize("network", [FCNN, CNN])
def test_same_start_and_order_same_weights_bit_by_bit(network, data):
    images, labels = data
    orders = batch_orders(len(images), 5, seed=0)
    fits = [network((12, 12)) for _ in range(2)]
    histories = [fit_network(fit, images, labels, orders) for fit in fits]
    assert all(torch.equal(a, b) for a, b in zip(fits[0].parameters(), fits[1].parameters(), strict=True))
    np.testing.assert_array_equal(histories[0].loss, histories[1].loss)


def test_validation_is_measured_after_each_epoch_and_changes_nothing(data):
    images, labels = data
    orders = batch_orders(8, 4, seed=0)
    alone, watched = FCNN((12, 12)), FCNN((12, 12))
    plain = fit_network(alone, images[:8], labels[:8], orders)
    history = fit_network(watched, images[:8], labels[:8], orders, validation=(images[8:], labels[8:]))
    assert plain.validation_loss is None
    assert all(torch.equal(a, b) for a, b in zip(alone.parameters(), watched.parameters(), strict=True))
    assert (history.validation_loss[-1], history.validation_accuracy[-1]) == evaluate(watched, images[8:], labels[8:])


def test_evaluate_does_not_depend_on_how_many_captures_go_through_at_once():
    images = np.random.default_rng(0).random((150, 1, 12, 12), dtype=np.float32)
    labels = np.arange(150) % 3
    network = CNN((12, 12), kernel_size=3, outputs=3)
    loss, accuracy = evaluate(network, images, labels)
    with torch.no_grad():
        logits = network(torch.from_numpy(images))
    expected = nn.functional.cross_entropy(logits, torch.from_numpy(labels)).item()
    assert loss == pytest.approx(expected, abs=1e-6)
    assert accuracy == pytest.approx((logits.argmax(1).numpy() == labels).mean())


def test_read_only_images_are_taken_and_left_as_they_were(data):
    images, labels = data
    before = images.copy()
    images.flags.writeable = False
    fit_network(FCNN((12, 12)), images, labels, batch_orders(13, 2, seed=0))
    np.testing.assert_array_equal(images, before)


def test_orders_may_name_some_of_the_captures(data):
    images, labels = data
    some, whole = FCNN((12, 12)), FCNN((12, 12))
    chosen = np.array([3, 5, 7, 8, 12])
    orders = batch_orders(5, 3, seed=0)
    expected = fit_network(some, images[chosen], labels[chosen], orders)
    history = fit_network(whole, images, labels, chosen[orders])
    np.testing.assert_array_equal(history.loss, expected.loss)
    assert all(torch.equal(a, b) for a, b in zip(some.parameters(), whole.parameters(), strict=True))


def test_no_epoch_leaves_the_weights_alone(data):
    images, labels = data
    network, fresh = FCNN((12, 12)), FCNN((12, 12))
    history = fit_network(network, images, labels, batch_orders(13, 0, seed=0))
    assert len(history) == 0
    assert repr(history) == "History(no epochs)"
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), fresh.parameters(), strict=True))


def test_a_history_says_how_the_fit_went():
    rising, falling = np.array([0.5, 0.75]), np.array([0.7, 0.25])
    assert repr(History(falling, rising)) == "History(2 epochs: loss 0.7000 → 0.2500, accuracy 0.500 → 0.750)"
    assert repr(History(falling, rising, falling, rising[::-1])).endswith("validation accuracy 0.750 → 0.500)")


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "rmsprop", "adam"])
def test_weights_with_channels_last_are_trained_like_any(optimiser):
    """A step moved a copy of them, and they stayed as they began."""
    generator = torch.Generator().manual_seed(0)
    start, gradients = torch.rand(2, 5, 4, 3, 2, generator=generator)
    moved = []
    for memory in (torch.contiguous_format, torch.channels_last):
        weights = start.clone(memory_format=memory)
        rule = optimiser_of(Training(optimiser=optimiser, weight_decay=0.1), [weights])
        for _ in range(3):
            rule.step([gradients])
        moved.append(weights)
    assert not torch.equal(moved[0], start)
    torch.testing.assert_close(moved[1], moved[0])
