"""What the scikit-learn classifiers of the networks share."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

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
from torch.func import functional_call

from faceloupe.errors import InputError
from faceloupe.progress import Progress
from faceloupe.training.fit import History, batch_orders, fit_network
from faceloupe.training.networks import CNN, FCNN, Pair, initialise
from faceloupe.training.preprocessing import Preprocessing, fit_preprocessing

__all__ = ["NetworkClassifier"]

CAPTURES_AT_ONCE = 16  # past this the float64 feature maps leave the cache

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the classifiers share: checks, training, answers; not for use by itself."""

    _least: ClassVar[Mapping[str, int]] = {"epochs": 0, "batch_size": 1, "hidden": 1, "seed": 0}

    n_features_in_: int
    classes_: NDArray[Any]
    image_shape_: Pair
    preprocessing_: Preprocessing
    network_: FCNN | CNN
    history_: History

    def fit(self, X: ArrayLike, y: ArrayLike, *, progress: Progress | None = None) -> Self:
        """Train a fresh network.

        Parameters
        ----------
        X : array of shape (N, H·W) or (N, H, W)
            The training captures, finite numbers of any range; the other parts of this package use [0, 1].
        y : array of shape (N,)
            The subject of each capture, two at least.
        progress : callable, optional
            Called with (done, whole) after each batch, of all batches of all epochs. What it raises ends the fit, and
            the classifier stays unfitted.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter or a shape cannot be used, or all captures show one subject.
        ValueError, TypeError
            scikit-learn's own, for data that is no finite numeric array.
        """
        flat, labels = self._read_training(X, y)
        (images, labels), held_out = self._split(flat, labels)
        self.preprocessing_ = fit_preprocessing(self.preprocess, images)
        self._settle_sizes()
        network = initialise(self._network(1 if len(self.classes_) == 2 else len(self.classes_)), self.seed)
        self.history_ = fit_network(
            network,
            self._prepared(images),
            labels,
            batch_orders(len(labels), self.epochs, self.seed),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            validation=None if held_out is None else (self._prepared(held_out[0]), held_out[1]),
            progress=progress,
        )
        self.network_ = network
        return self

    def prepare(self, X: ArrayLike) -> Images:
        """Return what the network reads: faces preprocessed as in training.

        Parameters
        ----------
        X : array of shape (N, H·W) or (N, H, W)
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

    def save(self, folder: str | Path) -> None:
        """Save the fitted classifier; see :func:`faceloupe.training.saving.save`."""
        from faceloupe.training.saving import save  # saving knows the classifiers

        save(self, folder)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _settle_sizes(self) -> None:
        """Set what else depends on the faces' shape."""

    def _network(self, outputs: int) -> FCNN | CNN:
        raise NotImplementedError

    def _check_parameters(self) -> None:
        for name, least in self._least.items():
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < least:
                raise InputError(f"{name} must be a whole number, {least} or more, but is {value!r}.")
        if self.seed >= 2**32:
            raise InputError(f"seed must be below 2**32, but is {self.seed}.")
        if not isinstance(self.learning_rate, int | float | np.floating) or not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be a finite number above 0, but is {self.learning_rate!r}.")

    def _read_training(self, X: ArrayLike, y: ArrayLike) -> tuple[Images, Labels]:
        """Check what :meth:`fit` was given, and return faces (N, H·W) with labels 0..C-1."""
        self._check_parameters()
        self.__dict__.pop("network_", None)  # an earlier fit's; a fit that fails or is stopped leaves none
        X, shape = _flatten(X)
        flat, y = validate_data(self, X, y, dtype=np.float32)
        self.image_shape_ = _image_shape(self.n_features_in_, shape, self.image_shape)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y needs two subjects at least, but has 1 class: {self.classes_.tolist()[0]!r}.")
        return flat, labels

    def _read(self, X: ArrayLike) -> Images:
        """Return faces like those of the fit as float32 (N, H·W)."""
        X, shape = _flatten(X)
        if shape not in (None, self.image_shape_):
            raise InputError(f"X has faces of shape {shape}, but the fit was on {self.image_shape_}; resize them.")
        return np.asarray(validate_data(self, X, dtype=np.float32, reset=False))

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
        """Return what the network reads, (N, 1, H, W), of faces (N, H·W)."""
        return self.preprocessing_.apply(flat).reshape(-1, 1, *self.image_shape_)


def _logits(network: nn.Module, images: Images) -> NDArray[np.float64]:
    """Run a network in float64, so that the logits of a capture do not depend on those beside it; (N, C)."""
    weights = {name: value.detach().double() for name, value in network.named_parameters()}
    with torch.no_grad():
        parts = torch.split(torch.from_numpy(images).double(), CAPTURES_AT_ONCE)
        return torch.cat([functional_call(network, weights, (part,)) for part in parts]).numpy()


def _flatten(X: Any) -> tuple[Any, Pair | None]:
    """Return (N, H, W) as (N, H·W) and (H, W); what is not three-dimensional as it is, for scikit-learn to judge."""
    if isinstance(X, list | tuple):
        X = np.asarray(X)
    n_dimensions = getattr(X, "ndim", None)
    if n_dimensions == 4:
        raise InputError(f"Faces must be (N, H·W) or (N, H, W), but X is {X.shape}; average the colours first.")
    if n_dimensions != 3:
        return X, None
    X = np.asarray(X)
    return X.reshape(X.shape[0], math.prod(X.shape[1:])), X.shape[1:]


def _image_shape(n_pixels: int, found: Pair | None, asked: Pair | None) -> Pair:
    """Settle the shape of the faces: the data's own, the one asked for, or a square if it can be."""
    side = math.isqrt(n_pixels)
    shape = found or asked or ((side, side) if side * side == n_pixels else (1, n_pixels))
    if not isinstance(shape, tuple | list) or len(shape) != 2 or math.prod(shape) != n_pixels:
        raise InputError(f"image_shape must be (height, width) of {n_pixels} pixels, but is {asked!r}.")
    if asked is not None and tuple(asked) != tuple(shape):
        raise InputError(f"image_shape is {asked!r}, but X has faces of shape {shape}.")
    return shape[0], shape[1]
