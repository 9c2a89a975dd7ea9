"""`faceloupe explain` as somebody types it: the page's path or the document on stdout, talk on stderr."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloupe import embedders
from faceloupe.cli import main
from faceloupe.faces.sources import find_orl
from faceloupe.recognition import recognise
from faceloupe.recognition.weights import SFACE

PAIR = ["s1.png", "s1-again.png", "--no-certificate"]


class Eyes:
    """Reads the eyes and goes by the name of SFace, whose thresholds are published; `stop` ends it like Ctrl-C."""

    name, sha256 = "sface", SFACE.sha256
    stop = False

    def embed(self, faces):
        if self.stop and len(faces) > 2:
            raise KeyboardInterrupt
        return np.ascontiguousarray(faces.mean(axis=3)[:, 38:66, 20:92] - 0.5).reshape(len(faces), -1)


@pytest.fixture
def workplace(published, tmp_path, monkeypatch):  # noqa: ARG001 - a fixture that skips
    """The current folder, with photographs of s1 (two), of s1 and s2 together, of a wall, and a text."""
    root = find_orl()
    faces = {}
    for name, file in (("s1", "s1/1.pgm"), ("s1-again", "s1/5.pgm"), ("s2", "s2/1.pgm")):
        face = Image.open(root / file).resize((184, 224), Image.Resampling.BICUBIC)
        faces[name] = np.pad(np.asarray(face), ((40, 40), (60, 60)), constant_values=128)
        Image.fromarray(faces[name]).save(tmp_path / f"{name}.png")
    Image.fromarray(np.hstack([faces["s1"], faces["s2"]])).save(tmp_path / "both.png")
    Image.fromarray(np.full_like(faces["s1"], 128)).save(tmp_path / "wall.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACELOUPE_GALLERY", raising=False)
    return tmp_path


@pytest.fixture
def eyes(monkeypatch):
    """The embedder that the command gets whatever it asks for."""
    embedder = Eyes()
    monkeypatch.setattr(embedders, "open_embedder", lambda _name, **_options: embedder)
    return embedder


@pytest.fixture
def run(workplace, monkeypatch, capsys):  # noqa: ARG001 - the current folder
    """Run the command here, as the script does: (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["faceloupe", "explain", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return run


@pytest.mark.usefixtures("eyes")
def test_the_page_is_written_and_the_answer_told(run, workplace):
    status, printed, talk = run(*PAIR)
    assert (status, printed) == (0, "why.html\n")
    assert talk.startswith("Match: score 0.")
    assert "A is s1.png, B is s1-again.png." in talk
    assert "Of A, the likeness rests most on the " in talk
    assert "**" not in talk
    page = (workplace / "why.html").read_text()
    assert "Why s1 and s1-again match" in page
    assert (workplace / "why.html").stat().st_mode & 0o777 == 0o600
    assert page.endswith("</html>\n")


@pytest.mark.usefixtures("eyes")
def test_json_is_the_document_and_no_page(run, workplace):
    status, printed, _ = run("s1.png", "s1-again.png", "--json", "--method", "correlation")
    document = json.loads(printed)
    assert status == 0
    assert document["schema"] == "faceloupe.explanation/2"
    assert [face["attribution"]["method"] for face in document["faces"]] == ["correlation"] * 2
    assert [face["attribution"]["certificate"]["deletion"]["passed"] for face in document["faces"]] == [
        True,
        True,
    ]
    assert not (workplace / "why.html").exists()


@pytest.mark.usefixtures("eyes")
def test_pictures_where_asked(run, workplace):
    status, printed, talk = run(*PAIR, "--out", "why.png", "--figures", "pictures")
    assert (status, printed) == (0, "why.png\n")
    with Image.open("why.png") as picture:
        assert picture.width > 800
    assert "3 figures in pictures" in talk
    assert sorted(file.name for file in (workplace / "pictures").iterdir()) == ["alignment.png", "maps.png", "why.png"]
    assert not (workplace / "why.html").exists()


@pytest.mark.usefixtures("eyes")
def test_thresholds_and_faces_are_chosen(run):
    status, printed, _ = run("both.png", "s1.png", "--central", "--fmr", "1e-2", "--no-certificate", "--json")
    assert status == 0
    assert json.loads(printed)["decision"]["point"]["target_fmr"] == 0.01


def test_people_of_a_gallery_are_named(run, workplace, eyes, monkeypatch):
    pytest.importorskip("sqlalchemy")
    from faceloupe.gallery import open_gallery

    with open_gallery(workplace / "faces.db", create=True) as gallery:
        gallery.enrol("Somebody Else", list(recognise(["s2.png"], eyes)), force=True)
    assert "Beside the 1 subject of the gallery" in run(*PAIR, "--gallery", "faces.db", "--out", "a.html")[2]
    monkeypatch.setenv("FACELOUPE_GALLERY", "faces.db")
    assert "most like A is Somebody Else (" in run(*PAIR)[2]


@pytest.mark.usefixtures("eyes")
def test_a_gallery_without_people_is_told_and_left_out(run, workplace, monkeypatch):
    pytest.importorskip("sqlalchemy")
    from faceloupe.gallery import open_gallery

    monkeypatch.setenv("FACELOUPE_GALLERY", "later.db")
    status, _, talk = run(*PAIR)
    assert status == 0
    assert "FACELOUPE_GALLERY: there is no gallery at later.db yet; the published threshold is taken." in talk
    open_gallery(workplace / "later.db", create=True).close()
    status, printed, talk = run(*PAIR, "--json")
    assert status == 0
    assert "later.db is empty: the page tells nothing of other people." in talk
    assert json.loads(printed)["others"] is None


@pytest.mark.usefixtures("eyes")
def test_photographs_are_named_by_the_paths_given(run, workplace):
    for name in ("one", "other"):
        (workplace / name).mkdir()
        shutil.copy("s1.png", f"{name}/photo.png")
    assert "A is one/photo.png, B is other/photo.png." in run("one/photo.png", "other/photo.png", "--no-certificate")[2]


@pytest.mark.usefixtures("eyes")
def test_a_path_that_is_no_text_is_escaped(run):
    shutil.copy("s1.png", b"a\xff\n.png")
    status, printed, talk = run(os.fsdecode(b"a\xff\n.png"), "s1.png", "--no-certificate", "--out", "b\x1b.html")
    assert (status, printed) == (0, "b\\x1b.html\n")
    assert "A is a\\udcff\n.png" in talk
    assert Path("b\x1b.html").read_text().endswith("</html>\n")
    json.loads(run(os.fsdecode(b"a\xff\n.png"), "s1.png", "--no-certificate", "--json")[1].encode("utf-8", "strict"))


def test_ctrl_c_leaves_nothing(run, workplace, eyes):
    eyes.stop = True
    before = set(workplace.iterdir())
    status, printed, talk = run("s1.png", "s1-again.png", "--figures", "pictures", "--out", "why.html")
    assert (status, printed) == (130, "")
    assert talk == "Stopped; nothing was written.\n"
    assert set(workplace.iterdir()) == before


WRONG = [
    (["s1.png"], "Missing argument 'B'"),
    (["s1.png", "nobody.png"], "nobody.png"),
    (["s1.png", "notes.txt"], "notes.txt: no image that can be read"),
    (["s1.png", "wall.png"], "wall.png: no face"),
    (["s1.png", "both.png"], "both.png: several faces"),
    ([*PAIR, "--method", "gradient"], "method: expected one of occlusion, correlation"),
    ([*PAIR, "--fmr", "1e-9"], "no operating point was published for an FMR of 1e-09; there are 0.01"),
    ([*PAIR, "--fmr", "often"], "Invalid value for '--fmr'"),
    ([*PAIR, "--engine", "steam"], "'steam' is not one of 'openvino', 'onnxruntime'"),
    ([*PAIR, "--out", "s1.png"], "s1.png is what the command reads, and would be overwritten"),
    ([*PAIR, "--out", "why.jpg"], "why.jpg: expected a name that ends in .html, .htm, .png"),
    ([*PAIR, "--out", "folder.html"], "folder.html is a folder; name a file in it"),
    ([*PAIR, "--figures", "notes.txt"], "notes.txt is a file; --figures takes a folder"),
    ([*PAIR, "--out", "missing/why.html"], "missing is not a folder; make it first"),
    ([*PAIR, "--gallery", "nowhere.db"], "There is no gallery at nowhere.db"),
    ([*PAIR, "--gallery", "notes.txt"], "notes.txt"),
]


@pytest.mark.usefixtures("eyes")
@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_what_was_asked_wrongly_is_explained(run, workplace, arguments, words):
    (workplace / "folder.html").mkdir()
    before = (workplace / "s1.png").read_bytes()
    status, printed, talk = run(*arguments)
    assert (status, printed) == (2, "")
    assert (workplace / "s1.png").read_bytes() == before
    assert words in " ".join(talk.split())
    assert not (workplace / "why.html").exists()


def test_an_embedder_that_there_is_not(run):
    status, _, talk = run(*PAIR, "--embedder", "facenet")
    assert status == 2
    assert "There is no embedder 'facenet'; there are sface, sface+flip" in talk
