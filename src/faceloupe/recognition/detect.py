"""Detection of the faces in a photograph: a box, five landmarks and a score for each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from faceloupe.errors import InputError
from faceloupe.faces.pixels import Samples
from faceloupe.recognition.detections import Box, Detection, Detector, Landmarks, Point
from faceloupe.recognition.pictures import (
    EXACT,
    GLANCE,
    QUICK,
    LazyPixels,
    View,
    check_values,
    closer,
    mirrored,
    tilt_of,
    turned,
    whole,
)
from faceloupe.recognition.search import DETECTION_SIDE, Faces, FaceSearch
from faceloupe.recognition.yunet import YuNet, detector_in_words

_SURE = 0.905  # from this score on a face is where it was found, and about as upright as the copy
_SURE_OF_TURN = 0.92  # in a turned copy: from there on no other turn scores more
_LEVEL = 4.5  # degrees as drawn, which is less than there are: a face tilted by 20 is drawn so by 8, in the median
_SURE_IF_TURNED = 0.8
_IN_FAVOUR = 0.02  # of the upright look: by so much a turned one must score more
_TURNS = (180, 90, 270, 45, 315, 135, 225)  # the commonest first
_OVERLAP = 0.5  # of the smaller of two boxes; from there on it is the same face, or a part of it
_SMALL = 160  # pixels as a finer look shows a face; the first look finds those that are larger more surely
_COARSE = 60  # pixels as a look shows a face of a shrunk photograph; above, no other look draws its landmarks better
_TURNED = 12  # degrees as drawn; from there on a face is looked at as closely as can be
_LEVEL_IF_TURNED = 2.5  # degrees as drawn, of a face that is looked at so
_CLOSER = 5  # looks at a face alone, at most


def detect(image: Samples | LazyPixels, faces: Faces = "all") -> tuple[Detection, ...]:
    """Find the faces in a photograph.

    The detector is YuNet, unless the search names another. A photograph whose longer side exceeds those of the search
    is shrunk for it, and what it finds is mapped back.

    Where no face scores 0.905, turned copies are looked at too. If one scores 0.8, small pictures of it alone tell
    first whether it is the right way up. If it is not, the photograph is turned as they say, and otherwise by 180, 90
    and 270 degrees, then by 45 and its like, until a copy shows a face of 0.92 that is level. A face that stands on
    its head has level eyes, as the detector draws them, but scores less. A turned face counts from 0.8 on, and takes
    the place of an upright one that scores less than 0.02 more.

    Some faces are looked at once more alone, turned upright by their landmarks, where these are drawn more precisely:
    those that are turned, those drawn aslant by more than a sure face is, and those that the shrunk photograph shows
    smaller than 60 pixels. Faces turned by more than 12 degrees are looked at mirrored too, and their landmarks are the
    mean of both. Where one face is meant, only the one that can be it is looked at again.
    ``benchmarks/turned.py`` and ``benchmarks/small_faces.py`` measure what that costs and saves.

    Parameters
    ----------
    image : array of float32 or uint8, (H, W) or (H, W, 3), or LazyPixels
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
    photograph = LazyPixels.of(image)
    longer = max(photograph.size)

    def select(side: int, detections: Iterable[Detection]) -> list[Detection]:
        """Return the detections that count; those that are meant are looked at closer where that helps."""
        counting = [face for face in detections if face.score >= search.min_score and face.size >= search.min_size]
        imprecise = [
            face
            for face in _meant(counting, search, photograph.size)
            if (longer > side and face.size < _COARSE * longer / side) or (search.turned and _is_tilted(face))
        ]
        return [_refined(photograph, face, detector) if face in imprecise else face for face in counting]

    selected = select(search.sides[0], _first_look(photograph, search, detector))
    for coarser, side in pairwise(search.sides):
        if longer > coarser and (search.which == "all" or not selected):
            largest = _SMALL * max(1.0, longer / side)
            small = [face for face in candidates(photograph, max_side=side, detector=detector) if face.size <= largest]
            selected += select(side, (face for face in small if not _is_among(face, selected)))
    name = detector_in_words(detector)
    return tuple(replace(face, detector=name) for face in sorted(selected, key=lambda face: face.score, reverse=True))


def candidates(
    image: Samples | LazyPixels, *, max_side: int = DETECTION_SIDE, detector: Detector | None = None
) -> tuple[Detection, ...]:
    """Return everything that may be a face, the highest score first, from 0.1 on: what :func:`detect` chooses from.

    Raises
    ------
    InputError
        If `image` is not as :func:`detect` describes it, or `max_side` is below 32.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    [detections] = _detect_turned(LazyPixels.of(image), max_side, (0,), detector or YuNet())
    return detections


def _first_look(photograph: LazyPixels, search: FaceSearch, detector: Detector) -> tuple[Detection, ...]:
    """Return the detections in a photograph as it is and, where no face is sure, in turned copies."""
    side = search.sides[0]
    upright = candidates(photograph, max_side=side, detector=detector)
    turns = _turns_to_try(photograph, upright, detector) if search.turned else ()
    if not turns:
        return upright
    counting = (face for face in upright if face.score >= search.min_score)
    return _surest(counting, _sure_if_turned(photograph, side, turns, detector))


def _turns_to_try(photograph: LazyPixels, upright: Iterable[Detection], detector: Detector) -> tuple[int, ...]:
    """Return the turns to try, in degrees; none if the surest face is the right way up."""
    best = max(upright, key=lambda face: face.score, default=None)
    if best is None or best.score < _SURE_IF_TURNED:
        return _TURNS

    def score(turn: int) -> float:
        view = closer(photograph, best, GLANCE, turn)
        return max((face.score for face in detector.find(view.pixels)), default=0.0)

    if best.score >= _SURE:
        return ()
    scores = {turn: score(turn) for turn in (0, 180)}
    if scores[0] < max(_SURE, scores[180]):
        scores |= {turn: score(turn) for turn in _TURNS[1:]}
    likeliest = max(scores, key=lambda turn: scores[turn])
    if scores[likeliest] <= scores[0] + _IN_FAVOUR:
        return ()
    return (round(tilt_of(best) + likeliest) % 360, *_TURNS)


def _sure_if_turned(photograph: LazyPixels, max_side: int, turns: Iterable[int], detector: Detector) -> list[Detection]:
    """Return the surer faces in turned copies, up to the first copy that shows a level one of _SURE_OF_TURN."""
    sure: list[Detection] = []
    for faces in _detect_turned(photograph, max_side, turns, detector):
        sure += [face for face in faces if face.score >= _SURE_IF_TURNED]
        if any(face.score >= _SURE_OF_TURN and abs(_tilt(face)) <= _LEVEL for face in faces):
            break
    return sure


def _meant(faces: Sequence[Detection], search: FaceSearch, size: tuple[int, int]) -> Sequence[Detection]:
    """Return the faces that are meant: all, or the only one that can be, see :class:`FaceSearch`."""
    if search.which == "all" or len(faces) < 2:
        return faces
    if search.which == "one":
        return [max(faces, key=lambda face: face.size)]  # none that is smaller can dominate
    width, height = size
    return [min(faces, key=lambda face: np.hypot(face.middle.x - width / 2, face.middle.y - height / 2))]


def _is_tilted(face: Detection) -> bool:
    """Return whether a face was found turned, or is tilted by more than upright ones of its score mostly are.

    Of 700 LFW photographs 2.4 % show one that is; of those turned by 20 degrees 72 %, by 25 to 35 degrees 90 to 96 %.
    """
    return face.turn != 0 or abs(_tilt(face)) > max(3.0, 3 + 150 * (face.score - 0.9))


def _tilt(face: Detection) -> float:
    """Return a face's clockwise tilt in degrees, by all its landmarks, in the copy in which it was found."""
    tilt = tilt_of(face) - face.turn
    return (tilt + 180) % 360 - 180


def _refined(photograph: LazyPixels, face: Detection, detector: Detector) -> Detection:
    """Return a face as a picture of it alone, upright, shows it; unchanged if it is not found there as surely."""
    is_turned = abs(tilt_of(face)) > _TURNED
    crop, level = (EXACT, _LEVEL_IF_TURNED) if is_turned else (QUICK, _LEVEL)
    for _ in range(_CLOSER):
        view = closer(photograph, face, crop)
        refined = _redetected(view, face, detector)
        if refined is None:
            return face
        face = refined
        if abs(_tilt(face)) <= level:
            break
    mirror_image = _redetected(mirrored(view), face, detector) if is_turned else None
    return _with_mean_landmarks(face, mirror_image) if mirror_image else face


def _redetected(view: View, face: Detection, detector: Detector) -> Detection | None:
    """Return a face as a picture of it shows it; None if it is not found there as surely."""
    detections = map(view.in_photograph, detector.find(view.pixels))
    overlapping = [detection for detection in detections if _overlap(detection.box, face.box) >= _OVERLAP]
    best = max(overlapping, key=lambda detection: detection.score, default=None)
    return None if best is None or best.score < min(face.score, _SURE_IF_TURNED) else best


def _with_mean_landmarks(face: Detection, mirror_image: Detection) -> Detection:
    """Return a face with the mean of its landmarks and those found in its mirror image, whose right is left."""
    right_eye, left_eye, nose, right_mouth, left_mouth = mirror_image.landmarks
    mean = np.array([face.landmarks, (left_eye, right_eye, nose, left_mouth, right_mouth)]).mean(axis=0)
    return replace(face, landmarks=Landmarks(*(Point(*point) for point in mean.tolist())))


def _surest(upright: Iterable[Detection], turned: Iterable[Detection]) -> tuple[Detection, ...]:
    """Return one face for each place, the one that scores most; upright ones are favoured by _IN_FAVOUR."""
    distinct: list[Detection] = []
    for face in sorted([*upright, *turned], key=lambda face: -face.score - (0 if face.turn else _IN_FAVOUR)):
        if not _is_among(face, distinct):
            distinct.append(face)
    return tuple(distinct)


def _detect_turned(
    photograph: LazyPixels, max_side: int, turns: Iterable[int], detector: Detector
) -> Iterator[tuple[Detection, ...]]:
    """Yield the detections in each copy of a photograph, turned counter-clockwise."""
    if max_side < 32:
        raise InputError(f"max_side: expected at least 32 pixels, got {max_side}")
    check_values(photograph)
    upright = whole(photograph, max_side)
    for turn in turns:
        view = turned(upright, turn)
        yield tuple(map(view.in_photograph, detector.find(view.pixels)))


def _is_among(face: Detection, detections: Iterable[Detection]) -> bool:
    return any(_overlap(face.box, detection.box) >= _OVERLAP for detection in detections)


def _overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share, as a share of the smaller one, from 0 to 1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0.0, width) * max(0.0, height) / min(a.width * a.height, b.width * b.height)
