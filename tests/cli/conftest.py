"""What the tests of several of the gallery's commands share."""

from pathlib import Path

import pytest

from helpers.galleries import Toy, make_folder, recognised
from helpers.people_commands import run


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACELOUPE_GALLERY", raising=False)


@pytest.fixture
def toy(monkeypatch):
    """Faces are recognised in any text file, but for those that hold "wall"."""
    for opens in ("embedders.open_embedder", "gallery.networks.open_embedder", "gallery.networks.open_embedder_of"):
        monkeypatch.setattr(f"faceloupe.{opens}", lambda *_, **__: Toy())
    monkeypatch.setattr("faceloupe.gallery.enrolment.recognise_numbered", recognised)


@pytest.fixture
def gallery(toy):  # noqa: ARG001
    """Ann and Bob with three photographs each, in the gallery that commands take by default."""
    make_folder(Path("people"), ["Ann", "Bob"])
    assert run("enrol", "--folder", "people", "--consent", "form 12")[0] == 0
    return Path("faceloupe.db")
