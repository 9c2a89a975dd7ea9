"""forget, as somebody types it: it asks first, and erases whom it asked about."""

import re
import sqlite3
from importlib import import_module
from pathlib import Path

import pytest

from faceloupe.gallery import forgetting, open_gallery
from helpers.galleries import make_folder
from helpers.people_commands import run

pytestmark = pytest.mark.usefixtures("at_home")


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
