import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from faceloupe.errors import ImageError
from faceloupe.faces import read_image
from faceloupe.faces.images import MAX_PIXELS, decode, decode_reduced, read_samples
from helpers.image_files import COLOUR, GREY, ORIENTATION, STORED, encoded


def png_claiming(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


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
