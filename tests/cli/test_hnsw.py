"""Large galleries as somebody types it: ``faceloupe hnsw``, and ``identify`` with --recall or --also."""

import json
from importlib import import_module

import pytest
import typer

from faceloupe.cli.hnsw import hnsw
from faceloupe.cli.identify import identify
from faceloupe.gallery import open_gallery
from helpers.commands import run_command
from helpers.galleries import POINT, Toy, photograph

app = typer.Typer()
app.add_typer(hnsw)
app.command()(identify)


def run(*arguments):
    return run_command(app, *arguments)


@pytest.fixture(autouse=True)
def toy(monkeypatch, tmp_path):
    """Any file shows one face, and is recognised by its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faceloupe.gallery.networks.open_embedder_of", lambda *_, **__: Toy())
    module = import_module("faceloupe.recognition.recognise")  # the package has a function of that name
    monkeypatch.setattr(module, "recognise", lambda paths, *_, **__: map(photograph, paths))


@pytest.fixture
def galleries(postgres):
    """Ann on a server, and Bob in a file."""
    for url, name in ((postgres, "Ann"), ("bob.db", "Bob")):
        with open_gallery(url, create=True, embedder=Toy()) as gallery:
            gallery.enrol(name, [photograph(f"{name}{number}.jpg") for number in range(3)])
            gallery.save_point(POINT)
    return postgres, "bob.db"


def test_an_index_is_built_shown_used_and_dropped(galleries):
    url = galleries[0]
    assert run("hnsw", "show", "--gallery", url)[1].startswith("There is no HNSW index: search is exact")
    assert run("hnsw", "show", "--gallery", url, "--json")[1] == "null\n"
    code, table, _ = run("hnsw", "build", "--gallery", url, "--probes", 100)
    assert code == 0
    assert "HNSW index with m 16 and ef_construction 64" in table
    assert "with 1 made-up probe among 3 references" in table
    assert run("hnsw", "measure", "--gallery", url)[1] == run("hnsw", "show", "--gallery", url)[1]
    shown = json.loads(run("hnsw", "show", "--gallery", url, "--json")[1])
    assert (shown["schema"], shown["n_changed"], shown["rebuilt"]) == ("faceloupe.hnsw/1", 0, False)
    assert shown["table"]["missed"]["20"] == [0]
    code, _, words = run("identify", "Ann1.jpg", "--gallery", url, "--recall", "0.1", "--ranks", 1)
    assert code == 0
    assert "The search was approximate, at breadth 20: of the subject most like a probe it found 100.00 %" in words
    document = json.loads(run("identify", "Ann1.jpg", "--gallery", url, "--recall", "0.1", "--ranks", 1, "--json")[1])
    assert document["recall"]["ef"] == 20
    assert (
        run("identify", "Ann1.jpg", "--gallery", url, "--recall", "0.9", "--ranks", 1)[0] == 2
    )  # one probe shows less
    assert "no HNSW index any more" in run("hnsw", "drop", "--gallery", url)[1]
    assert run("identify", "Ann1.jpg", "--gallery", url)[0] == 0


def test_several_galleries_are_asked_as_one(galleries):
    url, file = galleries
    code, table, words = run("identify", "Bob2.jpg", "--gallery", url, "--also", file)
    assert code == 0
    assert "Bob" in table.splitlines()[2]
    assert "and 2 people in the gallery" in words
    document = json.loads(run("identify", "Bob2.jpg", "--gallery", url, "--also", file, "--json")[1])
    first = document["photographs"][0]["faces"][0]["candidates"][0]
    assert (first["name"], first["gallery"]) == ("Bob", file)
    assert run("identify", "Bob2.jpg", "--gallery", url, "--also", file, "--recall", "0.9")[2] == (
        "recall is for one gallery; several are searched exactly"
    )
    assert "for photographs" in run("identify", "clip.mp4", "--gallery", url, "--also", file)[2]
