"""A clip as a photograph of everybody in it: what a collection keeps."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from faceloupe.errors import InputError, UnavailableError, extra
from faceloupe.faces.pixels import as_floats, to_square
from faceloupe.recognition.align import align
from faceloupe.recognition.chips import CHIP_SIDE, FaceChip
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.photographs import Photograph, PhotoProblem
from faceloupe.video.frames import open_clip
from faceloupe.video.identify import CLIP_SEARCH, identify_clip
from faceloupe.video.thresholds import track_point
from faceloupe.video.tracks import Seen

NOTHING, NOWHERE = np.zeros((0, 0, 3), dtype=np.float32), np.zeros((2, 3))
"""Image and transform of a chip whose pixels nobody asked for."""


def photograph_of_clip(
    path: Path, sha256: str, embedder: Embedder, *, detector: Detector | None = None, pixels: bool = True
) -> Photograph:
    """Return the best face of each person in a clip, as the faces of a photograph.

    A template is that of the one best frame, not pooled, so that it compares as others do. Faces that are too poor to
    say who they are, and whether they are somebody else, come too.

    Parameters
    ----------
    path : Path
    sha256 : str
        Hash of the file's bytes.
    embedder : Embedder
    detector : Detector, optional
        By default YuNet.
    pixels : bool
        Cut the faces out of their frames again; otherwise chips come without their images, and the clip is read once.

    Returns
    -------
    Photograph
        With a problem if the clip cannot be read. Where PyAV or a threshold for the embedder is missing, it bears no
        hash: that is not a property of the clip, and nobody should keep it.
    """
    try:
        with extra("video"):
            import av  # noqa: F401
        track_point(embedder, 1)
    except (UnavailableError, InputError) as missing:
        return _unreadable(path, "", str(missing))
    try:
        clip = identify_clip(path, embedder=embedder, faces=replace(CLIP_SEARCH, detector=detector))
        tracks = [person.deciding.track for person in clip.people] + [each.track for each in clip.unclear]
        size, chips = _cut(path, [track.face for track in tracks], pixels=pixels)
    except InputError as problem:
        return _unreadable(path, sha256, str(problem).removeprefix(f"{path}: "))
    except OSError as problem:  # it is gone since it was listed, or the disk fails
        return _unreadable(path, "", problem.strerror or str(problem))
    return Photograph(path, sha256, size, chips, tuple(track.face.template for track in tracks))


def _unreadable(path: Path, sha256: str, reason: str) -> Photograph:
    return Photograph(path, sha256, (0, 0), (), (), PhotoProblem("unreadable", reason))


def _cut(path: Path, faces: list[Seen], *, pixels: bool) -> tuple[tuple[int, int], tuple[FaceChip, ...]]:
    """Return the size of the frames, and each face, its image (112, 112, 3) if that is asked for."""
    with open_clip(path) as clip:
        first = next(clip.frames(), None)
    height, width = (0, 0) if first is None else first.image.shape[:2]
    return (width, height), tuple(
        _chip(path, face) if pixels else FaceChip(NOTHING, face.detection, NOWHERE) for face in faces
    )


def _chip(path: Path, face: Seen) -> FaceChip:
    """Return a face cut out of its frame; where that cannot be found again, as it was seen, enlarged."""
    with open_clip(path) as clip:
        frame = next(clip.frames(start=face.time), None)
    if frame is not None and frame.time == face.time:
        return align(frame.image, face.detection)
    return FaceChip(to_square(as_floats(face.picture), CHIP_SIDE), face.detection, NOWHERE)
