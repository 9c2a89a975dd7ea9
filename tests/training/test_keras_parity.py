"""The same weights, faces and batches through Keras."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import pytest
import torch
from scipy.stats import kstest

from faceloupe.faces import load_faces
from faceloupe.training import (
    CNN,
    FCNN,
    SmallNetwork,
    batch_orders,
    fit_network,
    fit_preprocessing,
    initialise,
    parse_network,
)
from faceloupe.training.specs import INITIALISATIONS, BatchNormalisation, Convolution, Dense, GlobalPooling, Pooling

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

EPOCHS = 20
keras.config.set_floatx("float64")
# Fits that learn on raw pixels too, in double precision. In single precision the CNN on raw pixels is chaotic: start it
# from weights changed by 1e-7 of themselves, and in a third of fits a pooling window finds another winner and the
# weights end more than 1e-4 apart (13 of 40; centred 1 of 40, the FCNN 0 of 80). No two programs could agree there.
FITS = [(FCNN, "fcnn", 1, 4), (FCNN, "fcnn", 3, 8), (CNN, "cnn", 1, 5), (CNN, "cnn", 3, 10)]


def keras_network(kind, outputs):
    front = {
        "fcnn": [keras.layers.Flatten()],
        "cnn": [
            keras.layers.Conv2D(4, 8, activation="relu"),
            keras.layers.MaxPooling2D(4),
            keras.layers.Flatten(),
        ],
    }[kind]
    last = keras.layers.Dense(outputs, activation="sigmoid" if outputs == 1 else "softmax")
    return keras.Sequential([keras.Input((64, 64, 1)), *front, keras.layers.Dense(4, activation="relu"), last])


def as_keras(network):
    """Our weights as Keras lays them out: kernels (k, k, 1, F), dense (in, out), and maps flattened channels last."""
    weights = {name: value.detach().numpy().copy() for name, value in network.named_parameters()}
    if isinstance(network, CNN):
        hidden, filters = weights["hidden.weight"], len(weights["conv.weight"])
        maps = hidden.reshape(len(hidden), filters, 14, 14).transpose(0, 2, 3, 1)
        weights["hidden.weight"] = maps.reshape(len(hidden), -1)
        weights["conv.weight"] = weights["conv.weight"].transpose(2, 3, 1, 0)
    return [value.T if value.ndim == 2 else value for value in weights.values()]


@pytest.mark.parametrize(("network", "kind", "count"), [(FCNN, "fcnn", 16_393), (CNN, "cnn", 3_405)])
def test_parameters_are_as_many_as_keras_counts(network, kind, count):
    assert keras_network(kind, 1).count_params() == count
    assert sum(weights.numel() for weights in network((64, 64)).parameters()) == count


@pytest.mark.parametrize("preprocess", ["none", "centre"])
@pytest.mark.parametrize(("network", "kind", "outputs", "seed"), FITS)
def test_weights_after_20_epochs_are_those_of_keras(network, kind, outputs, seed, preprocess, two_people, three_people):
    people = two_people if outputs == 1 else three_people
    images = fit_preprocessing(preprocess, people.images).apply(people.images).astype(np.float64)
    orders = batch_orders(len(people), EPOCHS, seed)
    ours = initialise(network((64, 64), outputs=outputs), seed).double()
    start = as_keras(ours)
    history = fit_network(ours, images[:, None], people.subject, orders)
    assert history.loss[-1] < 0.8 * history.loss[0], "a network that does not learn proves nothing"

    theirs = keras_network(kind, outputs)
    theirs.set_weights(start)
    loss = "binary_crossentropy" if outputs == 1 else "sparse_categorical_crossentropy"
    theirs.compile(keras.optimizers.RMSprop(1e-3), loss, metrics=["accuracy"])
    printed = [
        theirs.fit(images[order, :, :, None], people.subject[order], batch_size=5, shuffle=False, verbose=0).history
        for order in orders
    ]

    for mine, keras_s in zip(as_keras(ours), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, keras_s, atol=1e-4, rtol=0)
    np.testing.assert_allclose(history.loss, [epoch["loss"][0] for epoch in printed], atol=1e-4)
    np.testing.assert_allclose(history.accuracy, [epoch["accuracy"][0] for epoch in printed], atol=1e-6)
    with torch.no_grad():
        logits = ours(torch.from_numpy(images[:, None]))
    probabilities = logits.sigmoid() if outputs == 1 else logits.softmax(dim=1)
    np.testing.assert_allclose(probabilities, theirs.predict(images[..., None], verbose=0), atol=1e-4)


SENTENCES = [
    f"conv 3 5x5 stride 2 relu, pool 2, dense 6 relu; optimiser {optimiser}{decay}"
    for optimiser in ("sgd, rate 0.1", "momentum", "rmsprop", "adam, rate 0.01")
    for decay in ("", ", decay 0.1")
] + [
    f"conv 3 5x5 leaky, average pool 2, conv 4 3x3 padding same tanh, pool 3 stride 2, dense 5; initialisation {kind}"
    for kind in INITIALISATIONS
]
SENTENCES += [
    "conv 3 4x5, batchnorm relu, global average pool, dense 7 tanh, batchnorm; optimiser momentum",
    "conv 5 3x3 relu, global pool; batch 6, optimiser adam, rate 0.01",
]


def _keras_layer(layer, flat):
    activate = {"none": [], "leaky": [keras.layers.LeakyReLU(0.2)]}.get(getattr(layer, "activation", "none"))
    if activate is None:
        activate = [keras.layers.Activation(layer.activation)]
    match layer:
        case Convolution():
            padding = "same" if layer.padding != (0, 0) else "valid"
            return [keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, padding), *activate]
        case Pooling():
            kind = keras.layers.AveragePooling2D if layer.average else keras.layers.MaxPooling2D
            return [kind(layer.size, layer.stride)]
        case GlobalPooling():
            return [keras.layers.GlobalAveragePooling2D() if layer.average else keras.layers.GlobalMaxPooling2D()]
        case Dense():
            return [keras.layers.Flatten()] * (not flat) + [keras.layers.Dense(layer.units), *activate]
        case BatchNormalisation():
            return [keras.layers.BatchNormalization(), *activate]


def _keras_of(spec, side):
    layers, flat = [keras.Input((side, side, 1))], False
    for layer in spec.layers:
        layers += _keras_layer(layer, flat)
        flat = flat or isinstance(layer, Dense | GlobalPooling)
    return keras.Sequential([*layers, *[keras.layers.Flatten()] * (not flat), keras.layers.Dense(1, "sigmoid")])


def _trained_weights(network, side):
    """Our trained weights as Keras lays them out: kernels (k, k, C, F), dense (in, out), and maps channels last."""
    found, maps = [], torch.zeros(1, 1, side, side, dtype=torch.float64)
    for layer in network:
        before, maps = maps, layer(maps)
        values = [value.detach().numpy().copy() for value in layer.parameters()]
        if isinstance(layer, torch.nn.Conv2d):
            values[0] = values[0].transpose(2, 3, 1, 0)
        elif isinstance(layer, torch.nn.Flatten):
            order = np.arange(before[0].numel()).reshape(before.shape[1:]).transpose(1, 2, 0).ravel()
        elif isinstance(layer, torch.nn.Linear):
            values[0] = values[0].T
            if len(values[0]) == len(order):
                values[0] = values[0][order]
            order = ()
        found += values
    return found


@pytest.mark.parametrize("sentence", SENTENCES)
def test_any_network_and_way_of_training_ends_where_keras_does(sentence):
    side, epochs, seed = 24, 5, 3
    people = load_faces("orl", subjects=[0, 1], size=side)
    spec = parse_network(sentence)
    images = fit_preprocessing("standardise", people.images).apply(people.images).astype(np.float64)
    orders = batch_orders(len(people), epochs, seed)
    ours = initialise(SmallNetwork(spec, (side, side)), seed, spec.training.initialisation).double()
    theirs = _keras_of(spec, side)
    for variable, value in zip(theirs.trainable_variables, _trained_weights(ours.eval(), side), strict=True):
        variable.assign(value)
    history = fit_network(ours, images[:, None], people.subject, orders, spec.training)
    assert history.loss[-1] < 0.9 * history.loss[0], "a network that does not learn proves nothing"

    options = {"learning_rate": spec.training.rate, "weight_decay": spec.training.weight_decay or None}
    optimiser = {
        "sgd": keras.optimizers.SGD,
        "momentum": lambda **options: keras.optimizers.SGD(momentum=0.9, **options),
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
    }[spec.training.optimiser](**options)
    theirs.compile(optimiser, "binary_crossentropy")
    size = spec.training.batch_size
    for order in orders:
        theirs.fit(images[order][..., None], people.subject[order], batch_size=size, shuffle=False, verbose=0)
    for mine, keras_s in zip(_trained_weights(ours, side), theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(mine, keras_s.numpy(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", INITIALISATIONS)
def test_first_weights_are_distributed_as_those_of_keras(kind):
    names = {"glorot_uniform": "GlorotUniform", "glorot_normal": "GlorotNormal", "he_uniform": "HeUniform",
             "he_normal": "HeNormal"}  # fmt: skip
    for sentence, shape in (("conv 40 8x8", (8, 8, 1, 40)), ("dense 50", (400, 50))):
        network = initialise(SmallNetwork(parse_network(sentence), (20, 20)), 0, kind)
        ours = next(network.parameters()).detach().numpy().ravel()
        theirs = np.asarray(getattr(keras.initializers, names[kind])(seed=0)(shape)).ravel()
        assert kstest(ours, theirs).pvalue > 0.01
        np.testing.assert_allclose(np.abs(ours).max(), np.abs(theirs).max(), rtol=0.02)  # both are cut off
