"""Embedders by name, from a file too, and what else makes vectors: our own networks, any scikit-learn transformer.

Whatever the embedder, it takes the same face chips, (N, 112, 112, 3) RGB in [0, 1]. What wants grey faces of another
size gets the chips' luma (ITU-R BT.601), resized by a triangle filter as wide as the scale asks for.
"""

import math
import pickle
from collections.abc import Sequence
from copy import deepcopy
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, extra
from faceloupe.faces.pixels import LUMA
from faceloupe.recognition.adapted import AdaptedEmbedder, is_adapted, read_adapted, restore_adapted
from faceloupe.recognition.embed import Embedder, SFace
from faceloupe.recognition.engines import Engine
from faceloupe.recognition.installed import installed_manifest, installed_names, network_file
from faceloupe.recognition.onnx_embedder import OnnxEmbedder
from faceloupe.recognition.thresholds import remember_folder
from faceloupe.scores.points import Maker

if TYPE_CHECKING:
    from torch import nn

    from faceloupe.training.loading import Classifier

Floats = NDArray[np.float32]

PUBLISHED = ("sface", "sface+flip")
"""Names of embedders whose weights somebody published."""

TRAINED_NETWORK, TRAINED_MANIFEST = "network.onnx", "manifest.toml"
"""Files of an embedder that was trained for strangers, in its folder."""

DEFAULT = "sface"
"""The embedder that is taken where none is asked for."""

PREFIX = {
    "NetworkClassifier": "network",
    "FCNNClassifier": "fcnn",
    "CNNClassifier": "cnn",
    "DeepCNNClassifier": "deep",
}
FACES_AT_ONCE = 64  # as many float64 feature maps as stay small


def open_embedder(name: str | PathLike[str], *, engine: Engine = "openvino") -> Embedder:
    """Return the embedder of a name.

    Parameters
    ----------
    name : "sface", "sface+flip", another name, or path
        SFace; SFace with the mirrored face added; a network that ``faceloupe embedder add`` put on this machine, by the
        name of its manifest; a folder that ``faceloupe adapt`` wrote; or one that a classifier's ``save`` wrote: then
        vectors are those of the network's last hidden layer, see :class:`ClassifierEmbedder`.
    engine : {"openvino", "onnxruntime"}
        Engine that runs SFace, and networks that were added.

    Raises
    ------
    InputError
        If there is no such embedder or engine, or a file is not what was published or saved.
    UnavailableError
        If weights or packages are missing.
    """
    if name in PUBLISHED:
        return SFace(engine=engine, flip=name == "sface+flip")
    manifest = installed_manifest(str(name))
    if manifest is not None:
        return OnnxEmbedder(network_file(manifest), manifest, engine=engine)
    folder = Path(name).expanduser()
    if not str(name) or not folder.is_dir():
        raise InputError(
            f"There is no embedder {str(name)!r}; there are {', '.join(embedder_names())}, and any folder that a "
            "classifier was saved into (classifier.save(folder)). faceloupe embedder add brings one from an ONNX file"
        )
    embedder = _of_folder(folder, engine)
    remember_folder(embedder, str(name))
    return embedder


def _of_folder(folder: Path, engine: Engine) -> "OnnxEmbedder | AdaptedEmbedder | ClassifierEmbedder":
    if (folder / TRAINED_MANIFEST).is_file():
        return OnnxEmbedder(folder / TRAINED_NETWORK, folder / TRAINED_MANIFEST, engine=engine)
    if is_adapted(folder):
        base, document = read_adapted(folder)
        return restore_adapted(document, open_embedder(base, engine=engine))
    from faceloupe.training.loading import load_network

    return ClassifierEmbedder(load_network(folder))


def embedder_names() -> tuple[str, ...]:
    """Return the names that :func:`open_embedder` knows: those that are built in, then those that were added."""
    return (*PUBLISHED, *installed_names("embedder"))


def open_embedder_of(makers: Sequence[Maker], gallery: str, *, engine: Engine = "openvino") -> Embedder:
    """Return the embedder that made a gallery's references.

    Parameters
    ----------
    makers : sequence of objects with ``name`` and ``sha256``
        Embedders of the references, as the gallery notes them.
    gallery : str
        Name of the gallery in messages.
    engine : {"openvino", "onnxruntime"}
        Engine that runs SFace.

    Raises
    ------
    InputError
        If there are several, or it is none of those that are known by their names, or not with these weights.
    """
    names = " and ".join(f"{maker.name} {maker.sha256[:8]}" for maker in makers)
    if len(makers) > 1:
        raise InputError(
            f"{gallery} has references by {names}: name the one to use, as in open_gallery(..., "
            f"embedder={makers[0].name!r}) or --embedder {makers[0].name}"
        )
    if makers[0].name in embedder_names():
        embedder = open_embedder(makers[0].name, engine=engine)
        if embedder.sha256 == makers[0].sha256:
            return embedder
    raise InputError(
        f"{gallery} has references by {names}, which is not on this machine: add it again (faceloupe embedder add, "
        "with the same manifest), or give it, as in open_gallery(..., embedder=...) or --embedder DIR"
    )


class ClassifierEmbedder:
    """One of our own networks: what its last linear layer reads is the vector.

    It was trained to tell apart the people it saw; its vectors may say little about others. The deep network's are
    those of :meth:`faceloupe.training.DeepCNNClassifier.embed`: unit vectors, each face with its mirror image.

    Parameters
    ----------
    classifier : NetworkClassifier, FCNNClassifier, CNNClassifier or DeepCNNClassifier
        Fitted.

    Attributes
    ----------
    name : str
        Its kind and the first eight digits of the hash, such as "cnn-01ab23cd".
    sha256 : str
        Hash of its weights as its ``save`` writes them.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the classifier is not fitted.
    """

    def __init__(self, classifier: "Classifier") -> None:
        with extra("study"):
            import safetensors.torch
            from sklearn.utils.validation import check_is_fitted

        check_is_fitted(classifier)
        self.sha256 = sha256(safetensors.torch.save(classifier.network_.state_dict())).hexdigest()
        self.name = f"{PREFIX[type(classifier).__name__]}-{self.sha256[:8]}"
        self._classifier = classifier

    def embed(self, faces: Floats) -> Floats:
        """Return a vector for each face.

        Parameters
        ----------
        faces : array of float32, (N, 112, 112, 3)
            Chips: RGB in [0, 1].

        Returns
        -------
        array of float32, (N, D)
            D numbers that the last linear layer reads. All zeros where all its hidden units are dead for a face.
        """
        classifier = self._classifier
        grey = grey_faces(faces, classifier.image_shape_)
        if hasattr(classifier, "embed"):
            return np.asarray(classifier.embed(grey))
        return _last_hidden(classifier.network_, classifier.prepare(grey))

    def __repr__(self) -> str:
        height, width = self._classifier.image_shape_
        return f"ClassifierEmbedder({self.name}, {height}x{width} grey)"


class EstimatorEmbedder:
    """A fitted scikit-learn transformer on the pixels of grey faces, such as PCA (eigenfaces).

    Parameters
    ----------
    estimator : object with ``transform`` and ``n_features_in_``
        Fitted on grey faces as rows of H·H pixels in [0, 1], as :func:`grey_faces` makes them.
    name : str
        Name of the embedder.

    Attributes
    ----------
    name : str
    sha256 : str
        Hash of the pickled estimator. Another version of Python or NumPy may pickle the same state into other bytes.

    Raises
    ------
    InputError
        If it is not a fitted transformer of square faces, or cannot be pickled.
    """

    def __init__(self, estimator: Any, name: str) -> None:
        pixels = getattr(estimator, "n_features_in_", None)
        if pixels is None or not hasattr(estimator, "transform"):
            raise InputError(f"{name}: expected a transformer that is fitted on grey faces, got {estimator!r:.80}")
        if math.isqrt(pixels) ** 2 != pixels:
            raise InputError(f"{name}: expected a transformer of square faces, but it takes {pixels} pixels")
        try:
            self.sha256 = sha256(pickle.dumps(estimator, protocol=5)).hexdigest()
        except (AttributeError, TypeError, pickle.PicklingError) as problem:
            raise InputError(f"{name} cannot be pickled, and so has no hash: {problem}") from problem
        self.name = name
        self._estimator = estimator
        self._side = math.isqrt(pixels)

    def embed(self, faces: Floats) -> Floats:
        """Return the estimator's vector of each face, (N, 112, 112, 3) -> (N, D)."""
        pixels = grey_faces(faces, (self._side, self._side)).reshape(len(faces), -1)
        return np.asarray(self._estimator.transform(pixels), dtype=np.float32)

    def __repr__(self) -> str:
        return f"EstimatorEmbedder({self.name}, {self._side}x{self._side} grey)"


def grey_faces(faces: Floats, shape: tuple[int, int]) -> Floats:
    """Return the luma of colour faces, resized.

    Parameters
    ----------
    faces : array of float32, (N, H, W, 3)
        RGB in [0, 1].
    shape : (int, int)
        Height and width to resize to.

    Returns
    -------
    array of float32, (N, height, width)
        Grey levels in [0, 1].

    Raises
    ------
    InputError
        If `faces` has another shape.
    """
    from PIL import Image

    if faces.ndim != 4 or faces.shape[3] != 3 or not len(faces):
        raise InputError(f"faces: expected (N, H, W, 3) with N > 0, got {faces.shape}")
    grey: Floats = np.clip(faces @ LUMA, 0.0, 1.0)
    if grey.shape[1:] == tuple(shape):
        return grey
    size, triangle = shape[::-1], Image.Resampling.BILINEAR
    resized = [np.asarray(Image.fromarray(face).resize(size, triangle), dtype=np.float32) for face in grey]
    return np.clip(np.stack(resized), 0.0, 1.0)


def _last_hidden(network: "nn.Sequential", images: Floats) -> Floats:
    """Return what the last linear layer reads, (N, 1, H, W) -> (N, D), whatever faces stand beside: float64 within."""
    import torch
    from torch import nn

    last = max(place for place, layer in enumerate(network) if isinstance(layer, nn.Linear))
    hidden = deepcopy(nn.Sequential(*list(network)[:last])).double()
    with torch.no_grad():
        parts = torch.split(torch.from_numpy(images).double(), FACES_AT_ONCE)
        vectors: Floats = torch.cat([hidden(part) for part in parts]).float().numpy()
    return vectors
