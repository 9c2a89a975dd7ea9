"""A face turned upright, moved and scaled so that its landmarks lie where the embedder expects them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.faces.pixels import Samples, as_floats
from faceloupe.recognition.chips import CHIP_SIDE, REFERENCE_POINTS, FaceChip
from faceloupe.recognition.detect import check_image
from faceloupe.recognition.detections import Detection

__all__ = ["align", "similarity"]


def align(image: Samples, detection: Detection) -> FaceChip:
    """Cut a face out of a photograph so that its landmarks come as near to ``REFERENCE_POINTS`` as they can.

    Pixels between pixels are bilinear, as the embedder was trained. Apart from rounding to whole grey levels the chip
    equals that of OpenCV's ``FaceRecognizerSF.alignCrop``.

    Parameters
    ----------
    image : array of float32 or uint8, (H, W) or (H, W, 3)
        The photograph, grey or RGB: floats in [0, 1], or bytes.
    detection : Detection
        A face in it.

    Raises
    ------
    InputError
        If `image` is not as described, or the landmarks all lie in one place.
    """
    import cv2

    check_image(image)
    transform = similarity(np.array(detection.landmarks), REFERENCE_POINTS)
    left, top, right, bottom = _seen(transform, image.shape[1::-1])
    shifted = transform.copy()
    shifted[:, 2] += transform[:, :2] @ (left, top)
    face = as_floats(image[top:bottom, left:right])
    chip: NDArray[Any] = cv2.warpAffine(face, shifted, (CHIP_SIDE, CHIP_SIDE), flags=cv2.INTER_LINEAR)
    if chip.ndim == 2:
        chip = np.repeat(chip[..., np.newaxis], 3, axis=2)
    chip.flags.writeable = transform.flags.writeable = False
    return FaceChip(chip, detection, transform)


def _seen(transform: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what the chip shows of a photograph (width, height), at least one pixel."""
    end = CHIP_SIDE - 1
    corners = np.array([(0, 0), (end, 0), (0, end), (end, end)]) - transform[:, 2]
    places = np.linalg.solve(transform[:, :2], corners.T)
    first = np.clip(np.floor(places.min(axis=1)).astype(int) - 1, 0, np.array(size) - 1)
    last = np.clip(np.ceil(places.max(axis=1)).astype(int) + 2, first + 1, size)
    return (*first.tolist(), *last.tolist())


def similarity(points: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation, scale and shift that takes points nearest to their targets, in the least squares.

    Umeyama 1991, doi:10.1109/34.88573. Never a reflection.

    Parameters
    ----------
    points, targets : array, (N, 2)

    Returns
    -------
    array of float64, (2, 3)
        Takes (x, y, 1) to (x, y).

    Raises
    ------
    InputError
        If the points all lie in one place.
    """
    source, target = np.asarray(points, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_part, target_part = source - source_mean, target - target_mean
    spread = (source_part**2).sum()
    if not spread > 0:
        raise InputError("points: expected at least two different places, got one")
    left, singular, right = np.linalg.svd(target_part.T @ source_part)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left * signs @ right * (singular @ signs / spread)
    return np.column_stack([rotation, target_mean - rotation @ source_mean])
