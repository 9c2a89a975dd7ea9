"""``faceloupe adapt``, as somebody types it."""

import json
import shutil

import numpy as np
import pytest

from faceloupe.embedders import open_embedder
from faceloupe.faces.sources import find_orl
from faceloupe.training import NetworkClassifier
from helpers.commands import run


@pytest.fixture(scope="module")
def people(tmp_path_factory, published):  # noqa: ARG001 - a fixture that skips
    root = tmp_path_factory.mktemp("people")
    for who in range(1, 25):
        (root / f"s{who}").mkdir()
        for number in range(1, 5):
            shutil.copy(find_orl() / f"s{who}" / f"{number}.pgm", root / f"s{who}")
    return root


def test_where_nothing_is_gained_nothing_is_written_and_the_status_is_0(people, tmp_path):
    code, printed, talk = run("adapt", people, "--out", tmp_path / "mine", "--no-cache")
    assert (code, printed) == (0, "no gain: keep sface; nothing was written\n")
    assert "No gain, keep sface" in talk
    assert "95 % interval" in talk
    assert list(tmp_path.iterdir()) == []


def test_what_is_gained_is_saved_and_opened_by_its_folder(people, tmp_path):
    """A network that was hardly trained: whitening helps it with everybody."""
    rng = np.random.default_rng(0)
    network = NetworkClassifier("dense 64 leaky; preprocess centre, epochs 1")
    network.fit(rng.random((8, 12, 12)), [0, 1] * 4).save(tmp_path / "weak")
    out = tmp_path / "mine"
    code, printed, talk = run("adapt", people, "--embedder", tmp_path / "weak", "--out", out, "--no-cache", "--json")
    document = json.loads(printed)
    assert (code, document["folder"], document["kept"]) == (0, str(out), True)
    assert "faceloupe calibrate DATA --embedder" in talk
    embedder = open_embedder(out)
    assert embedder.name == document["embedder"]["name"]
    assert "Are other people told apart better?" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--embedder", "arcface"], "There is no embedder 'arcface'"), (["--out", "."], "exists already")],
)
def test_what_cannot_be_is_said(arguments, words, people, tmp_path):
    code, printed, talk = run("adapt", people, "--out", tmp_path / "mine", *arguments)
    assert (code, printed) == (2, "")
    assert words in talk
