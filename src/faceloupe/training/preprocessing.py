"""Centring and scaling of pixel values, with statistics from the training captures only."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError

Kind = Literal["none", "centre", "standardise"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A change of pixel values before a network sees them: ``(images - mean) / scale``.

    Attributes
    ----------
    kind : {"none", "centre", "standardise"}
    mean, scale : float
        One number each for all pixels, from the training captures; 0 and 1 where the kind does not use them.
    """

    kind: Kind
    mean: float = 0.0
    scale: float = 1.0

    def apply(self, images: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the preprocessed images, float32 of the same shape, always a new array."""
        return ((images - np.float32(self.mean)) / np.float32(self.scale)).astype(np.float32, copy=False)


def fit_preprocessing(kind: str, images: NDArray[np.floating]) -> Preprocessing:
    """Take the statistics that a kind of preprocessing needs.

    Parameters
    ----------
    kind : {"none", "centre", "standardise"}
        Leave pixels as they are; subtract the mean pixel value; and divide by the pixels' standard deviation.
    images : ndarray of any shape
        The training captures, and no others: a held-out capture must not move the statistics.

    Returns
    -------
    Preprocessing

    Raises
    ------
    InputError
        If the kind is unknown.

    Examples
    --------
    >>> fit_preprocessing("standardise", np.array([[0.25, 0.75]]))
    Preprocessing(kind='standardise', mean=0.5, scale=0.25)
    """
    if kind not in KINDS:
        raise InputError(f"preprocess must be one of {', '.join(map(repr, KINDS))}, but is {kind!r}.")
    if kind == "none":
        return Preprocessing(kind)
    mean = float(images.mean(dtype=np.float64))
    if kind == "centre":
        return Preprocessing(kind, mean)
    spread = float(images.std(dtype=np.float64))
    return Preprocessing(kind, mean, spread or 1.0)  # constant pixels stay at 0, as in scikit-learn's StandardScaler
