"""The command line as somebody types it: data on stdout, talk on stderr, exit status 2 for what was asked wrongly."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from faceloupe import __version__
from faceloupe.cli import app

SMALL = ["study", "--data", "orl", "--pairs", "2", "--seeds", "1", "--epochs", "1", "--jobs", "1"]


def run(*arguments, **environment):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "faceloupe", *map(str, arguments)],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "120", **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small study of the first subjects' photographs, as a folder and what was printed."""
    out = tmp_path_factory.mktemp("cli") / "study"
    return out, run(*SMALL, "--out", out, "--figures", "svg")


def test_the_report_is_written_and_its_path_is_all_that_stdout_holds(finished):
    out, result = finished
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(out / "report.html")
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert {"manifest.json", "tasks.done", "trials.csv", "figures"} <= {path.name for path in out.iterdir()}
    assert any((out / "figures").glob("*.svg"))


def test_stderr_tells_the_verdicts(finished):
    _, result = finished
    assert "contradicted  The pooling window moves with a stride of 1." in result.stderr
    assert "trials in" in result.stderr


def test_a_finished_study_is_not_done_again(finished):
    out, _ = finished
    before = (out / "trials.csv").read_bytes()
    again = run(*SMALL, "--out", out, "--resume", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["schema"] == "faceloupe.study/1"
    assert (out / "trials.csv").read_bytes() == before


def test_a_folder_that_holds_a_study_is_not_overwritten(finished):
    out, _ = finished
    result = run(*SMALL, "--out", out)
    assert result.returncode == 2
    assert "already holds a study" in result.stderr
    assert "--resume" in result.stderr


def test_another_study_cannot_be_resumed(finished):
    out, _ = finished
    result = run(*SMALL, "--out", out, "--resume", "--seed", "7")
    assert result.returncode == 2
    assert "another study" in result.stderr


BAD = [
    (["--data", "nowhere"], "nowhere"),
    (["--pairs", "many"], "--pairs takes a number or 'all'"),
    (["--pairs", "781"], "from 1 to 780"),
    (["--people", "0", "0"], "two different"),
    (["--people", "0", "40"], "from 0 to 39"),
    (["--seeds", "0"], "seeds must be a whole number of at least 1"),
    (["--epochs", "0"], "epochs must be a whole number of at least 1"),
    (["--preprocess", "whiten"], "whiten"),
    (["--figures", "gif"], "gif"),
    (["--jpairs", "2"], "--jpairs"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_bad_options_are_explained(arguments, words, tmp_path):
    base = [] if "--data" in arguments else ["--data", "orl"]
    result = run("study", *base, "--out", tmp_path / "study", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not result.stdout
    assert not (tmp_path / "study").exists()


def test_without_olivetti_it_says_so_and_goes_on_with_orl(tmp_path):
    out = tmp_path / "study"
    arguments = [word for word in SMALL if word not in ("--data", "orl")]
    # A proxy that refuses stands for a network that is not there.
    result = run(*arguments, "--out", out, SCIKIT_LEARN_DATA=tmp_path / "empty", HTTPS_PROXY="http://127.0.0.1:9")
    assert result.returncode == 0, result.stderr
    assert "used the ORL photographs instead" in result.stderr.splitlines()[0]
    assert "used the ORL photographs instead" in (out / "report.html").read_text()


def test_olivetti_by_name_does_not_switch(tmp_path):
    result = run(
        "study", "--data", "olivetti", "--out", tmp_path / "study",
        SCIKIT_LEARN_DATA=tmp_path / "empty", HTTPS_PROXY="http://127.0.0.1:9",
    )  # fmt: skip
    assert result.returncode == 2
    assert "SCIKIT_LEARN_DATA" in result.stderr
    assert not (tmp_path / "study").exists()


def test_ctrl_c_keeps_what_was_measured_and_says_how_to_go_on(tmp_path):
    out = tmp_path / "study"
    command = [sys.executable, "-m", "faceloupe", "study", "--data", "orl", "--out", out, "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (out / "tasks.done").exists() or not (out / "tasks.done").read_text():
            assert time.monotonic() < deadline, "no task was finished"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume to go on" in talk
    assert "Traceback" not in talk


def test_help_lists_every_option_in_words():
    result = CliRunner().invoke(app, ["study", "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    for option in ("--data", "--people", "--pairs", "--seeds", "--resume", "--full", "--json", "--figures", "--faces"):
        assert option in result.stdout


def test_version():
    assert run("--version").stdout.strip() == f"faceloupe {__version__}"
