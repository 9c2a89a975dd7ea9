"""`faceloupe look` as somebody types it: the page's path or the document on stdout, talk on stderr.

Also tests ``cli/bounded.py``, ``cli/look.py``.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceloupe.cli import main
from faceloupe.cli.app import app
from faceloupe.looking import look, open_model
from helpers.waiting import BOUND, until

BUILD = ["mynets:build", "above.png", "below.png", "--size", "8"]

GOLDEN = """\
mynets:build takes a face of 8×8 pixels in grey and answers with one logit: above 0 for class 1, below for class 0. \
It has 133 parameters in 4 layers and does 130 multiply-adds a face.

It takes above.png for class 1 (1.25) and below.png for class 0 (−0.7).

The evidence for class 1 (the logit) is 1.25 for above.png. By occlusion, it rests most on what lies around row 3, \
column 4: 0.03 logit lost when a window of 1×1 pixels is covered. The maps are not checked.
"""


def in_process(workplace, *arguments):
    """Run the command in a process of its own, in the workplace."""
    command = [sys.executable, "-m", "faceloupe", "look", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=workplace, env={**os.environ, "COLUMNS": "120"})


@pytest.fixture
def run(workplace, monkeypatch, capsys):  # noqa: ARG001 - the current folder
    """Run the command here, as the script does: (exit status, stdout, stderr)."""

    monkeypatch.setattr("faceloupe.cli.look.is_child", lambda: True)  # so that this process does the work itself

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["faceloupe", "look", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return run


def test_what_the_terminal_shows(workplace):
    result = in_process(workplace, *BUILD, "--no-certificate")
    assert (result.returncode, result.stdout, result.stderr) == (0, "look.html\n", GOLDEN)
    assert "A look inside mynets:build" in (workplace / "look.html").read_text()


def test_json_is_the_document_of_the_api(run, workplace):
    status, printed, _ = run(*BUILD, "--json", "--method", "occlusion", "--method", "gradient")
    assert status == 0
    found = look(open_model("mynets:build", size=8), ["above.png", "below.png"], methods=["occlusion", "gradient"])
    assert json.loads(printed) == json.loads(json.dumps(found.to_document()))
    assert not (workplace / "look.html").exists()


def test_figures_and_page_where_asked(run, workplace):
    status, printed, talk = run(*BUILD, "--method", "none", "--figures", "pictures", "--out", "page.html")
    assert (status, printed) == (0, "page.html\n")
    files = sorted((workplace / "pictures").iterdir())
    assert [file.name for file in files] == ["faces.png", "layer-0.png", "layer-1.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
    assert "3 figures in pictures" in talk


def test_options_go_to_the_network_that_they_are_for(run, saved, embedder):
    given = ("--pixels", "-1..1", "--method", "none", "--json")
    status, printed, _ = run(saved / "cnn", "orl:0", "orl:1", "--compare", embedder, *given)
    assert status == 0
    document = json.loads(printed)
    assert document["other"]["pixels"] == "RGB, from −1 to 1"
    assert document["pixels"].startswith("grey pixels less their mean")


def test_ctrl_c_keeps_the_first_part_whole(workplace):
    page = workplace / "look.html"
    command = [sys.executable, "-m", "faceloupe", "look", "mynets:slow", *BUILD[1:]]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=workplace) as process:
        until(page.exists)
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=BOUND)
    assert process.returncode == 130, talk
    assert "Stopped. look.html is whole, as it was last written." in talk
    assert "Traceback" not in talk
    text = page.read_text()
    assert text.endswith("</html>\n")
    assert "was written before the measures and the attributions were done" in text
    assert {path.name for path in workplace.iterdir()} <= {
        "look.html", "mynets.py", "above.png", "below.png", "notes.txt", "__pycache__"
    }  # fmt: skip


WRONG = [
    (["nowhere", "above.png"], "a MODEL is a folder saved by faceloupe, an ONNX file, or module:function"),
    (["notes.txt", "above.png"], "notes.txt"),
    (["mynets:biuld", "above.png", "--size", "8"], "mynets has no function 'biuld'; it has build"),
    (["mynets:build", "above.png"], "does not say how large its faces are"),
    (["mynets:build", "above.png", "--size", "9"], "cannot run on a batch of shape (1, 1, 9, 9)"),
    (["mynets:many", "above.png", "--size", "8", "--weights", "above.png"], "not a safetensors file"),
    ([*BUILD, "--layers", "relu7"], "there is no layer 'relu7'; the layers are relu, flatten, hidden, output"),
    ([*BUILD, "--method", "lime"], "methods: there is no 'lime'; there are occlusion"),
    ([*BUILD, "--pixels", "0..2"], "pixels: expected one of 0..1, 0..255, -1..1, imagenet"),
    ([*BUILD, "--answers", "names"], "answers: expected classes or template"),
    ([*BUILD, "--out", "missing/look.html"], "missing is not a folder; make it first"),
    (["mynets:build", "notes.txt", "--size", "8"], "notes.txt: no image that can be read"),
    (["mynets:build", "nobody.jpg", "--size", "8"], "there is no file 'nobody.jpg'"),
    (["mynets:build", "orl:400", "--size", "8"], "orl has 400 captures, 0 to 399"),
    (["mynets:build", "above.png", "--size", "8", "--answers", "template"], "give two faces"),
    (["mynets:build", "--size", "8"], "Missing argument"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_what_was_asked_wrongly_is_explained(run, workplace, arguments, words):
    status, printed, talk = run(*arguments)
    assert (status, printed) == (2, "")
    assert words in " ".join(talk.split())
    assert not (workplace / "look.html").exists()


def test_every_option_is_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs/guides/look.md").read_text()
    shown = CliRunner().invoke(app, ["look", "--help"], env={"COLUMNS": "200"}).stdout
    missing = [option for option in re.findall(r"(--[a-z-]+)", shown) if option not in guide]
    assert missing == ["--certificate", "--help"]


def test_what_a_network_prints_is_talk_and_a_network_may_be_named_itself(run, workplace):
    (workplace / "loud.py").write_text(
        "from torch import nn\nclass Loud(nn.Sequential):\n    def forward(self, x):\n        print('hello')\n"
        "        return super().forward(x)\nnetwork = Loud(nn.Flatten(), nn.Linear(64, 2))\n"
        "def kind():\n    return Loud\n"
    )
    status, out, err = run("loud:network", "above.png", "--size", "8", "--method", "none", "--json")
    assert (status, json.loads(out)["schema"]) == (0, "faceloupe.look/2")
    assert "hello" in err
    assert "returned a type; expected a torch.nn.Module" in run("loud:kind", "above.png", "--size", "8")[2]
