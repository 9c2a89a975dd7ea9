"""``faceloupe identify clip.mp4`` as somebody types it."""

import json
from fractions import Fraction

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from faceloupe.cli.identify import identify
from faceloupe.errors import InputError, UnavailableError
from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl
from faceloupe.gallery import open_gallery

av = pytest.importorskip("av")
pytestmark = pytest.mark.usefixtures("published")

app = typer.Typer()
app.command()(identify)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "120"})


def photograph(who, number):
    pixels = np.kron(read_image(find_orl() / f"s{who}" / f"{number}.pgm"), np.ones((2, 2)))
    return np.repeat(np.rint(pixels * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A gallery of Ann, and a clip of a second of her and a stranger side by side."""
    root = tmp_path_factory.mktemp("clips")
    with open_gallery(root / "faces.db", create=True) as gallery:
        gallery.enrol("Ann", [photograph(1, 3)])
    frame = np.hstack([photograph(1, 1), photograph(5, 1)])
    with av.open(str(root / "clip.mp4"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        stream.height, stream.width = frame.shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 25)
        for number in range(25):
            picture = av.VideoFrame.from_ndarray(np.roll(frame, number // 8, axis=0), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return root


def test_people_are_a_table_with_their_times(folder):
    result = run(folder / "clip.mp4", "--gallery", folder / "faces.db")
    assert result.exit_code == 0
    lead, headings, ann, stranger = result.stdout.splitlines()
    assert lead.startswith("1 known and 1 unknown person in 1.00 s of clip.mp4; ")
    assert headings.split("  ")[0] == "who"
    assert ann.split()[:3] == ["Ann", "0:00.00", "0:01.00"]
    assert stranger.startswith("somebody 1")
    assert "means of 2 to 5 captures" in result.stderr
    assert "fewer strangers than stated" in result.stderr


def test_csv_json_and_a_page_hold_the_same_people(folder, tmp_path):
    csv, out = tmp_path / "times.csv", tmp_path / "people.html"
    result = run(folder / "clip.mp4", "--gallery", folder / "faces.db", "--csv", csv, "--out", out, "--json")
    document = json.loads(result.stdout)
    assert [person["name"] for person in document["people"]] == ["Ann", "somebody 1"]
    assert [line.split(",")[0] for line in csv.read_text().splitlines()] == ["person", "Ann", "somebody 1"]
    assert "somebody 1" in out.read_text()
    assert "<img" not in out.read_text()
    run(folder / "clip.mp4", "--gallery", folder / "faces.db", "--out", out, "--faces")
    assert "<img" in out.read_text()


def test_a_part_is_looked_at_alone(folder):
    result = run(folder / "clip.mp4", "--gallery", folder / "faces.db", "--start", 0.4, "--stop", 0.8, "--json")
    document = json.loads(result.stdout)
    assert (document["start"], document["end"]) == (pytest.approx(0.4), pytest.approx(0.8))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clip.mp4", "clip.mp4"], "one clip at a time"),
        (["clip.mp4", "photo.jpg"], "one clip at a time"),
        (["clip.mp4", "--draw", "out.png"], "--draw and --json-lines are for photographs"),
        (["photo.jpg", "--out", "page.html"], "are for a clip"),
        (["clip.mp4", "--out", "clip.mp4"], "is what the command reads"),
        (["photo.mp4"], "not a clip that can be read"),
    ],
)
def test_what_cannot_be_done_is_said(folder, arguments, words, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "photo.mp4").write_bytes(b"not a clip")
    result = run(*arguments, "--gallery", "faces.db")
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)


def test_a_stop_writes_nothing_and_says_so(folder, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("faceloupe.video.identify.identify_clip", stopped)
    result = run(folder / "clip.mp4", "--gallery", folder / "faces.db", "--csv", tmp_path / "times.csv")
    assert result.exit_code == 130
    assert "nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_pyav_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    result = run(folder / "clip.mp4", "--gallery", folder / "faces.db")
    assert isinstance(result.exception, UnavailableError)
    assert "pip install 'faceloupe[video]'" in str(result.exception)
