"""The gallery's commands as somebody types them: answers on stdout, talk on stderr, exit statuses as the help says.

Also tests ``cli/audit.py``, ``cli/check.py``, ``cli/enrol.py``, ``cli/export.py``, ``cli/forget.py``,
``cli/describe.py``, ``cli/import_.py``, ``cli/merge.py``, ``cli/rename.py``, ``cli/show.py``.
"""

import json
import re
import shutil
import sqlite3
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from faceloupe.cli.audit import audit
from faceloupe.cli.check import check
from faceloupe.cli.describe import describe
from faceloupe.cli.enrol import enrol
from faceloupe.cli.export import export
from faceloupe.cli.forget import forget
from faceloupe.cli.import_ import import_
from faceloupe.cli.merge import merge
from faceloupe.cli.people import people
from faceloupe.cli.rename import rename
from faceloupe.cli.show import show
from faceloupe.errors import FaceloupeError
from faceloupe.faces.sources import find_orl
from faceloupe.gallery import forgetting, open_gallery
from faceloupe.scores import Interval, OperatingPoint
from helpers.galleries import WEIGHTS, Toy, make_folder, recognised

AROUND = Interval(5e-4, 2e-3, 0.95, 9000.0, "made up")
POINT = OperatingPoint(0.5, 1e-3, 9e-4, AROUND, 1e-3, AROUND, 900, 9000, 0, "made up", "toy", WEIGHTS)

app = typer.Typer()
for command in (enrol, people, show, rename, describe, merge, forget, export, check, audit):
    app.command()(command)
app.command("import")(import_)


def run(*arguments):
    """Run a command as ``main`` does: foreseen errors have exit status 2."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, FaceloupeError):
        return 2, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACELOUPE_GALLERY", raising=False)


@pytest.fixture
def toy(monkeypatch):
    """Faces are recognised in any text file, but for those that hold "wall"."""
    for opens in ("embedders.open_embedder", "gallery.gallery.open_embedder", "gallery.gallery.open_embedder_of"):
        monkeypatch.setattr(f"faceloupe.{opens}", lambda *_, **__: Toy())
    monkeypatch.setattr("faceloupe.gallery.enrolment.recognise_numbered", recognised)


@pytest.fixture
def gallery(toy):  # noqa: ARG001
    """Ann and Bob with three photographs each, in the gallery that commands take by default."""
    make_folder(Path("people"), ["Ann", "Bob"])
    assert run("enrol", "--folder", "people", "--consent", "form 12")[0] == 0
    return Path("faceloupe.db")


def test_photographs_of_one_person(toy):  # noqa: ARG001
    make_folder(Path(), ["Ann"])
    Path("wall.jpg").write_text("wall")
    code, out, talk = run("enrol", "Ann", "Ann/1.jpg", "Ann/2.jpg", "wall.jpg")
    assert (code, talk) == (2, "not enrolled: wall.jpg: no face found\n")
    assert out == "faceloupe.db: 2 photographs of Ann, who is new; 1 not enrolled, named above with the reason.\n"
    code, out, _ = run("enrol", "Ann", "Ann/1.jpg", "Ann/3.jpg")
    assert (code, out) == (0, "faceloupe.db: 1 photograph of Ann; 1 enrolled already.\n")


def test_nothing_to_enrol_is_status_1_and_makes_no_gallery(toy):  # noqa: ARG001
    Path("wall.jpg").write_text("wall")
    code, out, talk = run("enrol", "Ann", "wall.jpg")
    assert (code, talk) == (1, "not enrolled: wall.jpg: no face found\n")
    assert out == "faceloupe.db: nothing new; 1 not enrolled, named above with the reason.\n"
    for failing in (("enrol", "--folder", "none"), ("enrol", "A\nn", "1.jpg"), ("import", "none.json"),
                    ("enrol", "Ann", "wall.jpg", "--consent", "\x1b")):  # fmt: skip
        assert run(*failing)[0] == 2
    assert run("people", "--gallery", "")[0] == 2
    assert [path.name for path in Path().iterdir()] == ["wall.jpg"]


def test_a_folder_of_people_and_again(gallery):
    code, out, talk = run("enrol", "--folder", "people")
    assert (code, out, talk) == (0, f"{gallery}: nothing new; 6 enrolled already.\n", "")
    code, _, talk = run("enrol", "--folder", "people", "--keep-faces", "--consent", "form 30")
    assert (code, "--keep-faces added none to 6 photographs enrolled already" in talk) == (0, True)
    assert json.loads(run("show", "Ann", "--json")[1])["person"]["consent"] == "form 12\nform 30"
    make_folder(Path("people"), ["Cy"])
    _, out, talk = run("enrol", "--folder", "people", "--json")
    document = json.loads(out)
    assert document["schema"] == "faceloupe.enrolled/1"
    assert [(one["name"], len(one["enrolled"])) for one in document["enrolled"]] == [("Ann", 0), ("Bob", 0), ("Cy", 3)]


def test_a_folder_of_nobody_who_can_be_told_stops_none_of_the_others(gallery):
    run("describe", "Ann", "--external-id", "E-1")
    Path("new.jpg").write_text("another Ann")
    assert run("enrol", "Ann", "new.jpg", "--external-id", "E-2")[0] == 0
    make_folder(Path("more"), ["Ann", "Cy", "E-1", "id:E-1", "id:E-9", "number:9"], photographs=1)
    (Path("more") / "Ann" / "1.jpg").write_text("one more")
    code, out, talk = run("enrol", "--folder", "more")
    assert (code, out) == (
        2, f"{gallery}: 2 photographs of 2 subjects, 1 of them new; 4 not enrolled, named above with the reason; "
        "nothing of 4 subjects.\n",
    )  # fmt: skip
    reasons = dict(line.removeprefix("not enrolled: ").split(": ", 1) for line in talk.splitlines())
    assert {path: reason[:24] for path, reason in reasons.items()} == {
        "more/Ann/1.jpg": "'Ann' may be 2 subjects:", "more/E-1/1.jpg": "'E-1' is nobody's name h",
        "more/id:E-9/1.jpg": "There is no 'id:E-9' in ", "more/number:9/1.jpg": "There is no 'number:9' i",
    }  # fmt: skip
    with open_gallery(gallery) as opened:
        assert [(each.id, each.name, each.references) for each in opened.people()] == [
            (1, "Ann", 4), (3, "Ann", 1), (2, "Bob", 3), (4, "Cy", 1),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "enrol takes a name and photographs"),
        (["Ann"], "enrol takes a name and photographs"),
        (["--folder", "people", "Ann"], "enrol takes a name and photographs"),
        (["--folder", "people", "Ann", "1.jpg"], "enrol takes a name and photographs"),
        (["--folder", "none"], "none cannot be listed"),
    ],
)
def test_an_enrolment_that_says_too_little_or_too_much(toy, arguments, words):  # noqa: ARG001
    code, _, talk = run("enrol", *arguments)
    assert code == 2
    assert words in talk


def test_a_stop_says_that_the_same_command_goes_on(toy, monkeypatch):  # noqa: ARG001
    make_folder(Path("people"), ["Ann", "Bob", "Cy"])

    def stopped(numbered, embedder, search):
        for photograph in recognised(numbered, embedder, search):
            if photograph.path == Path("people/Cy/2.jpg"):
                raise KeyboardInterrupt
            yield photograph

    monkeypatch.setattr("faceloupe.gallery.enrolment.recognise_numbered", stopped)
    Path("people/Ann/notes.txt").touch()
    code, _, talk = run("enrol", "--folder", "people")
    told, stopped = talk.splitlines(keepends=True)
    assert told == "not enrolled: people/Ann/notes.txt: not called like an image, and not opened\n"
    assert (code, stopped) == (130, "Stopped. 2 subjects enrolled so far stay; the same command goes on from there.\n")
    assert [line.split()[0] for line in run("people")[1].splitlines()] == ["name", "Ann", "Bob"]


def test_a_table_gives_the_folders_names_ids_and_metadata(toy):  # noqa: ARG001
    make_folder(Path("people"), ["x1", "x2", "x3"])
    Path("people/people.csv").write_text("folder,name,external_id\nx1,Ann,E-1\nx2,Ann,E-2\nx9,Cy,E-9\n")
    code, _, talk = run("enrol", "--folder", "people")
    assert code == 2
    assert "not enrolled: people/x3: people.csv has no line for this folder" in talk
    assert "not enrolled: people.csv, line 4: there is no folder 'x9'" in talk
    listed = json.loads(run("people", "--json")[1])["people"]
    assert [(each["name"], each["external_id"], each["references"]) for each in listed] == [
        ("Ann", "E-1", 3), ("Ann", "E-2", 3),
    ]  # fmt: skip
    Path("other.csv").write_text('folder,name,metadata\nx3,Bob,"{""floor"": 3}"\n')
    assert run("enrol", "--folder", "people", "--table", "other.csv")[0] == 2
    assert json.loads(run("show", "Bob", "--json")[1])["person"]["metadata"] == {"floor": 3}
    for wrong in (("--folder", "people", "--table", "none.csv"), ("Ann", "people/x1/1.jpg", "--table", "other.csv")):
        assert run("enrol", *wrong)[0] == 2


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


def test_forgetting_asks_first(gallery, monkeypatch):
    assert run("forget", "Ann")[0] == 2  # there is no terminal to ask at
    asked = []
    monkeypatch.setattr(import_module("faceloupe.cli.forget"), "_ask", asked.append)
    code, out, talk = run("forget", "Ann")
    assert (code, out) == (0, f"Erased from {gallery}: the name, the consent note and 3 references.\n")
    assert "Not reached: backups, exports, the template cache of evaluate and calibrate" in talk
    assert asked == [f"Erase 'Ann', everything that is kept of this subject, from {gallery} for good?"]
    assert run("forget", "Bob", "--yes")[0] == 0
    assert run("people")[1] == ""


def test_whoever_was_asked_about_is_erased_whatever_others_do_meanwhile(gallery, monkeypatch):
    def ask(question):
        with open_gallery(gallery) as opened:
            opened.rename("Ann", "Anna")
            opened.rename("Bob", "Ann")
        return question

    monkeypatch.setattr(import_module("faceloupe.cli.forget"), "_ask", ask)
    assert run("forget", "Ann")[0] == 0
    with open_gallery(gallery) as opened:
        assert [(person.id, person.name) for person in opened.people()] == [(2, "Ann")]


def test_two_of_one_name_are_asked_about_with_their_ids(gallery, monkeypatch):
    for number, name in ((1, "Ann"), (2, "Bob")):
        run("describe", name, "--external-id", f"E-{number}")
        run("enrol", name, f"people/{name}/1.jpg", "--consent-until", "2020-01-31")
    run("rename", "Bob", "Ann")
    asked = []
    monkeypatch.setattr(import_module("faceloupe.cli.forget"), "_ask", asked.append)
    assert run("forget", "--consent-ended")[0] == 0
    assert asked == [f"Erase 2 subjects whose consent has ended, 'Ann (E-1)', 'Ann (E-2)', from {gallery}?"]


def test_one_reference_is_forgotten(gallery):
    with open_gallery(gallery) as opened:
        first, *others = (kept.id for kept in opened.person("Ann").references)
    code, out, _ = run("forget", "Ann", "--reference", str(first), "--yes")
    assert (code, out) == (0, f"Erased from {gallery}: reference {first} of Ann.\n")
    with open_gallery(gallery) as opened:
        assert [kept.id for kept in opened.person("Ann").references] == others
    assert run("forget", "Ann", "--reference", str(first), "--yes")[0] == 2


def test_what_changed_is_told_as_json_too(gallery):  # noqa: ARG001
    assert json.loads(run("rename", "Ann", "Anna", "--json")[1])["name"] == "Anna"
    assert json.loads(run("merge", "Bob", "Anna", "--json")[1])["references"] == 6
    forgotten = {"name": "Anna", "subject_id": 1, "references": 6}
    assert json.loads(run("forget", "Anna", "--yes", "--json")[1]) == forgotten


def test_forgetting_nobody_asks_nothing(gallery):
    assert run("forget", "An") == (2, "", "There is no 'An' in the gallery. Did you mean 'Ann'?")
    with open_gallery(gallery) as opened:
        forgetting._delete(opened._database, "Bob")  # and killed
    code, _, talk = run("forget", "An")
    assert (code, "Did you mean 'Ann'? Bytes that an earlier forget had left are erased now." in talk) == (2, True)
    with open_gallery(gallery) as opened:
        forgetting._delete(opened._database, "Ann")
    code, out, _ = run("forget", "Ann")
    assert (code, out.startswith(f"There is no 'Ann' in {gallery}. Bytes that an earlier forget had left")) == (0, True)


@pytest.mark.parametrize("reference", [None, 2])
def test_an_erasure_that_was_cut_off_is_finished_by_the_command_that_check_tells(gallery, reference):
    run("describe", "Ann", "--external-id", "E-1")
    make_folder(Path(), ["Cy"])
    assert run("enrol", "Ann", "Cy/1.jpg", "--external-id", "E-2")[0] == 0
    with open_gallery(gallery) as opened:
        forgetting._delete(opened._database, "E-1", reference)  # and killed: to forget "Ann" again erases the other
    code, out, _ = run("check")
    [command] = re.findall(r"faceloupe (forget .*) erases them", out)
    assert (code, command) == (1, "forget number:1" if reference is None else "forget number:1 --reference 2")
    code, out, _ = run(*command.split(), "--yes")
    assert (code, out.endswith("Bytes that an earlier forget had left in its files are erased now.\n")) == (0, True)
    assert run("check")[0] == 0
    with open_gallery(gallery) as opened:
        expected = [(3, 1)] if reference is None else [(1, 2), (3, 1)]
        assert [(each.id, each.references) for each in opened.people() if each.name == "Ann"] == expected


def test_a_stranger_among_the_photographs_is_named(gallery):
    with open_gallery(gallery) as opened:
        opened.save_point(POINT)
    Path("9.jpg").write_text("somebody else")
    code, _, talk = run("enrol", "Ann", "9.jpg")
    assert code == 0
    assert talk.startswith("enrolled, but look at it: 9.jpg: looks like none of the other references: best score")


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
    monkeypatch.setattr("faceloupe.gallery.gallery.open_embedder", lambda *_, **__: Toy("other"))
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


def test_those_whose_consent_has_ended_are_erased_and_no_others(gallery):  # noqa: ARG001
    make_folder(Path(), ["Cy", "Di"])
    assert run("enrol", "Cy", "Cy/1.jpg", "--consent-until", "2020-01-31")[0] == 0
    assert run("enrol", "Di", "Di/1.jpg", "--consent-until", "2999-01-31")[0] == 0
    assert run("enrol", "Di", "Di/2.jpg", "--consent-until", "soon")[0] == 2
    code, out, _ = run("check")
    assert (code, "the consent of subject 3, 'Cy', ended on 2020-01-31" in out) == (1, True)
    assert run("forget", "--consent-ended")[0] == 2  # it asks, and there is no terminal
    code, out, _ = run("forget", "--consent-ended", "--yes")
    assert (code, out) == (0, "Erased from faceloupe.db: 1 subject whose consent has ended.\n")
    assert [line.split()[0] for line in run("people")[1].splitlines()[1:]] == ["Ann", "Bob", "Di"]
    assert run("forget", "Ann", "--consent-ended")[0] == 2


def test_those_of_whom_nothing_was_enrolled_for_long_are_erased(gallery):
    with sqlite3.connect(gallery) as connection:
        for table in ("subjects WHERE name = 'Ann'", "face_references WHERE subject_id = 1"):
            name, where = table.split(" ", 1)
            connection.execute(f"UPDATE {name} SET created = '2020-01-01 00:00:00.000000' {where}")  # noqa: S608
    code, out, _ = run("forget", "--older-than", "30", "--yes")
    assert (code, out) == (0, "Erased from faceloupe.db: 1 subject of whom nothing was enrolled for 30 days.\n")
    assert [line.split()[0] for line in run("people")[1].splitlines()[1:]] == ["Bob"]


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
    assert named["people/s2/group.png"].startswith("2 faces found")
    assert named["people/s2/broken.jpg"].startswith("no image that can be read")
    assert run("enrol", "s2", "people/s2/group.png", "--central", "--keep-faces")[0] == 0
    references = json.loads(run("show", "s2", "--json")[1])["references"]
    assert [reference["has_face"] for reference in references] == [False, False, True]
    assert references[0]["embedder"]["name"] == "sface"
