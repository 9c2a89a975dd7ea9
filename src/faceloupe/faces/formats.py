"""The formats of image files that are read, recognised by their first bytes."""

from io import BytesIO

from faceloupe.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
"""Formats whose decoders only decode: those of EPS, PDF and the like would start other programs."""

# What a file of phones calls itself in its first box, "ftyp" (ISO/IEC 23008-12 annex B; AV1 Image File Format 1.1).
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def formats_of(file: BytesIO) -> tuple[str, ...]:
    """Return the formats that a file may be in. The decoder of HEIC joins Pillow when the first such file comes.

    Raises ImageError if the file needs a decoder that is not there.
    """
    size, kind = int.from_bytes(file.read(4), "big"), file.read(4)
    brands = file.read(min(size, 64) - 8) if kind == b"ftyp" and size >= 16 else b""
    file.seek(0)
    named = {brands[start : start + 4] for start in range(0, len(brands), 4)}
    if named & _AVIF_BRANDS:
        _check_avif()
        return ("AVIF",)
    if named & _HEIF_BRANDS:
        _add_heic()
        return ("HEIF",)
    return FORMATS


def _check_avif() -> None:
    try:
        from PIL.AvifImagePlugin import SUPPORTED
    except ImportError:
        SUPPORTED = False
    if not SUPPORTED:
        raise ImageError("an AVIF file, which this Pillow cannot read: pip install --upgrade pillow")


def _add_heic() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise ImageError("a HEIC file, which needs a plug-in: pip install 'faceloupe[heic]'") from error
    register_heif_opener()
