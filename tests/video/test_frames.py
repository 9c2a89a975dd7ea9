"""Frames come with their exact times, upright, as far as the file goes, and no file costs more than it may.

Also tests ``video/pictures.py``.
"""

from fractions import Fraction
from itertools import count

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.video import frames as door
from faceloupe.video.frames import Frame, open_clip

RED, GREEN = [255, 0, 0], [0, 255, 0]


def corners(red="top left", green="top right", size=(96, 128)):
    """Return a black picture with a red and a green quarter."""
    image = np.zeros((*size, 3), np.uint8)
    for colour, place in ((RED, red), (GREEN, green)):
        rows, columns = place.split()
        half = size[0] // 2, size[1] // 2
        image[
            slice(0, half[0]) if rows == "top" else slice(half[0], None),
            slice(0, half[1]) if columns == "left" else slice(half[1], None),
        ] = colour
    return image


def noise(count, seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(0, 255, (96, 128, 3)).astype(np.uint8) for _ in range(count)]


def read(path, **choices):
    with open_clip(path) as clip:
        return list(clip.frames(**choices)), clip


def test_times_are_those_of_the_time_stamps_however_uneven(write_clip, tmp_path):
    times = [0, 33, 67, 500, 501, 1900]
    frames, clip = read(write_clip(tmp_path / "uneven.mkv", noise(6), times))
    assert [frame.time for frame in frames] == [time / 1000 for time in times]  # equal, not nearly: rounded once
    assert clip.problems == []
    assert clip.read == 6
    assert repr(frames[3]) == "Frame(0.500 s, 128x96)"


def test_a_time_base_that_floats_cannot_hold_is_rounded_once(write_clip, tmp_path):
    frames, _ = read(write_clip(tmp_path / "thirds.mp4", noise(4), [0, 100, 200, 300]))
    assert [frame.time for frame in frames] == [float(Fraction(tenth, 10)) for tenth in range(4)]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mpeg4"), ("a.avi", "mpeg4"), ("a.webm", "libvpx"), ("a.ts", "libx264")]
)
def test_the_usual_containers_are_read(write_clip, tmp_path, name, codec):
    frames, clip = read(write_clip(tmp_path / name, noise(30), codec=codec))
    assert len(frames) == 30
    assert frames[-1].time == pytest.approx(29 * 0.04, abs=0.002)
    assert frames[0].image.shape == (96, 128, 3)
    assert clip.problems == []


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_was_held_sideways_or_mirrored_comes_upright(write_clip, tmp_path, rotation, mirrored):
    upright = corners()
    stored = np.rot90(upright, -rotation // 90)  # the player turns it counter-clockwise by the rotation
    stored = stored[:, ::-1] if mirrored and rotation % 180 == 0 else stored
    stored = stored[::-1] if mirrored and rotation % 180 else stored
    path = write_clip(tmp_path / "held.mp4", [stored] * 3, rotation=rotation, mirrored=mirrored)
    frames, _ = read(path)
    shown = frames[0].image
    assert shown.shape == upright.shape
    assert np.abs(shown[8:40:8, 8:56:8].astype(int) - RED).max() < 30
    assert np.abs(shown[8:40:8, 72:120:8].astype(int) - GREEN).max() < 30
    assert shown[56:].max() < 30


def test_oblong_pixels_become_square(write_clip, tmp_path):
    frames, _ = read(write_clip(tmp_path / "wide.mp4", noise(2), aspect=Fraction(3, 2)))
    assert frames[0].image.shape == (96, 192, 3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_seeking_is_exact(write_clip, tmp_path, name):
    path = write_clip(tmp_path / name, noise(75))
    everything, _ = read(path)
    part, clip = read(path, start=1.0, stop=1.5)
    wanted = [frame for frame in everything if 1.0 <= frame.time < 1.5]
    assert [frame.time for frame in part] == [frame.time for frame in wanted]
    assert all((one.image == other.image).all() for one, other in zip(part, wanted, strict=True))
    assert clip.problems == []


def test_frames_that_nobody_wants_are_passed_over(write_clip, tmp_path):
    asked = []

    def wanted(time, grey):
        asked.append((time, grey.shape))
        return time >= 0.1

    frames, clip = read(write_clip(tmp_path / "a.mp4", noise(5)), wanted=wanted)
    assert [frame.time for frame in frames] == [0.12, 0.16]
    assert clip.read == 5
    assert {shape for _, shape in asked} == {(48, 64)}


def test_what_a_cut_file_still_holds_is_read_and_what_lacks_is_said(write_clip, tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", noise(60)).read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    frames, clip = read(cut)
    assert 20 < len(frames) < 50
    assert any("the rest is missing" in words and f"{clip.end:.3f} s" in words for words in clip.problems)


def test_damage_in_the_middle_costs_what_it_hit(write_clip, tmp_path):
    content = bytearray(write_clip(tmp_path / "a.mkv", noise(60), codec="mpeg4").read_bytes())
    for place in np.random.default_rng(1).integers(len(content) // 4, len(content) * 3 // 4, 40):
        content[place] ^= 255
    path = tmp_path / "damaged.mkv"
    path.write_bytes(content)
    frames, clip = read(path)
    assert len(frames) > 20
    assert frames[-1].time > 2
    assert any("damaged" in words for words in clip.problems)


def test_what_is_no_clip_is_refused_in_words(tmp_path):
    files = {
        "empty.mp4": b"",
        "words.mp4": b"no clip at all, but words\n" * 50,
        "list.mp4": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n",
        "concat.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "half.mp4": b"\0\0\0\x1cftypisom\0\0\2\0isomiso2avc1mp41" + bytes(500),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with (
            pytest.raises(InputError, match=f"{name}: not a clip that can be read .*give an MP4"),
            open_clip(tmp_path / name),
        ):
            pass
    with pytest.raises(InputError, match="is a folder"), open_clip(tmp_path):
        pass
    with pytest.raises(InputError, match="device"), open_clip("/dev/zero"):
        pass
    with pytest.raises(FileNotFoundError), open_clip(tmp_path / "nowhere.mp4"):
        pass


def test_a_sound_without_pictures_is_refused(tmp_path):
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44100
        out.mux(stream.encode(silence))
        out.mux(stream.encode())
    with pytest.raises(InputError, match="holds no pictures"), open_clip(path):
        pass


def test_frames_of_too_many_pixels_are_refused_before_they_are_decoded(write_clip, tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", noise(3))
    monkeypatch.setattr(door, "MAX_PIXELS", 96 * 128 - 1)
    with pytest.raises(InputError, match=r"frames of 128 x 96 pixels; at most 12,287|not a clip"), open_clip(path):
        pass


def test_a_frame_that_takes_too_long_ends_the_clip(write_clip, tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", noise(30))
    with open_clip(path) as clip:
        monkeypatch.setattr(door, "MAX_SECONDS", -1.0)
        assert len(list(clip.frames())) < 30
    assert any("to decode" in words for words in clip.problems)


def test_a_file_that_is_searched_for_a_frame_too_long_ends_too(write_clip, tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.ts", noise(3))
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    monkeypatch.setattr(door, "MAX_SECONDS", 300.0)
    monkeypatch.setattr(door.time, "thread_time", count().__next__)  # a second each time it is asked
    with open_clip(path) as clip:
        list(clip.frames())
        assert clip._file.is_given_up
    assert any("to decode" in words for words in clip.problems)


@pytest.mark.parametrize(("start", "stop"), [(-1, None), (2, 1), (1, 1)])
def test_a_part_that_cannot_be_is_refused(write_clip, tmp_path, start, stop):
    path = write_clip(tmp_path / "a.mp4", noise(2))
    with pytest.raises(InputError, match="0 <= start < stop"):
        read(path, start=start, stop=stop)


def test_a_frame_shows_no_pixels_in_its_repr():
    assert repr(Frame(1.5, np.zeros((2, 4, 3), np.uint8))) == "Frame(1.500 s, 4x2)"


def test_a_clip_too_damaged_to_be_searched_says_so(write_clip, tmp_path):
    content = write_clip(tmp_path / "a.mkv", noise(12), codec="mpeg4").read_bytes()
    path = tmp_path / "headless.mkv"
    path.write_bytes(content[: content.index(b"\x1f\x43\xb6\x75") + 4])  # nothing after the first cluster's mark
    with open_clip(path) as clip, pytest.raises(InputError, match=r"cannot be searched for 0\.3 s"):
        list(clip.frames(start=0.3))
