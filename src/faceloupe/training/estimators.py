"""The tutorial's two networks as scikit-learn classifiers."""

import warnings
from collections.abc import Mapping
from typing import ClassVar

from numpy.typing import ArrayLike

from faceloupe.training.base import NetworkClassifier
from faceloupe.training.networks import CNN, FCNN, Pair, pooled_shape

__all__ = ["CNNClassifier", "FCNNClassifier"]


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
    >>> import numpy as np
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
    >>> import numpy as np
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


def _clip(name: str, size: int, room: Pair) -> Pair:
    height, width = min(size, room[0]), min(size, room[1])
    if (height, width) != (size, size):
        warnings.warn(
            f"{name}={size} is larger than what it works on, {room[0]}x{room[1]}, and was clipped to {height}x{width}.",
            UserWarning,
            stacklevel=4,  # the line that called fit
        )
    return height, width
