"""weights, verify and identify as somebody types them; the photographs are those of ORL, enlarged.

Also tests ``cli/crop.py``, ``cli/identify.py``, ``cli/options.py``, ``cli/verify.py``, ``cli/weights.py``,
``gallery/naming.py``, ``recognition/cropping.py``, ``recognition/tally.py``.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from faceloupe.cli.crop import crop
from faceloupe.cli.identify import identify
from faceloupe.cli.verify import verify
from faceloupe.cli.weights import weights
from faceloupe.errors import GalleryError, ImageError, InputError, UnavailableError
from faceloupe.faces import read_image
from faceloupe.faces.sources import find_orl

app = typer.Typer()
for command in (weights, verify, identify, crop):
    app.command()(command)


def run(*arguments, **environment):
    variables = {name: str(value) for name, value in environment.items()}
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "120", **variables})


@pytest.fixture(scope="module")
def ready():
    """Skip what needs the published weights or an engine where they are not on this machine: tests fetch nothing."""
    from faceloupe.recognition import weights as listed

    if not (find_spec("cv2") and find_spec("openvino") and find_spec("sqlalchemy")):
        pytest.skip("the extra recognition is not installed")
    try:
        missing = [file.name for file in listed() if file.state != "ok"]
    except UnavailableError as problem:
        pytest.skip(str(problem))
    if missing:
        pytest.skip(f"no weights of {', '.join(missing)} on this machine")


@pytest.fixture(scope="module")
def folder(ready, tmp_path_factory):  # noqa: ARG001 - a fixture that skips
    """Photographs of three people, one of two of them side by side, one sideways with its GPS position, and no face."""
    root = tmp_path_factory.mktemp("photographs")
    orl = find_orl()

    def face(who, number):
        return np.kron(read_image(orl / f"s{who}" / f"{number}.pgm"), np.ones((2, 2)))

    pictures = {
        "ann1": face(1, 1), "ann2": face(1, 2), "bob1": face(2, 1), "bob2": face(2, 2), "eve": face(5, 1),
        "both": np.hstack([face(2, 3), face(1, 3), face(5, 2)]), "wall": np.full((200, 300), 0.5),
    }  # fmt: skip
    for name, picture in pictures.items():
        Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(root / f"{name}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    sideways = np.ascontiguousarray(np.rot90(pictures["ann2"], 1))
    Image.fromarray(np.rint(255 * sideways).astype(np.uint8)).convert("RGB").save(root / "phone.jpg", exif=exif)
    (root / "paper.pdf").write_bytes(b"%PDF-1.4\n%%EOF")
    return root


@pytest.fixture(scope="module")
def gallery(folder):
    """Ann and Bob, one photograph each."""
    from faceloupe.gallery import open_gallery
    from faceloupe.recognition import recognise

    with open_gallery(folder / "people.db", create=True) as opened:
        for name in ("ann", "bob"):
            opened.enrol(name.title(), list(recognise([folder / f"{name}1.png"], faces="one")))
    return folder / "people.db"


class TestWeights:
    def test_what_is_there_is_listed_with_its_licence_and_source(self, ready):  # noqa: ARG002
        result = run("weights")
        assert result.exit_code == 0
        yunet, sface = result.stdout.splitlines()[1:3]
        assert yunet.split()[:3] == ["yunet", "ok", "MIT"]
        assert sface.split()[:3] == ["sface", "ok", "Apache-2.0"]
        assert sface.endswith("face_recognition_sface_2021dec.onnx")
        assert "OpenCV model zoo (Zhong et al." in result.stdout

    def test_as_json_it_is_the_document(self, ready):  # noqa: ARG002
        document = json.loads(run("weights", "--json").stdout)
        assert document["schema"] == "faceloupe.weights/1"
        assert [file["name"] for file in document["weights"]] == ["yunet", "sface"]

    def test_a_wrong_file_is_exit_status_1_with_the_remedy(self, ready, tmp_path):  # noqa: ARG002
        (tmp_path / "face_recognition_sface_2021dec.onnx").write_bytes(b"something else")
        result = run("weights", FACELOUPE_WEIGHTS=tmp_path)
        assert result.exit_code == 1
        assert "wrong hash" in result.stdout
        assert "sface: the file is not the published one and is never used. Delete it." in result.stderr


class TestVerify:
    def test_a_match_is_exit_status_0_and_one_line_on_stdout(self, folder):
        result = run("verify", folder / "ann1.png", folder / "ann2.png")
        assert result.exit_code == 0
        (answer,) = result.stdout.splitlines()
        assert answer.startswith("Match: score 0.")
        assert answer.endswith("reaches the threshold 0.4155.")
        assert result.stderr.endswith("the rates are others. --json has the measurements in full.\n")
        assert "non-mated comparisons" not in result.stderr  # which --json has

    def test_no_match_is_exit_status_1(self, folder):
        result = run("verify", folder / "ann1.png", folder / "bob1.png")
        assert result.exit_code == 1
        assert result.stdout.startswith("No match: score")

    def test_a_sideways_photograph_of_a_phone_matches(self, folder):
        assert run("verify", folder / "ann1.png", folder / "phone.jpg").exit_code == 0

    def test_as_json_it_is_the_document(self, folder):
        result = run("verify", folder / "ann1.png", folder / "bob1.png", "--json")
        document = json.loads(result.stdout)
        assert (document["schema"], document["match"], result.exit_code) == ("faceloupe.decision/1", False, 1)
        assert not result.stderr

    def test_another_fmr_is_another_threshold(self, folder):
        result = run("verify", folder / "ann1.png", folder / "ann2.png", "--fmr", "1e-2")
        assert "reaches the threshold 0.2909." in result.stdout

    def test_of_several_faces_the_central_one_can_be_meant(self, folder):
        with pytest.raises(ImageError, match=r"both\.png: several faces .* \(--central\)"):
            raise run("verify", folder / "both.png", folder / "ann1.png").exception
        assert run("verify", folder / "both.png", folder / "ann1.png", "--central").exit_code == 0

    def test_the_threshold_of_a_gallery(self, folder, gallery, tmp_path):
        from faceloupe.gallery import open_gallery
        from faceloupe.recognition import SFace
        from faceloupe.recognition.thresholds import published_point

        gallery = shutil.copy(gallery, tmp_path)
        pair = (folder / "ann1.png", folder / "ann2.png")
        before = run("verify", *pair, "--gallery", gallery)
        assert before.stderr.startswith("The published threshold 0.4155 ")
        assert before.exit_code == 0
        with open_gallery(gallery) as opened:
            opened.save_point(replace(published_point(SFace()), threshold=0.9999, source="our camera"))
        after = run("verify", *pair, FACELOUPE_GALLERY=gallery)
        assert after.exit_code == 1
        assert "below the threshold 0.9999" in after.stdout
        assert "measured on our camera" in after.stderr
        assert run("verify", *pair, "--fmr", "1e-4", FACELOUPE_GALLERY=gallery).exit_code == 0

    def test_what_the_score_is_worth_as_evidence(self, folder, tmp_path):
        from faceloupe.gallery import open_gallery
        from faceloupe.recognition import SFace
        from faceloupe.recognition.thresholds import published_point
        from faceloupe.scores.evidence import posterior
        from faceloupe.scores.likelihood import fit_likelihood_ratio
        from faceloupe.scores.sets import ScoreSet

        own = tmp_path / "own.db"
        ratio = fit_likelihood_ratio(
            ScoreSet([0.6, 0.5, 0.7], [0.1, 0.0, 0.2]), source="here", embedder="sface", weights_sha256=SFace().sha256
        )
        point = replace(published_point(SFace()), likelihood=ratio)
        with open_gallery(own, create=True) as people:
            people.save_point(point)
        pair = (folder / "ann1.png", folder / "ann2.png")
        result = run("verify", *pair, "--gallery", own, "--lr")
        assert re.search(r"log10 LR \+0\.\d\d \(95 % interval .* on photographs like those of here\.", result.stdout)
        assert "Without a prior this is no probability" in result.stdout
        assert "log10 LR" not in run("verify", *pair, "--gallery", own).output
        asked = run("verify", *pair, "--gallery", own, "--lr", "--prior", "0.001", "--json")
        evidence = json.loads(asked.stdout)["evidence"]
        assert evidence["posterior"] == pytest.approx(posterior(evidence["log10_lr"], 0.001))

    def test_a_prior_without_a_ratio_or_that_is_none_is_refused(self, folder):
        pair = (folder / "ann1.png", folder / "ann2.png")
        assert "give --lr too" in str(run("verify", *pair, "--prior", "0.5").exception)
        assert "prior: expected a probability" in str(run("verify", *pair, "--lr", "--prior", "1").exception)

    def test_a_gallery_that_is_yet_to_be_made(self, folder, tmp_path):
        result = run("verify", folder / "ann1.png", folder / "ann2.png", FACELOUPE_GALLERY=tmp_path / "later.db")
        assert result.exit_code == 0
        assert "later.db yet; the published threshold is taken." in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            (["paper.pdf", "ann1.png"], ImageError, r"paper\.pdf: no image that can be read"),
            (["ann1.png", "gone.png"], ImageError, r"gone\.png: no such file"),
            (["wall.png", "ann1.png"], ImageError, r"wall\.png: no face found: it should show one, upright"),
            (["ann1.png", "ann2.png", "--fmr", "1e-6"], InputError, "no operating point .*1e-06; there are 0.01"),
            (["ann1.png", "ann2.png", "--embedder", "nobodys"], InputError, "no embedder 'nobodys'"),
            (["ann1.png", "ann2.png", "--gallery", "gone.db"], GalleryError, "no gallery"),
        ],
    )
    def test_what_cannot_be_answered_says_why(self, folder, monkeypatch, arguments, error, words):
        monkeypatch.chdir(folder)
        result = run("verify", *arguments)
        assert not result.stdout
        with pytest.raises(error, match=words):
            raise result.exception


class TestIdentify:
    def test_every_face_from_left_to_right(self, folder, gallery):
        result = run("identify", folder / "both.png", "--gallery", gallery)
        assert result.exit_code == 0
        title, _, *faces = result.stdout.splitlines()
        assert title == f"{folder / 'both.png'}: 3 faces"
        assert [line.split()[:2] for line in faces] == [["1", "Bob"], ["2", "Ann"], ["3", "nobody"]]
        assert "(most like" in faces[2]
        assert "2 people in the gallery, about 1 in 5,000 strangers would be given a name" in result.stderr
        assert result.stderr.endswith("the rates are others. --json has the measurements in full.\n")
        assert "non-mated comparisons" not in result.stderr  # which --json has

    def test_a_bad_photograph_is_named_and_the_others_are_answered(self, folder, gallery, monkeypatch):
        monkeypatch.chdir(folder)
        result = run("identify", "ann2.png", "paper.pdf", "gone.png", "wall.png", "bob2.png", "--gallery", gallery)
        assert result.exit_code == 2
        assert "ann2.png: 1 face" in result.stdout
        assert "bob2.png: 1 face" in result.stdout
        assert "wall.png: no face found" in result.stdout
        assert "not read: paper.pdf: no image" in result.stderr
        assert "not read: gone.png: no such file" in result.stderr

    def test_as_json_it_is_one_document(self, folder, gallery):
        result = run("identify", folder / "both.png", folder / "gone.png", "--gallery", gallery, "--json", "--ranks", 1)
        document = json.loads(result.stdout)
        assert document["schema"] == "faceloupe.identified/1"
        assert (document["subjects"], document["point"]["embedder"]) == (2, "sface")
        both, gone = document["photographs"]
        assert [face["name"] for face in both["faces"]] == ["Bob", "Ann", None]
        assert {len(face["candidates"]) for face in both["faces"]} == {1}
        assert both["faces"][0]["candidates"][0]["margin"] > 0 > both["faces"][2]["candidates"][0]["margin"]
        assert both["faces"][0]["detection"]["box"]["x"] < both["faces"][1]["detection"]["box"]["x"]
        assert (gone["faces"], gone["problem"]) == ([], "gone.png: no such file")
        assert result.exit_code == 2

    def test_a_photograph_without_faces_is_a_document_too(self, folder, gallery):
        document = json.loads(run("identify", folder / "wall.png", "--gallery", gallery, "--json").stdout)
        assert document["point"] is None
        assert document["photographs"][0]["faces"] == []

    def test_several_subjects_above_the_threshold_are_named_and_warned_of(self, folder, gallery, tmp_path):
        from faceloupe.gallery import open_gallery
        from faceloupe.recognition import recognise

        gallery = shutil.copy(gallery, tmp_path)
        with open_gallery(gallery) as opened:
            opened.enrol("Twin", list(recognise([folder / "ann2.png"], faces="one")))
        result = run("identify", folder / "ann1.png", "--gallery", gallery, "--ranks", 3)
        assert re.search(
            r"  Twin 0\.\d{4} \(\+0\.\d{4}, also above\), Bob -?0\.\d{4} \(-0\.\d{4}\)$", result.stdout, re.MULTILINE
        )
        assert "ann1.png, face 1: not only Ann but also Twin reaches the threshold." in result.stderr

    def test_faces_are_numbered_row_by_row(self, folder, gallery):
        with Image.open(folder / "both.png") as both, Image.open(folder / "ann2.png") as ann:
            rows = Image.new("L", (both.width, 2 * both.height), 128)
            rows.paste(ann, (both.width - ann.width, 0))
            rows.paste(both, (0, both.height))
            rows.save(folder / "rows.png")
        document = json.loads(run("identify", folder / "rows.png", "--gallery", gallery, "--json").stdout)
        assert [face["name"] for face in document["photographs"][0]["faces"]] == [None, "Bob", "Ann", None]

    def test_which_faces_are_looked_for(self, folder, gallery):
        result = run("identify", folder / "both.png", "--gallery", gallery, "--min-size", 500)
        assert result.stdout.endswith("both.png: no face found\n")
        assert "3 faces" in run("identify", folder / "both.png", "--gallery", gallery, "--max-side", 400).stdout

    def test_a_path_that_is_no_text_is_escaped(self, folder, gallery):
        name = os.fsdecode(b"an\n\xff.png")
        shutil.copy(folder / "ann2.png", folder / name)
        result = run("identify", folder / name, folder / f"no{name}", "--gallery", gallery)
        assert result.stdout.startswith(f"{folder}/an\\n\\udcff.png: 1 face\n")
        assert f"not read: {folder}/noan\\n\\udcff.png: " in result.stderr

    def test_a_stricter_fmr(self, folder, gallery):
        result = run("identify", folder / "ann2.png", "--gallery", gallery, "--fmr", "1e-5", "--json")
        assert json.loads(result.stdout)["point"]["target_fmr"] == 1e-5

    def test_the_picture_shows_the_faces_upright_and_where_it_was_taken_it_does_not_say(self, folder, gallery):
        result = run("identify", folder / "phone.jpg", "--gallery", gallery, "--draw", folder / "out.jpg")
        assert result.exit_code == 0
        assert f"drawn: {folder / 'out.jpg'}" in result.stderr
        with Image.open(folder / "phone.jpg") as photograph, Image.open(folder / "out.jpg") as picture:
            assert photograph.width > photograph.height
            assert picture.width < picture.height
            assert photograph.getexif().get_ifd(0x8825)
            assert not picture.getexif()

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            (["ann1.png", "--draw", "out.gif"], InputError, "ends in .png"),
            (["ann1.png", "--draw", "gone/out.png"], InputError, "not a folder"),
            (["ann1.png", "--draw", "ann1.png"], InputError, "would be overwritten"),
            (["ann1.png", "--draw", "folder.png"], InputError, r"folder\.png is a folder"),
            (["ann1.png", "bob1.png", "--draw", "out.png"], InputError, "one photograph"),
            (["ann1.png", "--gallery", "gone.db"], GalleryError, "no gallery"),
            (["ann1.png", "--embedder", "sface+flip"], InputError, "references were made by sface"),
            (["ann1.png", "--fmr", "0.3"], InputError, "no operating point"),
        ],
    )
    def test_what_cannot_be_answered_says_why(self, folder, gallery, monkeypatch, arguments, error, words):
        monkeypatch.chdir(folder)
        Path("folder.png").mkdir(exist_ok=True)
        result = run("identify", *arguments, FACELOUPE_GALLERY=gallery)
        with pytest.raises(error, match=words):
            raise result.exception
        assert not (folder / "out.png").exists()


def test_verify_loads_nothing_that_it_does_not_need(folder):
    code = (
        "import sys\n"
        "from faceloupe.cli.verify import verify\n"
        f"verify({str(folder / 'ann1.png')!r}, {str(folder / 'ann2.png')!r})\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert "openvino" in loaded
    unneeded = {"torch", "sqlalchemy", "alembic", "matplotlib", "scipy", "sklearn", "pandas", "onnx", "pillow_heif"}
    assert not loaded & unneeded
    assert not any(name.startswith(("faceloupe.gallery", "faceloupe.training", "faceloupe.report")) for name in loaded)


class TestFolders:
    @pytest.fixture
    def pile(self, folder, tmp_path):
        """What the other tests have not added to."""
        names = [f"{name}.png" for name in ("ann1", "ann2", "bob1", "bob2", "eve", "both", "wall")]
        (tmp_path / "photographs").mkdir()
        for name in (*names, "phone.jpg", "paper.pdf"):
            shutil.copy(folder / name, tmp_path / "photographs")
        return tmp_path / "photographs"

    def test_everybody_is_named_in_a_table_that_goes_on(self, gallery, pile, tmp_path):
        out = tmp_path / "names.csv"
        first = run("identify", pile, "--gallery", gallery, "--csv", out)
        assert first.exit_code == 0, first.output
        assert "8 photographs with 9 faces; 7 of them named, 2 subjects" in first.stdout
        assert "not opened" not in first.stderr
        rows = list(csv.DictReader(out.read_text().splitlines()))
        names = {(Path(row["path"]).name, row["face"]): row["name"] for row in rows}
        assert names["both.png", "1"] == "Bob"
        assert names["both.png", "3"] == ""
        assert [row["problem"] for row in rows if row["path"].endswith("wall.png")] == ["no face found"]
        whole = out.read_bytes()
        out.write_bytes(whole[: len(whole) // 2])  # as a stop may leave it
        again = run("identify", pile, "--gallery", gallery, "--csv", out)
        assert "in the table already" in again.stdout
        assert out.read_bytes() == whole

    def test_json_lines(self, gallery, pile, tmp_path):
        out = tmp_path / "names.jsonl"
        gone = run("identify", pile / "gone.png", "--gallery", gallery, "--json-lines", out)
        assert "is not there" in str(gone.exception)
        assert run("identify", pile / "both.png", "--gallery", gallery, "--json-lines", out).exit_code == 0
        [document] = map(json.loads, out.read_text().splitlines())
        assert [face["name"] for face in document["faces"]] == ["Bob", "Ann", None]
        assert document["threshold"] > 0

    def test_what_does_not_go_together(self, gallery, pile, tmp_path):
        result = run("identify", pile, "--gallery", gallery)
        assert isinstance(result.exception, InputError)
        assert "--csv FILE" in str(result.exception)
        result = run("identify", pile, "--gallery", gallery, "--csv", tmp_path / "a.csv", "--json")
        assert isinstance(result.exception, InputError)
        result = run("identify", pile / "ann1.png", "--gallery", gallery, "--csv", pile / "ann1.png")
        assert "overwritten" in str(result.exception)

    def test_faces_are_cropped_with_a_table(self, pile, tmp_path):
        to = tmp_path / "faces"
        first = run("crop", pile, "--to", to)
        assert first.exit_code == 0, first.output
        assert "9 faces of 8 photographs written; 1 without a face" in first.stdout
        rows = list(csv.DictReader((to / "faces.csv").read_text().splitlines()))
        files = [row["file"] for row in rows if row["file"]]
        assert sorted(files) == sorted(str(path.relative_to(to)) for path in to.rglob("*.png"))
        assert {read_image(to / name).shape for name in files} == {(112, 112)}
        assert "8 done already" in run("crop", pile, "--to", to).stdout
        assert isinstance(run("crop", pile, "--to", pile / "faces").exception, InputError)

    def test_no_two_cropped_faces_are_one_file_where_capitals_count_for_nothing(self, pile, tmp_path):
        here, to = tmp_path / "here", tmp_path / "faces"
        here.mkdir()
        for name in ("a.png", "A.PNG"):
            (here / name).write_bytes((pile / "ann1.png").read_bytes())
        assert run("crop", here, "--to", to).exit_code == 0
        assert sorted(path.name for path in to.glob("*.png")) == ["A.PNG-1.png", "a.png~2-1.png"]
