"""Files are enrolled by subject, each once; what cannot be used is named with the reason and stops nothing."""

import os
from contextlib import closing

import pytest

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import open_gallery
from faceloupe.gallery.opening import GalleryToBe
from helpers.galleries import Toy, enrol_folder, make_folder, recognised


@pytest.fixture
def recognising(monkeypatch):
    """The files that were recognised."""
    seen = []

    def watched(numbered, embedder, search):
        for photograph in recognised(numbered, embedder, search):
            seen.append(photograph.path)
            yield photograph

    monkeypatch.setattr("faceloupe.gallery.enrolment.recognise_numbered", watched)
    return seen


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True, embedder=Toy()) as opened:
        yield opened


def test_a_folder_is_enrolled_in_natural_order(gallery, tmp_path, recognising):
    folder = make_folder(tmp_path / "people", ["p10", "p2", "Ann"], 11)
    results = list(enrol_folder(gallery, folder, consent="form"))
    assert [result.name for result in results] == ["Ann", "p2", "p10"]
    assert [path.name for path in recognising[:11]] == [f"{number}.jpg" for number in range(1, 12)]
    assert [(person.references, person.consent) for person in gallery.people()] == [(11, "form")] * 3


def test_a_second_time_only_new_photographs_are_recognised(gallery, tmp_path, recognising):
    folder = make_folder(tmp_path / "people", ["Ann", "Bob"], 3)
    list(enrol_folder(gallery, folder))
    recognising.clear()
    (folder / "Bob" / "4.jpg").write_text("another")
    (folder / "Ann" / "copy.jpg").write_text("Ann 1")
    results = {result.name: result for result in enrol_folder(gallery, folder)}
    assert recognising == [folder / "Bob" / "4.jpg"]
    assert (len(results["Ann"].already_enrolled), results["Ann"].enrolled) == (4, ())
    assert results["Bob"].enrolled == (str(folder / "Bob" / "4.jpg"),)
    with open_gallery(tmp_path / "faces.db", embedder=Toy("other")) as again:
        list(enrol_folder(again, folder))
    assert len(recognising) == 9


def test_a_consent_note_reaches_who_is_known(gallery, tmp_path, recognising):
    folder = make_folder(tmp_path / "people", ["Ann"], 2)
    list(enrol_folder(gallery, folder))
    recognising.clear()
    [result] = enrol_folder(gallery, folder, consent="form 12")
    assert (recognising, len(result.already_enrolled), result.new) == ([], 2, False)
    assert gallery.person("Ann").person.consent == "form 12"


def test_folders_of_one_name_are_one_subject(gallery, tmp_path, recognising):  # noqa: ARG001
    folder = make_folder(tmp_path / "people", ["Zo\u00eb", "Zoe\u0308", " Zo\u00eb "], 2)
    (folder / " Zo\u00eb " / "notes.txt").touch()
    [result] = enrol_folder(gallery, folder)
    assert (result.name, len(result.enrolled), len(result.refused)) == ("Zo\u00eb", 6, 1)
    assert [entry.what for entry in gallery.audit()] == ["enrol"]


def test_whatever_is_no_photograph_is_named_and_stops_nothing(gallery, tmp_path, recognising):
    folder = make_folder(tmp_path / "people", ["Ann", "Bob", "Cy"], 2)
    list(enrol_folder(gallery, folder))
    (folder / "Ann" / "notes.txt").touch()
    (folder / "Ann" / "more").mkdir()
    (folder / "Ann" / ".hidden").touch()
    (folder / "Bob" / "0.jpg").write_text("wall")
    (folder / "Bob" / "3.jpg").write_text("Cy 1")
    (folder / "Nobody").mkdir()
    (folder / ("n" * 201)).mkdir()
    (folder / "Cy" / "3.jpg").write_text("third")
    (folder / "list.txt").touch()
    results = list(enrol_folder(gallery, folder))
    refused = {skipped.path: skipped.reason for result in results for skipped in result.refused}
    assert refused == {
        f"{folder}/Ann/more": "a folder inside a subject's folder is not entered",
        f"{folder}/Ann/notes.txt": "not called like an image, and not opened",
        f"{folder}/Bob/0.jpg": "no face found",
        f"{folder}/Bob/3.jpg": "enrolled already, as 'Cy'",
        f"{folder}/Nobody": "no photograph in this folder",
        f"{folder}/{'n' * 201}": "name: expected 1 to 200 characters, got 201",
    }
    assert folder / "Bob" / "3.jpg" not in recognising
    assert [(person.name, person.references) for person in gallery.people()] == [("Ann", 2), ("Bob", 2), ("Cy", 3)]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_names_that_are_no_text_can_be_printed(gallery, tmp_path, recognising):  # noqa: ARG001
    folder = tmp_path / "people"
    strange = os.fsdecode(os.fsencode(folder) + b"/Jos\xe9")
    os.makedirs(strange)  # noqa: PTH103 - the name is no text
    with open(os.path.join(strange, "1.jpg"), "w") as file:  # noqa: PTH118, PTH123
        file.write("Jose 1")
    [result] = enrol_folder(gallery, folder)
    assert result.name == "Jos\\xe9"
    assert result.enrolled == (f"{folder}/Jos\\xe9/1.jpg",)


def test_a_folder_without_subjects_says_what_is_expected(gallery, tmp_path):
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "1.jpg").touch()
    with pytest.raises(InputError, match=r"1 image lies loose in it.*expected one per subject, as in ann/1.jpg"):
        list(enrol_folder(gallery, tmp_path / "loose"))
    with pytest.raises(InputError, match="cannot be listed"):
        list(enrol_folder(gallery, tmp_path / "none"))


def test_progress_counts_what_is_enrolled_already(gallery, tmp_path, recognising):  # noqa: ARG001
    folder, told = make_folder(tmp_path, ["Ann"], 3) / "Ann", []
    gallery.enrol("Ann", folder / "1.jpg")
    gallery.enrol("Ann", sorted(folder.iterdir()), progress=lambda *done: told.append(done))
    assert told == [(2, 3), (3, 3)]


def test_photographs_of_one_subject_are_one_transaction(gallery, tmp_path, recognising):
    folder = make_folder(tmp_path, ["Ann"], 3) / "Ann"
    (folder / "wall.jpg").write_text("wall")
    result = gallery.enrol("Anna", [folder / "1.jpg", folder / "wall.jpg"])
    assert (result.new, len(result.enrolled), len(result.refused)) == (True, 1, 1)
    again = gallery.enrol("Anna", sorted(folder.iterdir()))
    assert (again.new, len(again.enrolled), len(again.already_enrolled)) == (False, 2, 1)
    assert folder / "1.jpg" not in recognising[2:]
    assert [entry.what for entry in gallery.audit()] == ["enrol", "enrol"]


def test_a_gallery_is_made_once_somebody_can_be_enrolled_and_nothing_recognised_twice(tmp_path, recognising):
    folder, place = make_folder(tmp_path / "people", ["Ann", "Bob"], 2), tmp_path / "faces.db"
    for path in (folder / "Ann").iterdir():
        path.write_text("wall")
    with closing(GalleryToBe(place, embedder=Toy())) as coming:
        results = enrol_folder(coming, folder)
        assert [each.reason for each in next(results).refused] == ["no face found"] * 2
        assert not place.exists()
        [bob] = results
    assert (bob.new, len(bob.enrolled), len(recognising)) == (True, 2, 4)
    with open_gallery(place) as gallery:
        assert [(person.name, person.references) for person in gallery.people()] == [("Bob", 2)]


def test_a_gallery_that_could_not_be_made_is_refused_before_the_work(tmp_path):
    with pytest.raises(GalleryError, match=r"cannot be made: there is no folder .*none to write into"):
        GalleryToBe(tmp_path / "none" / "faces.db")
