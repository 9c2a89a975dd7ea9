"""The reading of image files: the one place where a file becomes an array.

Whatever the file holds (grey, colour, CMYK, a palette with transparency, 16 bits, floats, several frames, a camera held
sideways), what comes out is float32 in [0, 1], upright and opaque; or an :class:`ImageError` that says why not. A file
that lies costs little: its kind and size are looked at before it is read, its pixels, depth, tiles and scans before it
is decoded, and decoding ends after ``MAX_SECONDS``.
"""

import re
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import ImageError, InputError
from faceloupe.faces.formats import FORMATS, formats_of
from faceloupe.faces.pixels import Samples, as_floats
from faceloupe.files import read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 52_000_000
"""A file that claims more pixels is refused before one of them is decoded. Sensors sold as 50 megapixels have up to
50.4 million (8192 x 6144)."""

MAX_FILE_BYTES = 6 * MAX_PIXELS + (16 << 20)
"""A larger file is not read: colour of 16 bits a sample, uncompressed, with room for what cameras add."""

MAX_NUMBERS = MAX_PIXELS * 4 // 12
"""Pixels of more than 8 bits that become colour, at most: at 12 bytes each they take what ``MAX_PIXELS`` take at 4."""

MAX_SECONDS = 10.0
"""Processor time that decoding one file may take; 50 megapixels take 1 to 3 s."""

MAX_SCANS, MAX_SCANNED = 100, 20 * MAX_PIXELS
"""Scans of a progressive JPEG, and scans times pixels, at most; cameras and the usual programs write about ten."""


SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm", ".pbm", ".pnm",
    ".heic", ".heif", ".hif", ".avif",
)  # fmt: skip
"""Endings of the names of image files, in lower case."""

TWELVE_BITS = 4096
"""Integers below this are refused where 65,535 is white: cameras and scanners of 10 or 12 bits save them so."""

STRIP = 65_536  # pixels that go from Pillow to NumPy at once: what stays in the cache goes three times as fast

REDUCTIONS = (8, 4, 2)
"""Fractions of a JPEG's width and height at which it can be decoded."""

SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations whose width is the upright picture's height (CIPA DC-008)

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # of a JPEG, but for those without a length


def read_image(path: str | Path, *, colour: bool = False) -> NDArray[np.float32]:
    """Read one file as an upright image.

    EXIF orientation is honoured; of an animation or a file of many pages the first frame is taken; transparent parts
    become white, as a page would show them; of 16 bits a sample, 65,535 is white. Grey from colour is ITU-R 601 luma.
    Embedded colour profiles are not applied, and 16-bit colour is read at 8 bits. HEIC needs the extra ``heic``, AVIF a
    Pillow of version 11.3 or later.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, WebP, BMP, TIFF, GIF, PGM/PPM, HEIC or AVIF file.
    colour : bool
        Return RGB instead of grey.

    Returns
    -------
    array of float32, (H, W) or (H, W, 3)
        Values in [0, 1].

    Raises
    ------
    ImageError
        If the file cannot be opened, is empty, truncated, damaged or no image of these formats, has more than
        ``MAX_FILE_BYTES``, claims more than ``MAX_PIXELS`` pixels (a third, if it has more than 8 bits a sample and
        colour is wanted), takes too long to decode, or holds numbers that are not grey values (NaN, floats outside
        [0, 1], integers past 16 bits, or none of them past 12).
    """
    return as_floats(read_samples(path, colour=colour))


def read_samples(path: str | Path, *, colour: bool = False) -> Samples:
    """Read one file as :func:`read_image` does and leave bytes as they are: a quarter of the memory.

    Returns
    -------
    array of uint8, (H, W) or (H, W, 3)
        From 0 to 255. A file with more than 8 bits a grey value gives float32 in [0, 1].
    """
    return decode(read_file(path), Path(path).name, colour=colour)


def read_file(path: str | Path) -> bytes:
    """Return the bytes of a file.

    Raises ImageError if there is no such file, it is not a regular one, has more than ``MAX_FILE_BYTES``, or may not be
    read.
    """
    path = Path(path)
    try:
        return read_bytes(path, MAX_FILE_BYTES)
    except InputError as problem:
        raise ImageError(str(problem).removeprefix(f"{path} "), path.name) from problem
    except FileNotFoundError as problem:
        raise ImageError("no such file", path.name) from problem
    except (OSError, ValueError) as problem:  # ValueError: the name holds a zero byte
        raise ImageError(_in_words(problem), path.name) from problem


def decode(content: bytes, name: str, *, colour: bool = False) -> Samples:
    """Return the picture in the bytes of a file, as :func:`read_samples` does; messages call it `name`.

    Raises
    ------
    ImageError
        As :func:`read_image`.
    """
    return _decode(content, name, colour=colour).samples


class Reduced(NamedTuple):
    """A picture, and how much smaller it is than the one in its file.

    Attributes
    ----------
    samples : array of uint8 or float32, (H, W) or (H, W, 3)
    size : (int, int)
        Width and height of the picture in the file, in pixels, upright.
    reduction : int
        Pixels of the file, across and down, that became one: 1, 2, 4 or 8.
    """

    samples: Samples
    size: tuple[int, int]
    reduction: int


def decode_reduced(content: bytes, name: str, longer_side: int) -> Reduced:
    """Return the picture in the bytes of a file, in colour, as small as can be had with so many pixels a side.

    A JPEG can be decoded at a half, a quarter or an eighth of its width and height (ISO/IEC 10918-1: fewer coefficients
    of each block of 8 x 8), which takes a fraction of the time. All other formats are decoded whole.

    Parameters
    ----------
    content : bytes
    name : str
        Name of the file in messages.
    longer_side : int
        Pixels that the longer side is to have, if the file has as many.

    Raises
    ------
    ImageError
        As :func:`read_image`.
    """
    return _decode(content, name, colour=True, longer_side=longer_side)


def claimed_bytes(content: bytes) -> int:
    """Return the bytes that a file's pixels take once decoded, by the claims of its head; 0 if unknown."""
    from PIL import Image

    file = BytesIO(content)
    try:
        with _remarks_silenced(), Image.open(file, formats=formats_of(file)) as image:
            pixels = max(image.width * image.height, _largest_part(image) if image.format == "TIFF" else 0)
            return pixels * (12 if _holds_numbers(image) else 4)
    except Exception:  # damaged bytes may raise almost anything here; they are refused, in words, when decoded
        return 0


def samples_of(image: "Image", name: str, *, colour: bool = False) -> Samples:
    """Return the picture that Pillow has opened, as :func:`read_samples` does; messages call it `name`.

    Raises ImageError if its pixels cannot be read.
    """
    from PIL import ImageOps

    with in_own_words(name), _remarks_silenced():
        return _samples(ImageOps.exif_transpose(image), colour)


@contextmanager
def in_own_words(name: str) -> Iterator[None]:
    """Turn whatever a decoder or a file raises into an ImageError that names the photograph."""
    try:
        yield
    except ImageError as problem:
        raise ImageError(problem.reason, name) from problem.__cause__
    except Exception as problem:  # a decoder that is fed damaged bytes may raise almost anything
        raise ImageError(_in_words(problem), name) from problem


class _Timed(BytesIO):
    """The bytes of a file, which cannot be read any more once decoding has taken too much processor time.

    Every decoder comes back for more bytes, a piece at a time; those of TIFF, which do not, are checked beforehand.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._end = time.thread_time() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._end:
            raise ImageError(f"takes more than {MAX_SECONDS:g} s to decode; save it anew with another program")
        return super().read(size)


def _decode(content: bytes, name: str, *, colour: bool, longer_side: int | None = None) -> Reduced:
    from PIL import ExifTags, Image, ImageOps

    with in_own_words(name):
        if not content:
            raise ImageError("the file is empty (0 bytes)")
        file = _Timed(content)
        with _remarks_silenced(), Image.open(file, formats=formats_of(file)) as image:
            _check_claims(image, file, colour)
            stored, orientation = image.size, image.getexif().get(ExifTags.Base.Orientation, 1)
            reduction = 1 if longer_side is None else _reduce(image, longer_side, orientation)
            ImageOps.exif_transpose(image, in_place=True)
            upright = stored[::-1] if orientation in SIDEWAYS else stored
            return Reduced(_samples(image, colour), image.size if reduction == 1 else upright, reduction)


def _reduce(image: "Image", longer_side: int, orientation: int) -> int:
    """Let a JPEG be decoded at the least size that has enough pixels; return how much smaller that is.

    Of sides that the reduction does not divide, the last pixel is of fewer pixels: it stays the last one if nothing is
    turned.
    """
    width, height = image.size
    for reduction in REDUCTIONS if image.format in ("JPEG", "MPO") else ():
        whole = width % reduction == height % reduction == 0 or orientation == 1
        if whole and max(width, height) >= reduction * longer_side and min(width, height) >= reduction:
            image.draft(None, (width // reduction, height // reduction))
            return reduction
    return 1


def _check_claims(image: "Image", file: BytesIO, colour: bool) -> None:
    """Refuse what a file's head says of pixels, tiles and scans if decoding that would take too much."""
    width, height = image.size
    most = MAX_NUMBERS if colour and _holds_numbers(image) else MAX_PIXELS
    if width * height > most:
        deep = " of more than 8 bits" if most == MAX_NUMBERS else ""
        raise ImageError(f"claims {width} x {height} pixels{deep}; at most {most:,} are read: save it smaller")
    if image.format == "TIFF":
        part, scans = _largest_part(image), file.getvalue().count(b"\xff\xda")
        if part > max(4 * width * height, 1 << 22):
            raise ImageError(f"claims tiles of {part:,} pixels for a picture of {width} x {height}")
    elif image.format in ("JPEG", "MPO"):
        part, scans = width * height, _scans_of_jpeg(file.getvalue())
    else:
        return
    if (scans > MAX_SCANS and image.format != "TIFF") or scans * part > MAX_SCANNED:
        raise ImageError(f"a JPEG of {scans:,} scans, which would take long to decode: save it anew")


def _largest_part(image: "Image") -> int:
    """Return the pixels of a tile or strip of a TIFF, which are decoded at once."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    if 322 in tags:
        return int(tags[322]) * int(tags.get(323, image.height))
    return int(image.width * min(tags.get(278, image.height), image.height))


def _scans_of_jpeg(content: bytes) -> int:
    """Return the number of scans in the first picture of a JPEG file, by its markers (ISO/IEC 10918-1 annex B)."""
    scans, place = 0, 2
    while marker := _MARKER.search(content, place):
        kind, place = marker[0][1], marker.end()
        if kind == 0xD9:  # end of the picture; others may follow
            break
        scans += kind == 0xDA
        place += int.from_bytes(content[place : place + 2], "big")
    return scans


_readers = 0
_readers_lock = threading.Lock()
_SILENT = ("ignore", None, Warning, re.compile(r"PIL\b"), 0)  # as `warnings` keeps a filter


@contextmanager
def _remarks_silenced() -> Iterator[None]:
    """Silence Pillow's remarks on odd metadata; what cannot be read raises.

    Filters belong to the process. The last thread that reads takes the one filter back, not all to what they were
    before, as `warnings.catch_warnings` would: another thread may have changed others meanwhile.
    """
    global _readers
    with _readers_lock:
        _readers += 1
        if _SILENT not in warnings.filters:
            warnings.filterwarnings("ignore", module=_SILENT[3].pattern)
    try:
        yield
    finally:
        with _readers_lock:
            _readers -= 1
            if _readers == 0 and _SILENT in warnings.filters:
                warnings.filters.remove(_SILENT)  # type: ignore[attr-defined]


def _samples(image: "Image", colour: bool) -> Samples:
    if _holds_numbers(image):
        grey = _grey_of_numbers(image)
        return np.repeat(grey[..., np.newaxis], 3, axis=-1) if colour else grey
    mode = "RGB" if colour else "L"
    samples = np.empty((image.height, image.width, 3) if colour else (image.height, image.width), np.uint8)
    for rows, strip in _strips(image):
        opaque = _on_white(strip) if strip.has_transparency_data else strip
        samples[rows] = np.asarray(opaque if opaque.mode == mode else opaque.convert(mode))
    return samples


def _strips(image: "Image") -> Iterator[tuple[slice, "Image"]]:
    step = max(1, STRIP // image.width)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _holds_numbers(image: "Image") -> bool:
    """Return whether its samples have more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    opaque = Image.new("RGBA", image.size, "white")
    opaque.alpha_composite(image.convert("RGBA"))
    return opaque


def _grey_of_numbers(image: "Image") -> NDArray[np.float32]:
    """Scale 16-bit integers to [0, 1]; let floats through that are there already."""
    white, kind = (1, "floats") if image.mode == "F" else (65_535, "integers")
    grey, ranges = np.empty((image.height, image.width), np.float32), []
    for rows, strip in _strips(image):
        numbers = np.asarray(strip)
        ranges.append((numbers.min(), numbers.max()))
        grey[rows] = numbers / np.float64(white)
    low, high = np.min(ranges), np.max(ranges)
    if not (low >= 0 and high <= white):  # NaN fails both
        raise ImageError(f"its {kind} run from {low:g} to {high:g}; expected 0 (black) to {white:,} (white)")
    if image.mode != "F" and 0 < high < TWELVE_BITS:
        raise ImageError(
            f"its integers run to {high:,}, and {white:,} is white: a picture of 12 bits, perhaps, that would be read "
            "all but black; save it with 8 bits, or with all 16 in use"
        )
    return grey


def _in_words(problem: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(problem, UnidentifiedImageError):
        return f"no image that can be read (expected one of {', '.join(FORMATS)}, HEIC, AVIF)"
    if isinstance(problem, Image.DecompressionBombError):
        return f"claims far more pixels than the {MAX_PIXELS:,} that are read: save it smaller"
    if isinstance(problem, PermissionError):
        return "may not be opened (permission denied)"
    if isinstance(problem, OSError) and problem.strerror:
        return f"cannot be opened ({problem.strerror})"
    return f"damaged, truncated or of an unusual kind ({problem})"
