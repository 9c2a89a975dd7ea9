"""Saving fitted classifiers: a folder of weights (safetensors) and a manifest (JSON)."""

import hashlib
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from faceloupe.arrays import encode_array
from faceloupe.documents import write_json
from faceloupe.errors import InputError
from faceloupe.files import new_folder, write_whole
from faceloupe.training.history import History
from faceloupe.training.specs import NetworkSpec

if TYPE_CHECKING:
    from faceloupe.training.base import FaceClassifier

FORMAT = "faceloupe classifier"
SCHEMA_VERSION = 2
MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
CLASSIFIERS = ("NetworkClassifier", "FCNNClassifier", "CNNClassifier", "DeepCNNClassifier")
"""Names of the classes that can be saved; no other's parameters would be enough to make it again."""


def save(classifier: "FaceClassifier", folder: str | Path) -> None:
    """Save a fitted classifier into a new folder, whole or not at all.

    The folder holds ``weights.safetensors``, the network's ``state_dict`` as any safetensors reader takes it, and
    ``manifest.json``, with the weights' SHA-256 and everything else. Validation captures given as ``(X, y)`` are faces
    and are not saved: the loaded classifier has ``validation=None`` then.

    Parameters
    ----------
    classifier : NetworkClassifier, FCNNClassifier, CNNClassifier or DeepCNNClassifier
    folder : str or Path
        Must not exist yet, or be empty; its parent must exist.

    Raises
    ------
    InputError
        If it is another kind of object, the folder cannot be used, or the classes are neither text, numbers nor
        booleans.
    sklearn.exceptions.NotFittedError
        If there is nothing to save yet.
    """
    if type(classifier).__name__ not in CLASSIFIERS:
        raise InputError(
            f"Only {', '.join(CLASSIFIERS)} can be saved here, but this is of {type(classifier).__name__}."
        )
    check_is_fitted(classifier)
    weights = safetensors.torch.save(classifier.network_.state_dict())
    manifest = _manifest(classifier, weights)
    with new_folder(Path(folder)) as unfinished:
        write_whole(unfinished / WEIGHTS, weights)
        write_json(unfinished / MANIFEST, manifest)


def _manifest(classifier: "FaceClassifier", weights: bytes) -> dict[str, Any]:
    parameters = classifier.get_params()
    if isinstance(parameters.get("validation"), tuple | list):
        parameters["validation"] = None
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "kind": type(classifier).__name__,
        "parameters": {name: _plain(value) for name, value in parameters.items()},
        "network": str(getattr(classifier, "spec_", "")) or None,  # for readers; the parameters say it too
        "classes": _class_document(classifier.classes_),
        "shapes": {"image_shape_": list(classifier.image_shape_)},
        "pixel_range": classifier.pixel_range_,
        "feature_names": _plain(getattr(classifier, "feature_names_in_", None)),
        "preprocessing": asdict(classifier.preprocessing_),
        "history": {field.name: _encode(getattr(classifier.history_, field.name)) for field in fields(History)},
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "versions": {name: version(name) for name in ("faceloupe", "torch", "numpy", "scikit-learn")},
    }


def _encode(curve: NDArray[np.float64] | None) -> dict[str, Any] | None:
    return None if curve is None else encode_array(curve)


def _class_document(classes: NDArray[Any]) -> dict[str, Any]:
    text = classes.dtype.kind == "O" and all(isinstance(name, str) for name in classes)
    if not (text or classes.dtype.kind in "biufU"):
        raise InputError(f"Classes of dtype {classes.dtype} cannot be saved; fit on text, numbers or booleans.")
    return {"dtype": classes.dtype.str, "values": classes.tolist()}


def _plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays, tuples, and networks, as JSON holds them."""
    if isinstance(value, NetworkSpec):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
