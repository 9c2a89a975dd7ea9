"""A small network as a value: its layers in order, and how it is trained. :mod:`faceloupe.training.language` reads it.

``str()`` of each value is its piece of the sentence. Nothing here needs PyTorch.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from faceloupe.errors import InputError
from faceloupe.training.preprocessing import KINDS

Pair = tuple[int, int]
Activation = Literal["none", "relu", "leaky", "tanh"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
INITIALISATIONS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal")
OPTIMISERS = {"sgd": 0.01, "momentum": 0.01, "rmsprop": 0.001, "adam": 0.001}
"""The optimisers, each with the learning rate that Keras gives it."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """Filters that slide over the face or the maps before; kernel, stride and padding are (height, width) in pixels."""

    filters: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    activation: Activation = "none"

    def __str__(self) -> str:
        words = [f"conv {self.filters} {self.kernel[0]}x{self.kernel[1]}"]
        words += [f"stride {_size(self.stride)}"] * (self.stride != (1, 1))
        words += [f"padding {_size(self.padding)}"] * (self.padding != (0, 0))
        return " ".join(words) + _activation(self.activation)


@dataclass(frozen=True, slots=True)
class Pooling:
    """The largest or the mean of each window; without a stride the windows stand side by side."""

    size: Pair
    stride: Pair
    average: bool = False

    def __str__(self) -> str:
        stride = f" stride {_size(self.stride)}" if self.stride != self.size else ""
        return f"{'average ' * self.average}pool {_size(self.size)}{stride}"


@dataclass(frozen=True, slots=True)
class GlobalPooling:
    """The largest or the mean of each whole feature map."""

    average: bool = False

    def __str__(self) -> str:
        return f"global {'average ' * self.average}pool"


@dataclass(frozen=True, slots=True)
class Dense:
    """Units that each see every number of the layer before."""

    units: int
    activation: Activation = "none"

    def __str__(self) -> str:
        return f"dense {self.units}" + _activation(self.activation)


@dataclass(frozen=True, slots=True)
class Dropout:
    """Dropout: each number is left out with this probability in training (Srivastava et al. 2014, JMLR 15)."""

    rate: float

    def __str__(self) -> str:
        return f"dropout {_number(self.rate)}"


@dataclass(frozen=True, slots=True)
class BatchNormalisation:
    """Each map or unit scaled to mean 0, variance 1 over the batch (Ioffe and Szegedy 2015, arXiv:1502.03167)."""

    activation: Activation = "none"

    def __str__(self) -> str:
        return "batchnorm" + _activation(self.activation)


Layer: TypeAlias = Convolution | Pooling | GlobalPooling | Dense | Dropout | BatchNormalisation


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Variation of each training face, drawn afresh in each epoch.

    Attributes
    ----------
    mirror : bool
        Left and right change places in half of the cases.
    shift : float
        The most, in pixels, to either side and up or down.
    rotate : float
        The most, in degrees, either way.
    zoom : float
        The most by which width and height each change, in per cent.
    """

    mirror: bool = False
    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        _check_number("augment shift", self.shift, 0, math.inf)
        _check_number("augment rotate", self.rotate, 0, 180)
        _check_number("augment zoom", self.zoom, 0, 90)

    def __bool__(self) -> bool:
        return bool(self.mirror or self.shift or self.rotate or self.zoom)

    def __str__(self) -> str:
        amounts = (("shift", self.shift), ("rotate", self.rotate), ("zoom", self.zoom))
        words = ["mirror"] * self.mirror + [f"{name} {_number(value)}" for name, value in amounts if value]
        return " ".join(words) or "none"


@dataclass(frozen=True, slots=True)
class Training:
    """The training of a network. The defaults are the tutorial's.

    Attributes
    ----------
    optimiser : {"sgd", "momentum", "rmsprop", "adam"}
        As Keras 3 defines them: momentum 0.9; RMSprop with rho 0.9; Adam with 0.9 and 0.999; epsilon 1e-7.
    learning_rate : float, above 0
        None is Keras's own: 0.01 for sgd and momentum, 0.001 for rmsprop and adam.
    batch_size : int, 1 or more
    epochs : int, 0 or more
    weight_decay : float, 0 or more
        Before each step every weight loses this share of itself times the learning rate (Loshchilov and Hutter 2019,
        arXiv:1711.05101), as in Keras.
    initialisation : {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal"}
        As in Keras; biases start at 0.
    preprocess : {"none", "centre", "standardise"}
        Preprocessing of pixels, with statistics from the training captures.
    augment : Augmentation

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    optimiser: str = "rmsprop"
    learning_rate: float | None = None
    batch_size: int = 5
    epochs: int = 20
    weight_decay: float = 0.0
    initialisation: str = "glorot_uniform"
    preprocess: str = "none"
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        _check_one_of("optimiser", self.optimiser, tuple(OPTIMISERS))
        _check_one_of("initialisation", self.initialisation, INITIALISATIONS)
        _check_one_of("preprocess", self.preprocess, KINDS)
        check_whole("batch_size", self.batch_size, 1)
        check_whole("epochs", self.epochs, 0)
        if self.learning_rate is not None:
            _check_number("learning_rate", self.learning_rate, 0, math.inf, above=True)
        _check_number("weight_decay", self.weight_decay, 0, math.inf)

    @property
    def rate(self) -> float:
        """The learning rate, Keras's own for the optimiser where none was asked for."""
        return OPTIMISERS[self.optimiser] if self.learning_rate is None else float(self.learning_rate)

    def __str__(self) -> str:
        usual = Training()
        parts = {
            "optimiser": (self.optimiser, usual.optimiser),
            "rate": (self.learning_rate and _number(self.learning_rate), None),
            "batch": (self.batch_size, usual.batch_size),
            "epochs": (self.epochs, usual.epochs),
            "decay": (_number(self.weight_decay), _number(usual.weight_decay)),
            "initialisation": (self.initialisation, usual.initialisation),
            "preprocess": (self.preprocess, usual.preprocess),
            "augment": (self.augment, usual.augment),
        }
        return ", ".join(f"{name} {value}" for name, (value, default) in parts.items() if value != default)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A small network and how it is trained; ``str()`` is the sentence that :func:`parse_network` reads.

    Attributes
    ----------
    layers : tuple of layers
        Without the output layer, which has one unit per class (one for two classes).
    training : Training
    """

    layers: tuple[Layer, ...]
    training: Training = field(default_factory=Training)

    def __str__(self) -> str:
        options = str(self.training)
        return ", ".join(map(str, self.layers)) + f"; {options}" * bool(options)


def pair(size: int | Pair) -> Pair:
    """Return a size as (height, width)."""
    if isinstance(size, tuple | list) and len(size) == 2:
        return int(size[0]), int(size[1])
    return int(size), int(size)


def _size(size: Pair) -> str:
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _activation(activation: Activation) -> str:
    return "" if activation == "none" else f" {activation}"


def _check_one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} must be one of {', '.join(map(repr, allowed))}, but is {value!r}.")


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise an InputError if a value is not a whole number, or is less than it must be."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be a whole number, {least} or more, but is {value!r}.")


def _check_number(name: str, value: Any, low: float, high: float, *, above: bool = False) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value < high or (above and value == low):
        limits = f"{'above' if above else 'from'} {low:g}" + (f" and below {high:g}" if high < math.inf else "")
        raise InputError(f"{name} must be a finite number {limits}, but is {value!r}.")


LEAK = 0.2  # slope of a leaky ReLU below 0, as keras.activations.leaky_relu has it


def mark(sentence: str, start: int, stop: int) -> str:
    """Return the sentence with the characters from `start` to `stop` marked in the line below."""
    line = re.sub(r"\s", " ", sentence)
    return f"  {line}\n  {' ' * start}{'^' * max(1, stop - start)}"
