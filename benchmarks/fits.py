"""How many fits of the tutorial's CNN a second: Keras, one fit of ours, and many fits at once.

Each is the same work: 20 captures of 64x64, 20 epochs, batches of 5, RMSprop. Keras runs in a process of its own for
each backend that is installed, after one fit that is not timed (compilation). All is on one thread and in seconds of
the processor, which other work on the machine disturbs less than those of the clock. The last column is the share of
the machine's measured matrix-product speed that the multiply-adds of a fit's forward passes make up.

    python benchmarks/fits.py
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from faceloupe.inspection import anatomy
from faceloupe.training import CNN, FCNN, batch_orders, fit_many, fit_network, fit_preprocessing, initial_weights

CAPTURES, EPOCHS, REPEATS = 20, 20, 5
SHAPE = (64, 64)
BACKENDS = ("torch", "jax", "tensorflow")


def faces() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return captures that cost as much as real ones: what they show does not matter to the clock."""
    images = np.random.default_rng(0).random((CAPTURES, *SHAPE), dtype=np.float32)
    return images, np.arange(CAPTURES) % 2


def product_speed() -> float:
    """Return the machine's best matrix-product speed in floating-point operations a second."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    a @ b
    return 2 * 2048**3 / min(_timed(lambda: a @ b) for _ in range(10))


def keras_seconds(network: str, backend: str) -> float | None:
    """Return the median seconds of one fit with Keras on a backend, in a fresh process; None if that failed."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "keras", network]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        print(f"Keras on {backend} failed: {run.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return float(json.loads(run.stdout.splitlines()[-1]))


def time_keras(network: str) -> float:
    """Time fits of a Keras model as the tutorial writes it, compiled once; each fit starts from fresh weights."""
    import keras
    from keras import layers

    images, labels = faces()
    body: list[Any] = [layers.Conv2D(4, 8, activation="relu"), layers.MaxPooling2D(4)] if network == "cnn" else []
    model = keras.Sequential(
        [
            keras.Input((*SHAPE, 1)),
            *body,
            layers.Flatten(),
            layers.Dense(4, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(1e-3), "binary_crossentropy", metrics=["accuracy"])
    start = model.get_weights()

    def fit() -> None:
        model.set_weights(start)
        model.fit(images[..., None], labels, batch_size=5, epochs=EPOCHS, verbose=0)

    fit()
    return median(_timed(fit) for _ in range(REPEATS))


def single_seconds(shape: FCNN | CNN) -> float:
    """Return the median seconds of one fit by :func:`fit_network`."""
    images, labels = faces()
    orders = batch_orders(CAPTURES, EPOCHS, 0)

    def fit() -> None:
        fit_network(shape, images[:, None], labels, orders)

    fit()
    return median(_timed(fit) for _ in range(REPEATS))


def ensemble_seconds(shape: FCNN | CNN, fits: int) -> float:
    """Return the median seconds of S fits at once."""
    images, labels = faces()
    train = np.tile(np.arange(CAPTURES), (fits, 1))
    orders = np.stack([batch_orders(CAPTURES, EPOCHS, seed) for seed in range(fits)])
    weights = initial_weights(shape, np.arange(fits))
    preprocessing = [fit_preprocessing("centre", images)] * fits

    def fit() -> None:
        fit_many(shape, images, labels, train, orders, weights, preprocessing)

    fit()
    return median(_timed(fit) for _ in range(REPEATS))


def main() -> None:
    """Print one table a network."""
    torch.set_num_threads(1)
    speed = product_speed()
    print(f"matrix products: {speed / 1e9:.0f} GFLOP/s on {torch.get_num_threads()} threads")
    for name, shape in (("cnn", CNN(SHAPE)), ("fcnn", FCNN(SHAPE))):
        work = 2 * anatomy(shape, SHAPE).multiply_adds * CAPTURES * EPOCHS
        keras = {
            f"Keras on {backend}": seconds
            for backend in BACKENDS
            if find_spec("keras") and find_spec(backend) and (seconds := keras_seconds(name, backend))
        }
        ours = {"faceloupe, one fit": single_seconds(shape)} | {
            f"faceloupe, {fits} at once": ensemble_seconds(shape, fits) / fits for fits in (1, 8, 64, 256)
        }
        best = min(keras.values(), default=float("nan"))
        print(f"\n{name.upper():24s} {'fits/s':>9s} {'x best Keras':>13s} {'of product speed':>17s}")
        for label, seconds in (keras | ours).items():
            print(f"{label:24s} {1 / seconds:9.1f} {best / seconds:13.1f} {work / seconds / speed:17.1%}")


def _timed(work: Any) -> float:
    started = process_time()
    work()
    return process_time() - started


if __name__ == "__main__":
    if sys.argv[1:2] == ["keras"]:
        print(json.dumps(time_keras(sys.argv[2])))
    else:
        main()
