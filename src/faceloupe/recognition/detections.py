"""Faces found in photographs, as values (box, five landmarks and score), and what finds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Point(NamedTuple):
    """A place in a photograph, in pixels: x to the right, y down; (0, 0) is the centre of the first pixel."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle in a photograph, in pixels; a face at the edge may reach beyond it."""

    x: float
    y: float
    width: float
    height: float


class Landmarks(NamedTuple):
    """Five points of a face. Right and left are the subject's: the right eye is on the left of the picture."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that was found.

    Attributes
    ----------
    box : Box
        (x, y, width, height), pixels of the photograph.
    landmarks : Landmarks
        Eyes, tip of the nose and corners of the mouth, pixels of the photograph; ``np.array(landmarks)`` is (5, 2).
    score : float
        0 to 1, how sure the detector is: the geometric mean of its class score and its objectness. No probability.
    turn : int
        Degrees, 0 to 359, by which the face is turned clockwise in the photograph, about, if it was found in a copy
        turned back: 90 and 270 lie on an ear, 180 stands on its head.
    detector : str
        Detector that found it: "yunet", or the name of another and the first eight digits of its hash.
    """

    box: Box
    landmarks: Landmarks
    score: float
    turn: int = 0
    detector: str = "yunet"

    @property
    def size(self) -> float:
        """The shorter side of the box, in pixels."""
        return min(self.box.width, self.box.height)

    @property
    def middle(self) -> Point:
        """The middle of the box."""
        return Point(self.box.x + self.box.width / 2, self.box.y + self.box.height / 2)

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return {
            "box": self.box._asdict(),
            "landmarks": {name: point._asdict() for name, point in self.landmarks._asdict().items()},
            "score": self.score,
            "turn": self.turn,
            "detector": self.detector,
        }

    def __repr__(self) -> str:
        x, y, width, height = self.box
        turned = f", turned by {self.turn} degrees" if self.turn else ""
        return f"Detection({width:.0f}x{height:.0f} at ({x:.0f}, {y:.0f}), score {self.score:.2f}{turned})"


class Detector(Protocol):
    """A detector of faces, with five landmarks on each."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its weights."""

    def find(self, picture: NDArray[np.uint8]) -> Sequence[Detection]:
        """Return the faces in a picture, (H, W, 3) RGB, in its pixels, with scores from 0 to 1; may be threaded."""
