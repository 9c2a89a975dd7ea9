"""Files that claim, or cost, far more than they hold (faceloupe.faces.images): refused early, and a batch goes on."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import ImageError
from faceloupe.faces import images, read_image
from faceloupe.faces.images import MAX_FILE_BYTES, MAX_PIXELS, decode
from faceloupe.recognition import recognise


def jpeg(side=64, **options):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def with_scans(content, count):
    """A progressive JPEG with more scans, each of a few bytes, that refine what is there."""
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10" + bytes(4)
    return content[:-2] + scan * count + b"\xff\xd9"


def tiff(*, width, height, tile=None, compression=8, bits=8, data=bytes(60)):
    """A TIFF of one tile, or one strip, that need not hold what it claims."""
    tags = [(256, width), (257, height), (258, bits), (259, compression), (262, 1), (277, 1)]
    place = 8 + 2 + 12 * (len(tags) + 4) + 4
    if tile:
        tags += [(322, tile[0]), (323, tile[1]), (324, place), (325, len(data))]
    else:
        tags += [(273, place), (278, height), (279, len(data)), (282, 1)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def png(*chunks):
    written = (struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
               for kind, body in chunks)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def header(width, height, bits=8):
    return b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(with_scans(jpeg(progressive=True), 20_000), "JPEG of 20,0.. scans", id="scans"),
        pytest.param(with_scans(jpeg(), 101), "JPEG of 102 scans", id="scans of a sequential JPEG"),
        pytest.param(tiff(width=100, height=100, tile=(40_000, 40_000)), "tiles of 1,600,000,000 pixels", id="tile"),
        pytest.param(tiff(width=40_000, height=1000, tile=(40_000, 40_000)), "tiles of 1,600,000,000", id="large tile"),
        pytest.param(
            tiff(width=5000, height=5000, compression=7, data=b"\xff\xda" * 60), "JPEG of 60 scans", id="JPEG in a TIFF"
        ),
        pytest.param(
            png(header(5000, 4000, 16), (b"IDAT", zlib.compress(b""))),
            "5000 x 4000 pixels of more than 8 bits; at most 17,333,333",
            id="16 bits",
        ),
    ],
)
def test_what_costs_too_much_is_refused_before_it_is_decoded(monkeypatch, content, words):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(ImageError, match=words):
        decode(content, "lie", colour=True)


def test_an_ordinary_progressive_jpeg_and_one_with_others_behind_it_are_read():
    content = jpeg(progressive=True)
    assert images._scans_of_jpeg(content) == 10  # as libjpeg writes them
    behind = content + with_scans(content, 500)  # a phone's depth map, say
    np.testing.assert_array_equal(decode(behind, "phone", colour=True), decode(content, "phone", colour=True))
    assert decode(with_scans(content, 5), "refined", colour=True).shape == (64, 64, 3)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(header(64, 64), *[(b"teXt", b"")] * 300_000), id="chunks of a PNG"),
        pytest.param(b"P5 #" + b"x" * 3_000_000 + b"\n2 2 255\n" + bytes(4), id="comment of a PGM"),
    ],
)
def test_decoding_ends_once_it_has_taken_its_time(monkeypatch, content):
    monkeypatch.setattr("faceloupe.faces.images.MAX_SECONDS", 0.01)
    with pytest.raises(ImageError, match=r"takes more than 0\.01 s to decode"):
        decode(content, "slow")


@pytest.mark.parametrize("size", [(8160, 6120), (8160, 6144), (8192, 6144), (8688, 5792)])
def test_fifty_megapixels_pass(size, monkeypatch):
    assert size[0] * size[1] <= MAX_PIXELS
    monkeypatch.setattr("faceloupe.faces.images._samples", lambda image, _: image.size)
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, "PNG")
    assert decode(buffer.getvalue(), "phone.png", colour=True) == size


@pytest.fixture
def lies(tmp_path):
    """Paths of what is no photograph, each with what is said of it."""
    os.mkfifo(tmp_path / "pipe.jpg")
    with (tmp_path / "sparse.jpg").open("wb") as file:
        file.truncate(40 << 30)
    return {
        tmp_path / "pipe.jpg": "is not a regular file, but a device",
        tmp_path / "sparse.jpg": f"has 42,949,672,960 bytes; at most {MAX_FILE_BYTES:,} are read",
        tmp_path / f"{'x' * 5000}.jpg": "cannot be opened .*too long",
        tmp_path / "a\0b.jpg": "null",
        tmp_path / "none.jpg": "no such file",
        tmp_path: "is a folder",
        "/dev/zero": "is not a regular file",
    }


def test_kind_and_size_are_looked_at_first(lies):
    for path, words in lies.items():
        with pytest.raises(ImageError, match=words):
            read_image(path)


def test_a_batch_names_them_and_goes_on(lies):
    found = list(recognise(lies, object()))
    assert [photograph.problem.kind for photograph in found] == ["unreadable"] * len(lies)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".hif"])
def test_other_names_of_the_same_formats_are_known(suffix):
    assert suffix in images.SUFFIXES
