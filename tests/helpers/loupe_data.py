"""A small study for the loupe: made-up faces, two networks with drawn weights, and their logits by NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import encode_array
from faceloupe.loupe.data import tutorial_layers

HEIGHT, WIDTH, FACES, FITS, EPOCHS = 14, 12, 6, 5, 3
OPENING = 0  # the seed that stands on the bench: of those that live the middle one
FILTERS, KERNEL, POOL, HIDDEN = 3, (4, 3), 3, 4
MAP = (HEIGHT - KERNEL[0] + 1, WIDTH - KERNEL[1] + 1)  # 11 x 10: pooling leaves two rows and one column
POOLED = (MAP[0] // POOL, MAP[1] // POOL)

Weights = dict[str, NDArray[np.float32]]


def make_study(people: tuple[str, str] = ("ann", "bob")) -> dict[str, Any]:
    """Return the data of a page; the last fit of each network is dead."""
    return {
        "people": list(people),
        "faces": encode_array(make_faces()),
        "labels": [0, 0, 0, 1, 1, 1],
        "subjects_known": True,
        "training": {"epochs": EPOCHS, "batch_size": 2, "learning_rate": 0.01, "faces": [0, 1, 3, 4]},
        "networks": {f"{kind}/none": _entry(kind) for kind in ("fcnn", "cnn")},
    }


def make_faces() -> NDArray[np.uint8]:
    """Return faces (N, H, W); the second person's are brighter below."""
    faces = np.random.default_rng(0).integers(0, 120, (FACES, HEIGHT, WIDTH))
    faces[3:, HEIGHT // 2 :] += 120
    return faces.astype(np.uint8)


def make_weights(kind: str, seed: int) -> Weights:
    """Return the weights of a network by PyTorch's names."""
    draw = np.random.default_rng(seed).normal
    features = FILTERS * POOLED[0] * POOLED[1] if kind == "cnn" else HEIGHT * WIDTH
    convolution = {"conv.weight": draw(0, 0.4, (FILTERS, 1, *KERNEL)), "conv.bias": draw(0, 0.1, FILTERS)}
    weights = {
        **(convolution if kind == "cnn" else {}),
        "hidden.weight": draw(0, 0.3, (HIDDEN, features)),
        "hidden.bias": np.full(HIDDEN, -100.0) if seed == FITS - 1 else draw(0, 0.1, HIDDEN),
        "output.weight": draw(0, 1, (1, HIDDEN)),
        "output.bias": draw(0, 0.1, 1),
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def logit(kind: str, seed: int, face: int) -> float:
    """Return what a network says of a face, computed once more with NumPy."""
    weights = make_weights(kind, seed)
    features = pooled(seed, face).ravel() if kind == "cnn" else make_faces()[face].ravel() / 255
    hidden = np.maximum(weights["hidden.weight"] @ features + weights["hidden.bias"], 0)
    return float(weights["output.weight"][0] @ hidden + weights["output.bias"][0])


def convolution(seed: int, face: int) -> NDArray[np.float64]:
    """Return the maps before the ReLU (filters, rows, columns)."""
    weights, pixels = make_weights("cnn", seed), make_faces()[face] / 255
    patches = np.lib.stride_tricks.sliding_window_view(pixels, KERNEL)
    return np.einsum("rcij,fij->frc", patches, weights["conv.weight"][:, 0]) + weights["conv.bias"][:, None, None]


def pooled(seed: int, face: int) -> NDArray[np.float64]:
    """Return the maps after ReLU and pooling (filters, rows, columns)."""
    seen = np.maximum(convolution(seed, face), 0)[:, : POOLED[0] * POOL, : POOLED[1] * POOL]
    return seen.reshape(FILTERS, POOLED[0], POOL, POOLED[1], POOL).max(axis=(2, 4))


def _entry(kind: str) -> dict[str, Any]:
    moments = [make_weights(kind, 10 + epoch) for epoch in range(EPOCHS + 1)]
    return {
        "kind": kind,
        "label": f"{kind.upper()}, pixels as they are",
        "layers": [
            {**layer, "size": [POOL, POOL], "stride": [POOL, POOL]} if layer["kind"] == "pooling" else layer
            for layer in tutorial_layers(kind)
        ],
        "fits": [_fit(kind, seed) for seed in range(FITS)],
        "history": {
            "seed": 0,
            "loss": [0.7, 0.5, 0.3],
            "accuracy": [0.5, 0.75, 1.0],
            "preprocessing": {"mean": 0.0, "scale": 1.0},
            "weights": {
                name: encode_array(np.stack([moment[name] for moment in moments]).astype(np.float16))
                for name in moments[0]
            },
        },
    }


def _fit(kind: str, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "accuracy": [0.75, 0.5, 0.5, 1.0, 0.25][seed],
        "train_accuracy": 1.0,
        "trained_on": [0, 2, 3, 5] if seed == 1 else [0, 1, 3, 4],
        "dead": {"conv": 0, "hidden": HIDDEN if seed == FITS - 1 else 0},
        "preprocessing": {"mean": 0.0, "scale": 1.0},
        "weights": {name: encode_array(value, compress=True) for name, value in make_weights(kind, seed).items()},
    }
