"""Who is meant: by name, external id or number; two people of one name.

Also tests ``gallery/consents.py``, ``gallery/candidates.py``.
"""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from faceloupe.errors import AmbiguousNameError, GalleryError, InputError, NameTakenError, SubjectError
from faceloupe.gallery import Candidate, Candidates, open_gallery
from faceloupe.gallery.candidates import one_name_a_face
from faceloupe.gallery.opening import GalleryToBe
from faceloupe.gallery.schema import subjects
from faceloupe.seals import seals_of
from helpers.galleries import POINT, photograph


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        yield opened


@pytest.fixture
def anns(gallery):
    """Two people called Ann."""
    for number in (1, 2):
        gallery.enrol("Ann", [photograph(f"ann{number}.jpg")], external_id=f"E-{number}", metadata={"floor": number})
    return gallery


def people_of(gallery):
    return [(person.name, person.external_id, person.metadata, person.references) for person in gallery.people()]


def test_a_subject_has_an_external_id_and_metadata(gallery):
    metadata = {"floor": 3, "teams": ["sales", "büro"], "lead": {"since": None}}
    enrolled = gallery.enrol("Ann", [photograph("1.jpg")], external_id=" E-17 ", metadata=metadata)
    assert (enrolled.external_id, enrolled.subject_id) == ("E-17", 1)
    assert enrolled.to_document()["id"] == 1
    assert people_of(gallery) == [("Ann", "E-17", metadata, 1)]
    document = json.loads(json.dumps(gallery.person("Ann").to_document()))["person"]
    assert (document["external_id"], document["metadata"]) == ("E-17", metadata)
    assert not {"E-17", "sales"} & set(json.dumps([entry.to_document() for entry in gallery.audit()]).split('"'))


def test_a_gallery_without_external_ids_is_as_it_was(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    again = gallery.enrol("Ann", [photograph("2.jpg")])
    assert (again.new, again.subject_id, again.external_id) == (False, 1, None)
    assert people_of(gallery) == [("Ann", None, {}, 2)]


def test_two_people_have_one_name_and_each_is_found_by_id_and_by_number(anns):
    assert people_of(anns) == [("Ann", "E-1", {"floor": 1}, 1), ("Ann", "E-2", {"floor": 2}, 1)]
    for ways in (("E-1", "id:E-1", "number:1", 1), ("E-2", "id:E-2", "number:2", 2)):
        assert {anns.person(way).person.id for way in ways} == {ways[-1]}
        assert all(way in anns for way in ways)
    assert anns.enrol("Ann", [photograph("3.jpg")], external_id="E-2").subject_id == 2
    assert anns.enrol("id:E-1", [photograph("4.jpg")]).to_document()["name"] == "Ann"
    assert [person.references for person in anns.people()] == [2, 2]


def test_a_name_of_several_is_refused_with_their_ids_and_nothing_is_changed(anns):
    calls = (
        lambda: anns.person("Ann"), lambda: anns.forget("Ann"), lambda: anns.rename("Ann", "Anna"),
        lambda: anns.merge("Ann", "E-2"), lambda: anns.enrol("Ann", [photograph("3.jpg")]),
        lambda: anns.describe("Ann", metadata={}),
    )  # fmt: skip
    before = people_of(anns), len(anns.audit())
    for call in calls:
        with pytest.raises(AmbiguousNameError, match="'Ann', number:1 or id:E-1; 'Ann', number:2 or id:E-2"):
            call()
    assert (people_of(anns), len(anns.audit())) == before
    assert "Ann" in anns


def test_an_external_id_that_is_somebody_elses_name_is_told_apart(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")], external_id="17")
    gallery.enrol("Bob", [photograph("2.jpg")], external_id="18")
    gallery.rename("Bob", "17")
    with pytest.raises(AmbiguousNameError):
        gallery.forget("17")
    assert gallery.person("id:17").person.name == "Ann"
    assert gallery.person("number:2").person.name == "17"


def test_a_number_in_a_text_is_never_guessed(gallery):
    gallery.enrol("17", [photograph("1.jpg")])
    gallery.enrol("Bob", [photograph("2.jpg")])
    gallery.forget("17")
    for text in ("2", "number:02x", "number:", "id:Bob", "number:99999999999999999999"):
        with pytest.raises(SubjectError):
            gallery.forget(text)
    assert people_of(gallery) == [("Bob", None, {}, 1)]


@pytest.mark.parametrize("text", ["id:E-9", "number:1", " id: E-9", "number:x"])
def test_no_name_and_no_external_id_begins_as_an_address_does(anns, text):
    calls = (
        lambda: anns.rename(1, text), lambda: anns.describe(1, external_id=text),
        lambda: anns.enrol(text, [photograph("3.jpg")], external_id="E-3"),
        lambda: anns.enrol("Cy", [photograph("3.jpg")], external_id=text),
    )  # fmt: skip
    before = people_of(anns)
    for call in calls:
        with pytest.raises(InputError, match="expected one that does not begin with 'id:' or 'number:'"):
            call()
    assert people_of(anns) == before


def test_who_was_called_as_an_address_is_meant_by_number_only(anns, tmp_path):
    with anns.writing() as connection:
        connection.exec_driver_sql("UPDATE subjects SET name = 'id:E-1' WHERE id = 2")
    assert anns.person("id:E-1").person.id == 1
    anns.export(tmp_path / "people.jsonl")
    anns.forget("id:E-1")
    assert "id:E-1" not in anns
    with pytest.raises(SubjectError, match="There is no 'id:E-1'"):
        anns.forget("id:E-1")
    assert people_of(anns) == [("id:E-1", "E-2", {"floor": 2}, 1)]
    with anns.writing() as connection:
        connection.exec_driver_sql("UPDATE subjects SET name = 'number:1'")
    assert anns.enrol("number:2", [photograph("4.jpg")]).subject_id == 2
    with pytest.raises(SubjectError):
        anns.enrol("number:1", [photograph("5.jpg")])
    assert anns.rename("number:2", "Anna").name == "Anna"
    with GalleryToBe(tmp_path / "other.db") as other:  # nobody is lost by a name from before
        assert other.import_(tmp_path / "people.jsonl").imported == ("Ann", "id:E-1")


def test_photographs_are_enrolled_by_name_and_an_external_id_must_be_called_so(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")], external_id="17")
    with pytest.raises(
        AmbiguousNameError, match=r"external id of 'Ann'\. To add .* enrol id:17; .* needs an external id"
    ):
        gallery.enrol("17", [photograph("2.jpg")])
    assert gallery.enrol("id:17", [photograph("2.jpg")]).subject_id == 1
    assert gallery.enrol("17", [photograph("3.jpg")], external_id="18").subject_id == 2
    assert gallery.enrol("17", [photograph("4.jpg")]).subject_id == 2
    assert people_of(gallery) == [("17", "18", {}, 2), ("Ann", "17", {}, 2)]


@pytest.mark.parametrize("text", ["", " ", "x" * 300, "a\0b", "id:a\0b", "\udcff", "number:" + "9" * 19, 2**63, -1])
def test_what_can_be_nobodys_is_nobodys(anns, text):
    assert text not in anns
    with pytest.raises(SubjectError):
        anns.person(text)


@pytest.mark.parametrize("name", ["id:E-9", "number:9"])
def test_a_gallery_is_not_made_for_an_id_that_can_be_nobodys(tmp_path, name):
    with GalleryToBe(tmp_path / "faces.db") as gallery, pytest.raises(SubjectError, match="There is no gallery at"):
        gallery.enrol(name, [photograph("1.jpg")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["id:E-9", "number:9"])
def test_nobody_is_enrolled_as_an_id_that_is_nobodys(gallery, name):
    with pytest.raises(SubjectError, match="There is no"):
        gallery.enrol(name, [photograph("1.jpg")])
    assert gallery.people() == ()


def test_a_name_without_an_external_id_is_not_shared_silently(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    with pytest.raises(NameTakenError, match="faceloupe describe number:1 --external-id ID"):
        gallery.enrol("Ann", [photograph("2.jpg")], external_id="E-2")
    assert gallery.describe("Ann", external_id="E-1").external_id == "E-1"
    gallery.enrol("Ann", [photograph("2.jpg")], external_id="E-2")
    for call in (
        lambda: gallery.describe("E-2", external_id="E-1"),
        lambda: gallery.describe("E-2", external_id=""),
        lambda: gallery.enrol("Anna", [photograph("3.jpg")], external_id="E-2"),
    ):
        with pytest.raises(NameTakenError):
            call()
    assert [person.external_id for person in gallery.people()] == ["E-1", "E-2"]
    gallery.rename("E-2", "Anna")
    assert gallery.describe("E-2", external_id="").external_id is None
    with pytest.raises(NameTakenError, match="this one lacks it"):
        gallery.rename("Anna", "Ann")


@pytest.mark.parametrize("external_id", [None, "E-1"])
def test_the_database_itself_keeps_two_from_one_name_or_id(anns, external_id):
    values = {"name": "Ann", "created": datetime.now(UTC)}
    with anns.writing() as connection:
        connection.execute(insert(subjects), {**values, "external_id": None})
    again = {**values, "external_id": external_id}
    with pytest.raises(GalleryError, match="UNIQUE"), anns.writing() as connection:
        connection.execute(insert(subjects), again)


def test_a_photograph_of_one_ann_is_refused_for_the_other(anns):
    [refused] = anns.enrol("Ann", [photograph("ann1.jpg")], external_id="E-2").refused
    assert refused.reason == "enrolled already, as 'Ann'"
    anns.save_point(POINT)
    as_before = photograph("new.jpg", vector=photograph("ann1.jpg").templates[0].vector)
    assert "looks like 'Ann (E-1)'" in anns.enrol("Ann", [as_before], external_id="E-2").doubtful[-1].reason


@pytest.mark.parametrize("external_id", ["", " ", "x" * 201, "E\n1", "E\u202e1"])
def test_an_external_id_that_cannot_be_one_is_refused(gallery, external_id):
    with pytest.raises(InputError, match="external id"):
        gallery.enrol("Ann", [photograph("1.jpg")], external_id=external_id)


def test_who_takes_somebody_over_keeps_its_own_and_gets_what_it_lacks(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")], external_id="E-1", metadata={"floor": 1, "room": 5})
    gallery.enrol("Anna", [photograph("2.jpg")], metadata={"floor": 2})
    merged = gallery.merge("Ann", "Anna")
    assert (merged.name, merged.external_id, merged.metadata) == ("Anna", "E-1", {"floor": 2, "room": 5})


def test_who_is_identified_comes_with_the_external_id(anns):
    probe = photograph("probe.jpg", vector=photograph("ann2.jpg").templates[0].vector)
    [answer] = anns.identify(probe.templates, point=POINT)
    assert (answer.name, answer.named.external_id) == ("Ann", "E-2")
    assert answer.to_document()["external_id"] == "E-2"
    assert answer.answer().startswith("Ann (E-2): score 1.0000")


def test_two_of_one_name_may_be_in_one_photograph():
    def answer(*scores):
        candidates = [
            Candidate("Ann", subject, rank, score, score - POINT.threshold, f"E-{subject}")
            for rank, (subject, score) in enumerate(scores, start=1)
        ]
        return Candidates(tuple(candidates), POINT, 2, 2)

    left, right = one_name_a_face([answer((1, 0.9), (2, 0.6)), answer((1, 0.8), (2, 0.7))])
    assert (left.named.external_id, right.named.external_id) == ("E-1", "E-2")
    assert (left.taken, right.taken) == ((), ("Ann",))
    assert "E-2" in repr(right)


def test_a_gallery_that_is_made_by_the_first_photograph_takes_an_external_id(tmp_path):
    with GalleryToBe(tmp_path / "faces.db") as gallery:
        gallery.enrol("Ann", [photograph("1.jpg")], external_id="E-1")
        assert gallery.person("E-1").person.name == "Ann"


def test_damaged_ids_and_metadata_are_found_and_mended(anns):
    with anns.writing() as connection:
        connection.exec_driver_sql("UPDATE subjects SET external_id = 'a\x1bb' WHERE id = 1")
        connection.exec_driver_sql("UPDATE subjects SET metadata = '[' WHERE id = 2")
    assert [person.metadata for person in anns.people()] == [{"floor": 1}, {}]
    words = " ".join(finding.words for finding in anns.check().findings)
    assert "faceloupe describe number:1 --external-id" in words
    assert "faceloupe describe number:2 --metadata" in words
    anns.describe("number:1", external_id="E-1")
    anns.describe("number:2", metadata={"floor": 2})
    assert anns.check().findings == ()


def test_two_of_one_name_are_told_apart_in_findings(anns):
    with anns.writing() as connection:
        connection.exec_driver_sql("UPDATE face_references SET source_sha256 = 'aa'")
    [shared] = [finding for finding in anns.check().findings if finding.kind == "photograph"]
    assert shared.subjects == ("Ann (E-1)", "Ann (E-2)")


def test_an_export_carries_both_anns_and_a_second_import_finds_them(anns, tmp_path):
    anns.export(tmp_path / "people.jsonl")
    with GalleryToBe(tmp_path / "other.db") as other:
        assert other.import_(tmp_path / "people.jsonl").imported == ("Ann", "Ann")
        assert people_of(other) == people_of(anns)
        assert other.import_(tmp_path / "people.jsonl").already_here == ("Ann", "Ann")
        other.describe("E-1", metadata={"floor": 9})
        other.describe("E-2", external_id="E-3")
        conflicts = other.import_(tmp_path / "people.jsonl").conflicts
        assert conflicts[0].reason.startswith("somebody of this name or external id is here")
        assert conflicts[1].reason == "a photograph is enrolled already, as 'Ann'"


def test_an_export_without_ids_is_taken_in_still(gallery, tmp_path):
    gallery.enrol("Ann", [photograph("1.jpg")])
    gallery.export(tmp_path / "new.jsonl")
    head, ann, _ = (tmp_path / "new.jsonl").read_text().splitlines()
    head, ann = json.loads(head) | {"schema": "faceloupe.gallery/1"}, json.loads(ann)
    del ann["external_id"], ann["metadata"]
    lines = "".join(json.dumps(line) + "\n" for line in (head, ann)).encode()
    (tmp_path / "old.jsonl").write_bytes(lines + json.dumps({"subjects": 1, **seals_of(lines, None)}).encode() + b"\n")
    with GalleryToBe(tmp_path / "other.db") as other:
        assert other.import_(tmp_path / "old.jsonl").imported == ("Ann",)
    gallery.describe("Ann", external_id="E-1", metadata={"floor": 3})
    assert gallery.import_(tmp_path / "old.jsonl").already_here == ("Ann",)


def test_who_is_forgotten_while_photographs_are_looked_at_is_not_enrolled_anew(gallery, monkeypatch):
    gallery.enrol("Ann", [photograph("1.jpg")])
    real = gallery.known_as

    def known_as(*given):
        gallery.forget("Ann")
        return real(*given)

    monkeypatch.setattr(gallery, "known_as", known_as)
    with pytest.raises(SubjectError, match="was forgotten, or is another subject"):
        gallery.enrol("Ann", [photograph("2.jpg")])
    assert gallery.people() == ()
