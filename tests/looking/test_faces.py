"""Faces from files, data sets and arrays, each with a name of its own."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from faceloupe.errors import ImageError, InputError
from faceloupe.faces import load_faces
from faceloupe.faces.images import read_image
from faceloupe.faces.pixels import to_square
from faceloupe.looking.faces import open_faces


@pytest.mark.parametrize("colour", [False, True])
def test_a_file_is_cut_and_resized_as_everywhere_else(tmp_path, colour):
    pixels = np.random.default_rng(0).integers(0, 255, (30, 20, 3)).astype(np.uint8)
    path = tmp_path / "ann" / "one.png"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path)
    (face,) = open_faces(path)
    assert (face.name, face.subject) == ("one.png", "ann")
    assert np.array_equal(face.cut((16, 16), colour=colour), to_square(read_image(path, colour=colour), 16))


def test_a_camera_held_sideways(tmp_path):
    upright = np.zeros((12, 12), np.uint8)
    upright[:6] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    Image.fromarray(np.rot90(upright)).save(tmp_path / "turned.png", exif=exif)
    (face,) = open_faces(str(tmp_path / "turned.png"))
    assert np.array_equal(face.cut((12, 12), colour=False), upright / np.float32(255))


def test_a_capture_of_a_data_set_is_the_one_that_load_faces_loads():
    (face,) = open_faces("orl:13")
    orl = load_faces("orl", size=48)
    assert face.subject == "s2"
    assert np.array_equal(face.cut((48, 48), colour=False), orl.images[13])


def test_arrays_become_grey_or_colour(made_faces):
    colourful, grey = open_faces([made_faces[0], made_faces[0, ..., 0]])
    assert np.array_equal(colourful.cut((16, 16), colour=True), made_faces[0])
    assert np.allclose(colourful.cut((16, 16), colour=False), made_faces[0] @ [0.299, 0.587, 0.114], atol=1e-6)
    assert np.array_equal(grey.cut((16, 16), colour=True), np.repeat(made_faces[0, ..., :1], 3, axis=-1))


def test_a_face_that_is_not_square_is_the_middle_of_the_square(made_faces):
    (face,) = open_faces(made_faces[0])
    assert np.array_equal(face.cut((16, 12), colour=True), made_faces[0][:, 2:14])
    assert np.array_equal(face.cut((10, 16), colour=True), made_faces[0][3:13])


def test_one_array_several_arrays_and_a_face_set(made_faces, two_people):
    assert len(open_faces(made_faces[0])) == len(open_faces(made_faces[0, ..., 0])) == 1
    assert [one.name for one in open_faces(made_faces)] == [f"face {place}" for place in range(1, 6)]
    names = [(one.name, one.subject) for one in open_faces(two_people.take([0, 10]))]
    assert names == [("s1/1.pgm", "s1"), ("s2/1.pgm", "s2")]


def test_equal_names_are_numbered():
    assert [one.name for one in open_faces(["orl:3", "orl:4", "orl:3"])] == ["orl:3 (1)", "orl:4", "orl:3 (2)"]


def test_a_face_in_every_form_that_people_hold_is_one_face():
    grey = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    picture, file = Image.fromarray(grey), BytesIO()
    picture.save(file, format="PNG")
    exact = grey / np.float32(255)
    for form in (grey, grey[..., None], torch.tensor(exact), exact.tolist(), picture, file.getvalue(), [picture]):
        [face] = open_faces(form)
        np.testing.assert_allclose(face.cut((8, 8), colour=False), exact, atol=1e-6)


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        ([], "expected 1 to 64, got 0"),
        (["orl:0"] * 65, "expected 1 to 64, got 65"),
        ("nobody.jpg", "there is no file 'nobody.jpg'; a FACE is an image file, or olivetti:3 or orl:3"),
        ("orl:400", "orl:400: orl has 400 captures, 0 to 399"),
        ([np.zeros((8, 8), np.uint16)], "face 1: expected (H, W) or (H, W, 3), floats in [0, 1] or bytes, got uint16"),
        ([np.zeros((8, 8, 4))], "face 1: expected (H, W) or (H, W, 3)"),
        (np.zeros((8, 8, 4)), "face 1: expected (H, W) or (H, W, 3)"),
        ([[0.1, 0.2], [0.3]], "expected one list of faces, or numbers in rows of one length"),
        ([["a.png"], ["b.png", "c.png"]], "expected one list of faces, or numbers in rows of one length"),
        (torch.zeros(8, 8, device="meta"), "expected one list of faces, or numbers in rows of one length"),
        (None, "face 1: expected a path, the bytes of an image file"),
        ([np.full((8, 8), 2.0)], "face 1: expected pixels in [0, 1]"),
        ([np.full((8, 8), np.nan)], "face 1: expected pixels in [0, 1]"),
    ],
)  # fmt: skip
def test_what_is_no_face_is_explained(faces, words):
    with pytest.raises(InputError) as raised:
        open_faces(faces)
    assert words in str(raised.value)


def test_a_file_that_is_no_image(tmp_path):
    (tmp_path / "notes.txt").write_text("not a picture")
    (face,) = open_faces(tmp_path / "notes.txt")
    with pytest.raises(ImageError, match=r"notes\.txt: no image that can be read"):
        face.cut((8, 8), colour=False)
