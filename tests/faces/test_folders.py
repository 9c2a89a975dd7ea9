"""Also tests ``faces/trees.py``."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import InputError
from faceloupe.faces import Skipped, leaks, load_faces, split_by_capture


def pixels(seed, shape=(20, 20)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def album(tmp_path):
    """Two subjects, two captures each."""
    for seed, name in enumerate(["ann/1.png", "ann/2.png", "bob/1.png", "bob/2.png"]):
        save(tmp_path / name, pixels(seed))
    return tmp_path


def test_one_subject_a_folder_in_natural_order_whatever_the_order_on_disk(tmp_path):
    names = ["p10/2.png", "p2/10.png", "p2/9.pgm", "P1/x.bmp", "p2/a.jpg", "p10/1.webp", "P1/X.tif", "p10/3.JPG"]
    for seed, name in enumerate(names):
        save(tmp_path / name, pixels(seed))
    faces = load_faces(tmp_path, size=20)
    assert faces.names == ("P1", "p2", "p10")
    assert faces.captures == (
        *("P1/x.bmp", "P1/X.tif"),
        *("p2/9.pgm", "p2/10.png", "p2/a.jpg"),
        *("p10/1.webp", "p10/2.png", "p10/3.JPG"),
    )
    assert faces.subject.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert faces.skipped == ()
    np.testing.assert_array_equal(faces.images[3], pixels(1).astype(np.float32) / np.float32(255))


def test_size_colour_and_the_centred_square(tmp_path):
    for name in ("ann/1.png", "bob/1.png"):
        save(tmp_path / name, pixels(len(name), (30, 20, 3)))
    assert load_faces(tmp_path).images.shape == (2, 64, 64)
    faces = load_faces(str(tmp_path), size=20, colour=True)
    assert faces.images.shape == (2, 20, 20, 3)
    np.testing.assert_allclose(faces.images[0], pixels(9, (30, 20, 3))[5:25] / 255, atol=1e-6)
    assert repr(faces).startswith("FaceSet(2 captures of 2 subjects, 20 x 20 colour, the folder")


def test_only_the_subjects_asked_for_are_opened(album, monkeypatch):
    (album / "ann" / "2.png").write_bytes(b"never looked at")
    faces = load_faces(album, subjects=["bob"])
    assert (faces.names, faces.subject.tolist(), faces.skipped) == (("bob",), [0, 0], ())
    monkeypatch.setattr("faceloupe.faces.folders.read_image", lambda path, **_: pytest.fail(f"{path} was opened"))
    with pytest.raises(InputError, match="no subject 'zoe'; there are 2"):
        load_faces(album, subjects=["bob", "zoe"])


def test_subjects_come_in_the_order_asked_for(album):
    faces = load_faces(album, subjects=[1, "ann"])
    assert faces.names == ("bob", "ann")
    assert faces.captures == ("bob/1.png", "bob/2.png", "ann/1.png", "ann/2.png")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("empty.jpg", b"", r"the file is empty \(0 bytes\)", id="0 bytes"),
        pytest.param("text.png", b"hello", "no image that can be read", id="no image"),
        pytest.param("notes.txt", b"hello", "not opened: its name does not end in .jpg", id="not an image by name"),
        pytest.param("cut.pgm", b"P5 20 20 255\n123", "damaged, truncated", id="truncated"),
        pytest.param("flat.pgm", b"P5 4 4 255\n" + bytes(16), "no contrast: every pixel is the same", id="constant"),
        pytest.param("bomb.pgm", b"P5 9999 9999 255\n", "9999 x 9999 pixels; at most", id="decompression bomb"),
    ],
)
def test_a_file_that_is_no_capture_is_skipped_and_named(album, name, content, reason):
    (album / "ann" / name).write_bytes(content)
    faces = load_faces(album)
    assert len(faces) == 4
    [skipped] = faces.skipped
    assert skipped.path == f"ann/{name}"
    assert not skipped.reason.startswith(name)
    assert re.search(reason, skipped.reason)
    assert "1 skipped" in repr(faces)


def test_folders_links_and_pipes_among_captures_are_skipped_and_named(album):
    (album / "ann" / "older").mkdir()
    (album / "ann" / "broken.png").symlink_to(album / "gone.png")
    os.mkfifo(album / "ann" / "pipe.png")  # opening it would wait for ever
    reasons = {skip.path: skip.reason for skip in load_faces(album).skipped}
    assert reasons == {
        "ann/older": "a folder inside a subject's folder is not entered",
        "ann/broken.png": "no such file",
        "ann/pipe.png": "is not a regular file, but a device, a pipe or a socket",
    }


def test_hidden_files_and_files_beside_the_folders_are_passed_over(album):
    (album / "pairs.txt").write_text("ann 1 2")
    (album / "ann" / ".DS_Store").write_bytes(b"x")
    (album / ".cache").mkdir()
    assert load_faces(album).skipped == ()


def test_a_subject_of_whom_nothing_can_be_read_is_named_and_gets_no_label(album):
    (album / "abe").mkdir()
    faces = load_faces(album)
    assert faces.names == ("ann", "bob")
    assert faces.skipped == (Skipped("abe", "no capture of this subject can be read"),)
    with pytest.raises(InputError, match=r"1 subjects can be read, 2 are needed. Skipped 1: abe: no capture"):
        load_faces(album, subjects=["abe", "bob"])


def test_a_folder_that_cannot_be_listed_is_named(album, monkeypatch):
    listed = Path.iterdir

    def refuse(path):
        if path.name == "ann":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    save(album / "eve" / "1.png", pixels(9))
    monkeypatch.setattr(Path, "iterdir", refuse)
    faces = load_faces(album)
    assert faces.names == ("bob", "eve")
    assert "Permission denied" in faces.skipped[0].reason


def test_two_names_that_are_not_utf8_stay_two_subjects(album):
    for name in (b"zo\xe9", b"zo\xff"):
        save(album / os.fsdecode(name) / "1.png", pixels(7))
    assert load_faces(album).names[2:] == (r"zo\xe9", r"zo\xff")


def test_a_name_that_is_not_utf8_can_be_printed(album):
    save(album / os.fsdecode(b"zo\xe9") / "1.png", pixels(7))
    faces = load_faces(album)
    assert faces.names[2].encode() == rb"zo\xe9"
    assert load_faces(album, subjects=[2]).captures == (r"zo\xe9/1.png",)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda root: root / "gone", 'gone\' is no folder; expected "olivetti"', id="no folder"),
        pytest.param(lambda root: root, "holds nothing; expected two or more subjects", id="empty folder"),
        pytest.param(
            lambda root: save(root / "1.png", pixels(0)) or root, r"no folder \(1 images lie", id="loose images"
        ),
        pytest.param(lambda root: save(root / "a/1.png", pixels(0)) or root, "one subject, 'a'", id="one subject"),
        pytest.param(
            lambda root: save(root / "1.png", pixels(0)) or root / "1.png", "is a file, not a folder", id="a file"
        ),
        pytest.param(lambda _: "", "'' is no folder", id="empty name"),
        pytest.param(lambda _: "no\0thing", "is no folder", id="a name with a null byte"),
        pytest.param(lambda _: "Olivetti", "'Olivetti' is no folder; expected \"olivetti\"", id="misspelt source"),
        pytest.param(lambda _: 3, "source must be a name or a path; got 3", id="a number"),
    ],
)
def test_a_folder_that_holds_no_subjects_says_what_is_expected(tmp_path, make, words):
    with pytest.raises(InputError, match=words):
        load_faces(make(tmp_path))


def test_a_folder_of_whose_files_none_can_be_read_says_why(tmp_path):
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"0 subjects can be read, 2 are needed. Skipped 4: ann/1\.jpg: the file is empty"
    ):
        load_faces(tmp_path)


def test_one_capture_a_subject_loads_but_cannot_be_split_by_capture(tmp_path):
    for name in ("ann/1.png", "bob/1.png"):
        save(tmp_path / name, pixels(len(name)))
    save(tmp_path / "eve" / "1.png", pixels(1))
    faces = load_faces(tmp_path, subjects=["ann", "eve"])
    with pytest.raises(InputError, match="at least 2 captures of every subject; subject 0 has 1, and 2 of 2"):
        split_by_capture(faces.subject, 1, 0)


def test_the_same_pixels_under_two_names_are_reported_in_whatever_format(album):
    save(album / "bob" / "3.bmp", pixels(0))  # ann/1.png, saved again elsewhere
    faces = load_faces(album)
    assert faces.duplicates == (("ann/1.png", "bob/3.bmp"),)
    assert "1 groups of duplicates" in repr(faces)
    sides = [leaks(faces, split_by_capture(faces.subject, 1, seed)) for seed in range(20)]
    assert set(sides) == {(), faces.duplicates}


@pytest.mark.parametrize("size", [3, 5000, 64.0, True, None])
def test_a_size_that_makes_no_sense_says_so(album, size):
    with pytest.raises(InputError, match="size must be an integer from 4 to 4096"):
        load_faces(album, size=size)


def test_data_home_is_for_data_sets_only(album):
    with pytest.raises(InputError, match="data_home says where"):
        load_faces(album, data_home=album)
