"""Whom photographs show, and which are compared: as LFW's lists, CSV files and folders say it.

Also tests ``evaluation/lfw.py``.
"""

import numpy as np
import pytest

from faceloupe.errors import InputError, UnavailableError
from faceloupe.evaluation import LabelledPhotographs, open_data


@pytest.fixture
def lfw(tmp_path, monkeypatch):
    """A folder as LFW's: two photographs of Ann and one of Bob, Cy and Di each; files need not be images."""
    root = tmp_path / "lfw"
    for name, count in {"Ann": 2, "Bob": 1, "Cy": 2, "Di": 1}.items():
        (root / name).mkdir(parents=True)
        for number in range(1, count + 1):
            (root / name / f"{name}_{number:04d}.jpg").write_bytes(f"{name} {number}".encode())
    monkeypatch.setenv("FACELOUPE_LFW", str(root))
    return root


def view_1(folder):
    (folder / "pairsDevTrain.txt").write_text("1\nAnn\t1\t2\nAnn\t2\tBob\t1\n")
    (folder / "pairsDevTest.txt").write_text("1\nCy\t1\t2\nCy\t2\tDi\t1\n")


def view_2(folder):
    (folder / "pairs.txt").write_text("2\t1\nAnn\t1\t2\nAnn\t1\tBob\t1\nCy\t1\t2\nCy\t1\tDi\t1\n")


def test_view_1_has_pairs_to_choose_on_and_pairs_to_test(lfw):
    view_1(lfw)
    data = open_data("lfw")
    assert data.source == "LFW View 1"
    assert [path.name for path in data.paths] == [
        "Ann_0001.jpg", "Ann_0002.jpg", "Bob_0001.jpg", "Cy_0001.jpg", "Cy_0002.jpg", "Di_0001.jpg",
    ]  # fmt: skip
    assert data.names == ("Ann", "Bob", "Cy", "Di")
    assert data.subjects.tolist() == [0, 0, 1, 2, 2, 3]
    assert data.pairs.captures.tolist() == [[0, 1], [1, 2], [3, 4], [4, 5]]
    assert data.pairs.same.tolist() == [True, False, True, False]
    assert data.pairs.folds == ("train", "train", "test", "test")
    assert data.pairs.has_parts
    assert data.pairs.in_fold("test").tolist() == [2, 3]
    assert data.central
    assert (
        repr(data)
        == "LabelledPhotographs(6 photographs of 4 subjects, Pairs(4, 2 of one person in 2 folds), LFW View 1)"
    )


def test_view_2_has_folds_and_goes_first(lfw):
    view_1(lfw)
    view_2(lfw.parent)  # where scikit-learn puts it, above the photographs
    data = open_data("lfw")
    assert data.source == "LFW View 2"
    assert data.pairs.folds == ("1", "1", "2", "2")
    assert not data.pairs.has_parts
    assert open_data("lfw-view1").pairs.has_parts
    assert open_data("lfw-view2").pairs.folds == data.pairs.folds


def test_a_csv_file_lists_pairs(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    path = tmp_path / "pairs.csv"
    path.write_text("\ufeffphoto_a,photo_b,same\na.jpg,b.jpg,1\na.jpg,c.jpg,No\n", encoding="utf-8")
    data = open_data(path)
    assert [photograph.name for photograph in data.paths] == ["a.jpg", "b.jpg", "c.jpg"]
    assert data.subjects is None
    assert data.pairs.captures.tolist() == [[0, 1], [0, 2]]
    assert data.pairs.same.tolist() == [True, False]
    assert data.pairs.folds is None
    assert not data.central
    path.write_text("fold,same,photo_b,photo_a\ntrain,1,b.jpg,a.jpg\ntrain,0,c.jpg,a.jpg\n"
                    "test,1,b.jpg,a.jpg\ntest,0,c.jpg,a.jpg\n")  # fmt: skip
    assert open_data(str(path)).pairs.has_parts


def test_a_folder_has_one_folder_a_subject(tmp_path):
    for name in ("ann/2.jpg", "ann/10.JPG", "ann/notes.txt", "bob/1.png", "empty/read.me"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    data = open_data(tmp_path)
    assert [photograph.name for photograph in data.paths] == ["2.jpg", "10.JPG", "1.png"]
    assert data.names == ("ann", "bob")
    assert data.subjects.tolist() == [0, 0, 1]
    assert data.pairs is None
    assert {skipped.path for skipped in data.skipped} == {"ann/notes.txt", "empty/read.me", "empty"}


def test_the_orl_photographs_have_a_name():
    data = open_data("orl")
    assert len(data.paths) == 400
    assert all(path.suffix == ".pgm" and path.is_file() for path in data.paths)
    assert np.bincount(data.subjects).tolist() == [10] * 40


def test_what_is_open_stays_as_it_is():
    data = open_data("orl")
    assert open_data(data) is data
    assert isinstance(data, LabelledPhotographs)


BAD_CSV = [
    ("photo_a,photo_b\na.jpg,b.jpg\n", "has no column same; expected a first line with photo_a,photo_b,same"),
    ("", "has no column photo_a, photo_b, same"),
    ("photo_a,photo_b,same\n", "holds only its first line"),
    ("photo_a,photo_b,same\na.jpg,b.jpg,maybe\n", "line 2: same is 'maybe'; expected 1 or 0"),
    ("photo_a,photo_b,same\na.jpg,b.jpg\n", "line 2: same is ''"),
    ("photo_a,photo_b,same\na.jpg,b.jpg,1\na.jpg,x.jpg,0\n", "line 3: there is no file 'x.jpg' in"),
    ("photo_a,photo_b,same\n,b.jpg,1\n", "there is no file '\\(empty\\)'"),
    ("photo_a,photo_b,same\na.jpg,a.jpg,1\n", "compared with itself, 'a.jpg'"),
    ("photo_a,photo_b,same\na.jpg,b.jpg,1\n", "there is no pair of two people"),
    ("photo_a,photo_b,same\na.jpg,b.jpg,0\n", "there is no pair of one person"),
    ("photo_a,photo_b,same,fold\na.jpg,b.jpg,1,\n", "the fold is missing"),
    ("photo_a,photo_b,same,fold\na.jpg,b.jpg,1,1\na.jpg,b.jpg,0,1\n", "all pairs are in one fold, '1'"),
    ("photo_a,photo_b,same,fold\na.jpg,b.jpg,1,1\na.jpg,b.jpg,0,2\n", "fold 1: there is no pair of two people"),
]


@pytest.mark.parametrize(("content", "words"), BAD_CSV)
def test_a_bad_csv_file_is_explained(content, words, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "pairs.csv").write_text(content)
    with pytest.raises(InputError, match=words):
        open_data(tmp_path / "pairs.csv")


def test_what_is_no_text_is_no_csv(tmp_path):
    (tmp_path / "pairs.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        open_data(tmp_path / "pairs.csv")


@pytest.mark.parametrize("name", ["nowhere", "", "lfw.csv"])
def test_what_is_no_data_is_told_what_is(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"(no file or folder .*|'' is not data); expected lfw, lfw-view1,"):
        open_data(name)


def test_one_subject_is_too_few(tmp_path):
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "1.jpg").touch()
    with pytest.raises(InputError, match="one subject, 'ann'"):
        open_data(tmp_path)


def test_lfw_without_its_lists(lfw):
    with pytest.raises(InputError, match=r"no pairsDevTrain\.txt and no pairsDevTest\.txt"):
        open_data("lfw")
    view_1(lfw)
    with pytest.raises(InputError, match=r"no pairs\.txt"):
        open_data("lfw-view2")


@pytest.mark.parametrize("text", ["one\nAnn\t1\t2\n", "2\nAnn\t1\t2\nAnn\t1\tBob\t1\n", "1\nAnn 1 2\nAnn\t1\tBob\t1\n"])
def test_a_damaged_list_is_named(text, lfw):
    view_1(lfw)
    (lfw / "pairsDevTest.txt").write_text(text)
    with pytest.raises(InputError, match=r"pairsDevTest\.txt is not as LFW publishes it"):
        open_data("lfw")


@pytest.mark.parametrize(("text", "words"), [("10\n", "two numbers"), ("2\t1\nAnn\t1\t2\n", "cut off: 4 pairs")])
def test_a_damaged_list_of_folds_is_named(text, words, lfw):
    (lfw / "pairs.txt").write_text(text)
    with pytest.raises(InputError, match=words):
        open_data("lfw")


def test_lfw_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELOUPE_LFW", str(tmp_path))
    with pytest.raises(UnavailableError, match="FACELOUPE_LFW"):
        open_data("lfw")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe1\n"])
def test_a_list_that_is_empty_or_no_text_is_explained(content, lfw):
    view_1(lfw)
    for name in ("pairsDevTest.txt", "pairs.txt"):
        (lfw / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name} is not as LFW publishes it"):
            open_data("lfw" if name == "pairs.txt" else "lfw-view1")
