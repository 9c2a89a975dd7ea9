"""A photograph is taken in every form in which people hold it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import faceloupe
from faceloupe.errors import ImageError, InputError
from faceloupe.recognition import SFace, compare, find_faces, recognise, template_of, verify
from faceloupe.recognition.photos import is_photo, open_photo


@pytest.fixture(scope="module")
def file(photographs, tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "ana.png"
    Image.fromarray(np.rint(photographs[0] * 255).astype(np.uint8)).save(path)
    return path


def _forms(path):
    content = path.read_bytes()
    image = Image.open(path)
    image.load()
    return {
        "path": path, "text": str(path), "bytes": content, "bytearray": bytearray(content), "view": memoryview(content),
        "PIL image": image, "BytesIO": io.BytesIO(content), "grey": np.asarray(image),
        "colour": np.asarray(image.convert("RGB")), "floats": np.asarray(image, np.float32) / np.float32(255),
    }  # fmt: skip


@pytest.mark.usefixtures("published")
def test_every_form_gives_the_same_template(file):
    expected = template_of(file)
    for form, photo in _forms(file).items():
        assert compare(template_of(photo), expected) == pytest.approx(1, abs=1e-6), form
    with file.open("rb") as opened:
        assert compare(template_of(opened), expected) == pytest.approx(1, abs=1e-6)


@pytest.mark.usefixtures("published")
def test_what_was_recognised_is_not_recognised_again(file, monkeypatch):
    (photograph,) = recognise([file])
    monkeypatch.setattr("faceloupe.recognition.photographs.find_chips", None)
    (again,) = recognise([photograph])
    assert again is photograph
    assert template_of(photograph) is photograph.templates[0]
    (flipped,) = recognise([photograph], SFace(flip=True))  # from its face
    assert flipped.templates[0].embedder == "sface+flip"
    assert verify(photograph, photograph).match


@pytest.mark.usefixtures("published")
def test_of_a_photograph_with_several_faces_those_meant_are_chosen(photographs):
    (both,) = recognise([np.hstack([photographs[0], photographs[5], photographs[1]])])
    (middle,) = recognise([both], faces="central")
    assert len(both.templates) == 3
    assert 92 < middle.chips[0].detection.landmarks.nose.x < 184
    with pytest.raises(ImageError, match="photo 1: several faces found where one was meant"):
        template_of(both)


@pytest.mark.usefixtures("published")
def test_a_photo_without_a_name_is_called_by_its_number(photographs):
    wall = np.full((90, 120), 0.5, np.float32)
    assert [each.path.name for each in recognise([photographs[0], wall])] == ["photo 1", "photo 2"]
    with pytest.raises(ImageError, match="photo 2: no face found"):
        verify(photographs[0], wall)


def test_its_own_name_comes_first(file):
    with file.open("rb") as opened, Image.open(file) as image:
        assert open_photo(opened).path == open_photo(image).path == file
    assert open_photo(io.BytesIO(b"?"), "photo 7").path == Path("photo 7")


def test_the_hash_is_that_of_the_content(file):
    content = open_photo(file).sha256
    assert open_photo(file.read_bytes()).sha256 == content
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert open_photo(pixels).sha256 == open_photo(pixels.copy()).sha256 != content
    assert open_photo(pixels.T).sha256 != open_photo(pixels).sha256


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (None, "expected a path, the bytes of an image file, .* or a Photograph; got None"),
        (3, "got int"),
        ([1, 2], "got list"),
        (io.StringIO("text"), "the file gives text, not bytes; open it with 'rb'"),
    ],
)
@pytest.mark.usefixtures("published")
def test_anything_else_is_an_error_that_says_what_to_give(photo, words):
    for ask in (find_faces, template_of, lambda one: verify(one, one), lambda one: faceloupe.explain(one, one)):
        with pytest.raises(InputError, match=words):
            ask(photo)


def test_a_tensor_is_told_how_it_becomes_an_array():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"got torch.Tensor \(its .numpy\(\) may be such an array\)"):
        open_photo(torch.zeros(8, 8))


def test_bytes_that_are_no_image_are_an_image_error():
    with pytest.raises(ImageError, match="the photo: no image that can be read"):
        find_faces(b"Dear diary")


def test_an_image_that_pillow_cannot_finish_is_an_image_error(file):
    half = Image.open(io.BytesIO(file.read_bytes()[:2000]))
    closed = Image.open(file)
    closed.close()
    for image in (half, closed):
        with pytest.raises(ImageError, match="damaged, truncated or of an unusual kind"):
            open_photo(image)


def test_a_file_that_was_read_before_is_told_to_go_back(file):
    with file.open("rb") as opened:
        opened.read()
        with pytest.raises(InputError, match=r"was read to its end before; file.seek\(0\)"):
            open_photo(opened)
    with pytest.raises(ImageError, match="closed file"):
        open_photo(opened)


@pytest.mark.parametrize("photo", ["a.jpg", Path("a.jpg"), b"", np.zeros((4, 4)), io.BytesIO()])
def test_several_photos_are_not_one(photo):
    assert is_photo(photo)
    with pytest.raises(InputError, match=r"expected several in a list"):
        recognise(photo)
