"""A clip as a photograph of everybody in it: what a collection keeps."""

from pathlib import Path

from faceloupe.errors import InputError, UnavailableError, extra
from faceloupe.recognition.align import align
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.photographs import Photograph, PhotoProblem
from faceloupe.video.frames import open_clip
from faceloupe.video.identify import identify_clip
from faceloupe.video.thresholds import track_point
from faceloupe.video.tracks import Seen

__all__ = ["photograph_of_clip"]


def photograph_of_clip(path: Path, sha256: str, embedder: Embedder) -> Photograph:
    """Return the best face of each person in a clip, as the faces of a photograph.

    A template is that of the one best frame, not pooled, so that it compares as others do. Faces that are too poor to
    say who they are, and whether they are somebody else, come too.

    Parameters
    ----------
    path : Path
    sha256 : str
        Hash of the file's bytes.
    embedder : Embedder

    Returns
    -------
    Photograph
        With a problem if the clip cannot be read. Where PyAV or a threshold for the embedder is missing, it bears no
        hash: that is no property of the clip, and nobody should keep it.
    """
    try:
        with extra("video"):
            import av  # noqa: F401
        track_point(embedder, 1)
    except (UnavailableError, InputError) as missing:
        return _unreadable(path, "", str(missing))
    try:
        clip = identify_clip(path, embedder=embedder)
        tracks = [person.deciding.track for person in clip.people] + [each.track for each in clip.unclear]
        size, chips = _cut(path, [track.face for track in tracks])
    except InputError as problem:
        return _unreadable(path, sha256, str(problem).removeprefix(f"{path}: "))
    return Photograph(path, sha256, size, chips, tuple(track.face.template for track in tracks))


def _unreadable(path: Path, sha256: str, reason: str) -> Photograph:
    return Photograph(path, sha256, (0, 0), (), (), PhotoProblem("unreadable", reason))


def _cut(path: Path, faces: list[Seen]) -> tuple[tuple[int, int], tuple[FaceChip, ...]]:
    """Return the size of the frames, and each face cut out of its frame again, (112, 112, 3)."""
    chips = []
    with open_clip(path) as clip:
        height, width = next(clip.frames()).image.shape[:2]
        for face in faces:
            frame = next(clip.frames(start=face.time))
            chips.append(align(frame.image, face.detection))
    return (width, height), tuple(chips)
