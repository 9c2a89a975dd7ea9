"""Identification of the people in a clip: frames are sampled, faces followed, and each track gets one answer."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.errors import InputError
from faceloupe.faces.pixels import to_square
from faceloupe.progress import Progress, shown
from faceloupe.recognition.embed import Embedder, SFace
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.photos import PhotoSource
from faceloupe.recognition.recognise import recognise
from faceloupe.recognition.search import DETECTION_SIDE, FaceSearch
from faceloupe.video.frames import Clip, Frame, open_clip
from faceloupe.video.identified import IdentifiedClip
from faceloupe.video.people import judged, people_of
from faceloupe.video.sampling import Chooser, Sampling
from faceloupe.video.thresholds import likeness_of, track_point
from faceloupe.video.tracks import PICTURE, Follower, Seen

if TYPE_CHECKING:
    from faceloupe.gallery.gallery import Gallery

BRIDGE = 2.0
"""Seconds for which a face may be missed within a track."""

CLIP_SEARCH = FaceSearch(max_side=DETECTION_SIDE, turned=False)
"""How faces are looked for in a frame: once, and upright, for a clip says itself how it was held."""

_FRAMES, _PIXELS = 16, 24_000_000  # held at once at most: some pictures of HD, one of 8K


def identify_clip(
    path: str | PathLike[str],
    gallery: "Gallery | None" = None,
    *,
    embedder: Embedder | None = None,
    fmr: float | None = None,
    start: float = 0.0,
    stop: float | None = None,
    sampling: Sampling | None = None,
    faces: FaceSearch = CLIP_SEARCH,
    bridge: float = BRIDGE,
    ranks: int = 5,
    progress: Progress | bool | None = None,
) -> IdentifiedClip:
    """Identify the people in a clip, and say when each is seen.

    Frames that differ from the last one looked at are looked at. Faces are followed from frame to frame into tracks,
    never two people in one; of each track the best frames are pooled to one template, which is compared with the
    gallery at a threshold measured for pooled templates. Memory is that of a few frames, however long the clip is.

    Parameters
    ----------
    path : path
        A clip, see :func:`open_clip`.
    gallery : Gallery, optional
        An open one. Without it everybody is "somebody 1", "somebody 2" ...
    embedder : Embedder, optional
        By default the gallery's, or else SFace, run by OpenVINO.
    fmr : float, optional
        Asks for the thresholds published for this false match rate; by default 1 in 10,000, or the gallery's own.
    start, stop : float
        Seconds of the clip to look at, ``start <= time < stop``.
    sampling : Sampling, optional
        Sampling of the frames.
    faces : FaceSearch
        Settings of the search for faces. All of a frame are followed.
    bridge : float
        Seconds for which a face may be missed within a track.
    ranks : int
        Number of candidates for each track.
    progress : callable or bool
        Called with the seconds of the clip that are done and all of them; True shows a bar.

    Raises
    ------
    InputError
        If the clip cannot be read or holds no frame between `start` and `stop`, or if no threshold is known for the
        embedder.
    UnavailableError
        If weights or packages are missing: pip install 'faceloupe[recognition,video]'.

    Examples
    --------
    >>> with open_gallery("faceloupe.db") as gallery:  # doctest: +SKIP
    ...     identify_clip("party.mp4", gallery)
    IdentifiedClip(party.mp4, 12.480 s: 2 known and 1 unknown person, 96 of 312 frames looked at)
    """
    embedder = embedder or (gallery.embedder if gallery is not None else SFace())
    faces = faces if gallery is None else gallery.face_search(faces)
    saved = gallery.point(embedder) if gallery is not None else None
    sampling = sampling or Sampling()
    single, _ = (track_point(embedder, pooled, fmr=fmr, saved=saved) for pooled in (1, 2))  # before any work is done
    follower = Follower(likeness_of(embedder, single), bridge)
    times = []
    with open_clip(path) as clip, shown(progress, "looking at the clip") as tell:
        end = stop if stop is not None else clip.duration
        for time, until, following, photograph in _looked_at(clip, embedder, faces, start, stop, sampling):
            follower.add(faces_of_frame(time, photograph), until, following)
            times.append(time)
            if tell is not None and end is not None and end > start:
                tell(min(following, end) - start, end - start)
    if not times:
        raise InputError(f"{path}: {_nothing(clip, start, stop)}")
    tracks = follower.tracks()
    points = [track_point(embedder, len(track.best), fmr=fmr, saved=saved) for track in tracks]
    people, unclear = people_of(judged(tracks, points, gallery, ranks))
    return IdentifiedClip(
        Path(path), times[0], clip.end, clip.read, len(times), people, unclear, tuple(clip.problems), sampling, bridge
    )


def _nothing(clip: Clip, start: float, stop: float | None) -> str:
    if clip.problems:
        return f"no frame can be read: {'; '.join(clip.problems)}"
    until = "" if stop is None else f" and before {stop:g} s"
    return f"no frame from {start:g} s on{until}; the clip ends at {clip.end:.3f} s"


def _looked_at(
    clip: Clip, embedder: Embedder, faces: FaceSearch, start: float, stop: float | None, sampling: Sampling
) -> Iterator[tuple[float, float, float, Photograph]]:
    """Yield each frame that is looked at: its time, that of the next change, that of the next such frame, its faces.

    After the last one comes the end of the clip.
    """
    waiting: tuple[float, Photograph] | None = None
    chooser = Chooser(sampling)

    def timed(following: float) -> Iterator[tuple[float, float, float, Photograph]]:
        if waiting is not None:
            yield waiting[0], min(chooser.changed.pop(waiting[0], following), following), following, waiting[1]

    for frames in _batches(clip.frames(start, stop, wanted=chooser)):
        sources = [_source(clip.path, frame) for frame in frames]
        for frame, photograph in zip(frames, recognise(sources, embedder, faces=faces.all_faces()), strict=True):
            yield from timed(frame.time)
            waiting = frame.time, photograph
    yield from timed(clip.end)


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) >= _FRAMES or (len(batch) + 1) * frame.image.size > 3 * _PIXELS:
            yield batch
            batch = []
    if batch:
        yield batch


def _source(path: Path, frame: Frame) -> PhotoSource:
    return PhotoSource(Path(f"{path.name} at {frame.time:.3f} s"), "", lambda: frame.image)  # no file to hash


def faces_of_frame(time: float, photograph: Photograph) -> list[Seen]:
    """Return the faces of a frame as they are followed, in reading order."""
    faces = ((photograph.chips[place], photograph.templates[place]) for place in photograph.reading_order())
    return [
        Seen(time, chip.detection, template, np.rint(to_square(chip.image, PICTURE) * 255).astype(np.uint8))
        for chip, template in faces
    ]
