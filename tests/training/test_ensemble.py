"""Many fits at once equal single fits from the same weights, batches and preprocessing.

Also tests ``training/activations.py``, ``training/compiling.py``, ``training/fronts.py``, ``training/optimisers.py``,
``training/pooled_maps.py``, ``training/pooling_code.py``, ``training/singly.py``.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional

from faceloupe.errors import InputError
from faceloupe.faces import load_faces
from faceloupe.inspection import dead_units, trace
from faceloupe.training import (
    CNN,
    FCNN,
    Preprocessing,
    SmallNetwork,
    batch_orders,
    fit_many,
    fit_network,
    fit_preprocessing,
    initial_weights,
    initialise,
    parse_network,
    pooled_maps,
    pooling_code,
    predict_many,
)
from faceloupe.training.compiling import Processor
from faceloupe.training.fit import cross_entropy
from faceloupe.training.fronts import Scaling, front_of, pays
from faceloupe.training.pooled_maps import PooledMaps
from faceloupe.training.pooling_code import Geometry

KINDS = ("none", "centre", "standardise")
EPOCHS = 10
SEEN = {"conv_relu": "pool", "hidden_relu": "hidden_relu"}  # what the next layer sees of it
SHAPES = [
    pytest.param(FCNN, {}, id="FCNN"),
    pytest.param(CNN, {}, id="CNN"),
    pytest.param(CNN, {"pool_size": 57}, id="CNN with global pooling"),
    pytest.param(
        CNN, {"filters": 3, "kernel_size": (5, 7), "stride": 2, "pool_size": (3, 2), "hidden": 5}, id="CNN of odd sizes"
    ),
]


@pytest.fixture(scope="module")
def faces():
    return load_faces("orl", subjects=[0, 1, 2])


def _group(faces, n_fits=6, n_train=12, epochs=EPOCHS):
    """Fits that differ in captures, order and preprocessing, two by two alike in weights."""
    train = np.stack([np.random.default_rng(fit).permutation(len(faces))[:n_train] for fit in range(n_fits)])
    orders = np.stack([batch_orders(n_train, epochs, fit) for fit in range(n_fits)])
    preprocessing = [fit_preprocessing(KINDS[fit % 3], faces.images[train[fit]]) for fit in range(n_fits)]
    return train, orders, preprocessing


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(("network_class", "options"), SHAPES)
def test_fits_together_equal_autograd_in_double_precision(faces, network_class, options, outputs):
    """In float32 a fit that comes close to a kink of ReLU or pooling drifts away; in float64 none comes that close."""
    pair = faces if outputs == 3 else faces.select([0, 1])
    shape = network_class((64, 64), **options, outputs=outputs)
    train, orders, preprocessing = _group(pair)
    start = {name: value.double() for name, value in initial_weights(shape, np.arange(6) // 2).items()}
    faces64 = pair.images.astype(np.float64)
    many = fit_many(shape, faces64, pair.subject, train, orders, start, preprocessing)
    logits, active = predict_many(shape, many.weights, faces64, preprocessing)
    for fit, prepared in enumerate(preprocessing):
        network = network_class((64, 64), **options, outputs=outputs).double()
        network.load_state_dict({name: stacked[fit] for name, stacked in start.items()})
        images = torch.from_numpy((faces64 - prepared.mean) / prepared.scale)[:, None]
        losses = _train(network, images[train[fit]], torch.from_numpy(pair.subject[train[fit]]), orders[fit])
        for name, value in network.named_parameters():
            torch.testing.assert_close(many.weights[name][fit], value.detach(), atol=1e-9, rtol=0)
        np.testing.assert_allclose(many.loss[fit], losses, atol=1e-9)
        np.testing.assert_allclose(logits[fit], network(images).detach().numpy(), atol=1e-8)
        outputs_of = trace(network, images)
        for layer, firing in active.items():
            np.testing.assert_array_equal(~firing[fit].any(axis=0), dead_units(outputs_of[SEEN[layer]]))


def _train(network, images, labels, orders):
    """RMSprop through autograd, written out; returns the running loss by epoch."""
    squares = [torch.zeros_like(value) for value in network.parameters()]
    losses = []
    for order in torch.from_numpy(orders):
        losses.append(0.0)
        for batch in order.split(5):
            loss = cross_entropy(network(images[batch]), labels[batch])
            losses[-1] += loss.item() * len(batch) / len(labels)
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for value, square, gradient in zip(network.parameters(), squares, gradients, strict=True):
                    square += 0.1 * (gradient**2 - square)
                    value -= 1e-3 * gradient / torch.sqrt(square + 1e-7)
    return losses


TOGETHER = [
    "conv 3 5x5 leaky, pool 3 stride 2, dense 5 tanh, dense 4 leaky; optimiser adam",
    "conv 2 6x6 tanh, pool 5; optimiser momentum, decay 0.01",
    "conv 5 4x5 relu, pool 6x7, dense 4 relu",
    "conv 2 6x5 stride 2x1, global pool, dense 4 relu, dense 3; optimiser adam, decay 0.1",
    "dense 6 tanh, dense 5 relu, dense 4; optimiser sgd, rate 0.1, batch 4",
    "dense 40 leaky; rate 0.01",
    "conv 3 4x4 stride 2 relu, pool 8, dense 4 relu; optimiser adam, augment mirror shift 2 rotate 5 zoom 5",
]
SINGLY = [
    "conv 3 5x5 stride 2 relu, average pool 2, conv 4 3x3 padding 1 relu, pool 2, batchnorm relu, dense 5 relu",
    "conv 2 4x4 relu, dropout 0.3, dense 6, batchnorm tanh, dropout 0.2; augment mirror shift 2 rotate 5 zoom 5",
    "conv 2 5x5 padding same relu, pool 4; optimiser adam, batch 11",
]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    ("sentence", "together"), [*((each, True) for each in TOGETHER), *((each, False) for each in SINGLY)]
)
def test_any_network_of_the_language_equals_single_fits_in_double_precision(sentence, together, outputs):
    people = load_faces("orl", subjects=range(max(outputs, 2)), size=20)
    shape = SmallNetwork(parse_network(sentence), (20, 20), outputs)
    assert pays(shape.spec) == together
    train, orders, preprocessing = _group(people, n_fits=3, epochs=4)
    start = {
        name: value.double() if value.is_floating_point() else value
        for name, value in initial_weights(shape, np.arange(3)).items()
    }
    faces64 = people.images.astype(np.float64)
    many = fit_many(shape, faces64, people.subject, train, orders, start, preprocessing, seeds=range(3))
    logits, active = predict_many(shape, many.weights, faces64, preprocessing)
    for fit, prepared in enumerate(preprocessing):
        network = initialise(SmallNetwork(shape.spec, (20, 20), outputs), fit).double()
        network.load_state_dict({name: stacked[fit] for name, stacked in start.items()})
        images = torch.from_numpy((faces64 - prepared.mean) / prepared.scale)[:, None]
        history = fit_network(
            network, images[train[fit]], people.subject[train[fit]], orders[fit], shape.spec.training, seed=fit
        )
        for name, value in network.state_dict().items():
            torch.testing.assert_close(many.weights[name][fit], value, atol=1e-9, rtol=0)
        np.testing.assert_allclose(many.loss[fit], history.loss, atol=1e-9)
        np.testing.assert_allclose(many.accuracy[fit], history.accuracy, atol=1e-9)
        np.testing.assert_allclose(logits[fit], network(images).detach().numpy(), atol=1e-8)
    relus = [name for name, _ in shape.named_children() if name.endswith("_relu")]
    assert [sorted(many.silent), sorted(active)] == [sorted(relus), sorted(relus)]
    assert all(silent.shape[:2] == (3, 5) for silent in many.silent.values())


def test_fits_together_equal_single_fits(faces):
    pair = faces.select([0, 1])
    for shape in (FCNN((64, 64)), CNN((64, 64))):
        train, orders, preprocessing = _group(pair)
        start = initial_weights(shape, np.arange(6))
        many = fit_many(shape, pair.images, pair.subject, train, orders, start, preprocessing)
        for fit, prepared in enumerate(preprocessing):
            network = initialise(type(shape)((64, 64)), fit)
            images = prepared.apply(pair.images[train[fit]])[:, None]
            history = fit_network(network, images, pair.subject[train[fit]], orders[fit])
            for name, value in network.named_parameters():
                torch.testing.assert_close(many.weights[name][fit], value.detach(), atol=1e-4, rtol=0)
            np.testing.assert_allclose(many.loss[fit], history.loss, atol=1e-4)
            np.testing.assert_allclose(many.accuracy[fit], history.accuracy, atol=1e-6)


@pytest.mark.parametrize("sentence", ["conv 2 6x6 relu, pool 5, dense 3", "conv 2 6x6 relu, pool 5, conv 2 2x2"])
def test_frozen_filters_stay_and_what_follows_them_learns(faces, sentence):
    small = faces.images[:, ::3, ::3].copy()
    shape = SmallNetwork(parse_network(sentence), (22, 22), 3)
    train, orders, preprocessing = _group(faces, n_fits=2, epochs=1)
    start = initial_weights(shape, np.arange(2))
    many = fit_many(shape, small, faces.subject, train, orders, start, preprocessing, frozen_filters=True)
    for name, value in many.weights.items():
        assert torch.equal(value, start[name]) == name.startswith("conv"), name


def test_kept_moments_are_the_weights_after_each_epoch(faces):
    pair = faces.select([0, 1])
    shape = CNN((64, 64))
    train, orders, preprocessing = _group(pair, n_fits=3, epochs=3)
    start = initial_weights(shape, np.arange(3))
    many = fit_many(shape, pair.images, pair.subject, train, orders, start, preprocessing, keep_moments=True)
    for name, kept in many.moments.items():
        assert torch.equal(kept[:, 0], start[name])
    for epochs in range(1, 4):
        until = fit_many(shape, pair.images, pair.subject, train, orders[:, :epochs], start, preprocessing)
        for name, kept in many.moments.items():
            assert torch.equal(kept[:, epochs], until.weights[name])
    assert until.moments is None


def test_silent_units_are_those_of_the_first_weights_before_training(faces):
    pair = faces.select([0, 1])
    shape = CNN((64, 64))
    train, orders, preprocessing = _group(pair, epochs=1)
    start = initial_weights(shape, np.arange(6))
    many = fit_many(shape, pair.images, pair.subject, train, orders, start, preprocessing)
    for fit in range(6):
        network = initialise(CNN((64, 64)), fit)
        outputs = trace(network, preprocessing[fit].apply(pair.images[train[fit]])[:, None])
        for layer, silent in many.silent.items():
            np.testing.assert_array_equal(silent[fit, 0], dead_units(outputs[SEEN[layer]]))


def test_more_fits_than_a_chunk_change_nothing(faces):
    pair = faces.select([0, 1])
    shape = FCNN((64, 64))
    n_fits = front_of(shape.spec, "hidden", torch.zeros(1, 64, 64)).chunk + 3
    train, orders, preprocessing = _group(pair, n_fits, epochs=2)
    start = initial_weights(shape, np.arange(n_fits))
    together = fit_many(shape, pair.images, pair.subject, train, orders, start, preprocessing)
    last = slice(n_fits - 3, None)
    alone = fit_many(
        shape, pair.images, pair.subject, train[last], orders[last],
        {name: value[last] for name, value in start.items()}, preprocessing[last],
    )  # fmt: skip
    assert together.loss.shape == (n_fits, 2)
    np.testing.assert_allclose(together.loss[last], alone.loss, atol=1e-6)


def test_predictions_of_dense_networks_copy_no_face_for_each_fit():
    """A batch of all faces was copied for each fit where the first layer had more than 60 units."""
    faces = torch.from_numpy(np.random.default_rng(0).random((30, 8, 8)))
    spec = parse_network("dense 64 relu")
    weights = {name: each.double() for name, each in initial_weights(SmallNetwork(spec, (8, 8)), np.arange(3)).items()}
    preprocessing = [fit_preprocessing(kind, faces.numpy()) for kind in KINDS]
    sums, tape = front_of(spec, "hidden", faces).forward(
        weights, Scaling.of(preprocessing, torch.float64), torch.arange(30).expand(3, -1)
    )
    assert tape.features.numel() == 0
    for fit, prepared in enumerate(preprocessing):
        pixels = prepared.apply(faces.numpy()).reshape(30, -1)
        expected = pixels @ weights["hidden.weight"][fit].numpy().T + weights["hidden.bias"][fit].numpy()
        np.testing.assert_allclose(sums[fit], expected, atol=1e-5)


def test_the_starting_weights_and_the_random_state_are_left_alone(faces):
    pair = faces.select([0, 1])
    shape = CNN((64, 64))
    train, orders, preprocessing = _group(pair, epochs=1)
    start = initial_weights(shape, np.arange(6))
    before = {name: value.clone() for name, value in start.items()}
    random_state = torch.get_rng_state()
    fit_many(shape, pair.images, pair.subject, train, orders, start, preprocessing)
    assert all(torch.equal(start[name], before[name]) for name in start)
    assert torch.equal(torch.get_rng_state(), random_state)


def test_the_same_seeds_give_the_same_bits(faces):
    pair = faces.select([0, 1])
    shape = CNN((64, 64))
    train, orders, preprocessing = _group(pair, epochs=3)
    runs = [
        fit_many(shape, pair.images, pair.subject, train, orders, initial_weights(shape, np.arange(6)), preprocessing)
        for _ in range(2)
    ]
    for name, value in runs[0].weights.items():
        assert torch.equal(value, runs[1].weights[name])
    assert "6 fits, 3 epochs" in repr(runs[0])


# Filters and columns that fill no tile, one, and several with a rest; windows that overlap, lie apart or fill the row.
GEOMETRIES = [
    {"image": (9, 60), "filters": 19, "kernel": (3, 2), "stride": (1, 1), "window": (2, 3), "step": (2, 2)},
    {"image": (21, 23), "filters": 5, "kernel": (4, 9), "stride": (3, 1), "window": (5, 7), "step": (1, 2)},
    {"image": (12, 11), "filters": 9, "kernel": (2, 4), "stride": (1, 2), "window": (3, 2), "step": (4, 2)},
    {"image": (8, 40), "filters": 8, "kernel": (1, 1), "stride": (2, 1), "window": (1, 1), "step": (1, 3)},
]


@pytest.mark.parametrize("sizes", GEOMETRIES)
@pytest.mark.parametrize("registers", [Processor(64, 16), Processor(32, 8)])
def test_pooled_maps_are_those_of_pytorch_whatever_the_registers(monkeypatch, sizes, registers):
    for module in (pooled_maps, pooling_code):
        monkeypatch.setattr(module, "processor", lambda: registers)
    for name in ("compiled_pooling", "compiled_gradient"):  # without what was compiled for this processor
        monkeypatch.setattr(pooled_maps, name, getattr(pooling_code, name).__wrapped__)
    torch.manual_seed(0)
    images = torch.randn(4, *sizes["image"], dtype=torch.float64)
    images[0, 4, 6] = float("nan")  # in some windows the first place, in some the last
    maps = PooledMaps(images, Geometry(torch.float64, **sizes))
    faces = torch.tensor([[0, 1, 2], [3, 0, 3]], dtype=torch.int32)
    kernels = torch.randn(2, sizes["filters"], *sizes["kernel"], dtype=torch.float64, requires_grad=True)
    factors, offsets = torch.tensor([1.0, 0.5]).double(), torch.randn(2, sizes["filters"], dtype=torch.float64)
    expected = _pooled_by_pytorch(images[faces.long()], kernels, sizes) * factors[:, None, None, None]
    expected = expected + offsets[:, None, :, None]
    values, winners = maps.pool(faces, kernels.detach(), factors, offsets)
    torch.testing.assert_close(values, expected.detach(), equal_nan=True)
    assert values.isnan().any()
    slopes = torch.randn_like(values)
    slopes[values.isnan()] = 0
    sound = torch.where(faces == 0, 1, faces)  # 0 times a pixel that is no number is none
    values, winners = maps.pool(sound, kernels.detach(), factors, offsets)
    expected = _pooled_by_pytorch(images[sound.long()], kernels, sizes)
    (gradient,) = torch.autograd.grad((expected * slopes).sum(), kernels)
    sums, totals = maps.gradient(sound, winners, slopes)
    torch.testing.assert_close(sums, gradient.flatten(2))
    torch.testing.assert_close(totals, slopes.sum((1, 3)))


def _pooled_by_pytorch(images, kernels, sizes):
    maps = [
        functional.conv2d(batch[:, None], own[:, None], stride=sizes["stride"])
        for batch, own in zip(images, kernels, strict=True)
    ]
    return torch.stack([functional.max_pool2d(each, sizes["window"], sizes["step"]).flatten(2) for each in maps])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kernels": torch.zeros(2, 3, 4, 4).double()}, "kernels must be torch.float32 .* but are torch.float64"),
        ({"kernels": torch.zeros(2, 2, 4, 4)}, r"kernels must be .* of shape \(2, 3, 4, 4\)"),
        ({"factors": torch.ones(1)}, r"factors must be .* of shape \(2,\)"),
        ({"offsets": torch.zeros(3)}, r"offsets must be .* of shape \(2, 3\)"),
        ({"offsets": torch.zeros(2, 3, device="meta")}, "on the CPU, but .* on meta"),
        ({"faces": torch.zeros(2)}, "faces must be whole numbers"),
        ({"faces": torch.zeros(2, 2)}, "faces must be whole numbers"),
        ({"faces": torch.full((2, 2), 5)}, "from 0 to 4, but go from 5 to 5"),
        ({"faces": torch.full((2, 2), -1)}, "from 0 to 4, but go from -1 to -1"),
    ],
)
def test_compiled_code_gets_nothing_that_it_would_read_amiss(wrong, message):
    maps = PooledMaps(torch.rand(5, 12, 12), Geometry(torch.float32, (12, 12), 3, (4, 4), (1, 1), (2, 2), (2, 2)))
    right = {
        "faces": torch.zeros(2, 2, dtype=torch.int16), "kernels": torch.zeros(2, 3, 4, 4),
        "factors": torch.ones(2), "offsets": torch.zeros(2, 3),
    }  # fmt: skip
    values, winners = maps.pool(**right)
    with pytest.raises((InputError, IndexError), match=message):
        maps.pool(**{**right, **wrong})
    for slopes, won in [(values.double(), winners), (values[1:], winners), (values, winners.long())]:
        with pytest.raises(InputError, match="must be torch"):
            maps.gradient(right["faces"], won, slopes)
    with pytest.raises(IndexError, match="winners must be numbers from 0 to 104"):
        maps.gradient(right["faces"], winners + 200, values)
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    assert [part.shape for part in maps.pool(**{**right, "faces": nothing})] == [(2, 0, 3, 16)] * 2


def test_images_that_no_window_fits_into_are_refused():
    with pytest.raises(InputError, match="12x3 pixels are too small for kernels of 4x4"):
        Geometry(torch.float32, (12, 3), 3, (4, 4), (1, 1), (2, 2), (2, 2))
    with pytest.raises(InputError, match="must be 1 or more"):
        Geometry(torch.float32, (12, 12), 0, (4, 4), (1, 1), (2, 2), (2, 2))
    with pytest.raises(InputError, match=r"images must be .* of shape \(5, 12, 12\)"):
        PooledMaps(torch.rand(5, 9, 12), Geometry(torch.float32, (12, 12), 3, (4, 4), (1, 1), (2, 2), (2, 2)))


def test_fits_take_any_whole_numbers_and_refuse_another_precision_or_a_short_list():
    shape = SmallNetwork(parse_network("conv 2 4x4 relu, pool 3, dense 3 relu"), (12, 12))
    images, labels = np.random.default_rng(0).random((6, 12, 12), dtype=np.float32), np.arange(6) % 2
    train, orders = (
        np.tile(np.arange(6, dtype=np.int32), (3, 1)),
        np.stack([batch_orders(6, 2, fit) for fit in range(3)]),
    )
    start, alike = initial_weights(shape, np.arange(3)), [Preprocessing("none")] * 3
    losses = [
        fit_many(shape, images, labels, each, orders, start, alike).loss for each in (train, train.astype(np.int64))
    ]
    np.testing.assert_array_equal(*losses)
    for photographs, preprocessing, message in [
        (images.astype(np.float64), alike, "must both be float32 or both float64, but are float64 and torch.float32"),
        ((images * 255).astype(np.uint8), alike, "but are uint8 and torch.float32"),
        (images, alike[:1], "one for each of the 3 fits, but is 1"),
    ]:
        with pytest.raises(InputError, match=message):
            predict_many(shape, start, photographs, preprocessing)
        with pytest.raises(InputError, match=message):
            fit_many(shape, photographs, labels, train, orders, start, preprocessing)
    with pytest.raises(InputError, match="5x12 pixels are too small for kernels of 4x4"):
        predict_many(shape, start, images[:, :5], alike)
    with pytest.raises(IndexError, match="faces must be numbers from 0 to 5"):
        fit_many(shape, images, labels[:6], train - 1, orders, start, alike)
