"""A face as a unit vector that remembers what made it, and the comparison of two."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.recognition.quality import Quality


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A face as it is kept for recognition. Personal data: the vector is in no repr.

    Attributes
    ----------
    vector : array of float32, (D,)
        The vector, of length 1, read-only.
    embedder : str
        Name of the embedder that made it.
    sha256 : str
        Hash of the embedder's weights.
    quality : Quality
        Quality of the face it was made from.
    detector : str
        Detector that found the face, as :attr:`Detection.detector` names it.

    Raises
    ------
    InputError
        If the vector is not of float32, one-dimensional and of length 1.
    """

    vector: NDArray[np.float32]
    embedder: str
    sha256: str
    quality: Quality
    detector: str = "yunet"

    def __post_init__(self) -> None:
        vector = np.array(self.vector)
        if vector.dtype != np.float32 or vector.ndim != 1 or not abs(np.linalg.norm(vector) - 1) < 1e-4:
            raise InputError(
                f"vector: expected float32, (D,), of length 1; got {vector.dtype}, {vector.shape}, of length "
                f"{np.linalg.norm(vector):.6g}"
            )
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def to_document(self) -> dict[str, Any]:
        """Return what may be shown of it, without the vector, as a plain dictionary that JSON can hold."""
        return {
            "embedder": self.embedder,
            "sha256": self.sha256,
            "dimensions": len(self.vector),
            "quality": self.quality.to_document(),
            "detector": self.detector,
        }

    def __repr__(self) -> str:
        return f"Template({len(self.vector)} dimensions by {self.embedder} {self.sha256[:8]})"


def compare(first: Template, second: Template) -> float:
    """Return the likeness of two faces: the cosine of the angle between their vectors, from -1 to 1.

    Which score suffices for "the same person" is decided by a threshold that was measured at a stated error rate.

    Raises
    ------
    InputError
        If the two were made by different embedders or weights: their axes mean different things.
    """
    if (first.embedder, first.sha256) != (second.embedder, second.sha256):
        raise InputError(
            f"templates of different embedders cannot be compared: {first!r} and {second!r}. Make both with one "
            "embedder"
        )
    cosine = first.vector.astype(np.float64) @ second.vector.astype(np.float64)
    return float(np.clip(cosine, -1, 1))
