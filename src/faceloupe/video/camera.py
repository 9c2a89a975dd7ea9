"""A camera of this machine, or a stream: always the newest frame, whatever came while the last one was looked at."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.video.frames import CONTAINERS

_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # the one way to tell OpenCV which kinds FFmpeg may open

PATIENCE = 2.0
"""Seconds that closing waits for the frame that is being read."""


class CameraFrame(NamedTuple):
    """A frame as a camera gives it.

    Attributes
    ----------
    time : float
        Seconds since the camera was opened.
    image : array of uint8, (H, W, 3)
        RGB.
    """

    time: float
    image: NDArray[np.uint8]


class Camera:
    """A camera that is read by a thread of its own; :func:`open_camera` opens one.

    Parameters
    ----------
    capture : cv2.VideoCapture
        Open; released with the camera.
    pace : float
        Seconds from one frame to the next for what does not wait by itself, such as a file; 0 for a camera.
    name : str
        For messages; without password.

    Attributes
    ----------
    read : int
        Frames that came so far.
    """

    def __init__(self, capture: Any, pace: float = 0.0, name: str = "camera") -> None:
        self.name, self.read = name, 0
        self._problem: Exception | None = None
        self._capture, self._pace = capture, pace
        self._newest: CameraFrame | None = None
        self._ended = self._closed = False
        self._changed = Condition()
        self._began = time.monotonic()
        self._reader = Thread(target=self._read, name="camera", daemon=True)
        self._reader.start()

    def frames(self, rate: float) -> Iterator[CameraFrame]:
        """Yield the newest frame, at most `rate` times a second, until the camera ends; the last one is yielded.

        Raises
        ------
        InputError
            If the camera's pictures can no longer be read.
        """
        due = 0.0
        while True:
            time.sleep(max(0.0, due - self._now()))
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended)
                frame, self._newest = self._newest, None
            if frame is None and self._problem is not None:
                words = getattr(self._problem, "err", self._problem)  # OpenCV's own words, without its place in C++
                raise InputError(f"the pictures of {self.name} cannot be read: {words}") from self._problem
            if frame is None:
                return
            due = max(due + 1 / rate, self._now())
            yield frame

    def close(self) -> None:
        """Let go of the camera."""
        self._closed = True
        self._reader.join(PATIENCE)
        if not self._reader.is_alive():  # otherwise a stream that gives nothing more, which ends with the process
            self._capture.release()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _read(self) -> None:
        try:
            while not self._closed and (image := self._picture()) is not None:
                with self._changed:
                    self.read, self._newest = self.read + 1, CameraFrame(self._now(), image)
                    self._changed.notify()
                time.sleep(max(0.0, self.read * self._pace - self._now()))
        except Exception as problem:  # whatever ends the reading, who waits for a frame is told
            self._problem = problem
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _picture(self) -> NDArray[np.uint8] | None:
        """Return the next picture as RGB; None at the end."""
        import cv2

        there, image = self._capture.read()
        if not there:
            return None
        is_grey = image.ndim == 2 or image.shape[2] == 1
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if is_grey else cv2.COLOR_BGR2RGB))


@contextmanager
def open_camera(source: str) -> Iterator[Camera]:
    """Open a camera.

    Parameters
    ----------
    source : str
        The number of a camera, from 0; the path of its device; the URL of a stream (RTSP, HTTP); or a file or pipe of
        pictures, which stands in for a camera: it is played at its own rate.

    Raises
    ------
    InputError
        If there is no such camera, or it gives no picture.
    """
    import cv2

    # Of a URL without user, password and query, where cameras have passwords too.
    name = re.sub(r"\?.*", "?***", re.sub(r"://.*@", "://***@", source)) if "://" in source else source
    is_played = "://" not in source and Path(source).is_file()
    is_number = source.isdecimal() and len(source) < 10  # what C++ can count to
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # it would print where in its code it failed
    try:
        with _of_known_kinds(is_file=is_played):
            capture = cv2.VideoCapture(int(source) if is_number else source)
    finally:
        logging.setLogLevel(level)
    if not capture.isOpened():
        capture.release()
        if is_played:
            raise InputError(f"{source}: no clip that can be played; give one, or a camera (a playlist is none)")
        devices = ", ".join(sorted(map(str, Path("/dev").glob("video*"))))
        there = f"this machine has {devices}" if devices else "this machine shows none"
        raise InputError(f"no camera opens as {name}: {there}; name a number, a device, or the URL of a stream")
    camera = Camera(capture, 1 / (capture.get(cv2.CAP_PROP_FPS) or 25.0) if is_played else 0.0, name)
    try:
        yield camera
    finally:
        camera.close()


@contextmanager
def _of_known_kinds(*, is_file: bool) -> Iterator[None]:
    """Let files be clips and bare pictures only: a playlist would play whatever it names on this machine."""
    before = os.environ.get(_OPTIONS)
    if is_file:
        os.environ[_OPTIONS] = f"format_whitelist;{CONTAINERS},mjpeg,h264,hevc"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_OPTIONS, None)
        else:
            os.environ[_OPTIONS] = before
