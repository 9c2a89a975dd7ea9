"""YuNet, run by OpenCV: the detector that is used unless another is given."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import UnavailableError, extra
from faceloupe.recognition.detections import Box, Detection, Detector, Landmarks, Point
from faceloupe.recognition.openings import forget_in_children, forks_held_back
from faceloupe.recognition.pictures import EXACT, GLANCE, QUICK
from faceloupe.recognition.search import FAINT
from faceloupe.recognition.weights import YUNET, read_published

if TYPE_CHECKING:
    from cv2 import FaceDetectorYN

FACE_SIDES = (EXACT.side, QUICK.side, GLANCE.side)  # for such pictures there are detectors that keep that size
OVERLAP = 0.3  # intersection over union from which two boxes are one face


class YuNet:
    """The detector of the OpenCV model zoo [1]_, as OpenCV runs it on the processor.

    References
    ----------
    .. [1] W. Wu, H. Peng and S. Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research,
       2023, doi:10.1007/s11633-023-1423-y.
    """

    name, sha256 = YUNET.name, YUNET.sha256

    def find(self, picture: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return the faces in a picture, (H, W, 3) RGB, the highest score first, from 0.1 on.

        Raises
        ------
        UnavailableError
            If weights or packages are missing.
        """
        height, width = picture.shape[:2]
        with forks_held_back(), _lent(height if height == width in FACE_SIDES else None) as network:
            network.setInputSize((width, height))
            rows = network.detect(np.ascontiguousarray(picture[..., ::-1]))[1]  # it was trained on BGR
        return () if rows is None else tuple(map(_detection, _faces(rows, picture)))

    def __repr__(self) -> str:
        return "YuNet()"


def detector_in_words(detector: Detector | None) -> str:
    """Return the name of a detector, with the first eight digits of its hash if it is not YuNet, the usual one."""
    if detector is None or detector.sha256 == YuNet.sha256:
        return YuNet.name
    return f"{detector.name} {detector.sha256[:8]}"


def _faces(rows: NDArray[Any], picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Leave out what is not a face of the picture: in noise, YuNet finds boxes far outside and of no size."""
    sound: NDArray[np.float64] = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)
    x, y, width, height = sound[:, :4].T
    inside = (x < picture.shape[1]) & (y < picture.shape[0]) & (x + width > 0) & (y + height > 0)
    faces: NDArray[np.float64] = sound[inside & (width > 0) & (height > 0)]
    return faces


def _detection(row: NDArray[np.float64]) -> Detection:
    """Return a face of its 15 numbers: box, five landmarks, score."""
    x, y, width, height = row[:4].tolist()
    points = row[4:14].reshape(5, 2).tolist()
    return Detection(
        Box(x, y, width, height), Landmarks(*(Point(*point) for point in points)), float(min(row[14], 1.0))
    )


_idle: "defaultdict[int | None, list[FaceDetectorYN]]" = defaultdict(list)
_opening = Lock()  # how much OpenCV says is set for the whole process


def _forget() -> None:
    global _opening
    _opening = Lock()
    _idle.clear()


forget_in_children(_forget)


@contextmanager
def _lent(side: int | None) -> "Iterator[FaceDetectorYN]":
    """Lend a detector that no other thread uses: it holds the size of the picture that it looks at."""
    try:
        detector = _idle[side].pop()
    except IndexError:
        detector = _open()
    try:
        yield detector
    finally:
        _idle[side].append(detector)


def _open() -> "FaceDetectorYN":
    with extra("recognition"):
        import cv2
    if not hasattr(cv2, "FaceDetectorYN"):
        raise UnavailableError(
            f"The cv2 that is imported is OpenCV {getattr(cv2, '__version__', '?')} from {cv2.__file__}, which finds "
            "no faces; 4.10 or later is needed. pip uninstall opencv-python opencv-contrib-python, and then pip "
            "install --force-reinstall opencv-python-headless"
        )
    content = np.frombuffer(read_published(YUNET), np.uint8)
    with _opening, _errors_only(cv2):
        return cv2.FaceDetectorYN.create("onnx", content, np.empty(0, np.uint8), (320, 320), FAINT, OVERLAP)


@contextmanager
def _errors_only(cv2: Any) -> "Iterator[None]":
    """Keep OpenCV 5 from warning that it chooses the device itself; older ones neither warn nor have this module."""
    logging = getattr(cv2.utils, "logging", None)
    if logging is None:
        yield
        return
    level = logging.setLogLevel(logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        logging.setLogLevel(level)
