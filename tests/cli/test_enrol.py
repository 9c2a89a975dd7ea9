"""enrol, as somebody types it: photographs of one, a folder of many, and a table of who is who."""

import json
from pathlib import Path

import pytest

from faceloupe.gallery import open_gallery
from helpers.galleries import POINT, make_folder, recognised
from helpers.people_commands import run

pytestmark = pytest.mark.usefixtures("at_home")


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


def test_a_stranger_among_the_photographs_is_named(gallery):
    with open_gallery(gallery) as opened:
        opened.save_point(POINT)
    Path("9.jpg").write_text("somebody else")
    code, _, talk = run("enrol", "Ann", "9.jpg")
    assert code == 0
    assert talk.startswith("enrolled, but worth a look: 9.jpg: looks like none of the other references: best score")
