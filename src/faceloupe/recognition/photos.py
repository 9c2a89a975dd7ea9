"""Photographs in every form that people hold (a path, bytes, an image, an array ...), made pixels."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from faceloupe.errors import InputError
from faceloupe.faces.images import Reduced, decode, decode_reduced, in_own_words, read_file, samples_of
from faceloupe.faces.pixels import Samples
from faceloupe.recognition.pictures import LazyPixels

if TYPE_CHECKING:
    from PIL.Image import Image

    from faceloupe.recognition.photographs import Photograph

Photo: TypeAlias = "str | PathLike[str] | bytes | Image | Samples | BinaryIO | Photograph | PhotoSource"
"""A photograph as people hold it.

A path of an image file (see :func:`faceloupe.faces.read_image`), its bytes, or a file object that gives them; a PIL
image; an array (H, W) or RGB (H, W, 3), float32 in [0, 1] or uint8; or what was recognised in a photograph before.
"""

EXPECTED = (
    "expected a path, the bytes of an image file, a file opened with 'rb', a PIL image, an array (H, W) or RGB "
    "(H, W, 3) of float32 in [0, 1] or of uint8, or a Photograph"
)


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """A photograph whose bytes or pixels are in memory, not decoded yet.

    Attributes
    ----------
    path : Path
        Name of the photo: the file's path where there is one.
    sha256 : str
        Hash of the file's bytes; for a PIL image or an array, hash of its kind, shape and pixels.
    decode : callable
        Returns the pixels (H, W) or (H, W, 3), upright; raises an ImageError if they cannot be read.
    decode_reduced : callable, optional
        Takes a number of pixels; returns at least so many on the longer side, not all where that is quicker.
    """

    path: Path
    sha256: str
    decode: Callable[[], Samples]
    decode_reduced: Callable[[int], Reduced] | None = None

    def pixels(self, longer_side: int) -> LazyPixels:
        """Return the pixels, decoded at first to at least so many on the longer side.

        Raises
        ------
        ImageError
            If they cannot be read.
        """
        if self.decode_reduced is None:
            return LazyPixels(self.decode())
        return LazyPixels(*self.decode_reduced(longer_side), self.decode)


def open_photo(photo: "Photo", name: str = "the photo") -> PhotoSource:
    """Open a photograph in any form: read a file's bytes, and decode nothing yet.

    Parameters
    ----------
    photo : path, bytes, PIL image, array or binary file object
    name : str
        Name to use in messages if the photo has none of its own.

    Raises
    ------
    ImageError
        If it is a path and the file cannot be read.
    InputError
        If it is nothing of these kinds.
    """
    if isinstance(photo, PhotoSource):
        return photo
    if isinstance(photo, str | PathLike) and isinstance(fspath(photo), str):
        return _source_of_bytes(read_file(Path(photo)), Path(photo))
    if isinstance(photo, bytes | bytearray | memoryview):
        return _source_of_bytes(bytes(photo), Path(name))
    if isinstance(photo, np.ndarray):
        return PhotoSource(Path(name), _digest(photo.dtype, photo.shape, photo), lambda: photo)
    if _is_image(photo):
        path = Path(getattr(photo, "filename", "") or name)
        with in_own_words(path.name):  # an image that Pillow opened is decoded only now
            digest = _digest(photo.mode, photo.size, photo)  # type: ignore[union-attr]
        return PhotoSource(path, digest, partial(samples_of, photo, path.name, colour=True))  # type: ignore[arg-type]
    if hasattr(photo, "read"):
        own_name = getattr(photo, "name", None)
        with in_own_words(str(own_name or name)):
            content = photo.read()
        if content == b"" and _was_read_before(photo):
            raise InputError(f"{own_name or name}: the file was read to its end before; file.seek(0) goes back")
        if not isinstance(content, bytes):
            raise InputError(f"{own_name or name}: the file gives text, not bytes; open it with 'rb'")
        return _source_of_bytes(content, Path(own_name) if isinstance(own_name, str) else Path(name))
    raise InputError(f"{name}: {EXPECTED}; got {_kind(photo)}")


def is_photo(value: object) -> bool:
    """Return whether a value is one photograph, and not several."""
    if isinstance(value, np.ndarray):
        return value.ndim == 2 or (value.ndim == 3 and value.shape[2] == 3)
    held = isinstance(value, str | PathLike | bytes | bytearray | memoryview)
    return held or _is_image(value) or hasattr(value, "read") or hasattr(value, "chips")


def _source_of_bytes(content: bytes, path: Path) -> PhotoSource:
    return PhotoSource(
        path,
        sha256(content).hexdigest(),
        partial(decode, content, path.name, colour=True),
        partial(decode_reduced, content, path.name),
    )


def _was_read_before(file: Any) -> bool:
    return hasattr(file, "seekable") and file.seekable() and file.tell() > 0


def _is_image(photo: object) -> bool:
    pillow = sys.modules.get("PIL.Image")  # who holds an image has loaded it
    return pillow is not None and isinstance(photo, pillow.Image)


def _digest(kind: object, shape: object, pixels: Any) -> str:
    digest = sha256(f"{kind} {shape} ".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes() if isinstance(pixels, np.ndarray) else pixels.tobytes())
    return digest.hexdigest()


def _kind(value: object) -> str:
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name} (its .numpy() may be such an array)" if hasattr(value, "numpy") else name
