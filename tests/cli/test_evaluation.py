"""``faceloupe evaluate`` and ``calibrate``: what is printed where, what is saved, and what is refused.

Also tests ``cli/calibrate.py``, ``cli/evaluate.py``.
"""

import json
import re
import shutil
import zipfile
from importlib import import_module

import pytest
import typer

from faceloupe.cli.calibrate import calibrate
from faceloupe.cli.evaluate import evaluate
from faceloupe.faces.sources import find_orl
from faceloupe.scores import OperatingPoint
from helpers.commands import run_command

ORL = find_orl()

app = typer.Typer()
for command in (evaluate, calibrate):
    app.command()(command)


@pytest.fixture(scope="module")
def people(tmp_path_factory, published):  # noqa: ARG001 - a fixture that skips
    root = tmp_path_factory.mktemp("people")
    for who in range(1, 7):
        (root / f"s{who}").mkdir()
        for number in range(1, 5):
            shutil.copy(ORL / f"s{who}" / f"{number}.pgm", root / f"s{who}" / f"{number}.pgm")
    return root


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "templates"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, kept):
    """Work in the test's own folder, with templates kept for all tests here."""
    monkeypatch.setattr("faceloupe.evaluation.cache.cache_folder", lambda: kept)
    monkeypatch.setattr("faceloupe.evaluation.cache_folder", lambda: kept)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACELOUPE_GALLERY", raising=False)
    return tmp_path


def run(*arguments):
    return run_command(app, *arguments, COLUMNS="120")


def test_the_path_of_the_report_is_all_that_stdout_holds(people, place):
    status, out, talk = run("evaluate", people, "--development", 0, "--draws", 2)
    assert (status, out) == (0, "evaluation.html\n")
    assert (place / "evaluation.html").read_text().startswith("<!doctype html>")
    assert "No photograph failed to give a template." in talk
    assert "recogniser" in talk
    assert "100.00 %" in talk


def test_the_document_instead(people, place):
    (people / "s1" / "x.jpg").write_text("no picture")
    try:
        status, out, talk = run("evaluate", people, "--json", "--central", "--fmr", "0.05")
    finally:
        (people / "s1" / "x.jpg").unlink()
    assert status == 0, talk
    document = json.loads(out)
    assert document["schema"] == "faceloupe.evaluation/2"
    assert document["recognisers"][0]["label"] == "sface"
    assert "failure to acquire: s1/x.jpg: no image that can be read" in talk
    assert not list(place.glob("*.html"))


def test_a_point_is_printed_in_words_and_not_saved_without_a_gallery(people, place):
    status, out, talk = run("calibrate", people, "--fmr", "0.05")
    assert status == 0
    assert re.match(
        r"Match when score >= 0\.\d{4}\. FMR 1 in 20 asked for, measured on every two captures, the fol", out
    )
    assert "Not saved: there is no gallery faceloupe.db here. --gallery names one, --create makes it." in talk
    assert not list(place.iterdir())


def test_photographs_that_calibrate_nothing_are_named(people):
    (people / "s1" / "x.jpg").write_text("no picture")
    try:
        status, _, talk = run("calibrate", people, "--fmr", "0.05")
    finally:
        (people / "s1" / "x.jpg").unlink()
    assert status == 0
    assert "failure to acquire: s1/x.jpg: no image that can be read" in talk
    assert "chosen and its rates were measured on the same comparisons" in talk


def test_a_point_is_saved_and_checked_by_the_next_evaluation(people):
    status, out, talk = run("calibrate", people, "--fmr", "0.05", "--loose", "--create", "--json")
    assert status == 0
    assert "Saved with the gallery faceloupe.db" in talk
    document = json.loads(out)
    assert document.pop("schema") == "faceloupe.operating_point/1"
    from faceloupe.evaluation import open_data
    from faceloupe.gallery import open_gallery
    from faceloupe.recognition import SFace

    with open_gallery("faceloupe.db") as gallery:
        assert gallery.point(SFace()) == OperatingPoint.from_document(document)
    status, out, _ = run("evaluate", people, "--development", 0, "--gallery", "faceloupe.db", "--json")
    assert status == 0
    points = json.loads(out)["recognisers"][0]["operating_points"]
    assert points[0]["origin"] == "given"
    assert points[0]["point"]["threshold"] == document["threshold"]
    assert len(open_data(people).paths) == 24


def test_a_gallery_calibrates_itself(people):
    from faceloupe.gallery import list_subjects, open_gallery
    from faceloupe.recognition import SFace

    with open_gallery("mine.db", create=True) as gallery:
        for subject in list_subjects(people):
            gallery.enrol(subject.name, subject.photographs, force=True)
    status, out, talk = run("calibrate", "mine.db", "--fmr", "0.05", "--loose")
    assert status == 0, talk
    assert "every two references of the gallery mine.db" in out
    assert "Saved with the gallery mine.db" in talk
    with open_gallery("mine.db") as gallery:
        assert gallery.point(SFace()).target_fmr == 0.05


def test_the_default_is_the_rate_in_force(people):
    status, _, talk = run("calibrate", people)
    assert status == 2
    assert "an FMR of 1 in 10,000 takes 30,000 non-mated comparisons" in talk


def test_a_threshold_of_ones_own_is_measured(people):
    status, out, _ = run("calibrate", people, "--threshold", "0.4")
    assert status == 0
    assert out.startswith("Match when score >= 0.4000. Threshold given, measured on every two captures, the folder")
    assert "asked for" not in out


def test_two_people_are_refused_and_copies_named(people, place):
    for name in ("s1", "s2"):
        shutil.copytree(people / name, place / "two" / name)
    status, _, talk = run("calibrate", place / "two", "--fmr", "0.2")
    assert status == 2
    assert "too few people for an FMR of 20 %: 16 comparisons of 2 people are worth about 1 independent" in talk
    shutil.copytree(people, place / "all")
    shutil.copytree(people / "s1", place / "all" / "s1 copy")
    status, _, talk = run("calibrate", place / "all", "--fmr", "0.08")
    assert (
        "s1 copy/1.pgm has the same content as s1/1.pgm: both are left out, for one of the two names is wrong" in talk
    )
    assert status == 0, talk


def test_one_photograph_of_each_is_enough(place, published):  # noqa: ARG001
    for who in range(1, 13):
        (place / "faces" / f"s{who}").mkdir(parents=True)
        shutil.copy(ORL / f"s{who}" / "1.pgm", place / "faces" / f"s{who}" / "1.pgm")
    status, out, talk = run("calibrate", place / "faces", "--fmr", "0.06")
    assert status == 0, talk
    assert "FNMR not known: nobody has two photographs" in out


@pytest.fixture
def key(place):
    (place / "key").write_bytes(bytes(range(32)))
    (place / "key").chmod(0o600)
    return place / "key"


def test_a_bundle_makes_its_page_again(people, place, key):
    status, out, talk = run("evaluate", people, "--draws", 1, "--bundle", "evidence.zip", "--sign", key)
    assert (status, out) == (0, "evaluation.html\n")
    assert "Bundled in evidence.zip; faceloupe evaluate evidence.zip makes the page again from it." in talk
    status, out, talk = run("evaluate", "evidence.zip", "--sign", key, "--out", "again.html")
    assert (status, out) == (0, "again.html\n")
    assert "signature checked" in talk
    assert (place / "again.html").read_bytes() == (place / "evaluation.html").read_bytes()
    status, out, talk = run("evaluate", "evidence.zip", "--json")
    assert status == 0
    assert "signature not checked" in talk
    assert json.loads(out)["schema"] == "faceloupe.evaluation/2"


def test_another_key_or_a_changed_bundle_is_refused(people, place, key):
    run("evaluate", people, "--draws", 1, "--bundle", "evidence.zip", "--sign", key, "--json")
    (place / "other").write_bytes(bytes(32))
    (place / "other").chmod(0o600)
    status, out, talk = run("evaluate", "evidence.zip", "--sign", "other")
    assert (status, out) == (2, "")
    assert "its signature is wrong: it was changed, or signed with another key" in talk
    with zipfile.ZipFile("evidence.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["page.json"] = files["page.json"].replace(b"100.00", b"99.99")
    with zipfile.ZipFile("changed.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    status, out, talk = run("evaluate", "changed.zip")
    assert (status, out) == (2, "")
    assert "page.json was changed after the bundle was written" in talk
    assert not list(place.glob("*.html"))


def test_robustness_is_told_with_intervals(people, place):
    status, _, talk = run("evaluate", people, "--development", 0, "--draws", 1, "--robustness", "--probes", 1, "--json")
    assert status == 0, talk
    run("evaluate", people, "--development", 0, "--draws", 1, "--robustness", "--probes", 1)
    text = (place / "evaluation.html").read_text()
    assert "Where recognition stops" in text
    assert "FNMR of spoilt probes." in text


def test_what_would_be_passed_over_is_refused_before_the_work(people, place, key):
    (place / "scores.csv").write_text("score,same\n0.9,1\n0.1,0\n")
    (place / "short").write_bytes(b"short")
    for arguments, words in (
        (["scores.csv", "--bundle", "b.zip"], "scores.csv is a file of scores; --bundle is for photographs"),
        (["scores.csv", "--fmr", "1e-4", "--seed", "1"], "--fmr and --seed are for photographs"),
        (["scores.csv", "--robustness", "--central"], "--robustness and --central are for photographs"),
        ([people, "--sign", key], "--sign signs a bundle: give --bundle FILE.zip too"),
        ([people, "--bundle", "b.zip", "--sign", "short"], "a key has 32 bytes or more"),
        ([people, "--bundle", "evidence"], "the name of a bundle ends in .zip"),
        ([people, "--bundle", "b.zip", "--out", "b.zip"], "cannot be page and bundle both"),
        ([people, "--probes", 5], "--probes is for --robustness"),
    ):
        status, out, talk = run("evaluate", *arguments)
        assert (status, out) == (2, ""), talk
        assert words in talk
    assert not (place / "b.zip").exists()


def test_scores_of_another_program(place):
    rows = [(f"p{a}", f"p{b}", 0.9 - 0.5 * (a != b) - 0.001 * a) for a in range(12) for b in range(a + 1)]
    (place / "scores.csv").write_text("subject_a,subject_b,score\n" + "".join(f"{a},{b},{s}\n" for a, b, s in rows))
    status, out, talk = run("evaluate", "scores.csv")
    assert (status, out) == (0, "evaluation.html\n")
    assert "12 mated and 66 non-mated comparisons of 12 people" in talk
    assert "0.00 % [0.00," in talk


def test_cached_templates_can_be_deleted(people, kept):
    run("evaluate", people, "--development", 0, "--draws", 1)
    status, out, _ = run("evaluate", "--forget-cache")
    assert status == 0
    assert out.endswith(f"templates deleted from {kept}\n")
    assert not out.startswith("0")
    run("evaluate", people, "--development", 0, "--draws", 1, "--no-cache")
    assert run("evaluate", "--forget-cache")[1].startswith("0 templates")


def test_ctrl_c_keeps_what_was_made_and_says_how_to_go_on(people, monkeypatch):
    def stop(*_, **options):
        options["progress"](1, 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("faceloupe.evaluation.evaluate"), "evaluate", stop)
    status, out, talk = run("evaluate", people)
    assert (status, out) == (130, "")
    assert "the same command goes on" in talk
    assert "Traceback" not in talk


BAD = [
    (["evaluate", "nowhere"], "There is no file or folder 'nowhere'; expected lfw"),
    (["evaluate", "one"], "one subject, 'ann'"),
    (["evaluate", "columns.csv"], "has no column same"),
    (["evaluate", "unknown.csv"], "there is no file 'x.jpg'"),
    (["evaluate", "same.csv"], "same is 'perhaps'; expected 1 or 0"),
    (["evaluate", "orl", "--embedder", "arcface"], "There is no embedder 'arcface'"),
    (["evaluate", "orl", "--embedder", "pca", "--development", "0"], "pca: fitted on development subjects"),
    (["evaluate", "orl", "--fmr", "0"], "FMR: expected a number between 0 and 1"),
    (["evaluate", "orl", "--draws", "0"], "draws: expected 1 or more"),
    (["evaluate", "orl", "--out", "nowhere/page.html"], "nowhere is not a folder; make it first"),
    (["evaluate", "orl", "--gallery", "nowhere.db"], "There is no gallery at nowhere.db"),
    (["calibrate", "nowhere"], "There is no file or folder 'nowhere'"),
    (["calibrate", "a.jpg"], "a.jpg is a photograph, not data; expected lfw"),
    (["evaluate", "pairs.csv", "--out", "pairs.csv"], "pairs.csv is what the command reads, and would be overwritten"),
    (["calibrate", "one"], "one subject, 'ann'"),
    (["calibrate", "same.csv"], "same is 'perhaps'"),
    (["calibrate", "orl", "--embedder", "arcface"], "There is no embedder 'arcface'"),
    (["calibrate", "orl", "--threshold", "40"], "threshold: expected a cosine, from -1 to 1"),
    (["calibrate", "orl", "--fmr", "1e-3", "--threshold", "0.4"], "--threshold, which is measured; not both"),
    (["calibrate", "orl", "--fmr", "2"], "FMR: expected a number between 0 and 1"),
    (["calibrate", "orl", "--gallery", "nowhere.db"], "calibrate --create makes an empty one too."),
]


@pytest.mark.parametrize(
    ("arguments", "words"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_is_asked_wrongly_is_explained(arguments, words, place, published):  # noqa: ARG001
    (place / "one" / "ann").mkdir(parents=True)
    (place / "one" / "ann" / "1.jpg").touch()
    for name in ("a.jpg", "b.jpg"):
        (place / name).touch()
    (place / "columns.csv").write_text("photo_a,photo_b\na.jpg,b.jpg\n")
    (place / "unknown.csv").write_text("photo_a,photo_b,same\na.jpg,x.jpg,1\n")
    (place / "pairs.csv").write_text("photo_a,photo_b,same\na.jpg,b.jpg,1\n")
    (place / "same.csv").write_text("photo_a,photo_b,same\na.jpg,b.jpg,perhaps\n")
    status, out, talk = run(*arguments)
    assert (status, out) == (2, "")
    assert words in talk


def test_an_impossible_rate_is_refused_with_what_it_takes(people):
    status, _, talk = run("calibrate", people, "--fmr", "1e-4")
    assert status == 2
    assert "an FMR of 1 in 10,000 takes 30,000 non-mated comparisons or more (rule of 3), and there are 240" in talk


def test_options_in_words():
    for command in ("evaluate", "calibrate"):
        status, out, _ = run(command, "--help")
        assert status == 0
        for option in ("--embedder", "--fmr", "--gallery", "--central", "--no-cache", "--json"):
            assert option in out
