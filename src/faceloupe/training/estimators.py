"""The two networks as scikit-learn classifiers."""

import math
import warnings
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
from faceloupe.training.fit import History, batch_orders, fit_network
from faceloupe.training.networks import CNN, FCNN, Pair, initialise, pooled_shape
from faceloupe.training.preprocessing import Preprocessing, fit_preprocessing

__all__ = ["CNNClassifier", "FCNNClassifier", "NetworkClassifier"]

CAPTURES_AT_ONCE = 16  # past this the float64 feature maps leave the cache

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What :class:`FCNNClassifier` and :class:`CNNClassifier` share; not for use by itself."""

    _least: ClassVar[Mapping[str, int]] = {"epochs": 0, "batch_size": 1, "hidden": 1, "seed": 0}

    n_features_in_: int
    classes_: NDArray[Any]
    image_shape_: Pair
    preprocessing_: Preprocessing
    network_: FCNN | CNN
    history_: History

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a fresh network.

        Parameters
        ----------
        X : array of shape (N, H·W) or (N, H, W)
            The training captures, finite numbers of any range; the other parts of this package use [0, 1].
        y : array of shape (N,)
            The subject of each capture, two at least.

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
        self.network_ = initialise(self._network(1 if len(self.classes_) == 2 else len(self.classes_)), self.seed)
        self.history_ = fit_network(
            self.network_,
            self._tensor(images),
            labels,
            batch_orders(len(labels), self.epochs, self.seed),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            validation=None if held_out is None else (self._tensor(held_out[0]), held_out[1]),
        )
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logits: (N,) of ``classes_[1]`` for two classes, else (N, C)."""
        check_is_fitted(self)
        logits = _logits(self.network_, self._tensor(self._read(X)))
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

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a classifier of this class; see :func:`faceloupe.training.saving.load`."""
        from faceloupe.training.saving import load

        classifier = load(folder)
        if not isinstance(classifier, cls):
            raise InputError(f"{folder} holds a {type(classifier).__name__}; load it with that class.")
        return classifier

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

    def _tensor(self, flat: Images) -> Images:
        """Return preprocessed faces (N, 1, H, W)."""
        return self.preprocessing_.apply(flat).reshape(-1, 1, *self.image_shape_)


class FCNNClassifier(NetworkClassifier):
    """The tutorial's fully-connected network: pixels -> a hidden ReLU layer -> class.

    Two classes share one logit (sigmoid, binary cross-entropy); more have one each (softmax). The same seed gives the
    same numbers on one machine with one number of threads; PyTorch's global generator is not touched.

    Parameters
    ----------
    hidden : int, 1 or more
        Units in the hidden layer.
    epochs : int, 0 or more
    batch_size : int, 1 or more
    learning_rate : float, above 0
        Of RMSprop (rho 0.9, epsilon 1e-7 under the root).
    preprocess : {"none", "centre", "standardise"}
        What is done to pixels, with statistics from the training captures: nothing, subtract their mean, and divide by
        their standard deviation.
    validation : None, float or (X, y)
        Captures to evaluate after each epoch: none, a stratified fraction of those given to :meth:`fit`, or others.
    image_shape : (int, int), optional
        Height and width of faces given as rows. Without it, D pixels are a square image if they can be, else 1 x D.
    seed : int, 0 to 2**32 - 1
        Of the weights, the order of the captures and the validation split.

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
    n_features_in_ : int
        Pixels a face.
    image_shape_ : (int, int)
    network_ : FCNN
        The trained torch module.
    history_ : History
        Loss and accuracy by epoch.
    preprocessing_ : Preprocessing

    Examples
    --------
    >>> faces = np.random.default_rng(0).random((8, 16, 16))
    >>> classifier = FCNNClassifier(preprocess="centre").fit(faces, ["ann", "bo"] * 4)
    >>> classifier.history_
    History(20 epochs: loss 0.7021 → 0.4068, accuracy 0.500 → 1.000)
    """

    def __init__(
        self,
        hidden: int = 4,
        *,
        epochs: int = 20,
        batch_size: int = 5,
        learning_rate: float = 1e-3,
        preprocess: str = "none",
        validation: float | tuple[ArrayLike, ArrayLike] | None = None,
        image_shape: Pair | None = None,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.preprocess = preprocess
        self.validation = validation
        self.image_shape = image_shape
        self.seed = seed

    def _network(self, outputs: int) -> FCNN:
        return FCNN(self.image_shape_, self.hidden, outputs)


class CNNClassifier(NetworkClassifier):
    """The tutorial's convolutional network: convolution -> ReLU -> max-pooling -> a hidden ReLU layer -> class.

    A kernel or pooling window larger than what it works on is clipped to it, with a warning.

    Parameters
    ----------
    filters : int, 1 or more
        Kernels of the convolution.
    kernel_size, pool_size : int, 1 or more
        Side of a kernel and of a pooling window in pixels.
    stride : int, 1 or more
        Step of the kernel; pooling steps by its own size.
    hidden, epochs, batch_size, learning_rate, preprocess, validation, image_shape, seed
        As in :class:`FCNNClassifier`.

    Attributes
    ----------
    kernel_size_, pool_size_ : (int, int)
        Height and width as used, after clipping.
    classes_, n_features_in_, image_shape_, network_, history_, preprocessing_
        As in :class:`FCNNClassifier`; the network is a :class:`~faceloupe.training.networks.CNN`.

    Examples
    --------
    >>> faces = np.random.default_rng(0).random((8, 16, 16))
    >>> CNNClassifier(preprocess="centre").fit(faces, ["ann", "bo"] * 4).predict(faces[:3])
    array(['bo', 'bo', 'bo'], dtype='<U3')
    """

    _least: ClassVar[Mapping[str, int]] = {
        **NetworkClassifier._least,
        "filters": 1,
        "kernel_size": 1,
        "stride": 1,
        "pool_size": 1,
    }

    kernel_size_: Pair
    pool_size_: Pair

    def __init__(
        self,
        filters: int = 4,
        kernel_size: int = 8,
        stride: int = 1,
        pool_size: int = 4,
        hidden: int = 4,
        *,
        epochs: int = 20,
        batch_size: int = 5,
        learning_rate: float = 1e-3,
        preprocess: str = "none",
        validation: float | tuple[ArrayLike, ArrayLike] | None = None,
        image_shape: Pair | None = None,
        seed: int = 0,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.stride = stride
        self.pool_size = pool_size
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.preprocess = preprocess
        self.validation = validation
        self.image_shape = image_shape
        self.seed = seed

    def _settle_sizes(self) -> None:
        self.kernel_size_ = _clip("kernel_size", self.kernel_size, self.image_shape_)
        height, width = pooled_shape(self.image_shape_, self.kernel_size_, self.stride, pool_size=1)
        self.pool_size_ = _clip("pool_size", self.pool_size, (height, width))

    def _network(self, outputs: int) -> CNN:
        return CNN(
            self.image_shape_, self.filters, self.kernel_size_, self.stride, self.pool_size_, self.hidden, outputs
        )


def _logits(network: nn.Module, images: Images) -> NDArray[np.float64]:
    """Run a network in float64, so that the logits of a capture do not depend on those beside it; (N, C)."""
    weights = {name: value.detach().double() for name, value in network.named_parameters()}
    with torch.no_grad():
        parts = torch.split(torch.from_numpy(images).double(), CAPTURES_AT_ONCE)
        return torch.cat([functional_call(network, weights, (part,)) for part in parts]).numpy()


def _clip(name: str, size: int, room: Pair) -> Pair:
    height, width = min(size, room[0]), min(size, room[1])
    if (height, width) != (size, size):
        warnings.warn(
            f"{name}={size} is larger than what it works on, {room[0]}x{room[1]}, and was clipped to {height}x{width}.",
            UserWarning,
            stacklevel=4,  # the line that called fit
        )
    return height, width


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
