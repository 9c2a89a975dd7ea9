"""The same weights, faces and batches through Keras."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import pytest
import torch

from faceloupe.training import CNN, FCNN, batch_orders, fit_network, fit_preprocessing, initialise

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras on NumPy 2

EPOCHS = 20
keras.config.set_floatx("float64")
# Fits that learn on raw pixels too, in double precision. In single precision the CNN on raw pixels is chaotic: start it
# from weights changed by 1e-7 of themselves, and in a third of fits a pooling window finds another winner and the
# weights end more than 1e-4 apart (13 of 40; centred 1 of 40, the FCNN 0 of 80). No two programs could agree there.
FITS = [
    *((FCNN, "fcnn", outputs, seed) for outputs in (1, 3) for seed in (4, 8, 17)),
    *((CNN, "cnn", 1, seed) for seed in (5, 13, 19)),
    *((CNN, "cnn", 3, seed) for seed in (10, 17)),
]


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
