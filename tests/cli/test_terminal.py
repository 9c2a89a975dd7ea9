"""What all commands owe a terminal: any encoding, pipes that close, Ctrl-C at any moment, names that do nothing.

Also tests ``progress.py``.
"""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import faceloupe.cli
from faceloupe.cli import app
from faceloupe.cli.terminal import legible, say, say_skipped
from faceloupe.errors import DamageWarning
from faceloupe.faces.faceset import Skipped
from faceloupe.gallery import open_gallery
from helpers.commands import run
from helpers.galleries import photograph
from helpers.waiting import BOUND

NAME = "Zo\u00eb \u9673 \U0001f600"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    path = tmp_path_factory.mktemp("terminal") / "faces.db"
    with open_gallery(path, create=True) as opened:
        opened.enrol(NAME, [photograph("1.jpg")], consent="\u9673")
        for number in range(60):
            opened.enrol(f"Ann {number} " + "x" * 180, [photograph(f"{number}.png")])
    return path


def command(*arguments, **options):
    code = "import sys; from faceloupe.cli import main; sys.argv[0] = 'faceloupe'; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def answer(*arguments, **options):
    process = command(*arguments, **options)
    out, err = process.communicate(timeout=BOUND)
    return process.returncode, out, err


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "cp1252:strict"])
def test_a_terminal_that_lacks_a_letter_gets_it_escaped(gallery, encoding):
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    code, out, err = answer("people", "--gallery", gallery, env=env)
    assert (code, b"Traceback" in err) == (0, False)
    assert b"\\u9673 \\U0001f600" in out or NAME.encode() in out  # Typer takes "ascii" for a setting that was forgotten
    code, out, err = answer("people", "--gallery", gallery, "--json", env=env)
    assert code == 0, err
    assert NAME in [person["name"] for person in json.loads(out.decode("ascii"))["people"]]


def test_a_document_is_utf_8_where_the_terminal_is(gallery):
    _, out, _ = answer("people", "--gallery", gallery, "--json", env={**os.environ, "PYTHONIOENCODING": "UTF-8"})
    assert NAME.encode() in out


@pytest.mark.parametrize("arguments", [["people"], ["audit"], ["audit", "--json"], ["people", "--json"]])
def test_a_pipe_that_closes_early_ends_a_command_quietly(gallery, arguments):
    process = command(*arguments, "--gallery", gallery)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(BOUND) == 141


def test_what_was_closed_is_no_number_for_a_file():
    code = (
        "import os; os.close(0); os.close(2); from faceloupe.cli import _keep_numbers_of_streams as keep; keep(); "
        "print(os.open(os.devnull, os.O_RDONLY))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], stdin=subprocess.DEVNULL) == b"3\n"


def test_a_remark_that_finds_no_room_stops_nothing(monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        say("first")
        say("second")


def test_a_folder_that_was_deleted_is_named(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code, _, err = run("people")
    assert (code, "the folder you are in was deleted" in err) == (2, True)


@pytest.mark.parametrize("delay", [0.06, 0.12, 0.2, 0.3, 0.5])
def test_ctrl_c_is_quiet_at_any_moment(gallery, delay):
    process = command("check", "--gallery", gallery)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=BOUND)
    if process.returncode == 0:
        pytest.skip("it was done before")
    if err and b", in main\n" not in err:
        pytest.skip("Python itself was still starting")
    assert process.returncode in (130, -signal.SIGINT)
    assert err == b""


def test_ctrl_c_while_commands_are_imported_is_quiet():
    code = "import sys; sys.modules['faceloupe.cli.app'] = None; import builtins; real = builtins.__import__\n" \
           "def stop(name, *rest):\n" \
           "    if name == 'faceloupe.cli.app': raise KeyboardInterrupt\n" \
           "    return real(name, *rest)\n" \
           "builtins.__import__ = stop\n" \
           "from faceloupe.cli import main; main()"  # fmt: skip
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann\u202egpj.exe", r"Ann\u202egpj.exe"),
        ("a\u2066b\u200f\u061c", r"a\u2066b\u200f\u061c"),
        ("a\x1b[2J\x9b\x7f", r"a\x1b[2J\x9b\x7f"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("a\nb\u2028\udcff", r"a\nb\u2028\udcff"),
        ("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627 \U0001f468\u200d\U0001f467", None),
    ],
)
def test_nothing_in_a_name_is_obeyed(name, shown):
    assert legible(name) == (shown or name)


def test_what_came_from_outside_is_shown_in_every_answer(tmp_path):
    trick = "Ann\u202e\u2069 \x9b2J"
    path = tmp_path / "faces.db"
    with open_gallery(path, create=True) as opened:
        opened.enrol("Ann", [photograph("1.jpg")], consent="form")
        with opened.writing() as connection:  # as another program, or an older version, may have written
            connection.exec_driver_sql("UPDATE subjects SET name = ?, consent = ?", (trick, trick))
    for arguments in (["people"], ["show", trick], ["rename", trick, "Ann"], ["check"], ["people", "--json"]):
        _, out, err = run(*arguments, "--gallery", path)
        assert not {"\u202e", "\u2069", "\x9b"} & set(out + err)
        with open_gallery(path) as opened, opened.writing() as connection:
            connection.exec_driver_sql("UPDATE subjects SET name = ?", (trick,))
    code, out, _ = run("people", "--gallery", path, "--json")
    assert (code, json.loads(out)["people"][0]["name"]) == (0, trick)


def test_no_command_prints_past_the_one_function():
    for path in Path(faceloupe.cli.__file__).parent.glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
        assert path.name == "terminal.py" or not names & {"print", "secho"}, path
        printed = {ast.unparse(call) for call in calls if isinstance(call, ast.Attribute) and call.attr == "echo"}
        assert path.name == "terminal.py" or not printed, path


def test_a_warning_of_another_library_is_told_with_its_place(capsys):
    app._tell(UserWarning("old cache"), UserWarning, "/lib/other/thing.py", 3)
    app._tell(UserWarning("odd pixels"), UserWarning, app.__file__, 3)
    app._tell(DamageWarning("a row is damaged"), DamageWarning, "/home/ann/own.py", 3)
    assert capsys.readouterr().err.splitlines() == [
        "Caution, from /lib/other/thing.py: old cache.", "Caution: odd pixels.", "Caution: a row is damaged.",
    ]  # fmt: skip


def test_a_long_argument_is_not_repeated_whole(gallery):
    for long in ("B" * 5000, "b c" * 2000, "\u9673\n" * 3000):
        code, out, talk = run("show", long, "--gallery", gallery)
        assert (code, out) == (2, "")
        assert talk.startswith("faceloupe: ")
        assert len(talk) < 1000
    code, _, talk = run("show", "C" * 150, "--gallery", gallery)
    assert code == 2
    assert "C" * 150 in talk


def test_photographs_with_one_reason_are_told_together(capsys):
    skipped = [Skipped(f"{number}.jpg", "several faces") for number in range(1, 6)]
    say_skipped("not enrolled", [skipped[0], Skipped("x\n.jpg", "no face"), *skipped[1:]], most=2, rest="see FILE")
    assert capsys.readouterr().err.splitlines() == [
        "not enrolled: 5 photographs: several faces",
        "  1.jpg",
        "  2.jpg",
        "  and 3 more; see FILE",
        r"not enrolled: x\n.jpg: no face",
    ]
    say_skipped("not read", (Skipped(f"{number}.jpg", f"norm {number}") for number in range(33)))
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "not read: 19.jpg: norm 19",
        "not read: 13 more, for other reasons",
    ]
