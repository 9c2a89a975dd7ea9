"""Loading classifiers that were saved: nothing from the folder is run, and everything in it is checked."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from faceloupe.arrays import decode_array
from faceloupe.documents import read_json
from faceloupe.errors import InputError
from faceloupe.training.deep import DeepCNNClassifier
from faceloupe.training.estimators import CNNClassifier, FCNNClassifier, NetworkClassifier
from faceloupe.training.history import History
from faceloupe.training.networks import clip
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.saving import CLASSIFIERS, FORMAT, MANIFEST, WEIGHTS

__all__ = ["Classifier", "load_network"]

READABLE = (1, 2)
SIZES = {"image_shape", "kernel_size", "stride", "pool_size"}
CLASSES = {kind.__name__: kind for kind in (NetworkClassifier, FCNNClassifier, CNNClassifier, DeepCNNClassifier)}

Classifier = NetworkClassifier | DeepCNNClassifier


def load_network(folder: str | Path) -> Classifier:
    """Load a classifier that its ``save`` wrote.

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


def _restore(manifest: dict[str, Any], weights: bytes) -> Classifier:
    parameters: dict[str, Any] = manifest["parameters"]
    for name in SIZES & parameters.keys():
        if isinstance(parameters[name], list):
            parameters[name] = tuple(parameters[name])
    classifier: Classifier = CLASSES[manifest["kind"]](**parameters)
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
    version = manifest.get("schema_version")
    if version not in READABLE:
        raise InputError(
            f"{path} has schema version {version}, but this faceloupe reads up to {READABLE[-1]}; upgrade it."
        )
    if manifest.get("kind") not in CLASSIFIERS:
        raise InputError(
            f"{path} describes a {manifest.get('kind')}, but one of {', '.join(CLASSIFIERS)} was expected."
        )
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


def _decode(document: dict[str, Any] | None) -> NDArray[np.float64] | None:
    return None if document is None else decode_array(document)
