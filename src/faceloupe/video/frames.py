"""The frames of a clip: each with its exact time, upright, in RGB; or an :class:`InputError` that says why not.

FFmpeg decodes, through PyAV (the extra ``video``). What it is let to open is looked at first: a regular file of a known
container, nothing that the file points to, no frame of more than ``MAX_PIXELS``, and no more than ``MAX_SECONDS`` of
processor time from one frame to the next. A clip that breaks off gives the frames it has, and ``Clip.problems`` says
what could not be read.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError, extra
from faceloupe.files import open_regular
from faceloupe.video.pictures import small_grey, upright

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

CLIP_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv",
    ".ogv",
)  # fmt: skip
"""How the names of clips end, in lower case."""

MAX_PIXELS = 8192 * 4352
"""Pixels of a frame, at most: 8K, with the rows that codecs add."""

MAX_SECONDS = 10.0
"""Processor time from one frame to the next, at most; an 8K frame takes less than one second."""

MAX_ERRORS = 200
"""Packets in a row that cannot be decoded, at most; after that the rest is given up."""

# Containers that hold what they show. Playlists and the like (HLS, concat, DASH) would open other files or addresses.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg"

_SHORT = 0.5  # seconds that may lack at the end of what a container claims; containers round, and sound runs on

Look = Callable[[float, NDArray[np.uint8]], bool]
"""Told a frame's time and a small grey copy of it, (H, W), as it lies in the file; says whether the frame is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture of a clip.

    Attributes
    ----------
    time : float
        Seconds since the clip's first picture or sound: its presentation time stamp times the time base, an exact
        fraction that is rounded once.
    image : array of uint8, (H, W, 3)
        RGB, upright and not mirrored, as the rotation in the clip's metadata asks, with square pixels.
    """

    time: float
    image: NDArray[np.uint8]

    def __repr__(self) -> str:
        return f"Frame({self.time:.3f} s, {self.image.shape[1]}x{self.image.shape[0]})"


class _TimedReader:
    """A file that ends where it is read for too long without a frame: a demuxer would go through gigabytes for one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.is_given_up = False
        self.start()

    def start(self) -> None:
        """Begin to count the processor time anew."""
        self._begun = time.thread_time()

    def is_late(self) -> bool:
        """Return whether more than ``MAX_SECONDS`` passed since."""
        return time.thread_time() - self._begun > MAX_SECONDS

    def read(self, size: int) -> bytes:
        """Return the next bytes, or none once the time was over."""
        if not self.is_given_up and self.is_late():
            self.is_given_up = True
            self.start()  # what was read so far is still to be decoded
        return b"" if self.is_given_up else self._file.read(size)


@dataclass(slots=True, eq=False, repr=False)
class Clip:
    """An open clip.

    Attributes
    ----------
    path : Path
    duration : float or None
        Seconds that the container claims; None if it claims nothing.
    read : int
        Frames decoded so far.
    end : float
        End of the last frame that was read, in seconds.
    problems : list of str
        Parts that could not be read, in words; complete once the frames are exhausted.
    """

    path: Path
    duration: float | None
    _file: _TimedReader
    _container: "InputContainer"
    _stream: "VideoStream"
    read: int = 0
    end: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        context, long = self._stream.codec_context, "" if self.duration is None else f", {self.duration:.3f} s"
        return f"Clip({self.path.name}: {context.name}, {context.width}x{context.height}{long})"

    def frames(self, start: float = 0.0, stop: float | None = None, *, wanted: Look | None = None) -> Iterator[Frame]:
        """Yield the frames in the order in which they are shown, one held at a time.

        Parameters
        ----------
        start, stop : float
            Seconds; the frames with ``start <= time < stop``. The clip is decoded from the last key frame before
            `start`, so that seeking is exact.
        wanted : callable, optional
            Asked for each frame, before it is turned into RGB; frames that it does not want are passed over.

        Raises
        ------
        InputError
            If `stop` is not after `start`, the clip is so damaged that it cannot be searched for `start`, or a frame
            has more than ``MAX_PIXELS`` pixels.
        """
        if not 0 <= start < (float("inf") if stop is None else stop):
            raise InputError(f"expected 0 <= start < stop, in seconds; got {start} and {stop}")
        origin = _origin(self._container)
        if start > 0:
            self._seek(start, origin)
        for moment, lasts, picture in self._frames_with_times(origin):
            if stop is not None and moment >= stop:
                return
            self.end = moment + lasts
            try:
                chosen = moment >= start and (wanted is None or wanted(moment, small_grey(picture)))
                image = upright(picture, self._stream.sample_aspect_ratio) if chosen else None
            except _errors() as problem:
                kind = f"pictures of kind {picture.format.name} cannot be turned into colours ({_in_words(problem)})"
                raise InputError(f"{self.path}: {kind}; convert it to H.264 in MP4") from problem
            if image is not None:
                yield Frame(moment, image)
        if stop is None and self.duration is not None and self.duration - self.end > _SHORT:
            self.problems.append(
                f"it ends at {self.end:.3f} s, but claims to be {self.duration:.3f} s long: the rest is missing"
            )

    def _seek(self, start: float, origin: Fraction) -> None:
        """Go to a key frame at or before a time; some containers give a later one, and are read from further back."""
        base = self._stream.time_base or Fraction(1)
        for back in (0.0, 10.0, 60.0):
            try:
                self._container.seek(round((Fraction(start - back) + origin) / base), stream=self._stream)
                first = next(self._container.demux(self._stream))
                if first.pts is not None and float(first.pts * base - origin) <= start:
                    self._container.seek(round((Fraction(start - back) + origin) / base), stream=self._stream)
                    return
            except StopIteration:
                continue
            except _errors():
                continue
        try:
            self._container.seek(0)
        except _errors() as problem:
            raise InputError(
                f"{self.path}: it cannot be searched for {start:g} s ({_in_words(problem)}); read it from its beginning"
            ) from problem

    def _frames_with_times(self, origin: Fraction) -> "Iterator[tuple[float, float, VideoFrame]]":
        """Yield each picture with its time and how long it is shown; note those that come at no time after the last."""
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        last, untimed, disordered, corrupt = -float("inf"), 0, 0, 0
        for picture in self._pictures():
            self.read += 1
            if picture.is_corrupt:
                corrupt += 1
                continue
            stamp = picture.pts if picture.pts is not None else picture.dts
            base = picture.time_base or self._stream.time_base
            untimed += stamp is None or base is None
            moment = float((self.read - 1) / rate if stamp is None or base is None else stamp * base - origin)
            if moment <= last:
                disordered += 1
                continue
            last = moment
            shown = picture.duration * base if picture.duration and base else 1 / rate
            yield moment, float(shown), picture
        if untimed:
            self.problems.append(
                f"frames without a time: {untimed:,}; they are taken to follow at {float(rate):g} a second"
            )
        if corrupt:
            self.problems.append(f"damaged frames passed over: {corrupt:,}")
        if disordered:
            self.problems.append(
                f"frames passed over because their time is not after that of the one before: {disordered:,}"
            )

    def _pictures(self) -> "Iterator[VideoFrame]":
        """Yield the frames that can be decoded; count packets that cannot be, and end where nothing more comes."""
        lost = in_a_row = 0
        packets = self._container.demux(self._stream)
        self._file.start()
        try:
            while True:
                try:
                    pictures = next(packets).decode()
                except StopIteration:
                    break
                except _errors() as problem:
                    lost, in_a_row, pictures = lost + 1, in_a_row + 1, []
                    if self._file.is_given_up:
                        break
                    if in_a_row >= MAX_ERRORS or not _is_damage(problem):
                        self.problems.append(f"after {self.end:.3f} s it cannot be read on: {_in_words(problem)}")
                        break
                for picture in pictures:
                    _check_size(self.path, picture.width, picture.height)
                    in_a_row = 0
                    yield picture
                    self._file.start()
                if self._file.is_late():
                    self._file.is_given_up = True
                    break
            if self._file.is_given_up:
                self.problems.append(f"after {self.end:.3f} s a frame takes more than {MAX_SECONDS:g} s to decode")
        finally:
            if lost:
                self.problems.append(f"damaged packets passed over: {lost:,}")


@contextmanager
def open_clip(path: str | PathLike[str]) -> Iterator[Clip]:
    """Open a clip to read its frames.

    Parameters
    ----------
    path : path
        An MP4, MOV, Matroska, WebM, AVI, MPEG, ASF, FLV or Ogg file, with any codec that FFmpeg decodes. High dynamic
        range is not mapped to the tones of a photograph.

    Raises
    ------
    InputError
        If it is no regular file, holds no pictures, is of another kind or damaged from the start, or claims frames of
        more than ``MAX_PIXELS`` pixels.
    OSError
        If it cannot be opened.
    UnavailableError
        If PyAV is missing.

    Examples
    --------
    >>> with open_clip("party.mp4") as clip:  # doctest: +SKIP
    ...     for frame in clip.frames():
    ...         print(frame.time, frame.image.shape)
    """
    with extra("video"):
        import av
    path, kinds = Path(path), "an MP4, MOV, Matroska, WebM, AVI, MPEG, WMV, FLV or Ogg file"
    limits = {"max_pixels": str(MAX_PIXELS), "format_whitelist": CONTAINERS, "protocol_whitelist": ""}
    with open_regular(path, sys.maxsize) as file:
        try:
            reader = _TimedReader(file)
            container = av.open(reader, "r", options=limits, metadata_errors="replace")
        except _errors() as problem:
            raise InputError(f"{path}: not a clip that can be read ({_in_words(problem)}); give {kinds}") from problem
        with container:
            if not container.streams.video:
                raise InputError(f"{path}: holds no pictures; give a clip with pictures: {kinds}")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise InputError(f"{path}: no decoder here for its pictures; convert it to H.264 in MP4")
            _check_size(path, stream.codec_context.width, stream.codec_context.height)
            stream.codec_context.thread_count = 1  # so that its time and memory are those of one frame at a time
            yield Clip(path, _duration(container, stream), reader, container, stream)


def is_clip(path: str | PathLike[str]) -> bool:
    """Return whether a file's name ends as those of clips do."""
    return Path(path).suffix.lower() in CLIP_SUFFIXES


def _duration(container: "InputContainer", stream: "VideoStream") -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1_000_000  # FFmpeg's AV_TIME_BASE


def _origin(container: "InputContainer") -> Fraction:
    """Return the time stamp, in seconds, at which players start: that of the first picture or sound."""
    starts = [
        stream.start_time * stream.time_base
        for stream in container.streams
        if stream.type in ("video", "audio") and stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts, default=Fraction(0))


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path}: frames of {width} x {height} pixels; at most {MAX_PIXELS:,} are read: save it smaller"
        )


def _errors() -> tuple[type[Exception], ...]:
    from av.error import FFmpegError

    return (FFmpegError, ValueError)  # ValueError: metadata or a rate that PyAV cannot make sense of


def _is_damage(problem: Exception) -> bool:
    """Return whether only the packet at hand cannot be decoded."""
    from av.error import InvalidDataError

    return isinstance(problem, InvalidDataError)


def _in_words(problem: Exception) -> str:
    return str(getattr(problem, "strerror", None) or problem)
