"""A clip in a folder is one photograph of everybody in it.

Also tests ``video/photograph.py``.
"""

import shutil
from fractions import Fraction

import numpy as np
import pytest
from sqlalchemy import select

from faceloupe.collection import find, index, indexing
from faceloupe.collection.schema import faces, photographs
from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl
from faceloupe.recognition.recognise import template_of
from faceloupe.recognition.thresholds import published_point
from faceloupe.video import Clip

av = pytest.importorskip("av")
pytestmark = pytest.mark.usefixtures("published")


def photograph(who, number):
    pixels = np.kron(read_image(find_orl() / f"s{who}" / f"{number}.pgm"), np.ones((2, 2)))
    return np.rint(pixels * 255).astype(np.uint8)


@pytest.fixture
def clip(tmp_path):
    """A second of persons 1 and 2 of ORL, side by side."""
    path = tmp_path / "party.mkv"
    frame = np.hstack([photograph(1, 1), photograph(2, 1)])
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        stream.height, stream.width = frame.shape
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 25)
        for number in range(25):
            picture = av.VideoFrame.from_ndarray(np.roll(frame, number // 8, axis=0), format="gray")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return path


def test_everybody_in_a_clip_has_one_row_and_is_found(collection, clip):
    (clip.parent / "broken.mp4").write_bytes(b"no clip")
    report = index(collection, [clip.parent], keep_faces=True)
    assert (report.new, report.faces) == (1, 2)
    [skipped] = report.skipped
    assert skipped.path.endswith("broken.mp4")
    assert skipped.reason.startswith("not a clip that can be read")
    with collection.reading() as connection:
        row = connection.execute(select(photographs).where(photographs.c.width > 0)).one()
        chips = connection.execute(select(faces.c.chip, faces.c.photograph_id)).all()
    assert (row.width, row.height) == (368, 224)
    assert all(chip.chip.startswith(b"\x89PNG") and chip.photograph_id == row.id for chip in chips)
    embedder = collection.embedder()
    sightings = find(collection, [template_of(photograph(2, 2))], published_point(embedder)).sightings
    assert [(item.face.path, item.face.number) for item in sightings] == [(str(clip), 2)]


def test_a_clip_is_read_once(collection, clip):
    index(collection, [clip])
    again = index(collection, [clip])
    assert (again.new, again.known, again.faces) == (0, 1, 0)


def test_without_pyav_a_clip_is_named_with_the_extra_and_read_once_it_is_there(collection, clip, monkeypatch):
    copy = clip.with_name("zz.mkv")
    shutil.copy(clip, copy)
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "av", None)
        report = index(collection, [clip, copy])
    assert report.new == 0
    assert [skipped.path for skipped in report.skipped] == [str(clip), str(copy)]
    assert all("pip install 'faceloupe[video]'" in skipped.reason for skipped in report.skipped)
    assert index(collection, [clip]).faces == 2


def test_a_frame_that_is_not_found_again_costs_sharpness_only(collection, clip, monkeypatch):
    """A damaged clip may be read from its beginning, and give nothing where it is searched."""
    real = Clip.frames

    def frames(self, start=0.0, stop=None, **given):
        return iter(()) if start else real(self, start, stop, **given)

    monkeypatch.setattr(Clip, "frames", frames)
    report = index(collection, [clip], keep_faces=True)
    assert (report.new, report.faces, report.skipped) == (1, 2, [])
    with collection.reading() as connection:
        assert all(chip.startswith(b"\x89PNG") for chip in connection.scalars(select(faces.c.chip)))


def test_a_clip_that_is_gone_when_it_is_read_stops_nothing(collection, clip, monkeypatch):
    real = indexing.photograph_of_clip

    def gone(path, *given, **named):
        path.unlink()
        return real(path, *given, **named)

    monkeypatch.setattr(indexing, "photograph_of_clip", gone)
    assert [skipped.reason for skipped in index(collection, [clip]).skipped] == ["No such file or directory"]
    assert collection.counts()["photographs"] == 0
