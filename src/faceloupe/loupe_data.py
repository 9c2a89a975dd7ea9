"""What the page's loupe computes with, as plain values: faces, and networks with all their weights.

:func:`faceloupe.report.loupe.render_loupe` says what each part is for.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import encode_array

__all__ = ["loupe_data", "loupe_fit", "loupe_network", "loupe_state"]

Arrays = Mapping[str, NDArray[Any]]


def loupe_data(
    people: Iterable[str],
    faces: NDArray[np.floating[Any]],
    labels: Iterable[int],
    networks: Mapping[str, dict[str, Any]],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    training_faces: Sequence[int] | None = None,
    subjects_known: bool = True,
) -> dict[str, Any]:
    """Return the loupe's data; faces (N, H, W) in [0, 1] are rounded to 8 bits.

    Where it is not known whom the faces show, the labels are what a network takes them for, and only train.

    A training in the page starts from `epochs`, `batch_size` and `learning_rate`, with the faces of these indices, or
    all.
    """
    training: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    if training_faces is not None:
        training["faces"] = list(training_faces)
    return {
        "people": list(people),
        "faces": encode_array(np.rint(255 * faces).astype(np.uint8), compress=True),
        "labels": list(labels),
        "subjects_known": subjects_known,
        "training": training,
        "networks": dict(networks),
    }


def loupe_network(kind: str, label: str, fits: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a network, "cnn" or "fcnn", with its fits; `more` may be ``pool_size`` and ``history``."""
    return {"kind": kind, "label": label, "fits": list(fits), **more}


def loupe_fit(
    state: dict[str, Any],
    *,
    seed: int,
    accuracy: float | None,
    train_accuracy: float,
    dead_conv: int | None,
    dead_hidden: int,
) -> dict[str, Any]:
    """Return one fit: its :func:`loupe_state`, what it reached (held out if it was measured), and its dead units."""
    dead = {"conv": dead_conv, "hidden": dead_hidden}
    return {"seed": seed, "accuracy": accuracy, "train_accuracy": train_accuracy, "dead": dead, **state}


def loupe_state(mean: float, scale: float, weights: Arrays) -> dict[str, Any]:
    """Return what a network computes with: the mean and the scale of its pixels, and its weights by their names."""
    return {
        "preprocessing": {"mean": mean, "scale": scale},
        "weights": {name: encode_array(value, compress=True) for name, value in weights.items()},
    }
