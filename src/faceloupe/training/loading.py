"""Loading classifiers that were saved: nothing from the folder is run, and everything in it is checked."""

import hashlib
import math
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from faceloupe.arrays import decode_array
from faceloupe.documents import read_json
from faceloupe.errors import InputError
from faceloupe.files import read_bytes
from faceloupe.training.deep import DeepCNNClassifier
from faceloupe.training.estimators import CNNClassifier, FCNNClassifier, NetworkClassifier
from faceloupe.training.history import History
from faceloupe.training.networks import check_size, clip, modules
from faceloupe.training.preprocessing import KINDS, Preprocessing
from faceloupe.training.saving import CLASSIFIERS, FORMAT, MANIFEST, WEIGHTS
from faceloupe.training.specs import check_whole

READABLE = (1, 2)
LONGEST = 4096  # pixels of a side
MAX_EPOCHS = 1_000_000
MOST_WORDS = 20_000  # letters of a network's sentence
MAX_WEIGHTS = 1 << 30  # bytes
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
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        SafetensorError,
        TypeError,
        ValueError,
    ) as error:
        raise InputError(
            f"{folder / MANIFEST} does not fit its weights: {error!r}. Save the classifier anew."
        ) from error


def _restore(manifest: dict[str, Any], weights: bytes) -> Classifier:
    parameters: dict[str, Any] = manifest["parameters"]
    if len(str(parameters.get("network"))) > MOST_WORDS:
        raise ValueError(f"a network in more than {MOST_WORDS:,} letters")
    for name in SIZES & parameters.keys():
        if isinstance(parameters[name], list):
            parameters[name] = tuple(parameters[name])
    classifier: Classifier = CLASSES[manifest["kind"]](**parameters)
    classifier.classes_ = _classes(manifest["classes"])
    height, width = manifest["shapes"]["image_shape_"]
    for side in (height, width):
        check_whole("image_shape_", side, 1)
        if side > LONGEST:
            raise ValueError(f"faces of {height:,} x {width:,} pixels; at most {LONGEST:,} a side")
    classifier.image_shape_ = height, width
    classifier.n_features_in_ = math.prod(classifier.image_shape_)
    pixel_range = manifest.get("pixel_range")  # unknown in version 1
    classifier.pixel_range_ = None if pixel_range is None else (_finite(pixel_range[0]), _finite(pixel_range[1]))
    if manifest["feature_names"] is not None:
        if not all(isinstance(name, str) for name in list(manifest["feature_names"])):
            raise TypeError("feature names that are not text")
        classifier.feature_names_in_ = np.array(manifest["feature_names"], dtype=object)
    classifier.preprocessing_ = _preprocessing(manifest["preprocessing"])
    curves: dict[str, Any] = {name: _curve(curve) for name, curve in manifest["history"].items()}
    classifier.history_ = History(**curves)
    if isinstance(classifier, NetworkClassifier):
        classifier.spec_, _ = clip(classifier._spec(), classifier.image_shape_)
    state = safetensors.torch.load(weights)
    outputs = 1 if len(classifier.classes_) == 2 else len(classifier.classes_)
    _check_shapes(classifier, outputs, state)
    classifier.network_ = classifier._network(outputs)
    classifier.network_.load_state_dict(state)
    classifier.network_.eval()
    return classifier


def _classes(document: dict[str, Any]) -> NDArray[Any]:
    dtype, values = np.dtype(document["dtype"]), list(document["values"])
    if dtype.kind not in "biufUO" or (dtype.kind in "UO" and not all(isinstance(value, str) for value in values)):
        raise ValueError(f"classes of dtype {dtype}")
    if dtype.kind == "U" and dtype.itemsize > 4 * max(map(len, values), default=0):
        raise ValueError("classes in a dtype that is longer than the longest of them")
    return np.array(values, dtype=dtype)


def _preprocessing(document: dict[str, Any]) -> Preprocessing:
    preprocessing = Preprocessing(document["kind"], _finite(document["mean"]), _finite(document["scale"]))
    if preprocessing.kind not in KINDS or not preprocessing.scale > 0:
        raise ValueError(f"a preprocessing of {preprocessing}")
    return preprocessing


def _curve(document: dict[str, Any] | None) -> NDArray[np.float64] | None:
    if document is None:
        return None
    curve = decode_array(document, max_bytes=MAX_EPOCHS * 8)
    if curve.ndim != 1 or curve.dtype.kind != "f":
        raise ValueError(f"a history of shape {curve.shape} and dtype {curve.dtype}")
    return curve


def _check_shapes(classifier: Classifier, outputs: int, state: dict[str, torch.Tensor]) -> None:
    """Hold the weights that the manifest asks for against those of the file, before any memory is taken for them."""
    with torch.device("meta"):
        if isinstance(classifier, NetworkClassifier):
            check_size(classifier.spec_, classifier.image_shape_)
            network: nn.Module = nn.Sequential(OrderedDict(modules(classifier.spec_, classifier.image_shape_, outputs)))
        else:
            network = classifier._network(outputs)
    asked = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
    stored = {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}
    if asked != stored:
        names = sorted(name for name in asked.keys() | stored.keys() if asked.get(name) != stored.get(name))
        raise ValueError(f"the weights {', '.join(names[:5])} are missing, too many or of another shape or dtype")


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"expected a finite number, got {value!r}")
    return value


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
    weights = read_bytes(path, MAX_WEIGHTS)
    if hashlib.sha256(weights).hexdigest() != manifest.get("weights_sha256"):
        raise InputError(
            f"{path} is damaged or was changed: its SHA-256 is not the manifest's. Save the classifier anew."
        )
    return weights
