"""Pictures as a detector sees them: a photograph shrunk, turned, or cut down to one face; and the way back."""

from cmath import phase
from collections.abc import Callable
from dataclasses import dataclass
from math import degrees
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, extra
from faceloupe.faces.pixels import Samples
from faceloupe.recognition.chips import REFERENCE_POINTS
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.geometry import similarity

Pixels = NDArray[np.uint8]
Transform = NDArray[np.float64]


class Close(NamedTuple):
    """The side of a square picture of one face alone, and the width of the face in it, both in pixels."""

    side: int
    face: int


EXACT, QUICK, GLANCE = Close(256, 140), Close(160, 68), Close(96, 53)
"""Measured on 60 LFW faces turned at random: landmarks lie 2.0 (EXACT) and 2.3 (QUICK) pixels of the chip from the mean
of many looks, in two steps; 1.4 where the mirror image is seen EXACT too; 2.7 upright, where 95 pixels are seen."""

_MIDDLE = sum(complex(*point) for point in REFERENCE_POINTS) / len(REFERENCE_POINTS)
_UPRIGHT = [complex(*point) - _MIDDLE for point in REFERENCE_POINTS]

CHIP_FACE = 85  # pixels that a face is wide in its chip, about


class LazyPixels:
    """The pixels of a photograph, decoded at a reduced size at first and in full once more are needed.

    Parameters
    ----------
    samples : array of float32 or uint8, (H, W) or (H, W, 3)
        Grey or RGB, upright: floats in [0, 1], or bytes.
    size : (int, int), optional
        Width and height of the photograph, if it is larger.
    reduction : int
        Pixels of the photograph, across and down, that became one.
    decode : callable, optional
        Returns the photograph in its size; raises an ImageError if it cannot be read.

    Attributes
    ----------
    size : (int, int)
        Width and height of the photograph.

    Raises
    ------
    InputError
        If `samples` are not as described.
    """

    __slots__ = ("_decode", "_reduction", "_samples", "size")

    def __init__(
        self,
        samples: Samples,
        size: tuple[int, int] | None = None,
        reduction: int = 1,
        decode: Callable[[], Samples] | None = None,
    ) -> None:
        _check_image(samples)
        self.size = size or (samples.shape[1], samples.shape[0])
        self._samples, self._reduction, self._decode = samples, reduction, decode

    @classmethod
    def of(cls, image: "Samples | LazyPixels") -> "LazyPixels":
        """Return the pixels of an array; pixels as they are."""
        return image if isinstance(image, LazyPixels) else cls(image)

    def at(self, scale: float) -> tuple[Samples, Transform]:
        """Return pixels that suffice for a picture at a scale, and the transform of places in them to the photograph.

        Parameters
        ----------
        scale : float
            Pixels of the picture for each of the photograph.
        """
        if self._decode is not None and scale * self._reduction > 1:
            self._samples, self._reduction, self._decode = self._decode(), 1, None
        middle = (self._reduction - 1) / 2  # of the pixels that became one
        return self._samples, np.array([[self._reduction, 0.0, middle], [0.0, self._reduction, middle]])


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The view of a photograph that a detector is shown.

    Attributes
    ----------
    pixels : array of uint8, (H, W, 3)
        RGB.
    back : array of float64, (2, 3)
        Takes (x, y, 1) in it to (x, y) in the photograph.
    turn : float
        Degrees by which it is turned counter-clockwise.
    """

    pixels: Pixels
    back: Transform
    turn: float = 0.0

    def in_photograph(self, face: Detection) -> Detection:
        """Return a face found here as it is in the photograph; the box of a turned one is the rectangle around it."""
        x, y, width, height = face.box
        linear = self.back[:, :2]
        points = ((x + width / 2, y + height / 2), *face.landmarks)
        middle, *landmarks = (linear @ point + self.back[:, 2] for point in points)
        extent = np.abs(linear) @ (width, height)
        return Detection(
            Box(*(middle - extent / 2).tolist(), *extent.tolist()),
            Landmarks(*(Point(*point.tolist()) for point in landmarks)),
            face.score,
            round(self.turn) % 360,
        )


def _check_image(image: Samples) -> None:
    """Check an image without going over its pixels."""
    if not isinstance(image, np.ndarray) or image.dtype not in (np.float32, np.uint8):
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"image: expected an array of float32 in [0, 1] or of uint8, got {kind}")
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or not image.size:
        raise InputError(f"image: expected (H, W) or (H, W, 3), got {image.shape}")


def check_values(photograph: LazyPixels) -> None:
    """Check that a photograph's floats are in [0, 1].

    Raises
    ------
    InputError
        If they are not.
    """
    image = photograph.at(0.0)[0]
    low, high = (image.min(), image.max()) if image.dtype == np.float32 else (0, 1)
    if not (low >= 0 and high <= 1):  # NaN fails both
        raise InputError(f"image: expected values in [0, 1], got {low:g} to {high:g}")


def whole(photograph: LazyPixels, max_side: int) -> View:
    """Return a photograph, shrunk if its longer side exceeds `max_side`."""
    with extra("recognition"):
        import cv2

    width, height = photograph.size
    shrink = min(1.0, max_side / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    samples, in_photograph = photograph.at(shrink)
    extent = scale_of(in_photograph) * np.array(samples.shape[1::-1])  # the last pixels of a reduced one may lie beyond
    small: NDArray[Any] = cv2.resize(samples, size, interpolation=cv2.INTER_AREA) if shrink < 1 else samples
    return View(_in_colour(small), np.column_stack([np.diag(extent / size), (0.0, 0.0)]))


def turned(view: View, turn: int) -> View:
    """Return a view turned further counter-clockwise, whole, its new corners black."""
    import cv2

    if turn == 0:
        return view
    height, width = view.pixels.shape[:2]
    rotation = _rotation(turn)
    size = np.ceil(np.abs(rotation) @ (width, height) - 1e-9).astype(int)
    middle, new_middle = np.array([width - 1, height - 1]) / 2, (size - 1) / 2
    transform = np.column_stack([rotation, new_middle - rotation @ middle])
    pixels: NDArray[Any] = cv2.warpAffine(view.pixels, transform, size.tolist(), flags=cv2.INTER_LINEAR)
    back = np.column_stack([rotation.T, middle - rotation.T @ new_middle])
    return View(pixels, after(view.back, back), view.turn + turn)


def mirrored(view: View) -> View:
    """Return a view with left and right exchanged."""
    mirroring = np.array([[-1.0, 0.0, view.pixels.shape[1] - 1], [0.0, 1.0, 0.0]])
    return View(np.ascontiguousarray(view.pixels[:, ::-1]), after(view.back, mirroring), view.turn)


def tilt_of(face: Detection) -> float:
    """Return by how many degrees a face is turned clockwise in the photograph, by its five landmarks together."""
    points = [complex(*point) for point in face.landmarks]
    middle = sum(points) / len(points)
    upright = sum((point - middle).conjugate() * target for point, target in zip(points, _UPRIGHT, strict=True))
    return -degrees(phase(upright))  # as `similarity` turns them, without the cost of arrays


def scale_of(transform: Transform) -> float:
    """Return by how much a transform enlarges what it turns and moves."""
    return float(np.sqrt(np.linalg.det(transform[:, :2])))


def closer(photograph: LazyPixels, face: Detection, how: Close, turn: float = 0.0) -> View:
    """Return a picture of one face alone, turned upright by its five landmarks, and then further counter-clockwise."""
    import cv2

    points, side = np.array(face.landmarks), how.side
    linear = _rotation(turn) @ similarity(points, REFERENCE_POINTS)[:, :2] * (how.face / CHIP_FACE)
    middle = np.full(2, (side - 1) / 2)
    onto = np.column_stack([linear, middle - linear @ points.mean(axis=0)])
    image, in_photograph = photograph.at(scale_of(onto))
    small, transform = _shrunk(image, after(onto, in_photograph), side)
    pixels = cv2.warpAffine(_in_colour(small), transform, (side, side), flags=cv2.INTER_LINEAR)
    inverse = np.linalg.inv(linear)
    back = np.column_stack([inverse, -inverse @ onto[:, 2]])
    return View(np.asarray(pixels, dtype=np.uint8), back, tilt_of(face) + turn)


def _shrunk(image: Samples, onto: Transform, side: int) -> tuple[Samples, Transform]:
    """Return the part of a photograph that a transform shows, shrunk by averaging, and the rest of the transform."""
    import cv2

    inverse, end = np.linalg.inv(onto[:, :2]), side - 1
    scale = min(1.0, scale_of(onto))
    corners = (np.array([(0, 0), (end, 0), (0, end), (end, end)]) - onto[:, 2]) @ inverse.T
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, np.array(image.shape[1::-1]) - 1)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, (left + 1, top + 1), image.shape[1::-1])
    part = image[top:bottom, left:right]
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    small: NDArray[Any] = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if scale < 1 else part
    enlarge = np.array([right - left, bottom - top]) / np.array(small.shape[1::-1])
    # The middle of a pixel at (x, y) of the small one lies at ((x, y) + 0.5) * enlarge - 0.5 + (left, top).
    to_photograph = np.column_stack([np.diag(enlarge), (enlarge - 1) / 2 + (left, top)])
    return small, after(onto, to_photograph)


def after(second: Transform, first: Transform) -> Transform:
    """Return one transform after another, both (2, 3)."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def _rotation(turn: float) -> NDArray[np.float64]:
    """Return the matrix that turns (x, y) counter-clockwise by degrees, as seen on a screen."""
    cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    return np.array([[cosine, sine], [-sine, cosine]])


def _in_colour(samples: Samples) -> Pixels:
    """Return RGB in bytes, (H, W, 3)."""
    if samples.dtype == np.float32:
        samples = np.rint(samples * np.float32(255)).astype(np.uint8)
    colour = np.repeat(samples[..., np.newaxis], 3, axis=2) if samples.ndim == 2 else samples
    return np.asarray(colour, dtype=np.uint8)
