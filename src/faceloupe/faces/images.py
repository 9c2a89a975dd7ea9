"""The one door through which a file becomes an array.

Whatever the file holds (grey, colour, CMYK, a palette with transparency, 16 bits, floats, several frames, a camera held
sideways), what comes out is float32 in [0, 1], upright and opaque; or an :class:`ImageError` that says why not.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["LUMA", "MAX_PIXELS", "SUFFIXES", "read_image", "to_square"]

MAX_PIXELS = 50_000_000
"""A file that claims more pixels is refused before one of them is decoded (a 50-megapixel camera still passes)."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in a grey value (ITU-R BT.601): ``image @ LUMA`` is grey."""

SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm", ".pbm", ".pnm", ".heic",
    ".heif", ".avif",
)  # fmt: skip
"""How the names of image files end, in lower case."""

# Formats whose decoders only decode: EPS, PDF and the like would start other programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")

# What a file of phones calls itself in its first box, "ftyp" (ISO/IEC 23008-12 annex B; AV1 Image File Format 1.1).
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


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
        If the file cannot be opened, is empty, truncated, damaged or no image of these formats, claims more than
        ``MAX_PIXELS`` pixels, or holds numbers that are no grey values (NaN, floats outside [0, 1], integers past 16
        bits).
    """
    path = Path(path)
    if not path.is_file():  # a named pipe would wait for ever
        raise ImageError(f"{path.name}: {'not a regular file' if path.exists() else 'no such file'}")
    try:
        if path.stat().st_size == 0:
            raise ImageError("the file is empty (0 bytes)")
        return _decode(path, colour)
    except ImageError as problem:
        raise ImageError(f"{path.name}: {problem}") from problem.__cause__
    except Exception as problem:  # a decoder that is fed damaged bytes may raise almost anything
        raise ImageError(f"{path.name}: {_in_words(problem)}") from problem


def to_square(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the largest centred square of an image, resized to ``size`` x ``size``.

    The filter is a triangle as wide as the scale asks for, so that shrinking averages (no aliasing) and enlarging
    interpolates; it never leaves the range of the image.

    Parameters
    ----------
    image : array of float32, (H, W) or (H, W, 3)
        Values in [0, 1].
    size : int
        Height and width of the result, in pixels.

    Returns
    -------
    array of float32, (size, size) or (size, size, 3)
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side == size:
        return square
    if square.ndim == 2:
        return _resize(square, size)
    return np.stack([_resize(square[..., channel], size) for channel in range(3)], axis=-1)


def _resize(plane: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    from PIL import Image

    resized = Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


def _decode(path: Path, colour: bool) -> NDArray[np.float32]:
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; what cannot be read raises
        # An open file, not a path: what has a path Pillow may map into memory, and then it mixes up a sideways TIFF.
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(f"claims {width} x {height} pixels; at most {MAX_PIXELS:,} are read")
            image.load()
            return _pixels(ImageOps.exif_transpose(image), colour)


def _pixels(image: "Image", colour: bool) -> NDArray[np.float32]:
    if image.mode == "F" or image.mode.startswith("I"):
        grey = _grey_of_numbers(np.asarray(image))
        return np.repeat(grey[..., np.newaxis], 3, axis=-1) if colour else grey
    if image.has_transparency_data:
        image = _on_white(image)
    samples = np.asarray(image.convert("RGB" if colour else "L"))
    return samples.astype(np.float32) / np.float32(255)


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    opaque = Image.new("RGBA", image.size, "white")
    opaque.alpha_composite(image.convert("RGBA"))
    return opaque


def _grey_of_numbers(numbers: NDArray[Any]) -> NDArray[np.float32]:
    """Scale 16-bit integers to [0, 1]; let floats through that are there already."""
    white, kind = (1, "floats") if numbers.dtype.kind == "f" else (65_535, "integers")
    low, high = numbers.min(), numbers.max()
    if not (low >= 0 and high <= white):  # NaN fails both
        raise ImageError(f"its {kind} run from {low:g} to {high:g}; expected 0 (black) to {white:,} (white)")
    return (numbers / np.float64(white)).astype(np.float32)


def _in_words(problem: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(problem, UnidentifiedImageError):
        return f"no image that can be read (expected one of {', '.join(_FORMATS)})"
    if isinstance(problem, Image.DecompressionBombError):
        return f"claims far more pixels than the {MAX_PIXELS:,} that are read"
    if isinstance(problem, PermissionError):
        return "may not be opened (permission denied)"
    return f"damaged, truncated or of an unusual kind ({problem})"
