"""A face turned upright, moved and scaled so that its landmarks lie where the embedder expects them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.faces.pixels import Samples, as_floats
from faceloupe.recognition.chips import CHIP_SIDE, REFERENCE_POINTS, FaceChip
from faceloupe.recognition.detections import Detection
from faceloupe.recognition.geometry import similarity
from faceloupe.recognition.pictures import LazyPixels, after, scale_of

DETAIL = 1.5
"""How large a face is at least in the pixels from which its chip is cut, in faces of the chip."""


def align(image: Samples | LazyPixels, detection: Detection) -> FaceChip:
    """Cut a face out of a photograph so that its landmarks come as near to ``REFERENCE_POINTS`` as they can.

    Pixels between pixels are bilinear, as the embedder was trained. From an array the chip equals that
    of OpenCV's ``FaceRecognizerSF.alignCrop``, apart from rounding to whole grey levels; large faces of a JPEG that was
    decoded at a fraction of its size are cut from that.

    Parameters
    ----------
    image : array of float32 or uint8, (H, W) or (H, W, 3), or LazyPixels
        The photograph, grey or RGB: floats in [0, 1], or bytes.
    detection : Detection
        A face in it.

    Raises
    ------
    InputError
        If `image` is not as described, or the landmarks all lie in one place.
    """
    import cv2

    photograph = LazyPixels.of(image)
    transform = similarity(np.array(detection.landmarks), REFERENCE_POINTS)
    samples, in_photograph = photograph.at(DETAIL * scale_of(transform))
    onto = after(transform, in_photograph)
    left, top, right, bottom = _visible_area(onto, samples.shape[1::-1])
    onto[:, 2] += onto[:, :2] @ (left, top)
    face = as_floats(samples[top:bottom, left:right])
    chip: NDArray[Any] = cv2.warpAffine(face, onto, (CHIP_SIDE, CHIP_SIDE), flags=cv2.INTER_LINEAR)
    if chip.ndim == 2:
        chip = np.repeat(chip[..., np.newaxis], 3, axis=2)
    chip.flags.writeable = transform.flags.writeable = False
    return FaceChip(chip, detection, transform)


def _visible_area(transform: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the area of a photograph (width, height) that its chip shows: left, top, right, bottom; never empty."""
    end = CHIP_SIDE - 1
    corners = np.array([(0, 0), (end, 0), (0, end), (end, end)]) - transform[:, 2]
    places = np.linalg.solve(transform[:, :2], corners.T)
    first = np.clip(np.floor(places.min(axis=1)).astype(int) - 1, 0, np.array(size) - 1)
    last = np.clip(np.ceil(places.max(axis=1)).astype(int) + 2, first + 1, size)
    return (*first.tolist(), *last.tolist())
