"""The common base of the scikit-learn classifiers: reading faces, training, answering."""

import math
import warnings
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
from torch import nn

from faceloupe.errors import InputError
from faceloupe.progress import Progress
from faceloupe.training.fit import Scores, cross_entropy, n_correct
from faceloupe.training.history import History
from faceloupe.training.preprocessing import Preprocessing
from faceloupe.training.saving import save
from faceloupe.training.specs import Pair, check_whole

if TYPE_CHECKING:
    from faceloupe.inspection.layers import Anatomy

CAPTURES_AT_ONCE = 16  # past this the float64 feature maps leave the cache
PAST, NARROW = 0.5, 0.02  # of the range of the fit's pixels: how far beyond it, how little of it, deserve a warning
LEAST_PIXELS = 256  # fewer may be alike by chance

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


class FaceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The base of the classifiers: faces in, answers out; not for use by itself."""

    n_features_in_: int
    classes_: NDArray[Any]
    image_shape_: Pair
    pixel_range_: tuple[float, float] | None
    preprocessing_: Preprocessing
    network_: nn.Sequential
    history_: History

    def fit(self, X: ArrayLike, y: ArrayLike, *, progress: Progress | bool | None = None) -> Self:
        """Train a fresh network."""
        raise NotImplementedError

    def prepare(self, X: ArrayLike) -> Images:
        """Return the input of the network: faces preprocessed as in training.

        Parameters
        ----------
        X : array of shape (N, H·W), (N, H, W) or (N, H, W, 1)
            Faces of the fit's shape.

        Returns
        -------
        array of float32, (N, 1, H, W)
            (N, 1, 64, 64) for the deep network, which faces are resized for.

        Raises
        ------
        InputError
            If the faces have another shape.
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        """
        check_is_fitted(self)
        return self._prepared(self._read(X))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logits: (N,) of ``classes_[1]`` for two classes, else (N, C)."""
        images = self.prepare(X)
        logits = _logits(self.network_, images)
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class, (N, C), in the order of ``classes_``."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            return np.stack([expit(-logits), expit(logits)], axis=1)
        return np.asarray(softmax(logits, axis=1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each capture, (N,)."""
        logits = self.decision_function(X)
        chosen = logits > 0 if logits.ndim == 1 else logits.argmax(axis=1)
        return self.classes_[np.asarray(chosen, dtype=np.intp)]

    def evaluate(self, X: ArrayLike, y: ArrayLike) -> Scores:
        """Return mean loss, in nats, and accuracy on some captures, as (loss, accuracy).

        Parameters
        ----------
        X : array of shape (N, H·W), (N, H, W) or (N, H, W, 1)
        y : array of shape (N,)
            The subject of each capture, named as in the fit.

        Raises
        ------
        InputError
            If the faces have another shape, or show somebody whom the fit did not know.
        """
        logits = torch.from_numpy(np.asarray(self.decision_function(X)).reshape(len(X), -1))  # type: ignore[arg-type]
        labels = self._encode(y)
        check_consistent_length(logits, labels)
        targets = torch.from_numpy(labels)
        return Scores(cross_entropy(logits, targets).item(), n_correct(logits, targets) / len(labels))

    def summary(self) -> "Anatomy":
        """Return the layers with shapes, parameters and arithmetic; ``print`` shows them as a table."""
        from faceloupe.inspection.anatomy import anatomy  # what only this needs takes time to load

        check_is_fitted(self)
        return anatomy(self.network_, self._network_shape())

    def save(self, folder: str | Path) -> None:
        """Save the fitted classifier; see :func:`faceloupe.training.saving.save`."""
        save(self, folder)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _network(self, outputs: int) -> nn.Sequential:
        """Return the network, untrained."""
        raise NotImplementedError

    def _network_shape(self) -> Pair:
        """Return the height and width that the network reads."""
        return self.image_shape_

    def _read_training(self, X: ArrayLike, y: ArrayLike) -> tuple[Images, Labels]:
        """Check what :meth:`fit` was given, and return faces (N, H·W) with labels 0..C-1."""
        check_whole("seed", self.seed, 0)
        if self.seed >= 2**32:
            raise InputError(f"seed must be below 2**32, but is {self.seed}.")
        self.__dict__.pop("network_", None)  # an earlier fit's; a fit that fails or is stopped leaves none
        X, shape = _flatten(X)
        flat, y = validate_data(self, X, y, dtype=np.float32)
        self.image_shape_ = _image_shape(self.n_features_in_, shape, self.image_shape)
        with warnings.catch_warnings():  # people with one or two captures each are classes, and no regression
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y needs two subjects at least, but has 1 class: {self.classes_.tolist()[0]!r}.")
        self.pixel_range_ = float(flat.min()), float(flat.max())
        return flat, labels

    def _keep(self, network: nn.Sequential) -> None:
        """Keep a trained network, or raise InputError if its training diverged."""
        if not all(value.isfinite().all() for value in network.state_dict().values()):
            raise InputError(
                "The training diverged: some weights are no finite numbers any more. Give a lower learning rate, or "
                "less weight decay where there is any."
            )
        self.network_ = network

    def _read(self, X: ArrayLike) -> Images:
        """Return faces like those of the fit as float32 (N, H·W)."""
        X, shape = _flatten(X)
        if shape not in (None, self.image_shape_):
            raise InputError(f"X has faces of shape {shape}, but the fit was on {self.image_shape_}; resize them.")
        flat = np.asarray(validate_data(self, X, dtype=np.float32, reset=False))
        _warn_of_other_range(flat, self.pixel_range_)
        return flat

    def _split(self, images: Images, labels: Labels) -> tuple[tuple[Images, Labels], tuple[Images, Labels] | None]:
        """Return the training captures and, where asked for, the validation captures, each with labels."""
        if self.validation is None:
            return (images, labels), None
        if isinstance(self.validation, float | np.floating) and 0 < self.validation < 1:
            parts = train_test_split(images, labels, test_size=self.validation, stratify=labels, random_state=self.seed)
            return (parts[0], parts[2]), (parts[1], parts[3])
        if isinstance(self.validation, tuple | list) and len(self.validation) == 2:
            held_out = self._read(self.validation[0]), self._encode(self.validation[1])
            check_consistent_length(*held_out)
            return (images, labels), held_out
        raise InputError(f"validation must be None, a share between 0 and 1, or (X, y); it is {self.validation!r:.40}.")

    def _encode(self, y: ArrayLike) -> Labels:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise InputError(f"The validation captures show subjects that the training captures do not: {unknown}.")
        return np.searchsorted(self.classes_, y)

    def _prepared(self, flat: Images) -> Images:
        """Return the input of the network, (N, 1, H, W), of faces (N, H·W)."""
        return self.preprocessing_.apply(flat).reshape(-1, 1, *self.image_shape_)


def _logits(network: nn.Module, images: Images) -> NDArray[np.float64]:
    """Run a network in float64, so that a capture's logits do not depend on the rest of its batch; (N, C)."""
    precise = deepcopy(network).double().eval()
    with torch.no_grad():
        parts = torch.split(torch.from_numpy(images).double(), CAPTURES_AT_ONCE)
        return torch.cat([precise(part) for part in parts]).numpy()


def _flatten(X: Any) -> tuple[Any, Pair | None]:
    """Return faces as rows (N, H·W), and (H, W) where they have it; what has two dimensions as it is.

    A single channel may stand last, as in Keras, or before height and width, as in PyTorch.
    """
    if isinstance(X, list | tuple):
        X = np.asarray(X)
    n_dimensions = getattr(X, "ndim", None)
    if n_dimensions not in (3, 4):
        return X, None
    X = np.asarray(X)
    if n_dimensions == 4:
        if 1 not in (X.shape[3], X.shape[1]):
            colours = 1 if X.shape[1] == 3 != X.shape[3] else 3
            raise InputError(
                f"Faces must be grey, (N, H·W), (N, H, W) or (N, H, W, 1), but X is {X.shape}; average the colours "
                f"first, such as X.mean(axis={colours})."
            )
        X = X[..., 0] if X.shape[3] == 1 else X[:, 0]
    return X.reshape(X.shape[0], math.prod(X.shape[1:])), X.shape[1:]


def _warn_of_other_range(flat: Images, fitted: tuple[float, float] | None) -> None:
    """Warn where pixels run far past those of the fit, or hardly fill their range: bytes for [0, 1], or the reverse."""
    if fitted is None or flat.size < LEAST_PIXELS:
        return
    (low, high), spread = (flat.min(), flat.max()), fitted[1] - fitted[0]
    if low < fitted[0] - PAST * spread or high > fitted[1] + PAST * spread or high - low < spread * NARROW:
        warnings.warn(
            f"These pixels run from {low:.4g} to {high:.4g}, those of the fit from {fitted[0]:.4g} to {fitted[1]:.4g}: "
            "the answers mean little unless both are scaled alike, such as to [0, 1] by dividing bytes by 255.",
            UserWarning,
            stacklevel=4,
        )


def _image_shape(n_pixels: int, known: Pair | None, asked: Pair | None) -> Pair:
    """Settle the shape of the faces: the data's own, the one asked for, or a square if it can be."""
    side = math.isqrt(n_pixels)
    shape = known or asked or ((side, side) if side * side == n_pixels else (1, n_pixels))
    if not isinstance(shape, tuple | list) or len(shape) != 2 or math.prod(shape) != n_pixels:
        raise InputError(f"image_shape must be (height, width) of {n_pixels} pixels, but is {asked!r}.")
    if asked is not None and tuple(asked) != tuple(shape):
        raise InputError(f"image_shape is {asked!r}, but X has faces of shape {shape}.")
    return shape[0], shape[1]
