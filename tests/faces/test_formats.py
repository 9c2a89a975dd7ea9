"""The formats of phones, told by their content."""

import importlib
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import ImageError
from faceloupe.faces import read_image
from faceloupe.faces.images import SUFFIXES
from helpers.image_files import GREY, ORIENTATION, STORED, encoded

PHONES = {".heic": "HEIF", ".heif": "HEIF", ".avif": "AVIF"}
EACH_OF_PHONES = pytest.mark.parametrize("suffix", [".heic", ".avif"])


def can_encode(kind):
    """Whether Pillow writes this format here; only tests register the writer of HEIC by hand."""
    if kind == "HEIF" and find_spec("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
    Image.init()
    return kind in Image.SAVE


def phone_file(upright, suffix, orientation=1):
    """What a phone that was held some way stores, blocks large enough to survive compression."""
    if not can_encode(PHONES[suffix]):
        pytest.skip(f"nothing here writes {suffix}")
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    return encoded(stored, PHONES[suffix], exif=exif.tobytes(), quality=95)


@EACH_OF_PHONES
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_sideways_photograph_of_a_phone_comes_out_upright(read, orientation, suffix):
    upright = np.kron(np.array([[0, 80, 160], [240, 120, 40]], np.uint8), np.ones((32, 32), np.uint8))
    content = phone_file(upright, suffix, orientation)
    np.testing.assert_allclose(read(content, f"face{suffix}"), upright / 255, atol=0.04)


@EACH_OF_PHONES
def test_the_formats_of_phones_are_known_by_their_content_in_colour(read, suffix):
    upright = np.kron(np.array([[[250, 30, 20], [10, 200, 90]]], np.uint8), np.ones((32, 32, 1), np.uint8))
    image = read(phone_file(upright, suffix), "misnamed.jpg", colour=True)
    inside = np.array([image[16, 16], image[16, 48]])
    np.testing.assert_allclose(inside, upright[[16, 16], [16, 48]] / 255, atol=0.03)


@EACH_OF_PHONES
def test_the_limit_holds_for_phones_before_a_pixel_is_decoded(read, monkeypatch, suffix):
    content = phone_file(np.zeros((64, 64), np.uint8), suffix)
    monkeypatch.setattr("faceloupe.faces.images.MAX_PIXELS", 64 * 64 - 1)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="claims 64 x 64 pixels; at most 4,095"):
        read(content)


@EACH_OF_PHONES
def test_a_damaged_file_of_a_phone_is_an_image_error(read, suffix):
    content = phone_file(np.zeros((64, 64), np.uint8), suffix)
    with pytest.raises(ImageError, match=r"face\.png: (damaged|no image)"):
        read(content[: len(content) // 2])


def test_without_the_plug_in_a_heic_file_says_how_to_get_it(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"IMG_1\.HEIC: a HEIC file, .*pip install 'faceloupe\[heic\]'"):
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "IMG_1.HEIC")


def test_a_pillow_without_avif_says_so(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.AvifImagePlugin", None)
    with pytest.raises(ImageError, match=r"AVIF file, .*--upgrade pillow"):
        read(b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + bytes(40))


def test_a_film_is_no_photograph(read):
    with pytest.raises(ImageError, match=r"no image that can be read .*HEIC, AVIF"):
        read(b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(40))


def test_every_suffix_is_a_format_that_is_read(tmp_path):
    for suffix in SUFFIXES:
        if suffix in PHONES and not can_encode(PHONES[suffix]):
            continue
        path = tmp_path / f"face{suffix}"
        Image.fromarray(GREY).convert("1" if suffix == ".pbm" else "L").save(path)
        assert read_image(path).shape == (4, 6)
