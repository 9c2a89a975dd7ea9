"""Data for the loupe on a page, as plain values: faces, and networks with all their weights.

:func:`faceloupe.report.loupe_section.render_loupe` says what each part is for.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.arrays import encode_array

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
    opening_face: int = 0,
) -> dict[str, Any]:
    """Return the loupe's data; faces (N, H, W) in [0, 1] are rounded to 8 bits.

    Where it is not known whom the faces show, the labels are what a network takes them for, and only train. The page
    opens on `opening_face`. A training in the page starts from `epochs`, `batch_size` and `learning_rate`, with the
    faces of these indices, or all.
    """
    training: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    if training_faces is not None:
        training["faces"] = list(training_faces)
    return {
        "people": list(people),
        "faces": encode_array(np.rint(255 * faces).astype(np.uint8), compress=True),
        "labels": list(labels),
        "subjects_known": subjects_known,
        "opening_face": opening_face,
        "training": training,
        "networks": dict(networks),
    }


def loupe_network(
    kind: str, label: str, fits: Sequence[dict[str, Any]], *, layers: Sequence[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """Return a network with its `fits`, each from :func:`loupe_fit`.

    `kind` is the place on the bench that it takes, "fcnn", "cnn" or another word in small letters; `label` its name on
    the page; `layers` are :func:`~faceloupe.loupe.layers.loupe_layers` or those of the tutorial; `more` is its
    ``name``, of the kind in a word, and ``history``.
    """
    return {"kind": kind, "label": label, "layers": list(layers), "fits": list(fits), **more}


def tutorial_layers(kind: str) -> list[dict[str, Any]]:
    """Return the layers of the tutorial's "fcnn" or "cnn", named as their weights are."""
    relu: dict[str, Any] = {"kind": "activation", "function": "relu"}
    convolution: list[dict[str, Any]] = [
        {"name": "conv", "kind": "convolution", "stride": [1, 1], "padding": [0, 0]},
        {"name": "conv_relu", **relu},
        {"name": "pool", "kind": "pooling", "size": [4, 4], "stride": [4, 4], "average": False},
    ]
    dense: list[dict[str, Any]] = [
        {"name": "flatten", "kind": "flatten"},
        {"name": "hidden", "kind": "dense"},
        {"name": "hidden_relu", **relu},
        {"name": "output", "kind": "dense"},
    ]
    return [*convolution, *dense] if kind == "cnn" else dense


def loupe_fit(
    state: dict[str, Any],
    *,
    seed: int,
    accuracy: float | None,
    train_accuracy: float | None,
    dead: Mapping[str, int | None],
    trained_on: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Return one fit: its :func:`loupe_state`, what it reached (held out if it was measured), and its dead units.

    `dead` counts them by the layer's name. `trained_on` are the faces that this fit was trained on, by their indices;
    the others were held out.
    """
    fit = {"seed": seed, "accuracy": accuracy, "train_accuracy": train_accuracy, "dead": dict(dead)}
    return fit | ({} if trained_on is None else {"trained_on": list(trained_on)}) | state


def loupe_state(mean: float, scale: float, weights: Arrays) -> dict[str, Any]:
    """Return what a network computes with: the mean and the scale of its pixels, and its weights by their names."""
    return {
        "preprocessing": {"mean": mean, "scale": scale},
        "weights": {name: encode_array(value, compress=True) for name, value in weights.items()},
    }
