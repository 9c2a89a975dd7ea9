import numpy as np
import pytest
from PIL import Image, ImageColor

from faceloupe.errors import InputError
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.drawing import Marked, _broken, draw_faces, picture_format, write_drawing

BLUE, ORANGE = (np.array(ImageColor.getrgb(colour)) for colour in ("#0072B2", "#D55E00"))


def face_at(x, y, width=100.0, height=130.0):
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    landmarks = Landmarks(*(Point(x + width * right, y + height * down) for right, down in points))
    return Detection(Box(x, y, width, height), landmarks, 0.9)


def grey(width, height):
    return np.full((height, width, 3), 0.5, np.float32)


def drawn(image, faces):
    return np.asarray(draw_faces(image, faces)).astype(np.int16)


def share(pixels, colour):
    return (np.abs(pixels - colour).max(axis=-1) < 8).mean()


def test_the_box_lies_where_the_face_is():
    pixels = drawn(grey(1200, 900), [Marked(face_at(400, 300, 200, 260), ("Ann", "0.71"), known=True)])
    rows, columns = slice(310, 550), slice(410, 590)
    for side in (
        (rows, slice(398, 403)),
        (rows, slice(598, 603)),
        (slice(298, 303), columns),
        (slice(558, 563), columns),
    ):
        assert share(pixels[side], BLUE) > 0.5
    assert share(pixels[:200], BLUE) == 0  # neither box nor tag reaches there


def test_nobody_differs_in_shape_as_well_as_in_colour():
    known, unknown = (
        drawn(grey(1200, 900), [Marked(face_at(400, 300, 200, 260), ("1",), known=known)])[330:530, 398:403]
        for known in (True, False)
    )
    rows = {"known": np.abs(known - BLUE).max(-1).min(-1) < 8, "unknown": np.abs(unknown - ORANGE).max(-1).min(-1) < 8}
    assert rows["known"].all()  # unbroken
    assert 0.3 < rows["unknown"].mean() < 0.8  # dashes
    assert np.diff(rows["unknown"].astype(int)).any()


def test_every_landmark_is_a_black_dot_with_a_white_rim():
    face = face_at(400, 300, 200, 260)
    pixels = drawn(grey(1200, 900), [Marked(face, ("1",), known=True)])
    for x, y in face.landmarks:
        around = pixels[round(y) - 8 : round(y) + 9, round(x) - 8 : round(x) + 9]
        assert pixels[round(y), round(x)].max() < 30
        assert around.max() > 240


@pytest.mark.parametrize(("width", "height"), [(60, 80), (112, 92), (700, 500), (999, 10), (3000, 2000)])
def test_a_small_photograph_is_enlarged_and_a_large_one_is_not(width, height):
    picture = draw_faces(grey(width, height), [])
    assert picture.width * height == picture.height * width
    assert max(picture.size) >= 1000
    assert max(picture.size) in range(1000, 2001) or picture.size == (width, height)


@pytest.mark.parametrize("side", [80, 250, 1000, 2400])
def test_a_tag_can_be_read_at_any_size(side):
    unit = side / 10
    pixels = drawn(grey(side, side), [Marked(face_at(4 * unit, 4 * unit, 2 * unit, 2.6 * unit), ("Annabel",), True)])
    above = pixels[: int(0.395 * len(pixels))]
    height = np.ptp(np.flatnonzero((np.abs(above - BLUE).max(-1) < 8).any(axis=1)))
    assert len(pixels) / 90 < height < len(pixels) / 20


def test_tags_of_a_crowd_do_not_hide_each_other():
    places = [(x, y) for y in (60, 280) for x in (40, 220, 400)]
    faces = [Marked(face_at(x, y, 90, 110), (f"{i} Annabel", "0.71"), known=True) for i, (x, y) in enumerate(places)]
    together = share(drawn(grey(600, 480), faces), BLUE)
    apart = sum(share(drawn(grey(600, 480), [face]), BLUE) for face in faces)
    assert together == pytest.approx(apart, rel=0.05)


def test_faces_at_and_beyond_the_edge_keep_their_tags_inside():
    corners = [(-40, -50), (1150, -50), (-40, 850), (1150, 850)]
    faces = [Marked(face_at(x, y), ("Annabel", "0.71"), known=True) for x, y in corners]
    assert share(drawn(grey(1200, 900), faces), BLUE) > 4 * 0.001


@pytest.mark.parametrize("name", ["José Łukasz", "Жук Ελένη", "王小明", "a\nb", "", "x" * 300])
def test_any_name_can_be_drawn(name):
    assert share(drawn(grey(1200, 900), [Marked(face_at(400, 300), (name, "0.71"), known=True)]), BLUE) > 0


def test_bytes_and_floats_are_drawn_alike():
    face, image = Marked(face_at(400, 300), ("1",), known=True), np.full((900, 1200, 3), 128, np.uint8)
    np.testing.assert_array_equal(drawn(image, [face]), drawn(image / np.float32(255), [face]))


def test_the_photograph_itself_is_left_as_it_was():
    image = grey(1200, 900)
    pixels = drawn(image, [Marked(face_at(400, 300), ("1",), known=True)])
    assert (image == 0.5).all()
    assert (pixels[600:] == 128).all()


@pytest.mark.parametrize(("name", "kind"), [("out.png", "PNG"), ("out.jpg", "JPEG"), ("OUT.JPEG", "JPEG")])
def test_the_name_chooses_the_format_and_no_metadata_is_written(tmp_path, name, kind):
    write_drawing(tmp_path / name, grey(1200, 900), [Marked(face_at(400, 300), ("1",), known=False)])
    with Image.open(tmp_path / name) as picture:
        assert (picture.format, picture.size, picture.mode) == (kind, (1200, 900), "RGB")
        assert not picture.getexif()
        assert not set(picture.info) & {"exif", "xmp", "comment", "icc_profile"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("name", "words"), [("out.gif", "ends in .png, .jpg"), ("gone/out.png", "is not a folder")])
def test_what_cannot_be_written_is_said_before(tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        picture_format(tmp_path / name)
    with pytest.raises(InputError, match=words):
        write_drawing(tmp_path / name, grey(100, 100), [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("1 Arnold_Schwarzenegger", ["1 Arnold_", "Schwarzenegger"]),
        ("2 Gerhard Schroeder", ["2 Gerhard", "Schroeder"]),
        ("Ann", ["Ann"]),
        ("x" * 30, ["x" * 24, "x" * 6]),
        ("", []),
    ],
)
def test_names_are_broken_between_words(line, parts):
    assert _broken(line, 12) == parts
