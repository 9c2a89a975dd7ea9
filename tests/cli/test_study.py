"""The command line as somebody types it: data on stdout, talk on stderr, exit status 2 for what was asked wrongly."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from PIL import Image

from faceloupe import __version__
from faceloupe.faces.sources import find_orl
from helpers.commands import run
from helpers.waiting import BOUND, until

SMALL = ["--pairs", "2", "--seeds", "1", "--epochs", "1", "--preprocess", "centre", "--jobs", "1"]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A folder of three subjects of ORL, four captures each, laid out as ORL is."""
    root = tmp_path_factory.mktemp("people")
    for who in ("s1", "s2", "s3"):
        (root / who).mkdir()
        for number in range(1, 5):
            shutil.copy(find_orl() / who / f"{number}.pgm", root / who)
    return root


@pytest.fixture(scope="module")
def small(people):
    """The words that ask for a small study."""
    return ["study", "--data", people, *SMALL]


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    """A small study, as a folder and what was printed."""
    out = tmp_path_factory.mktemp("cli") / "study"
    return out, run(*small, "--out", out, "--figures", "svg")


@pytest.fixture
def no_olivetti(tmp_path, monkeypatch):
    """Let the Olivetti faces be neither on this machine nor to be had from their server, which refuses."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "empty"))
    monkeypatch.setattr("faceloupe.faces.sources.OLIVETTI_URL", "http://127.0.0.1:9")


def test_the_report_is_written_and_its_path_is_all_that_stdout_holds(finished):
    out, (status, printed, talk) = finished
    assert status == 0, talk
    assert printed.strip() == str(out / "report.html")
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert {"manifest.json", "tasks.done", "trials.csv", "figures"} <= {path.name for path in out.iterdir()}
    assert any((out / "figures").glob("*.svg"))


def test_stderr_tells_the_verdicts(finished):
    _, (_, _, talk) = finished
    assert "The tutorial says: The flattened numbers pass through four hidden layers.\n  contradicted" in talk
    assert re.search(r"\nThe tutorial asks: .*\n( +(no|yes|not shown)  .*\n)+ +the limit  supported above 33 %", talk)
    assert "trials in" in talk


def test_a_finished_study_is_not_done_again(small, finished):
    out, _ = finished
    before = (out / "trials.csv").read_bytes()
    status, printed, talk = run(*small, "--out", out, "--resume", "--json")
    assert status == 0, talk
    assert json.loads(printed)["schema"] == "faceloupe.study/2"
    assert (out / "trials.csv").read_bytes() == before


def test_a_folder_that_holds_a_study_is_not_overwritten(small, finished):
    out, _ = finished
    status, _, talk = run(*small, "--out", out)
    assert status == 2
    assert "already holds a study" in talk
    assert "--resume" in talk


def test_another_study_cannot_be_resumed(small, finished):
    out, _ = finished
    status, _, talk = run(*small, "--out", out, "--resume", "--seed", "7")
    assert status == 2
    assert "another study" in talk


BAD = [
    (["--data", "nowhere"], "nowhere"),
    (["--pairs", "many"], "--pairs takes a number or 'all'"),
    (["--pairs", "4"], "from 1 to 3"),
    (["--people", "0", "0"], "two different"),
    (["--people", "0", "3"], "from 0 to 2"),
    (["--seeds", "0"], "seeds must be a whole number of at least 1"),
    (["--epochs", "0"], "epochs must be a whole number of at least 1"),
    (["--preprocess", "whiten"], "whiten"),
    (["--figures", "gif"], "gif"),
    (["--jpairs", "2"], "--jpairs"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_bad_options_are_explained(people, arguments, words, tmp_path):
    status, printed, talk = run("study", "--data", people, "--out", tmp_path / "study", *arguments)
    assert status == 2
    assert words in talk
    assert not printed
    assert not (tmp_path / "study").exists()


def test_what_cannot_be_used_of_a_folder_is_named_and_the_rest_is_used(people, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(people, data)
    odd = data / os.fsdecode(b"zo\xff\n")
    shutil.copytree(data / "s1", odd)
    (odd / "broken.jpg").write_bytes(b"\xff\xd8")
    os.mkfifo(odd / "pipe.png")
    (data / "one").mkdir()
    shutil.copy(odd / "1.pgm", data / "one")
    status, _, talk = run("study", "--data", data, *SMALL, "--out", tmp_path / "study")
    assert status == 0, talk
    for words in (
        r"zo\xff\n/broken.jpg: no image",
        r"zo\xff\n/pipe.png: is not a regular",
        "skipped: one: this subject has 1 capture, and",
    ):
        assert words in talk


def test_the_words_on_a_terminal_hold_no_marks_of_the_page(finished):
    _, (_, _, talk) = finished
    assert "all hidden units are dead in" in talk
    assert "[[" not in talk
    assert "**" not in talk


@pytest.mark.usefixtures("published")
def test_faces_in_larger_photographs_are_found_and_cropped_and_that_is_said(people, tmp_path):
    data = tmp_path / "data"
    for who in ("s1", "s2"):
        (data / who).mkdir(parents=True)
        for number in range(1, 5):
            with Image.open(people / who / f"{number}.pgm") as face:
                photo = Image.new("L", (500, 400), 128)
                photo.paste(face.resize((184, 224)), (60 * number, 100))
                photo.save(data / who / f"{number}.png")
    shutil.copytree(people / "s3", data / "s3")
    out = tmp_path / "study"
    status, _, talk = run("study", "--data", data, *SMALL, "--out", out)
    assert status == 0, talk
    told = "aligned and cropped in 8 photographs; 4 of at most 112 pixels a side were taken as they are."
    assert told in talk
    assert told in json.loads((out / "manifest.json").read_text())["data"]["note"]
    assert told in (out / "report.html").read_text()
    status, _, talk = run("study", "--data", data, "--no-crop", *SMALL, "--out", tmp_path / "whole")
    assert status == 0, talk
    assert "cropped" not in talk


def test_crop_is_for_folders(tmp_path):
    status, _, talk = run("study", "--data", "orl", "--crop", "--out", tmp_path / "study")
    assert status == 2
    assert "--crop is for a folder of photographs" in talk


@pytest.mark.usefixtures("no_olivetti")
def test_without_olivetti_it_says_so_and_goes_on_with_orl(people, tmp_path, monkeypatch):
    monkeypatch.setattr("faceloupe.faces.sources.find_orl", lambda _: people)  # ORL, and little of it
    out = tmp_path / "study"
    status, _, talk = run("study", *SMALL, "--out", out)
    assert status == 0, talk
    assert "used the ORL photographs instead" in talk.splitlines()[0]
    assert "used the ORL photographs instead" in (out / "report.html").read_text()


@pytest.mark.usefixtures("no_olivetti")
def test_olivetti_by_name_does_not_switch(tmp_path):
    status, _, talk = run("study", "--data", "olivetti", "--out", tmp_path / "study")
    assert status == 2
    assert "SCIKIT_LEARN_DATA" in talk
    assert not (tmp_path / "study").exists()


def test_ctrl_c_keeps_what_was_measured_and_says_how_to_go_on(people, tmp_path):
    out = tmp_path / "study"
    words = ["study", "--data", people, "--jobs", "1", "--out", out]
    with subprocess.Popen([sys.executable, "-m", "faceloupe", *words], stderr=subprocess.PIPE, text=True) as process:
        # While libraries are first loaded, up to the third task, some of them swallow what Ctrl-C raises.
        until(lambda: (out / "tasks.done").exists() and len((out / "tasks.done").read_text().splitlines()) > 2)
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=BOUND)
    assert process.returncode == 130
    assert "--resume to go on" in talk
    assert "Traceback" not in talk


def test_help_lists_every_option_in_words():
    status, printed, _ = run("study", "--help")
    assert status == 0
    for option in ("--data", "--people", "--pairs", "--seeds", "--resume", "--full", "--json", "--figures", "--faces"):
        assert option in printed


def test_version_from_a_process_of_its_own():
    said = subprocess.run([sys.executable, "-m", "faceloupe", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"faceloupe {__version__}\n"
