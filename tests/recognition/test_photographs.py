import io
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from hashlib import sha256
from itertools import cycle, islice, repeat

import cv2
import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import UnavailableError
from faceloupe.recognition import FaceSearch, PhotoProblem, compare, find_faces, recognise, templates_of
from faceloupe.recognition.align import align
from faceloupe.recognition.engines import BATCH
from faceloupe.recognition.photographs import find_chips
from faceloupe.recognition.photos import open_photo
from faceloupe.recognition.pictures import LazyPixels
from faceloupe.recognition.recognise import AHEAD
from faceloupe.recognition.weights import YUNET, find_weights
from helpers.waiting import BOUND

pytestmark = pytest.mark.usefixtures("published")


class Means:
    """An embedder that notes how many faces it gets at once."""

    name, sha256 = "means", "0" * 64

    def __init__(self):
        self.batches = []

    def embed(self, faces):
        self.batches.append(len(faces))
        return faces.mean(axis=(1, 2))


@pytest.fixture(scope="module")
def folder(photographs, tmp_path_factory):
    """Ten photographs of one face each, one of two, one of a wall, one of text, and none at all."""
    folder = tmp_path_factory.mktemp("photographs")
    pictures = {f"{number}.png": photo for number, photo in enumerate(photographs)}
    pictures |= {"both.png": np.hstack([photographs[0], photographs[5]]), "wall.png": np.full((90, 120), 0.5)}
    for name, photo in pictures.items():
        Image.fromarray(np.rint(photo * 255).astype(np.uint8)).save(folder / name)
    (folder / "text.jpg").write_text("Dear diary, ...")
    return folder


@pytest.fixture
def ten(folder):
    return [folder / f"{number}.png" for number in range(10)]


def of_recognise():
    return [thread for thread in threading.enumerate() if thread.name.startswith("faceloupe-recognise")]


def test_many_are_as_one_after_the_other_and_in_order(ten):
    paths = [*ten[5:], *ten[:5], ten[0].parent / "both.png"] * 3
    found = list(recognise(map(str, paths), Means()))
    assert [photograph.path for photograph in found] == paths
    for photograph in found[:11]:
        chips = find_faces(photograph.path)
        assert [chip.detection for chip in photograph.chips] == [chip.detection for chip in chips]
        for template, alone in zip(photograph.templates, templates_of(chips, Means()), strict=True):
            assert compare(template, alone) == pytest.approx(1, abs=1e-6)
        assert photograph.sha256 == sha256(photograph.path.read_bytes()).hexdigest()
        assert photograph.problem is None
    assert [len(photograph.templates) for photograph in found[:11]] == [1] * 10 + [2]
    assert found[10].size == (184, 112)


def test_what_cannot_be_used_says_why_and_stops_nothing(folder, ten):
    paths = [ten[0], folder / "gone.jpg", folder / "text.jpg", folder / "wall.png", folder / "both.png", ten[1]]
    first, gone, text, wall, both, last = recognise(paths, Means(), faces="one")
    assert len(first.templates) == len(last.templates) == 1
    assert (gone.problem, gone.sha256, gone.size) == (PhotoProblem("unreadable", "no such file"), "", (0, 0))
    assert text.problem.kind == "unreadable"
    assert text.problem.reason.startswith("no image that can be read")
    assert (wall.problem.kind, wall.size) == ("no face", (120, 90))
    assert both.problem.kind == "several faces"
    assert both.problem.reason.startswith("several faces found where one was meant, and none is clearly larger")
    assert not wall.templates + both.templates + both.chips


def test_of_several_faces_all_or_the_central_one_are_meant(folder):
    (every,) = recognise([folder / "both.png"], Means())
    (central,) = recognise([folder / "both.png"], Means(), faces="central")
    assert len(every.templates) == 2
    assert len(central.templates) == 1
    (wall,) = recognise([folder / "wall.png"], Means())
    assert (wall.templates, wall.problem) == ((), None)


@pytest.mark.parametrize(
    ("top", "left", "height", "taken"), [(10, 10, 56, True), (190, 340, 105, False), (400, 410, 84, True)]
)
def test_of_several_faces_the_dominant_one_is_taken_and_that_is_said(photographs, top, left, height, taken):
    width = round(height * 92 / 112)
    photo = np.full((500, 500), 0.5, np.float32)
    photo[190:302, 204:296] = photographs[0]
    photo[top : top + height, left : left + width] = cv2.resize(photographs[5], (width, height))
    (found,) = recognise([photo], Means(), faces="one")
    if taken:
        (face,) = found.chips
        assert abs(face.detection.landmarks.nose.x - 250) < 30
        assert found.note == "several faces found; the one that is clearly dominant was taken"
    else:
        assert found.problem.kind == "several faces"


def test_small_faces_of_a_large_photograph_are_looked_for_where_all_are_meant(photographs, tmp_path):
    photo = np.full((1500, 2000), 0.5)
    for column in range(8):
        left = 100 + 220 * column
        photo[600:648, left : left + 40] = cv2.resize(photographs[0], (40, 48), interpolation=cv2.INTER_AREA)
    Image.fromarray(np.rint(photo * 255).astype(np.uint8)).save(tmp_path / "crowd.png")
    path = [tmp_path / "crowd.png"]
    (every,) = recognise(path, Means())
    (coarse,) = recognise(path, Means(), faces=FaceSearch(max_side=640))
    (large,) = recognise(path, Means(), faces=FaceSearch(min_size=200))
    (central,) = recognise(path, Means(), faces=FaceSearch("central", max_side=1600))
    counts = [len(found.chips) for found in (every, coarse, large, central)]
    assert counts[0] == 8
    assert counts[1] < 8
    assert counts[2:] == [0, 1]


def test_a_face_without_direction_is_that_photographs_problem(ten):
    class Blind(Means):
        def embed(self, faces):
            vectors = super().embed(faces)
            vectors[np.abs(faces - dark).max(axis=(1, 2, 3)) < 1e-6] = 0
            return vectors

    dark = find_faces(ten[1])[0].image
    first, second, third = recognise(ten[:3], Blind(), faces="one")
    assert len(first.templates) == len(third.templates) == 1
    assert (second.chips, second.templates) == ((), ())
    assert second.problem == PhotoProblem(
        "no template", "means returned zeros or no numbers for a face, which have no direction"
    )


@pytest.mark.parametrize(("side", "decoded"), [(900, []), (150, [1])])
def test_a_large_jpeg_is_decoded_in_its_size_only_for_small_faces(photographs, side, decoded):
    face = Image.fromarray(np.rint(photographs[0] * 255).astype(np.uint8)).resize((side, side * 112 // 92))
    picture = Image.new("RGB", (1600, 1200), "grey")
    picture.paste(face, (300, 60))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    source, search, calls = open_photo(file.getvalue()), FaceSearch(max_side=400), []
    whole = source.decode()
    (from_all,) = find_chips(LazyPixels(whole), search)

    def decode():
        calls.append(1)
        return whole

    (chip,) = find_chips(replace(source, decode=decode).pixels(400), search)
    assert calls == decoded
    assert chip.detection.middle.x == pytest.approx(300 + side / 2, abs=0.2 * side)
    np.testing.assert_allclose(chip.detection.landmarks, from_all.detection.landmarks, atol=0.01 * side)
    cut = align(whole, chip.detection)
    np.testing.assert_allclose(chip.transform, cut.transform)
    assert np.abs(chip.image - cut.image).mean() < 0.01


def test_the_first_are_embedded_at_once_and_then_many_at_a_time(ten, monkeypatch):
    found, enough = [], threading.Event()

    def find(*arguments, **options):
        found.append(find_chips(*arguments, **options))
        if len(found) == AHEAD:
            enough.set()
        return found[-1]

    class Patient(Means):
        def embed(self, faces):
            if len(self.batches) == 1:
                assert enough.wait(BOUND)  # photographs are read while faces are embedded
            return super().embed(faces)

    monkeypatch.setattr("faceloupe.recognition.photographs.find_chips", find)
    embedder = Patient()
    assert len(list(recognise(ten * 20, embedder))) == 200
    assert embedder.batches[0] < BATCH
    assert embedder.batches[2] == BATCH


def test_paths_are_taken_as_they_are_needed(ten):
    taken = []

    def endless():
        for path in cycle(ten):
            taken.append(path)
            yield path

    found = recognise(endless(), Means())
    assert len(list(islice(found, 100))) == 100
    assert len(taken) <= 100 + 2 * AHEAD
    found.close()
    assert not of_recognise()


def test_nothing_is_an_empty_answer():
    assert list(recognise([], Means())) == []
    assert not of_recognise()


def test_whoever_stops_early_leaves_no_thread_behind(ten):
    for photograph in recognise(repeat(ten[0]), Means()):
        assert photograph.templates
        break
    assert not of_recognise()


def test_a_part_that_is_missing_stops_everything(ten, monkeypatch):
    def missing(*_, **__):
        raise UnavailableError("no detector")

    monkeypatch.setattr("faceloupe.recognition.photographs.find_chips", missing)
    with pytest.raises(UnavailableError, match="no detector"):
        list(recognise(ten, Means()))
    assert not of_recognise()


def test_an_embedder_that_fails_stops_everything(ten):
    class Broken(Means):
        def embed(self, faces):
            raise ZeroDivisionError(len(faces))

    with pytest.raises(ZeroDivisionError):
        list(recognise(ten, Broken()))
    assert not of_recognise()


def test_ctrl_c_ends_it(ten):
    code = (
        "import itertools, sys\n"
        "from faceloupe.recognition import recognise\n"
        "class Means:\n"
        "    name, sha256 = 'means', '0' * 64\n"
        "    def embed(self, faces): return faces.mean(axis=(1, 2))\n"
        f"for _ in recognise(itertools.repeat({str(ten[0])!r}), Means()): print('going', flush=True)\n"
    )
    environment = {"FACELOUPE_WEIGHTS": str(find_weights(YUNET).parent), "PATH": ""}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline() == "going\n"
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=BOUND)
    assert run.returncode == -signal.SIGINT
    assert told.rstrip().endswith("KeyboardInterrupt")
