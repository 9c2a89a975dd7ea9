"""Who comes before a camera and who goes; the camera is a row of pictures with their times, or a file that is played.

Also tests ``cli/cameras.py``, ``video/camera.py``.
"""

import json
import os
import signal
import subprocess
import sys
from threading import Event

import cv2
import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.video.camera import Camera, CameraFrame, open_camera
from faceloupe.video.watching import Watch
from helpers.commands import run
from helpers.scenes import photograph, scene
from helpers.waiting import until


@pytest.fixture(scope="module")
def gallery(published, tmp_path_factory):  # noqa: ARG001 - a fixture that skips
    with open_gallery(tmp_path_factory.mktemp("gallery") / "faces.db", create=True) as people:
        for name, who in (("Ann", 1), ("Bob", 2)):
            people.enrol(name, [photograph(who, number) for number in (3, 4)])
        yield people


def watched(gallery, *pictures, step=0.5):
    watch = Watch(gallery)
    frames = (CameraFrame(number * step, picture) for number, picture in enumerate(pictures))
    changes = [*(change for frame in frames for change in watch.look(frame)), *watch.end()]
    return watch, [(change.what, change.visit.name, change.before) for change in changes], changes


def test_people_are_told_when_they_appear_and_when_they_go(gallery):
    ann, bob = (10, photograph(1, 1)), (250, photograph(2, 1))
    watch, told, changes = watched(gallery, scene(ann), scene(ann, bob), scene(bob), *[scene()] * 6, scene(ann))
    assert told == [
        ("appears", "Ann", None), ("appears", "Bob", None), ("goes", "Ann", None), ("goes", "Bob", None),
        ("appears", "Ann", None), ("goes", "Ann", None),
    ]  # fmt: skip
    assert [(change.visit.first, change.visit.last) for change in changes if change.what == "goes"] == [
        (0.0, 0.5), (0.5, 1.0), (4.5, 4.5),
    ]  # fmt: skip
    first = changes[0].to_document()
    assert first["known"]
    assert first["score"] >= first["threshold"]
    assert changes[0].words().startswith("Ann appears, score 0.")
    assert watch.words() == "10 frames looked at; 2 known: Ann, Bob; 0 not known to the gallery."
    assert watch.present == {}
    assert (changes[0].visit.first, changes[0].visit.last) == (0.0, 0.0)  # as it was then, whatever came afterwards


def test_somebody_unknown_is_told_from_the_second_frame_on_and_once(gallery):
    eve = (100, photograph(5, 1))
    assert watched(gallery, scene(eve), scene(), scene())[1] == []
    told = watched(gallery, *[scene(eve)] * 4)[1]
    assert told == [("appears", "somebody 1", None), ("goes", "somebody 1", None)]


def test_who_is_missed_for_a_moment_has_not_gone(gallery):
    ann = (10, photograph(1, 1))
    assert watched(gallery, scene(ann), scene(), scene(), scene(ann))[1] == [
        ("appears", "Ann", None), ("goes", "Ann", None),
    ]  # fmt: skip


def test_somebody_unknown_who_is_enrolled_meanwhile_is_recognised(published, tmp_path):  # noqa: ARG001
    eve = (100, photograph(5, 1))
    with open_gallery(tmp_path / "faces.db", create=True) as people:
        people.enrol("Ann", [photograph(1, 3)])
        watch = Watch(people)
        first = [change for time in (0.0, 0.5) for change in watch.look(CameraFrame(time, scene(eve)))]
        people.enrol("Eve", [photograph(5, 2)])
        second = watch.look(CameraFrame(1.0, scene(eve)))
    assert [(change.what, change.visit.name) for change in first] == [("appears", "somebody 1")]
    assert [(change.what, change.visit.name, change.before) for change in second] == [("is", "Eve", "somebody 1")]
    assert second[0].visit.first == 0.0
    assert second[0].words().startswith("somebody 1 is Eve, score 0.")


def test_two_people_of_one_name_are_two(published, tmp_path):  # noqa: ARG001
    with open_gallery(tmp_path / "faces.db", create=True) as people:
        for number, who in ((17, 1), (23, 2)):
            photographs = [photograph(who, 3), photograph(who, 4)]
            people.enrol("Ann Lee", photographs, external_id=f"E-{number}")
        one, other = (10, photograph(1, 1)), (250, photograph(2, 1))
        pictures = [scene(one), scene(one, other), scene(other), *[scene()] * 5]
        watch, _, changes = watched(people, *pictures)
    documents = [change.to_document() for change in changes]
    assert [(each["what"], each["name"], each["subject_id"], each["external_id"]) for each in documents] == [
        ("appears", "Ann Lee", 1, "E-17"), ("appears", "Ann Lee", 2, "E-23"),
        ("goes", "Ann Lee", 1, "E-17"), ("goes", "Ann Lee", 2, "E-23"),
    ]  # fmt: skip
    assert changes[1].words().startswith("Ann Lee (E-23) appears, score 0.")
    assert changes[2].words() == "Ann Lee (E-17) goes, seen for 0.5 s"
    assert watch.words() == "8 frames looked at; 2 known: Ann Lee (E-17), Ann Lee (E-23); 0 not known to the gallery."


def test_who_is_called_somebody_1_is_nobody_unknown(published, tmp_path):  # noqa: ARG001
    ann, eve = (10, photograph(1, 1)), (250, photograph(5, 1))
    with open_gallery(tmp_path / "faces.db", create=True) as people:
        people.enrol("somebody 1", [photograph(1, 3), photograph(1, 4)])
        watch, told, _ = watched(people, *[scene(ann, eve)] * 2)
    assert sorted(told) == [
        ("appears", "somebody 1", None), ("appears", "somebody 2", None),
        ("goes", "somebody 1", None), ("goes", "somebody 2", None),
    ]  # fmt: skip
    assert watch.words() == "2 frames looked at; 1 known: somebody 1; 1 not known to the gallery."


class Stand:
    """What stands in for a camera: it gives a frame whenever the test says so."""

    def __init__(self, count):
        self.left, self.go, self.released = count, Event(), False

    def read(self):
        self.go.wait(60)
        self.left -= 1
        return (self.left >= 0, np.full((2, 2, 3), max(self.left, 0), np.uint8))

    def release(self):
        self.released = True


def test_the_newest_frame_is_looked_at_and_others_are_passed_over():
    stand = Stand(6)
    stand.go.set()
    camera = Camera(stand)
    until(lambda: camera.read == 6)
    assert [int(frame.image[0, 0, 0]) for frame in camera.frames(1000.0)] == [0]
    camera.close()
    assert stand.released


class Row:
    """A camera that gives a row of pictures, and fails where there is an exception; without any it does not open."""

    def __init__(self, *pictures):
        self.pictures, self.opens = iter(pictures), bool(pictures)

    def isOpened(self):  # noqa: N802 - OpenCV's
        return self.opens

    def get(self, _):
        return 0.0

    def read(self):
        picture = next(self.pictures, None)
        if isinstance(picture, Exception):
            raise picture
        return picture is not None, picture

    def release(self):
        pass


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 1), (2, 2, 4)])
def test_a_camera_without_colours_or_with_transparency_is_read(shape):
    camera = Camera(Row(np.full(shape, 7, np.uint8)))
    [frame] = camera.frames(1000.0)
    assert frame.image.tolist() == np.full((2, 2, 3), 7).tolist()
    camera.close()


def test_a_camera_that_fails_ends_and_says_so():
    for fault in (cv2.error("no frame"), np.zeros((2, 2, 2), np.uint8)):
        camera = Camera(Row(np.zeros((2, 2, 3), np.uint8), fault), name="rtsp://***@door/1")
        with pytest.raises(InputError, match=r"the pictures of rtsp://\*\*\*@door/1 cannot be read: "):
            list(camera.frames(1000.0))
        camera.close()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("rtsp://ann:secret@localhost:1/x", "rtsp://***@localhost:1/x"),
        ("rtsp://ann:sec/r@et?@localhost:1/x", "rtsp://***@localhost:1/x"),
        ("http://localhost:1/x?user=ann&password=secret", "http://localhost:1/x?***"),
    ],
)
def test_a_password_of_a_camera_is_in_no_message(gallery, monkeypatch, source, name):
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Row())
    code, answer, message = run("identify", "--camera", source, "--gallery", gallery.name)
    assert (code, answer) == (2, "")
    assert f"no camera opens as {name}:" in message
    assert "sec" not in message


def test_a_number_that_no_camera_has_is_refused_in_words():
    with pytest.raises(InputError, match="no camera opens as 99999999999999"), open_camera("99999999999999"):
        pass


def test_a_file_stands_in_for_a_camera_and_what_is_none_is_said(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for level in (40, 80, 200):
        writer.write(np.full((48, 64, 3), (0, 0, level), np.uint8))
    writer.release()
    with open_camera(str(path)) as camera:
        frames = list(camera.frames(30.0))
    assert camera.read == 3
    assert np.abs(frames[-1].image.mean(axis=(0, 1)) - (200, 0, 0)).max() < 5  # RGB, and the last one is seen
    with pytest.raises(InputError, match="no camera opens as"), open_camera(str(tmp_path / "none")):
        pass


@pytest.mark.parametrize(
    "kind", ["#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile {}\n"]
)
def test_a_playlist_stands_in_for_no_camera(write_clip, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;udp")
    noise = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
    clip, playlist = write_clip(tmp_path / "private.ts", list(noise)), tmp_path / "list.m3u8"
    playlist.write_text(kind.format(clip))
    with pytest.raises(InputError, match=r"list\.m3u8: no clip that can be played"), open_camera(str(playlist)):
        pass
    with open_camera(str(clip)) as camera:
        assert len(list(camera.frames(30.0)))
    assert os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] == "rtsp_transport;udp"


def play(path, frames, rate):
    """Write a file in which Ann stands before a camera."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (480, 240))
    for _ in range(frames):
        writer.write(scene((10, photograph(1, 1)))[..., ::-1])
    writer.release()
    return str(path)


@pytest.fixture
def played(gallery, tmp_path):
    return play(tmp_path / "camera.avi", 5, 5), ("--gallery", gallery.name)


def test_the_command(played, tmp_path):
    source, place = played
    lines = tmp_path / "changes.jsonl"
    code, answer, remarks = run("identify", "--camera", source, "--rate", 30, "--json-lines", lines, *place)
    assert code == 0
    appears, goes = answer.splitlines()
    assert "Ann appears, score 0." in appears
    assert "Ann goes, seen for " in goes
    assert "1 known: Ann" in remarks
    documents = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(each["what"], each["name"], each["schema"]) for each in documents] == [
        ("appears", "Ann", "faceloupe.camera_change/1"), ("goes", "Ann", "faceloupe.camera_change/1"),
    ]  # fmt: skip
    assert lines.stat().st_mode & 0o777 == 0o600
    code, answer, _ = run("identify", "--camera", source, "--json", *place)
    assert [json.loads(line)["what"] for line in answer.splitlines()] == ["appears", "goes"]


def test_who_was_seen_is_told_where_the_camera_fails(gallery, monkeypatch):
    row = Row(scene((10, photograph(1, 1))), cv2.error("no frame"))
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: row)
    code, answer, remarks = run("identify", "--camera", "rtsp://ann:secret@door/1", "--gallery", gallery.name)
    assert code == 2
    assert "Ann goes" in answer
    assert "Watching rtsp://***@door/1" in remarks
    assert "1 known: Ann" in remarks
    assert "the pictures of rtsp://***@door/1 cannot be read" in remarks
    assert "secret" not in answer + remarks


def test_what_the_command_cannot_do_is_said(played, tmp_path):
    source, place = played
    code, _, message = run("identify", "--camera", tmp_path / "none", *place)
    assert (code, "no camera opens as" in message) == (2, True)
    assert run("identify", *place)[0] == 2
    assert run("identify", source, "--camera", source, *place)[0] == 2
    assert run("identify", "--camera", source, "--csv", tmp_path / "a.csv", *place)[0] == 2
    assert run("identify", "--camera", source, "--ranks", 5, *place)[0] == 2
    assert run("identify", source, "--rate", 2, *place)[0] == 2


def test_ctrl_c_ends_it_with_a_summary(gallery, tmp_path):
    source = play(tmp_path / "camera.avi", 600, 1)  # ten minutes
    command = [sys.executable, "-m", "faceloupe", "identify", "--camera", source, "--gallery", gallery.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "Ann appears" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        answer, remarks = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Ann goes" in answer
    assert "1 known: Ann" in remarks
