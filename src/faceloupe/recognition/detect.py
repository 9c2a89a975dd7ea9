"""Detection of the faces in a photograph: a box, five landmarks and a score for each."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

from faceloupe.errors import InputError
from faceloupe.faces.pixels import Samples
from faceloupe.recognition.detections import Box, Detection, Detector
from faceloupe.recognition.pictures import check_image, check_values, closer, tilt_of, turned, whole
from faceloupe.recognition.search import DETECTION_SIDE, Faces, FaceSearch
from faceloupe.recognition.yunet import YuNet

__all__ = ["candidates", "detect"]

_SURE = 0.905  # from this score on a face is where it was found, and about as upright as the copy
_SURE_OF_TURN = 0.92  # in a turned copy: from there on no other turn scores more
_LEVEL = (
    4.5  # degrees as drawn, which is less than there are: of faces tilted by 25, 95 % are drawn so, of upright ones 5 %
)
_SURE_IF_TURNED = 0.8
_IN_FAVOUR = 0.02  # of the upright look: by so much a turned one must score more
_TURNS = (180, 90, 270, 45, 315, 135, 225)  # the commonest first
_PART = 0.5  # of the smaller of two boxes; from there on it is the same face, or a part of it
_SMALL = 160  # pixels as a finer look shows a face; the first look finds those that are larger more surely
_COARSE = 100  # pixels as a look shows a face of a shrunk photograph; below, its landmarks are worth another look
_CLOSER = 3  # looks at a face alone, at most


def detect(image: Samples, faces: Faces = "all") -> tuple[Detection, ...]:
    """Find the faces in a photograph.

    The detector is YuNet, unless the search names another. A photograph whose longer side exceeds those of the search
    is shrunk for it, and what it finds is mapped back.

    Where no face scores 0.905 turned copies are looked at too, until one shows a face of 0.92 that is level: by 180,
    90 and 270 degrees, then by 45 and its like. A face that stands on its head has level eyes, as the detector draws
    them, but scores less. A turned face counts from 0.8 on, and takes the place of an upright one that scores less than
    0.02 more.

    A face that is turned or tilted, and one that the shrunk photograph shows smaller than 100 pixels, is looked at once
    more alone, turned upright by its landmarks and about 140 pixels wide, where the landmarks are drawn more precisely.
    ``benchmarks/turned.py`` and ``benchmarks/small_faces.py`` measure what that costs and saves.

    Parameters
    ----------
    image : array of float32 or uint8, (H, W) or (H, W, 3)
        Grey or RGB, upright, as :func:`faceloupe.faces.read_image` returns it: floats in [0, 1], or bytes.
    faces : {"all", "one", "central"} or FaceSearch
        Settings of the search. All faces that count are returned, even where one is meant.

    Returns
    -------
    tuple of Detection
        The highest score first; empty if there is none.

    Raises
    ------
    InputError
        If `image` is not as described, or there is no such detector.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    search = FaceSearch.of(faces)
    detector = search.detector or YuNet()
    longer = max(np.shape(image)[:2], default=0)

    def looked(side: int, found: Iterable[Detection]) -> list[Detection]:
        """Return the faces that count, looked at closer where a look of that side shows them small."""
        counting = [face for face in found if face.score >= search.min_score and face.size >= search.min_size]
        shrunk = longer / side
        return [
            _closer(image, face, detector) if shrunk > 1 and face.size < _COARSE * shrunk else face for face in counting
        ]

    chosen = looked(search.sides[0], _first_look(image, search, detector))
    for coarser, side in pairwise(search.sides):
        if longer > coarser and (search.which == "all" or not chosen):
            largest = _SMALL * max(1.0, longer / side)
            small = [face for face in candidates(image, max_side=side, detector=detector) if face.size <= largest]
            chosen += looked(side, (face for face in small if not _is_among(face, chosen)))
    return tuple(sorted(chosen, key=lambda face: face.score, reverse=True))


def candidates(
    image: Samples, *, max_side: int = DETECTION_SIDE, detector: Detector | None = None
) -> tuple[Detection, ...]:
    """Return everything that may be a face, scores from 0.1, the highest first: :func:`detect` before it chooses.

    Raises
    ------
    InputError
        If `image` is not as :func:`detect` describes it, or `max_side` is below 32.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    (found,) = _looks(image, max_side, (0,), detector or YuNet())
    return found


def _first_look(image: Samples, search: FaceSearch, detector: Detector) -> tuple[Detection, ...]:
    """Return what a photograph shows as it is or, where no face is sure, turned."""
    side = search.sides[0]
    upright = candidates(image, max_side=side, detector=detector)
    if not search.turned:
        return upright
    faces = tuple(face for face in upright if face.score >= search.min_score)
    if all(face.score < _SURE for face in upright):
        faces = _surest(faces, _turned(image, side, detector))
    return tuple(_closer(image, face, detector) if _is_tilted(face) else face for face in faces)


def _turned(image: Samples, max_side: int, detector: Detector) -> list[Detection]:
    """Return the faces in turned copies, up to the first copy that shows one that is sure."""
    found: list[Detection] = []
    for faces in _looks(image, max_side, _TURNS, detector):
        found += [face for face in faces if face.score >= _SURE_IF_TURNED]
        if any(face.score >= _SURE_OF_TURN and abs(_tilt(face)) <= _LEVEL for face in faces):
            break
    return found


def _is_tilted(face: Detection) -> bool:
    """Return whether a face was found turned, or lies aslant by its landmarks."""
    return face.turn != 0 or abs(_tilt(face)) > _LEVEL


def _tilt(face: Detection) -> float:
    """Return by how many degrees a face is turned clockwise in the copy in which it was found, by all its landmarks."""
    tilt = tilt_of(face) - face.turn
    return (tilt + 180) % 360 - 180


def _closer(image: Samples, face: Detection, detector: Detector) -> Detection:
    """Return a face as it is found in a picture of it alone, upright; as it was if it is not found there as surely."""
    for _ in range(_CLOSER):
        view = closer(image, face)
        found = map(view.in_photograph, detector.find(view.pixels))
        same = [other for other in found if _share(other.box, face.box) >= _PART]
        best = max(same, key=lambda other: other.score, default=None)
        if best is None or best.score < min(face.score, _SURE_IF_TURNED):
            return face
        face = best
        if abs(_tilt(face)) <= _LEVEL:
            return face
    return face


def _surest(upright: Iterable[Detection], turned: Iterable[Detection]) -> tuple[Detection, ...]:
    """Return one face for each place: the one that scores most, with something in favour of the upright one."""
    found: list[Detection] = []
    for face in sorted([*upright, *turned], key=lambda face: -face.score - (0 if face.turn else _IN_FAVOUR)):
        if not _is_among(face, found):
            found.append(face)
    return tuple(found)


def _looks(image: Samples, max_side: int, turns: Iterable[int], detector: Detector) -> Iterator[tuple[Detection, ...]]:
    """Yield what the detector finds in copies of a picture that are turned counter-clockwise."""
    check_image(image)
    check_values(image)
    if max_side < 32:
        raise InputError(f"max_side: expected at least 32 pixels, got {max_side}")
    shown = whole(image, max_side)
    for turn in turns:
        view = turned(shown, turn)
        yield tuple(map(view.in_photograph, detector.find(view.pixels)))


def _is_among(face: Detection, others: Iterable[Detection]) -> bool:
    return any(_share(face.box, other.box) >= _PART for other in others)


def _share(one: Box, other: Box) -> float:
    """Return how much of the smaller of two boxes both cover, from 0 to 1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height) / min(one.width * one.height, other.width * other.height)
