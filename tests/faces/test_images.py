"""Also tests ``faces/formats.py`` and ``faces/pixels.py``."""

import importlib
import io
import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from faceloupe.errors import ImageError
from faceloupe.faces import read_image
from faceloupe.faces.images import MAX_PIXELS, SUFFIXES, decode, decode_reduced, read_samples
from faceloupe.faces.pixels import to_square

ORIENTATION = 0x0112
GREY = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
COLOUR = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)

# What a camera stores when the upright picture is `a`, by EXIF orientation.
STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, -1),
}


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_claiming(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


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


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="face.png", **options):
        (tmp_path / name).write_bytes(content)
        return read_image(tmp_path / name, **options)

    return read_bytes


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_all_eight_exif_orientations_come_out_upright(read, orientation, kind):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](GREY)))
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(stored, kind, exif=exif.tobytes(), **options)
    np.testing.assert_allclose(read(content), GREY / 255, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_sideways_jpeg_comes_out_upright(read, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    upright = np.kron(np.array([[0, 80, 160], [240, 120, 40]], np.uint8), np.ones((16, 16), np.uint8))
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    content = encoded(stored, "JPEG", exif=exif.tobytes(), quality=95)
    np.testing.assert_allclose(read(content, "face.jpg"), upright / 255, atol=0.02)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_decoded_at_a_fraction_of_its_size_upright(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    upright = np.kron(np.array([[0, 80, 160], [240, 120, 40]], np.uint8), np.ones((32, 32), np.uint8))
    content = encoded(Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))), "JPEG", exif=exif.tobytes())
    for side, reduction in ((97, 1), (96, 1), (48, 2), (25, 2), (24, 4), (1, 8)):
        samples, size, by = decode_reduced(content, "face.jpg", side)
        assert (size, by) == ((96, 64), reduction)
        shrunk = upright.reshape(64 // by, by, 96 // by, by).mean(axis=(1, 3))
        np.testing.assert_allclose(samples, np.repeat(shrunk[..., np.newaxis], 3, axis=2), atol=6)


def test_sides_that_a_fraction_does_not_divide_keep_places_where_they_are():
    exif = Image.Exif()
    picture = Image.fromarray(np.kron(COLOUR, np.ones((8, 8, 1), np.uint8))).resize((85, 95), Image.Resampling.BOX)
    samples, size, by = decode_reduced(encoded(picture, "JPEG"), "face.jpg", 20)
    assert (samples.shape, size, by) == ((24, 22, 3), (85, 95), 4)
    exif[ORIENTATION] = 3  # the part of a pixel would come first
    samples, size, by = decode_reduced(encoded(picture, "JPEG", exif=exif.tobytes()), "face.jpg", 20)
    assert (samples.shape, size, by) == ((95, 85, 3), (85, 95), 1)
    samples, size, by = decode_reduced(encoded(Image.new("RGB", (600, 6)), "JPEG"), "line.jpg", 75)
    assert (samples.shape, size, by) == ((2, 150, 3), (600, 6), 4)


def test_only_a_jpeg_is_decoded_at_a_fraction_and_a_damaged_one_is_refused():
    picture = Image.fromarray(np.kron(COLOUR, np.ones((8, 8, 1), np.uint8)))
    samples, size, by = decode_reduced(encoded(picture, "PNG"), "face.png", 10)
    assert (size, by) == ((80, 96), 1)
    np.testing.assert_array_equal(samples, picture)
    content = encoded(picture, "JPEG")
    with pytest.raises(ImageError, match="truncated"):
        decode_reduced(content[: len(content) // 2], "face.jpg", 10)
    assert decode_reduced(encoded(picture.convert("CMYK"), "JPEG"), "face.jpg", 10).samples.shape == (12, 10, 3)
    np.testing.assert_array_equal(
        decode_reduced(content, "face.jpg", 90).samples, decode(content, "face.jpg", colour=True)
    )


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


def test_sixteen_bits_turn_upright_too(read):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    deep = GREY.astype(np.uint16) * 257
    content = encoded(Image.fromarray(np.ascontiguousarray(STORED[6](deep))), "PNG", exif=exif.tobytes())
    np.testing.assert_allclose(read(content), GREY / 255, atol=1e-6)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_grey_pixels_are_kept_exactly(read, kind):
    image = read(encoded(Image.fromarray(GREY), kind))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, GREY.astype(np.float32) / np.float32(255))


def test_colour_is_rgb_and_grey_is_its_luma(read):
    content = encoded(Image.fromarray(COLOUR), "PNG")
    np.testing.assert_array_equal(read(content, colour=True), COLOUR.astype(np.float32) / np.float32(255))
    luma = COLOUR @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(read(content), luma, atol=1 / 255)


def test_cmyk_jpeg_reads_as_its_colours(read):
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow ink make red
    pixels = read(encoded(cmyk, "JPEG", quality=95), "face.jpg", colour=True)
    np.testing.assert_allclose(pixels[8, 8], [1, 0, 0], atol=0.03)
    assert read(encoded(cmyk, "TIFF")).shape == (16, 16)


def test_a_palette_with_alpha_lies_on_white(read):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 0])
    picture.putdata([0, 1])
    content = encoded(picture, "PNG", transparency=bytes([0, 255]))  # the red entry is transparent
    np.testing.assert_array_equal(read(content, colour=True), [[[1, 1, 1], [0, 0, 0]]])
    np.testing.assert_array_equal(read(content), [[1, 0]])


@pytest.mark.parametrize(("mode", "black"), [("RGBA", (0, 0, 0, 128)), ("LA", (0, 128))])
def test_half_transparent_black_is_mid_grey(read, mode, black):
    np.testing.assert_allclose(read(encoded(Image.new(mode, (3, 3), black), "PNG")), 0.5, atol=1 / 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_keep_their_depth(read, kind):
    deep = np.array([[0, 1, 256], [32768, 65534, 65535]], np.uint16)
    image = read(encoded(Image.fromarray(deep), kind))
    np.testing.assert_allclose(image, deep / 65535, atol=1e-7)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_twelve_bits_in_sixteen_are_not_read_as_a_dark_picture(read, kind):
    with pytest.raises(
        ImageError, match="its integers run to 4,080, and 65,535 is white: a picture of 12 bits, perhap"
    ):
        read(encoded(Image.fromarray(np.array([[0, 16, 4080]], np.uint16)), kind))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_an_animation_the_first_frame_is_read(read, kind):
    first, second = Image.new("L", (8, 8), 0), Image.new("L", (8, 8), 255)
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(first, kind, save_all=True, append_images=[second], **options)
    np.testing.assert_allclose(read(content), 0, atol=1 / 255)


def test_a_float_tiff_is_read_as_it_is(read):
    floats = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    content = encoded(Image.fromarray(floats), "TIFF")
    np.testing.assert_array_equal(read(content), floats)
    assert read(content, colour=True).shape == (3, 4, 3)


def test_one_bit_is_black_and_white(read):
    bits = Image.fromarray(np.eye(4, dtype=bool))
    np.testing.assert_array_equal(read(encoded(bits, "PPM")), np.eye(4))


JPEG = encoded(Image.fromarray(np.kron(COLOUR, np.ones((6, 6, 1), np.uint8))), "JPEG")
PNG = encoded(Image.fromarray(COLOUR), "PNG")
PGM = encoded(Image.fromarray(GREY), "PPM")
TIFF = encoded(Image.fromarray(COLOUR), "TIFF")


def floats(*values):
    return encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", r"the file is empty \(0 bytes\)", id="0 bytes"),
        pytest.param(b"Dear diary, ...", "no image that can be read .*JPEG, PNG", id="text"),
        pytest.param(b"%PDF-1.4\n%EOF", "no image that can be read", id="PDF"),
        pytest.param(
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image that can be read", id="PostScript"
        ),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read", id="SVG"),
        pytest.param(JPEG[: len(JPEG) // 2], "truncated", id="truncated JPEG"),
        pytest.param(PNG[: len(PNG) // 2], "truncated", id="truncated PNG"),
        pytest.param(PGM[:-5], "truncated", id="truncated PGM"),
        pytest.param(TIFF[: len(TIFF) // 2], "damaged, truncated|no image", id="truncated TIFF"),
        pytest.param(JPEG[:3], "no image that can be read", id="three bytes of a JPEG"),
        pytest.param(png_claiming(7_000, 8_000), r"7000 x 8000 pixels; at most 52,000,000", id="over the limit"),
        pytest.param(png_claiming(12_000, 12_000), "pixels", id="over the limit at which Pillow warns"),
        pytest.param(png_claiming(60_000, 60_000), "far more pixels than the 52,000,000", id="decompression bomb"),
        pytest.param(png_claiming(0, 5), "damaged, truncated|no image", id="no width"),
        pytest.param(floats(0.0, np.nan), "floats run from nan to nan", id="NaN"),
        pytest.param(floats(0.0, np.inf), "floats run from 0 to inf", id="infinity"),
        pytest.param(
            floats(0.0, 255.0), r"floats run from 0 to 255; expected 0 \(black\) to 1 ", id="float TIFF to 255"
        ),
        pytest.param(floats(-0.1, 1.0), "floats run from -0.1 to 1", id="negative floats"),
        pytest.param(
            encoded(Image.fromarray(np.array([[0, 70_000]], np.int32)), "TIFF"),
            "integers run from 0 to 70000; expected 0 .* to 65,535",
            id="32 bits",
        ),
    ],
)
def test_what_is_no_capture_says_why(read, content, words):
    with pytest.raises(ImageError, match=words) as raised:
        read(content)
    assert str(raised.value) == f"face.png: {raised.value.reason}"


def test_the_limit_is_checked_before_a_pixel_is_decoded(read, monkeypatch):
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="pixels"):
        read(png_claiming(MAX_PIXELS // 1000 + 1, 1000))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)


def test_a_file_that_may_not_be_opened_is_named(tmp_path, monkeypatch):
    (tmp_path / "face.png").write_bytes(PNG)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("PIL.Image.open", refuse)
    with pytest.raises(ImageError, match="permission denied"):
        read_image(tmp_path / "face.png")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([JPEG, PNG, PGM, TIFF]), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6)
)
@example(PNG, [])
def test_damaged_bytes_give_an_image_or_an_image_error(read, content, damage):
    damaged = bytearray(content)
    for place, value in damage:
        damaged[int(place * len(damaged))] = value
    try:
        image = read(bytes(damaged))
    except ImageError:
        return
    assert image.dtype == np.float32
    assert image.ndim == 2
    assert 0 <= image.min() <= image.max() <= 1


def test_threads_that_read_at_once_leave_the_warnings_as_they_were(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for path in paths:
        Image.fromarray(COLOUR).resize((400, 300)).save(path)
    before = warnings.filters[:]
    with ThreadPoolExecutor(4) as threads:
        for image in threads.map(read_image, paths * 10):
            assert image.shape == (300, 400)
    assert warnings.filters == before


def test_a_filter_that_came_while_a_photograph_was_read_stays(monkeypatch, tmp_path):
    path = tmp_path / "1.png"
    Image.fromarray(COLOUR).save(path)
    transpose = ImageOps.exif_transpose

    def meanwhile(image, **given):
        warnings.filterwarnings("ignore", message="of another thread")
        return transpose(image, **given)

    monkeypatch.setattr(ImageOps, "exif_transpose", meanwhile)
    read_image(path)
    warnings.warn("of another thread", UserWarning, stacklevel=1)


@pytest.mark.parametrize("colour", [True, False])
def test_bytes_stay_bytes_and_a_large_picture_is_as_pillow_has_it(tmp_path, colour):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (97, 1301, 4), dtype=np.uint8))
    picture.save(tmp_path / "large.png")
    samples = read_samples(tmp_path / "large.png", colour=colour)
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples, np.asarray(white.convert("RGB" if colour else "L")))


def test_more_than_eight_bits_are_floats(tmp_path):
    Image.fromarray(np.array([[0, 256, 65535]], np.uint16)).save(tmp_path / "deep.png")
    assert read_samples(tmp_path / "deep.png").dtype == np.float32


def test_every_suffix_is_a_format_that_is_read(tmp_path):
    for suffix in SUFFIXES:
        if suffix in PHONES and not can_encode(PHONES[suffix]):
            continue
        path = tmp_path / f"face{suffix}"
        Image.fromarray(GREY).convert("1" if suffix == ".pbm" else "L").save(path)
        assert read_image(path).shape == (4, 6)


def test_to_square_cuts_the_centre_and_averages_when_shrinking():
    wide = np.zeros((8, 12), np.float32)
    wide[:, 2:10] = np.indices((8, 8)).sum(0) % 2  # a chequerboard between black edges
    np.testing.assert_allclose(to_square(wide, 2), 0.5, atol=0.02)
    tall = np.ascontiguousarray(wide.T)
    np.testing.assert_array_equal(to_square(tall, 8), tall[2:10])


@given(st.integers(1, 30), st.integers(1, 30), st.integers(4, 20), st.booleans())
@settings(max_examples=50)
def test_to_square_stays_within_the_range_of_the_image(height, width, size, colour):
    image = np.random.default_rng(height).random((height, width, 3) if colour else (height, width), dtype=np.float32)
    square = to_square(image, size)
    assert square.shape[:2] == (size, size)
    assert square.ndim == image.ndim
    assert image.min() - 1e-6 <= square.min() <= square.max() <= image.max() + 1e-6
