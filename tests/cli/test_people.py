"""The gallery's commands as somebody types them: answers on stdout, talk on stderr, exit statuses as the help says.

Also tests ``cli/audit.py``, ``cli/check.py``, ``cli/describe.py``, ``cli/export.py``, ``cli/import_.py``,
``cli/merge.py``, ``cli/rename.py``, ``cli/show.py``.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloupe.faces.sources import find_orl
from helpers.galleries import Toy
from helpers.people_commands import run

pytestmark = pytest.mark.usefixtures("at_home")


def test_who_is_there(gallery):
    code, out, talk = run("people")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split("  ") == ["name", "references", "embedders", "created (UTC)"]
    assert lines[1].split()[:3] == ["Ann", "3", "toy"]
    assert talk == f"2 subjects in {gallery}.\n"
    assert [person["name"] for person in json.loads(run("people", "--json")[1])["people"]] == ["Ann", "Bob"]


def test_what_is_kept_of_somebody(gallery):  # noqa: ARG001
    code, out, _ = run("show", "Ann")
    assert code == 0
    assert {"Ann", "form 12", "toy", "3 references", "enrol"} <= {
        part.strip() for part in out.replace("\n", "  ").split("  ")
    }
    assert json.loads(run("show", "Ann", "--json")[1])["person"]["consent"] == "form 12"
    assert run("show", "An") == (2, "", "There is no 'An' in the gallery. Did you mean 'Ann'?")


def test_two_people_of_one_name_are_told_apart_by_external_id(gallery):
    Path("new.jpg").write_text("another Ann")
    assert run("describe", "Ann", "--external-id", "E-1")[1] == (
        "Ann has the external id E-1 and 0 items of metadata now.\n"
    )
    assert run("enrol", "Ann", "new.jpg", "--external-id", "E-2", "--metadata", '{"floor": 3}')[0] == 0
    code, out, _ = run("people")
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["name", "external", "id"], ["Ann", "E-1", "3"], ["Ann", "E-2", "1"], ["Bob", "3", "toy"],
    ]  # fmt: skip
    code, out, talk = run("forget", "Ann", "--yes")
    assert (code, out) == (2, "")
    assert talk == (
        "'Ann' may be 2 subjects: 'Ann', number:1 or id:E-1; 'Ann', number:3 or id:E-2. Say which by id or number."
    )
    shown = run("show", "id:E-2")[1]
    assert '{"floor": 3}' in shown
    assert "E-2" in shown
    assert run("describe", "E-2", "--metadata", "[3]")[0] == 2
    assert run("describe", "E-2")[0] == 2
    assert run("describe", "E-2", "--metadata", "{}", "--json")[0] == 0
    assert run("enrol", "--folder", "people", "--external-id", "E-3")[0] == 2
    assert (
        run("forget", "number:3", "--yes")[1] == f"Erased from {gallery}: the name, the consent note and 1 reference.\n"
    )
    assert run("rename", "E-1", "Anna")[1] == "E-1 is called Anna now.\n"


def test_renaming_and_merging(gallery):  # noqa: ARG001
    assert run("rename", "Ann", "Anna")[:2] == (0, "Ann is called Anna now.\n")
    assert run("merge", "Bob", "Anna")[:2] == (0, "Bob is part of Anna now, who has 6 references.\n")
    assert run("merge", "Anna", "Anna")[0] == 2


def test_what_changed_is_told_as_json_too(gallery):  # noqa: ARG001
    assert json.loads(run("rename", "Ann", "Anna", "--json")[1])["name"] == "Anna"
    assert json.loads(run("merge", "Bob", "Anna", "--json")[1])["references"] == 6
    forgotten = {"id": 1, "name": "Anna", "references": 6}
    assert json.loads(run("forget", "Anna", "--yes", "--json")[1]) == forgotten


def test_an_export_comes_back(gallery):  # noqa: ARG001
    code, out, talk = run("export", "all.json")
    assert (code, out) == (0, "all.json\n")
    assert "biometric templates" in talk
    code, out, _ = run("import", "all.json", "--gallery", "two.db")
    assert (code, out) == (0, "2 subjects imported into two.db, 0 were there already, 0 conflicts.\n")
    run("enrol", "Cy", "people/Bob/1.jpg", "--gallery", "three.db")
    code, out, talk = run("import", "all.json", "--gallery", "three.db")
    assert (code, out) == (1, "1 subject imported into three.db, 0 were there already, 1 conflict.\n")
    assert talk == "not imported: Bob: a photograph is enrolled already, as 'Cy'\n"
    assert json.loads(run("import", "all.json", "--gallery", "two.db", "--json")[1])["already_here"] == ["Ann", "Bob"]
    Path("all.json").write_text("{}\n")
    assert run("import", "all.json")[0] == 2


def test_a_check(gallery, monkeypatch):
    assert run("check")[:2] == (0, f"{gallery}: 2 subjects, 6 references, nothing wrong.\n")
    monkeypatch.setattr("faceloupe.gallery.networks.open_embedder", lambda *_, **__: Toy("other"))
    run("enrol", "Ann", "people/Ann/1.jpg", "--embedder", "other")
    code, out, _ = run("check")
    assert code == 1
    assert out.startswith("embedders: 1 of 2 subjects have no reference made by other abababab")
    assert out.endswith("1 finding.\n")
    assert json.loads(run("check", "--json")[1])["findings"][0]["subjects"] == ["Bob"]


def test_the_trail(gallery):  # noqa: ARG001
    run("rename", "Ann", "Anna")
    lines = run("audit")[1].splitlines()
    assert [line.split()[4] for line in lines[1:]] == ["enrol", "enrol", "rename"]
    assert "Ann" not in "".join(lines)
    assert [entry["what"] for entry in json.loads(run("audit", "--json")[1])["audit"]] == ["enrol", "enrol", "rename"]


def test_the_newest_lines_of_the_trail(gallery):  # noqa: ARG001
    run("rename", "Ann", "Anna")
    assert [line.split()[0] for line in run("audit", "--limit", 2)[1].splitlines()] == ["id", "2", "3"]
    whole = json.loads(run("audit", "--json")[1])["audit"]
    assert json.loads(run("audit", "--json", "--limit", 2)[1])["audit"] == whole[1:]
    assert json.loads(run("audit", "--json", "--limit", 9)[1])["audit"] == whole
    assert run("audit", "--limit", 0)[0] == 2


@pytest.mark.parametrize(
    "command",
    [("people",), ("show", "Ann"), ("rename", "Ann", "B"), ("merge", "Ann", "B"), ("forget", "Ann", "--yes"),
     ("export", "all.json"), ("check",), ("audit",)],
)  # fmt: skip
def test_no_command_but_enrol_and_import_makes_a_gallery(command):
    code, _, talk = run(*command)
    assert code == 2
    assert "There is no gallery at faceloupe.db" in talk
    assert not Path("faceloupe.db").exists()


def test_the_gallery_may_be_named_by_the_environment(gallery, monkeypatch):
    gallery.rename("moved.db")
    monkeypatch.setenv("FACELOUPE_GALLERY", "moved.db")
    assert run("people")[2] == "2 subjects in moved.db.\n"


@pytest.fixture
def orl(published):  # noqa: ARG001 - a fixture that skips
    """A folder of photographs: two people, a wall, a group, and a file that is no image."""
    faces = find_orl()
    for who in ("s1", "s2"):
        Path("people", who).mkdir(parents=True)
        for number in (1, 2):
            shutil.copy(faces / who / f"{number}.pgm", Path("people", who))
    wall = np.full((200, 400), 128, np.uint8)
    Image.fromarray(wall).save("people/s1/wall.png")
    for place, who in enumerate(("s1", "s2")):
        wall[40:152, 60 + 150 * place : 152 + 150 * place] = np.asarray(Image.open(faces / who / "3.pgm"))
    Image.fromarray(wall).save("people/s2/group.png")
    Path("people/s2/broken.jpg").write_text("no image")
    return Path("people")


def test_real_photographs(orl):
    code, out, talk = run("enrol", "--folder", orl)
    assert code == 2, talk
    assert out.startswith("faceloupe.db: 4 photographs of 2 subjects, 2 of them new; 3 not enrolled")
    named = {line.split(": ")[1]: line.split(": ")[2] for line in talk.splitlines()}
    assert named["people/s1/wall.png"].startswith("no face found")
    assert named["people/s2/group.png"].startswith("several faces found")
    assert named["people/s2/broken.jpg"].startswith("no image that can be read")
    assert run("enrol", "s2", "people/s2/group.png", "--central", "--keep-faces")[0] == 0
    references = json.loads(run("show", "s2", "--json")[1])["references"]
    assert [reference["has_face"] for reference in references] == [False, False, True]
    assert references[0]["embedder"]["name"] == "sface"
