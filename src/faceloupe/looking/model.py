"""A network with what must be known to show it a face."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.methods import METHODS
from faceloupe.looking.photographs import Photograph
from faceloupe.numerals import with_minus

if TYPE_CHECKING:
    from faceloupe.training import CNNClassifier, DeepCNNClassifier, FCNNClassifier

    Classifier: TypeAlias = CNNClassifier | DeepCNNClassifier | FCNNClassifier

__all__ = ["ANSWERS", "PIXELS", "Asked", "Model"]

# What a network expects black and white to be: a factor and what is added, for pixels in [0, 1].
PIXELS = {"0..1": (1.0, 0.0), "0..255": (255.0, 0.0), "-1..1": (2.0, -1.0)}
ANSWERS = ("classes", "template")
TEMPLATE = 64  # numbers from which on a power of two is taken for a template

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A network with what must be known to show it a face.

    Attributes
    ----------
    name : str
        What the page calls it.
    network : torch.nn.Module or OnnxNetwork
    extent : (int, int)
        Height and width that a face is cut to.
    colour : bool
        Whether it takes three channels.
    prepare : callable
        Faces (N, H, W) or (N, H, W, 3) in [0, 1] -> what the network takes, (N, C, H, W).
    pixels : str
        What `prepare` does, in words.
    answers : {"classes", "template"} or None
        What its numbers are; None: not known, and judged by how many there are.
    classes : tuple of str
        What the classes are called; empty where that is not known.
    origin : str
        Where it comes from, in words.
    digest : str
        SHA-256 of its file of weights; empty where there is none.
    notes : tuple of str
        What a reader must know of it.
    classifier : CNNClassifier, FCNNClassifier, DeepCNNClassifier or None
        The classifier that the network is of.
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

    def cut(self, photographs: "tuple[Photograph, ...]") -> Floats:
        """Return the faces as this network sees them, before its preprocessing: (N, H, W) or (N, H, W, 3)."""
        return np.stack([one.cut(self.extent, colour=self.colour) for one in photographs])

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of attribution that work on it: some need gradients, and an ONNX file can only be run."""
        differentiable = hasattr(self.network, "named_modules")
        return tuple(name for name, method in METHODS.items() if differentiable or not method.gradients)

    def gives_template(self, count: int) -> bool:
        """Whether its answer, of `count` numbers, is a template; where that is not known, `count` decides."""
        if self.answers:
            return self.answers == "template"
        return count >= TEMPLATE and count.bit_count() == 1

    def __repr__(self) -> str:
        return f"Model({self.name}: {self.extent[0]}×{self.extent[1]} {'colour' if self.colour else 'grey'})"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for beside the model itself; see :func:`faceloupe.looking.open_model`."""

    weights: str | os.PathLike[str] | None
    size: int | None
    pixels: str | None
    bgr: bool
    answers: str | None

    def check(self) -> None:
        """Raise InputError if a value is none of the possible ones."""
        if self.pixels is not None and self.pixels not in PIXELS:
            raise InputError(f"pixels: expected one of {', '.join(PIXELS)}; got {self.pixels!r}")
        if self.answers is not None and self.answers not in ANSWERS:
            raise InputError(f"answers: expected {' or '.join(ANSWERS)}; got {self.answers!r}")
        if self.size is not None and self.size < 1:
            raise InputError(f"size: expected pixels of a side, at least 1; got {self.size}")

    def refuse(self, what: str, *names: str) -> None:
        """Raise InputError if one of these was given, for it would change nothing."""
        given = [name for name in names if getattr(self, name)]
        if given:
            raise InputError(f"{what}; leave {' and '.join(given)} out")

    def scaling(self, channels: int, pixels: str = "0..1") -> tuple[Callable[[Floats], Floats], str]:
        """Return how faces become what a network of so many channels takes, and how that reads.

        `pixels` is what the network is known to expect; what was asked for goes before it.

        Raises
        ------
        InputError
            If the channels are neither 1 nor 3.
        """
        if channels not in (1, 3):
            raise InputError(f"the network takes {channels} channels; faces have 1 (grey) or 3 (colour)")
        chosen = self.pixels or pixels
        order = ("BGR" if self.bgr else "RGB") if channels == 3 else "grey"
        return partial(_scaled, chosen, self.bgr), f"{order}, from {with_minus(chosen.replace('..', ' to '))}"


def _scaled(pixels: str, bgr: bool, faces: Floats) -> Floats:
    scale, offset = PIXELS[pixels]
    batch = faces[:, None] if faces.ndim == 3 else faces.transpose(0, 3, 1, 2)
    ordered = batch[:, ::-1] if bgr else batch
    return np.ascontiguousarray(scale * ordered + offset, dtype=np.float32)
