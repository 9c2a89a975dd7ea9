"""A network with what must be known to show it a face."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.method_names import METHOD_NAMES, RUN_ONLY
from faceloupe.looking.faces import FacePicture
from faceloupe.numerals import with_minus

if TYPE_CHECKING:
    from faceloupe.training.deep import DeepCNNClassifier
    from faceloupe.training.estimators import CNNClassifier, FCNNClassifier

    Classifier: TypeAlias = CNNClassifier | DeepCNNClassifier | FCNNClassifier

# What a network expects black and white to be: a factor and what is added, for pixels in [0, 1].
PIXELS = {"0..1": (1.0, 0.0), "0..255": (255.0, 0.0), "-1..1": (2.0, -1.0)}
# Mean and standard deviation of red, green and blue in ImageNet's photographs, as torchvision's networks expect them.
IMAGENET = "imagenet"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LONGEST = 4096  # pixels of a side: faces of that size take 200 MB each
ANSWERS = ("classes", "template")
TEMPLATE = 64  # numbers from which on a power of two is taken for a template

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A network with what must be known to show it a face.

    Attributes
    ----------
    name : str
        Name on the page.
    network : torch.nn.Module or OnnxNetwork
    extent : (int, int)
        Height and width that a face is cut to.
    colour : bool
        Whether it takes three channels.
    prepare : callable
        Faces (N, H, W) or (N, H, W, 3) in [0, 1] -> what the network takes, (N, C, H, W).
    pixels : str
        Description of `prepare`.
    answers : {"classes", "template"} or None
        Meaning of its numbers; None: not known, and judged by how many there are.
    classes : tuple of str
        Names of the classes; empty where not known.
    origin : str
        Origin, in words.
    digest : str
        SHA-256 of its file of weights; empty where there is none.
    notes : tuple of str
        Remarks for a reader.
    classifier : CNNClassifier, FCNNClassifier, DeepCNNClassifier or None
        The classifier that holds the network.
    """

    name: str
    network: Any
    extent: tuple[int, int]
    colour: bool
    prepare: Callable[[Floats], Floats]
    pixels: str
    answers: str | None
    origin: str
    classes: tuple[str, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = ()
    classifier: "Classifier | None" = None

    def cut(self, photographs: "tuple[FacePicture, ...]") -> Floats:
        """Return the faces as this network sees them, before its preprocessing: (N, H, W) or (N, H, W, 3)."""
        return np.stack([photograph.cut(self.extent, colour=self.colour) for photograph in photographs])

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of attribution that work on it: some need gradients, and an ONNX file can only be run."""
        return METHOD_NAMES if hasattr(self.network, "named_modules") else RUN_ONLY

    def gives_template(self, count: int) -> bool:
        """Return whether its answer, of `count` numbers, is a template; where that is not known, `count` decides."""
        if self.answers:
            return self.answers == "template"
        return count >= TEMPLATE and count.bit_count() == 1

    def __repr__(self) -> str:
        return f"Model({self.name}: {self.extent[0]}×{self.extent[1]} {'colour' if self.colour else 'grey'})"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """The options given with a model; see :func:`faceloupe.looking.open_model`."""

    weights: str | os.PathLike[str] | None
    size: "int | tuple[int, int] | None"
    pixels: str | None
    bgr: bool
    answers: str | None
    mean: "float | Sequence[float] | None" = None
    std: "float | Sequence[float] | None" = None

    @property
    def extent(self) -> tuple[int | None, int | None]:
        """Height and width that were asked for."""
        if self.size is None:
            return None, None
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def check(self) -> None:
        """Raise InputError if a value is none of the possible ones."""
        if self.pixels is not None and self.pixels not in (*PIXELS, IMAGENET):
            raise InputError(f"pixels: expected one of {', '.join((*PIXELS, IMAGENET))}; got {self.pixels!r}")
        if self.pixels == IMAGENET and (self.mean is not None or self.std is not None):
            raise InputError(f"pixels: {IMAGENET} is a mean and a standard deviation already; leave mean and std out")
        if self.answers is not None and self.answers not in ANSWERS:
            raise InputError(f"answers: expected {' or '.join(ANSWERS)}; got {self.answers!r}")
        if any(side is not None and not 1 <= side <= LONGEST for side in self.extent):
            raise InputError(f"size: expected pixels of a side, 1 to {LONGEST:,}; got {self.size}")

    def refuse(self, what: str, *names: str) -> None:
        """Raise InputError if one of these was given, for it would change nothing."""
        given = [name for name in names if getattr(self, name) not in (None, False)]
        if given:
            raise InputError(f"{what}; leave {' and '.join(given)} out")

    def model(self, channels: int, pixels: str = "0..1", *, answers: str | None = None, **facts: Any) -> Model:
        """Return a model of so many channels with other facts of :class:`Model`; raise InputError as :meth:`scaling`.

        `answers` is what the network is known to answer with; an option that was given takes precedence.
        """
        prepare, words = self.scaling(channels, pixels)
        answers = self.answers or answers
        return Model(colour=channels == 3, prepare=prepare, pixels=words, answers=answers, **facts)

    def scaling(self, channels: int, pixels: str = "0..1") -> tuple[Callable[[Floats], Floats], str]:
        """Return how faces become what a network of so many channels takes, and how that reads.

        `pixels` is what the network is known to expect; an option that was given takes precedence. Raises InputError if
        the channels are neither 1 nor 3, or mean or std do not fit them.
        """
        if channels not in (1, 3):
            raise InputError(f"the network takes {channels} channels; faces have 1 (grey) or 3 (colour)")
        chosen, mean, std = self.pixels or pixels, self.mean, self.std
        if chosen == IMAGENET:
            if channels != 3:
                raise InputError(f"pixels: {IMAGENET} is for three channels, and this network takes {channels}")
            step = -1 if self.bgr else 1
            chosen, mean, std = "0..1", IMAGENET_MEAN[::step], IMAGENET_STD[::step]
        means, stds = _a_channel("mean", mean, 0.0, channels), _a_channel("std", std, 1.0, channels)
        if not (stds > 0).all():
            raise InputError(f"std: expected numbers above 0, got {', '.join(f'{value:g}' for value in stds)}")
        order = ("BGR" if self.bgr else "RGB") if channels == 3 else "grey"
        text = f"{order}, from {with_minus(chosen.replace('..', ' to '))}"
        if mean is not None or std is not None:
            less, divided = (" ".join(f"{value:g}" for value in values) for values in (means, stds))
            text += with_minus(f", less {less}, divided by {divided}")
        return partial(_scaled, chosen, self.bgr, means, stds), text


def _a_channel(name: str, given: "float | Sequence[float] | None", default: float, channels: int) -> Floats:
    """Return one number per channel."""
    try:
        values = np.atleast_1d(np.asarray(default if given is None else given, dtype=np.float32))
    except (TypeError, ValueError):
        values = np.empty(0, np.float32)
    if values.shape not in ((1,), (channels,)) or not np.isfinite(values).all():
        raise InputError(f"{name}: expected a finite number, or {channels}, one for each channel; got {given!r}")
    return np.broadcast_to(values, (channels,))


def _scaled(pixels: str, bgr: bool, mean: Floats, std: Floats, faces: Floats) -> Floats:
    scale, offset = PIXELS[pixels]
    batch = faces[:, None] if faces.ndim == 3 else faces.transpose(0, 3, 1, 2)
    ordered = scale * (batch[:, ::-1] if bgr else batch) + offset
    return np.ascontiguousarray((ordered - mean[:, None, None]) / std[:, None, None], dtype=np.float32)
