"""Where the faces in a photograph are: a box, five landmarks and a score for each."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, UnavailableError
from faceloupe.faces.pixels import Samples
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.openings import forget_in_children
from faceloupe.recognition.search import DETECTION_SIDE, FAINT, Faces, FaceSearch
from faceloupe.recognition.weights import YUNET, read_weights

if TYPE_CHECKING:
    from cv2 import FaceDetectorYN

__all__ = [
    "candidates",
    "detect",
]

Floats = NDArray[np.float32]

_SURE = 0.9  # from this score on a face is where it was found, and as upright as the copy if its eyes are level
_LEVEL = 10.0  # degrees, about 25 of tilt: the detector draws less than there is
_STEPS = (20, 10)  # degrees by which a copy is turned further to level a face
_STEP_PAYS = 0.006  # of score: around the true turn it hardly changes
_SURE_IF_TURNED = 0.8
_IN_FAVOUR = 0.02  # of the upright look: by so much a turned one must score more
_TURNS = (180, 90, 270, 45, 315, 135, 225)  # the commonest first
_OVERLAP = 0.3  # intersection over union from which two boxes are one face
_PART = 0.5  # of the smaller of two boxes; from there on it is the same face, or a part of it
_SMALL = 160  # pixels as a finer look shows a face; the first look finds those that are larger more surely


def detect(image: Samples, faces: Faces = "all") -> tuple[Detection, ...]:
    """Find the faces in a photograph.

    The detector is YuNet [1]_ as OpenCV runs it. A photograph whose longer side exceeds those of the search is shrunk
    for it, and what it finds is mapped back.

    Where no face is sure, with a score of 0.9 and eyes that are level within 10 degrees, turned copies are looked at
    too, until one has such a face: by 180, 90 and 270 degrees, then by 45 and its like. A face that stands on its head
    has level eyes, as the detector draws them, but scores less than 0.9. A turned face counts from 0.8 on, and takes
    the place of an upright one that scores less than 0.02 more. For a face that is turned or tilted the copy is then
    turned by 20 and 10 degrees either way, and kept where the face scores most. Of the photographs of LFW View 1 test
    0.8 % are looked at again; ``benchmarks/turned.py`` measures what that costs and saves.

    Parameters
    ----------
    image : array of float32 or uint8, (H, W) or (H, W, 3)
        Grey or RGB, upright, as :func:`faceloupe.faces.read_image` returns it: floats in [0, 1], or bytes.
    faces : {"all", "one", "central"} or FaceSearch
        How to look for faces. All that count are returned, even where one is meant.

    Returns
    -------
    tuple of Detection
        The highest score first; empty if there is none.

    Raises
    ------
    InputError
        If `image` is not as described.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.

    References
    ----------
    .. [1] W. Wu, H. Peng and S. Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research,
       2023, doi:10.1007/s11633-023-1423-y.
    """
    search = FaceSearch.of(faces)
    longer = max(np.shape(image)[:2], default=0)

    def counting(faces: Iterable[Detection]) -> list[Detection]:
        return [face for face in faces if face.score >= search.min_score and face.size >= search.min_size]

    def seen(side: int) -> list[Detection]:
        return counting(candidates(image, max_side=side))

    upright = candidates(image, max_side=search.sides[0])
    if search.turned and not any(map(_is_sure, upright)):
        doubtful = [face for face in upright if face.score >= search.min_score]
        seen_best = _surest(doubtful, _turned(image, search.sides[0], doubtful))
        upright = tuple(_levelled(image, search.sides[0], face) if _is_tilted(face) else face for face in seen_best)
    chosen = counting(upright)
    for coarser, side in pairwise(search.sides):
        if longer > coarser:
            largest = _SMALL * max(1.0, longer / side)
            small = [face for face in seen(side) if face.size <= largest]
            chosen += [face for face in small if not any(_share(face.box, other.box) >= _PART for other in chosen)]
    return tuple(sorted(chosen, key=lambda face: face.score, reverse=True))


def candidates(image: Samples, *, max_side: int = DETECTION_SIDE) -> tuple[Detection, ...]:
    """Return everything that may be a face, scores from 0.1, the highest first: :func:`detect` before it chooses.

    Raises
    ------
    InputError
        If `image` is not as :func:`detect` describes it, or `max_side` is below 32.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    (found,) = _looks(image, max_side, (0,))
    return found


def _turned(image: Samples, max_side: int, upright: Sequence[Detection]) -> list[Detection]:
    """Return the faces in turned copies, up to the first copy that shows one that is sure."""
    sure: list[Detection] = []
    if any(face.score >= _SURE for face in upright):
        return sure  # it is tilted only
    for faces in _looks(image, max_side, _TURNS):
        sure += [face for face in faces if face.score >= _SURE_IF_TURNED]
        if any(map(_is_sure, faces)):
            break
    return sure


def _is_sure(face: Detection) -> bool:
    return face.score >= _SURE and abs(_roll(face)) <= _LEVEL


def _is_tilted(face: Detection) -> bool:
    """Return whether a face was found turned, or its eyes are not level; one that is only faint stays as it is."""
    return face.turn != 0 or abs(_roll(face)) > _LEVEL


def _roll(face: Detection) -> float:
    """Return by how many degrees the line of the eyes is turned clockwise in the copy in which a face was found."""
    right, left = face.landmarks.right_eye, face.landmarks.left_eye
    roll = np.rad2deg(np.arctan2(left.y - right.y, left.x - right.x)) - face.turn
    return float((roll + 180) % 360 - 180)


def _levelled(image: Samples, max_side: int, face: Detection) -> Detection:
    """Return a face as it is found in the copy, turned a little further either way, in which it scores most."""
    for step in _STEPS:
        for turn in ((face.turn - step) % 360, (face.turn + step) % 360):
            (found,) = _looks(image, max_side, (turn,))
            same = (other for other in found if _share(other.box, face.box) >= _PART)
            best = max(same, key=lambda other: other.score, default=face)
            face = best if best.score > face.score + _STEP_PAYS else face
    return face


def _surest(upright: list[Detection], turned: list[Detection]) -> tuple[Detection, ...]:
    """Return one face for each place: the one that scores most, with something in favour of the upright one."""
    found: list[Detection] = []
    for face in sorted([*upright, *turned], key=lambda face: -face.score - (0 if face.turn else _IN_FAVOUR)):
        if not any(_share(face.box, other.box) >= _PART for other in found):
            found.append(face)
    return tuple(found)


def _looks(image: Samples, max_side: int, turns: Iterable[int]) -> Iterator[tuple[Detection, ...]]:
    """Yield what the detector finds in copies of a picture that are turned counter-clockwise."""
    check_image(image)
    low, high = (image.min(), image.max()) if image.dtype == np.float32 else (0, 1)
    if not (low >= 0 and high <= 1):  # NaN fails both
        raise InputError(f"image: expected values in [0, 1], got {low:g} to {high:g}")
    if max_side < 32:
        raise InputError(f"max_side: expected at least 32 pixels, got {max_side}")
    with _detector() as detector:
        shown, scale = _as_shown(image, max_side)
        for turn in turns:
            copy, back = _turned_copy(shown, turn) if turn else (shown, np.eye(2, 3))
            detector.setInputSize((copy.shape[1], copy.shape[0]))
            rows = detector.detect(copy)[1]
            yield () if rows is None else tuple(_detection(row, back, scale, turn) for row in rows)


def _turned_copy(shown: NDArray[np.uint8], turn: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a picture turned counter-clockwise, whole, and what takes (x, y, 1) in it back, (2, 3)."""
    import cv2

    height, width = shown.shape[:2]
    cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    onto = np.array([[cosine, sine], [-sine, cosine]])
    size = np.ceil(np.abs(onto) @ (width, height) - 1e-9).astype(int)
    middle, new_middle = np.array([width - 1, height - 1]) / 2, (size - 1) / 2
    there = np.column_stack([onto, new_middle - onto @ middle])
    copy: NDArray[Any] = cv2.warpAffine(shown, there, size.tolist(), flags=cv2.INTER_LINEAR)
    return copy, np.column_stack([onto.T, middle - onto.T @ new_middle])


def _share(one: Box, other: Box) -> float:
    """Return how much of the smaller of two boxes both cover, from 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height) / min(one.width * one.height, other.width * other.height)


def check_image(image: Samples) -> None:
    """Let an image through without going over its pixels.

    Raises
    ------
    InputError
        If it is not float32 or uint8, (H, W) or (H, W, 3).
    """
    if not isinstance(image, np.ndarray) or image.dtype not in (np.float32, np.uint8):
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"image: expected an array of float32 in [0, 1] or of uint8, got {kind}")
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or not image.size:
        raise InputError(f"image: expected (H, W) or (H, W, 3), got {image.shape}")


def _as_shown(image: Samples, max_side: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return what the detector looks at, (H, W, 3) bytes in the order BGR, and its scale (x, y): photograph / shown."""
    import cv2

    height, width = image.shape[:2]
    shrink = min(1.0, max_side / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    samples: NDArray[Any] = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    if samples.dtype == np.float32:
        samples = np.rint(samples * np.float32(255)).astype(np.uint8)
    shown: NDArray[Any] = cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR)
    return shown, np.array([width, height]) / size


def _detection(row: Floats, back: NDArray[np.float64], scale: NDArray[np.float64], turn: int) -> Detection:
    """Return a face where it is in the photograph; the box of a turned one is the upright rectangle around it."""
    corner, extent, *points = row[:14].astype(np.float64).reshape(7, 2)
    middle, *landmarks = (back[:, :2] @ point + back[:, 2] for point in (corner + extent / 2, *points))
    extent = np.abs(back[:, :2]) @ extent
    return Detection(
        Box(*((middle - extent / 2) * scale).tolist(), *(extent * scale).tolist()),
        Landmarks(*(Point(*(point * scale).tolist()) for point in landmarks)),
        float(min(row[14], 1.0)),
        turn,
    )


_idle: "list[FaceDetectorYN]" = []
_opening = Lock()  # how much OpenCV says is set for the whole process


def _forget() -> None:
    global _opening
    _opening = Lock()
    _idle.clear()


forget_in_children(_forget)


@contextmanager
def _detector() -> "Iterator[FaceDetectorYN]":
    """Lend a detector that no other thread uses: it holds the size of the picture that it looks at."""
    try:
        detector = _idle.pop()
    except IndexError:
        detector = _open()
    try:
        yield detector
    finally:
        _idle.append(detector)


def _open() -> "FaceDetectorYN":
    try:
        import cv2
    except ImportError as error:
        raise UnavailableError(f"Finding faces needs {error.name}: pip install faceloupe[recognition]") from error
    if not hasattr(cv2, "FaceDetectorYN"):
        raise UnavailableError(
            f"The cv2 that is imported is OpenCV {getattr(cv2, '__version__', '?')} from {cv2.__file__}, which finds "
            "no faces; 4.10 or later is needed. pip uninstall opencv-python opencv-contrib-python, and then pip "
            "install --force-reinstall opencv-python-headless"
        )
    content = np.frombuffer(read_weights(YUNET), np.uint8)
    with _opening, _errors_only(cv2):
        return cv2.FaceDetectorYN.create("onnx", content, np.empty(0, np.uint8), (320, 320), FAINT, _OVERLAP)


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
