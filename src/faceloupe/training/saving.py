"""Fitted classifiers on disk: a folder of weights (safetensors) and a manifest (JSON); loading runs no code from it."""

import hashlib
import math
import shutil
import tempfile
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from sklearn.utils.validation import check_is_fitted

from faceloupe.arrays import decode_array, encode_array
from faceloupe.documents import read_json, write_json
from faceloupe.errors import InputError
from faceloupe.files import write_whole
from faceloupe.training.deep import DeepCNNClassifier
from faceloupe.training.estimators import CNNClassifier, FCNNClassifier, NetworkClassifier
from faceloupe.training.fit import History
from faceloupe.training.networks import clip
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.specs import NetworkSpec

__all__ = ["load_network", "save"]

FORMAT = "faceloupe classifier"
SCHEMA_VERSION = 2
READABLE = (1, 2)
SIZES = {"image_shape", "kernel_size", "stride", "pool_size"}
MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
KINDS = {kind.__name__: kind for kind in (NetworkClassifier, FCNNClassifier, CNNClassifier, DeepCNNClassifier)}

Classifier = NetworkClassifier | DeepCNNClassifier


def save(classifier: Classifier, folder: str | Path) -> None:
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
    if type(classifier) not in KINDS.values():
        raise InputError(f"Only {', '.join(KINDS)} can be saved here, but this is of {type(classifier).__name__}.")
    check_is_fitted(classifier)
    folder = Path(folder)
    if not folder.parent.is_dir():
        raise InputError(f"{folder.parent} is not a folder; make it first.")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists already; save into a new folder, or remove this one first.")
    weights = safetensors.torch.save(classifier.network_.state_dict())
    manifest = _manifest(classifier, weights)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        write_whole(unfinished / WEIGHTS, weights)
        write_json(unfinished / MANIFEST, manifest)
        unfinished.replace(folder)
    except BaseException:
        shutil.rmtree(unfinished)
        raise


def load_network(folder: str | Path) -> Classifier:
    """Load a classifier that :func:`save` wrote.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    NetworkClassifier, FCNNClassifier, CNNClassifier or DeepCNNClassifier

    Raises
    ------
    InputError
        If files are missing, damaged, changed since they were saved, of another kind, or of a newer version.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    weights = _read_weights(folder, manifest)
    try:
        return _restore(manifest, weights)
    except (AttributeError, LookupError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / MANIFEST} does not fit its weights: {error!r}. Save the classifier anew."
        ) from error


def _manifest(classifier: Classifier, weights: bytes) -> dict[str, Any]:
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


def _restore(manifest: dict[str, Any], weights: bytes) -> Classifier:
    parameters: dict[str, Any] = manifest["parameters"]
    for name in SIZES & parameters.keys():
        if isinstance(parameters[name], list):
            parameters[name] = tuple(parameters[name])
    classifier: Classifier = KINDS[manifest["kind"]](**parameters)
    classifier.classes_ = np.array(manifest["classes"]["values"], dtype=manifest["classes"]["dtype"])
    height, width = manifest["shapes"]["image_shape_"]
    classifier.image_shape_ = height, width
    classifier.n_features_in_ = math.prod(classifier.image_shape_)
    pixel_range = manifest.get("pixel_range")  # unknown in version 1
    classifier.pixel_range_ = None if pixel_range is None else (pixel_range[0], pixel_range[1])
    if manifest["feature_names"] is not None:
        classifier.feature_names_in_ = np.array(manifest["feature_names"], dtype=object)
    classifier.preprocessing_ = Preprocessing(**manifest["preprocessing"])
    curves: dict[str, Any] = {name: _decode(curve) for name, curve in manifest["history"].items()}
    classifier.history_ = History(**curves)
    if isinstance(classifier, NetworkClassifier):
        classifier.spec_, _ = clip(classifier._spec(), classifier.image_shape_)
    classifier.network_ = classifier._network(1 if len(classifier.classes_) == 2 else len(classifier.classes_))
    classifier.network_.load_state_dict(safetensors.torch.load(weights))
    classifier.network_.eval()
    return classifier


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} is not a saved classifier: it has no {MANIFEST}.")
    try:
        manifest = read_json(path)
    except InputError as error:
        raise InputError(f"{path} is damaged ({error}); save the classifier anew.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"{path} does not describe a saved classifier, but something else.")
    found = manifest.get("schema_version")
    if found not in READABLE:
        raise InputError(
            f"{path} has schema version {found}, but this faceloupe reads up to {READABLE[-1]}; upgrade it."
        )
    if manifest.get("kind") not in tuple(KINDS):
        raise InputError(f"{path} describes a {manifest.get('kind')}, but one of {', '.join(KINDS)} was expected.")
    return manifest


def _read_weights(folder: Path, manifest: dict[str, Any]) -> bytes:
    path = folder / WEIGHTS
    if not path.is_file():
        raise InputError(f"{folder} is not complete: it has no {WEIGHTS}.")
    weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != manifest.get("weights_sha256"):
        raise InputError(
            f"{path} is damaged or was changed: its SHA-256 is not the manifest's. Save the classifier anew."
        )
    return weights


def _encode(curve: NDArray[np.float64] | None) -> dict[str, Any] | None:
    return None if curve is None else encode_array(curve)


def _decode(document: dict[str, Any] | None) -> NDArray[np.float64] | None:
    return None if document is None else decode_array(document)


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
