"""Any small network as a scikit-learn classifier, the tutorial's two among them."""

import warnings
from dataclasses import replace
from typing import Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from faceloupe.errors import InputError
from faceloupe.progress import Progress, shown
from faceloupe.training.base import FaceClassifier
from faceloupe.training.filters import Filters, compare_filters
from faceloupe.training.fit import batch_orders, fit_network
from faceloupe.training.language import CNN_SENTENCE, parse_augmentation, parse_network
from faceloupe.training.networks import SmallNetwork, clip, initialise
from faceloupe.training.preprocessing import fit_preprocessing
from faceloupe.training.specs import (
    Convolution,
    Dense,
    Layer,
    NetworkSpec,
    Pair,
    Pooling,
    Training,
    check_whole,
    pair,
)


class NetworkClassifier(FaceClassifier):
    """A small network, said in a sentence, as a scikit-learn classifier.

    Two classes share one logit (sigmoid, binary cross-entropy); more have one each (softmax). The same seed gives the
    same numbers on one machine with one number of threads; PyTorch's global generator is not touched. A kernel or a
    pooling window larger than what reaches it is clipped, with a warning.

    Parameters
    ----------
    network : str or NetworkSpec
        A sentence such as ``"conv 16 5x5 relu, pool 2, dense 64 relu; optimiser adam"``: see the reference of the
        language of networks (``docs/reference/network-language.md``). The tutorial's CNN by default.
    optimiser, learning_rate, batch_size, epochs, weight_decay, initialisation, preprocess
        As in :class:`~faceloupe.training.Training`. None is what the sentence says, or else the tutorial's.
    augment : str, optional
        Variation of training faces, as the sentence says it: ``"mirror shift 2 rotate 5 zoom 5"``.
    validation : None, float or (X, y)
        Captures to evaluate after each epoch: none, a stratified fraction of those given to :meth:`fit`, or others.
    image_shape : (int, int), optional
        Height and width of faces given as rows. Without it, D pixels are a square image if they can be, else 1 x D.
    seed : int, 0 to 2**32 - 1
        Seed of the weights, the order of the captures, the validation split, dropout and augmentation.

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
    n_features_in_ : int
        Pixels a face.
    image_shape_ : (int, int)
    pixel_range_ : (float, float)
        The least and the greatest pixel of the training captures.
    spec_ : NetworkSpec
        Specification of what was trained, after clipping; ``str()`` is its sentence.
    network_ : SmallNetwork
        The trained torch module.
    history_ : History
        Loss and accuracy by epoch.
    preprocessing_ : Preprocessing
    filters_ : Filters
        The first convolution's, before and after training.

    Examples
    --------
    >>> import numpy as np
    >>> faces = np.random.default_rng(0).random((8, 16, 16))
    >>> classifier = NetworkClassifier("dense 4 relu", preprocess="centre").fit(faces, ["ann", "bo"] * 4)
    >>> classifier.history_
    History(20 epochs: loss 0.7021 → 0.4068, accuracy 0.500 → 1.000)
    """

    spec_: NetworkSpec
    network_: SmallNetwork

    def __init__(
        self,
        network: str | NetworkSpec = CNN_SENTENCE,
        *,
        optimiser: str | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        weight_decay: float | None = None,
        initialisation: str | None = None,
        preprocess: str | None = None,
        augment: str | None = None,
        validation: float | tuple[ArrayLike, ArrayLike] | None = None,
        image_shape: Pair | None = None,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.weight_decay = weight_decay
        self.initialisation = initialisation
        self.preprocess = preprocess
        self.augment = augment
        self.validation = validation
        self.image_shape = image_shape
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike, *, progress: Progress | bool | None = None) -> Self:
        """Train a fresh network.

        Parameters
        ----------
        X : array of shape (N, H·W), (N, H, W), (N, H, W, 1) or (N, 1, H, W)
            The training captures, finite numbers of any range; the other parts of this package use [0, 1].
        y : array of shape (N,)
            The subject of each capture, two at least.
        progress : callable or bool, optional
            Called with (done, whole) after each batch, of all batches of all epochs. What it raises ends the fit, and
            the classifier stays unfitted. True shows a bar, in a terminal or a notebook.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the sentence cannot be read, a parameter or a shape cannot be used, all captures show one subject, or the
            training diverges: weights or running statistics end as no finite numbers.
        ValueError, TypeError
            scikit-learn's own, for data that is not a finite numeric array.
        """
        spec = self._spec()
        flat, labels = self._read_training(X, y)
        (images, labels), held_out = self._split(flat, labels)
        self.preprocessing_ = fit_preprocessing(spec.training.preprocess, images)
        self.spec_, notes = clip(spec, self.image_shape_)
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=2)
        network = self._begun()
        with shown(progress, "training") as tell:
            self.history_ = fit_network(
                network,
                self._prepared(images),
                labels,
                batch_orders(len(labels), spec.training.epochs, self.seed),
                self.spec_.training,
                seed=self.seed,
                validation=None if held_out is None else (self._prepared(held_out[0]), held_out[1]),
                progress=tell,
            )
        self._keep(network)
        return self

    @property
    def filters_(self) -> Filters:
        """The first convolution's filters before and after training; an InputError where there is none."""
        check_is_fitted(self)
        return compare_filters(self.network_, self._begun())

    def _begun(self) -> SmallNetwork:
        """Return the network as it begins."""
        network = self._network(1 if len(self.classes_) == 2 else len(self.classes_))
        return initialise(network, self.seed, self.spec_.training.initialisation)

    def _network(self, outputs: int) -> SmallNetwork:
        return SmallNetwork(self.spec_, self.image_shape_, outputs)

    def _spec(self) -> NetworkSpec:
        """Return the network that the parameters ask for."""
        network = self.network if isinstance(self.network, NetworkSpec) else parse_network(self.network)
        asked = {
            name: getattr(self, name)
            for name in ("optimiser", "batch_size", "epochs", "weight_decay", "initialisation", "preprocess")
            if getattr(self, name) is not None
        }
        if "optimiser" in asked or self.learning_rate is not None:
            asked["learning_rate"] = self.learning_rate
        if self.augment is not None:
            asked["augment"] = parse_augmentation(self.augment)
        return replace(network, training=replace(network.training, **asked))


class FCNNClassifier(NetworkClassifier):
    """The tutorial's fully-connected network: pixels -> a hidden ReLU layer -> class.

    It is :class:`NetworkClassifier` with the network ``"dense 4 relu"`` and the tutorial's way of training.

    Parameters
    ----------
    hidden : int, 1 or more
        Units in the hidden layer.
    epochs : int, 0 or more
    batch_size : int, 1 or more
    learning_rate : float, above 0
        The step of RMSprop (rho 0.9, epsilon 1e-7 under the root).
    preprocess : {"none", "centre", "standardise"}
        Preprocessing of pixels, with statistics from the training captures: nothing, subtract their mean, and divide by
        their standard deviation.
    validation, image_shape, seed
        As in :class:`NetworkClassifier`.

    Attributes
    ----------
    classes_, n_features_in_, image_shape_, pixel_range_, spec_, network_, history_, preprocessing_
        As in :class:`NetworkClassifier`.

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

    def _spec(self) -> NetworkSpec:
        return NetworkSpec(self._layers(), self._training())

    def _layers(self) -> tuple[Layer, ...]:
        check_whole("hidden", self.hidden, 1)
        return (Dense(int(self.hidden), "relu"),)

    def _training(self) -> Training:
        if self.learning_rate is None:
            raise InputError("learning_rate must be a finite number above 0, but is None.")
        return Training(
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,  # type: ignore[arg-type]  # None is refused there
            epochs=self.epochs,  # type: ignore[arg-type]
            preprocess=self.preprocess,  # type: ignore[arg-type]
        )


class CNNClassifier(FCNNClassifier):
    """The tutorial's convolutional network: convolution -> ReLU -> max-pooling -> a hidden ReLU layer -> class.

    It is :class:`NetworkClassifier` with the network ``"conv 4 8x8 relu, pool 4, dense 4 relu"`` and the tutorial's way
    of training. A kernel or pooling window larger than what reaches it is clipped, with a warning.

    Parameters
    ----------
    filters : int, 1 or more
        Kernels of the convolution.
    kernel_size, pool_size : int or (int, int), 1 or more
        Side, or height and width, of a kernel and of a pooling window in pixels.
    stride : int or (int, int), 1 or more
        Step of the kernel; pooling steps by its own size.
    hidden, epochs, batch_size, learning_rate, preprocess, validation, image_shape, seed
        As in :class:`FCNNClassifier`.

    Attributes
    ----------
    kernel_size_, pool_size_ : (int, int)
        Height and width as used, after clipping.
    classes_, n_features_in_, image_shape_, pixel_range_, spec_, network_, history_, preprocessing_
        As in :class:`NetworkClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> faces = np.random.default_rng(0).random((8, 16, 16))
    >>> CNNClassifier(preprocess="centre").fit(faces, ["ann", "bo"] * 4).predict(faces[:3])
    array(['bo', 'bo', 'bo'], dtype='<U3')
    """

    def __init__(
        self,
        filters: int = 4,
        kernel_size: int | Pair = 8,
        stride: int | Pair = 1,
        pool_size: int | Pair = 4,
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
        super().__init__(
            hidden,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            preprocess=preprocess,
            validation=validation,
            image_shape=image_shape,
            seed=seed,
        )

    @property
    def kernel_size_(self) -> Pair:
        """Height and width of the kernels as used, after clipping."""
        return next(layer.kernel for layer in self.spec_.layers if isinstance(layer, Convolution))

    @property
    def pool_size_(self) -> Pair:
        """Height and width of the pooling windows as used, after clipping."""
        return next(layer.size for layer in self.spec_.layers if isinstance(layer, Pooling))

    def _layers(self) -> tuple[Layer, ...]:
        check_whole("filters", self.filters, 1)
        for name in ("kernel_size", "stride", "pool_size"):
            value = getattr(self, name)
            for side in value if isinstance(value, tuple | list) and len(value) == 2 else (value,):
                check_whole(name, side, 1)
        convolution = Convolution(int(self.filters), pair(self.kernel_size), pair(self.stride), activation="relu")
        return convolution, Pooling(pair(self.pool_size), pair(self.pool_size)), *super()._layers()
