"""People come, are renamed, merged and shown; what was done is in the trail, without names or templates.

Also tests ``gallery/enrolment.py``, ``gallery/people.py``, ``gallery/records.py``, ``gallery/saved_points.py``,
``gallery/store.py``, ``gallery/templates.py``.
"""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import EmbedderId, open_gallery
from faceloupe.scores import OperatingPoint
from helpers.galleries import BLURRED, POINT, WEIGHTS, Toy, photograph, unit, unusable


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True) as opened:
        yield opened


def test_who_is_enrolled_is_there_with_the_vectors_bit_for_bit(gallery):
    one, other = photograph("ann/1.jpg"), photograph("ann/2.jpg")
    enrolled = gallery.enrol("Ann", [one, other], consent="form 12")
    assert (enrolled.new, enrolled.enrolled) == (True, ("ann/1.jpg", "ann/2.jpg"))
    [ann] = gallery.people()
    assert (ann.name, ann.consent, ann.references) == ("Ann", "form 12", 2)
    assert ann.embedders == (EmbedderId("toy", WEIGHTS),)
    assert abs(datetime.now(UTC) - ann.created) < timedelta(minutes=1)
    templates = gallery.templates(Toy())
    assert templates.vectors.tobytes() == one.templates[0].vector.tobytes() + other.templates[0].vector.tobytes()
    assert templates.subjects.tolist() == [ann.id, ann.id]
    assert len(set(templates.references.tolist())) == 2
    assert len(gallery.templates(Toy("another"))) == 0


def test_a_photograph_is_enrolled_once(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    again = gallery.enrol("Ann", [photograph("copy.jpg", content="1.jpg"), photograph("2.jpg"), photograph("2.jpg")])
    assert (again.new, again.already_enrolled, again.enrolled) == (False, ("copy.jpg", "2.jpg"), ("2.jpg",))
    assert gallery.people()[0].references == 2


def test_another_embedder_may_enrol_the_same_photograph(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    gallery.enrol("Ann", [photograph("1.jpg", embedder="other", vector=unit(1, 32))])
    assert [embedder.name for embedder in gallery.people()[0].embedders] == ["other", "toy"]
    assert gallery.templates(Toy("other")).vectors.shape == (1, 32)


def test_what_cannot_be_enrolled_is_told_and_the_rest_is(gallery):
    gallery.enrol("Bob", [photograph("bob.jpg")])
    blurred = photograph("blurred.jpg", quality=BLURRED)
    enrolled = gallery.enrol("Ann", [unusable("wall.jpg"), photograph("bob.jpg"), blurred, photograph("1.jpg")])
    assert enrolled.enrolled == ("1.jpg",)
    reasons = {skipped.path: skipped.reason for skipped in enrolled.refused}
    assert reasons["wall.jpg"] == "no face found"
    assert reasons["bob.jpg"] == "enrolled already, as 'Bob'"
    assert "sharpness" in reasons["blurred.jpg"]
    assert gallery.enrol("Ann", [blurred], force=True).enrolled == ("blurred.jpg",)
    json.dumps(enrolled.to_document())


def test_nobody_is_added_without_a_photograph(gallery):
    assert gallery.enrol("Ann", [unusable("wall.jpg")]).new is False
    assert gallery.people() == ()
    assert gallery.audit() == ()


def test_a_photograph_of_several_faces_is_not_guessed(gallery):
    two = photograph("1.jpg")
    object.__setattr__(two, "templates", two.templates * 2)
    with pytest.raises(InputError, match="expected one face, got 2"):
        gallery.enrol("Ann", [two])


@pytest.mark.parametrize("name", ["", "  ", "An\nn", "x" * 201, "A\ud800", "A\u200bnn", "A\u202enn"])
def test_a_name_can_be_read(gallery, name):
    with pytest.raises(InputError, match="name:"):
        gallery.enrol(name, [photograph("1.jpg")])


def test_a_name_written_in_two_ways_is_one(gallery):
    gallery.enrol("Zoe\u0308", [photograph("1.jpg")])
    gallery.enrol(" Zo\u00eb ", [photograph("2.jpg")])
    assert [(person.name, person.references) for person in gallery.people()] == [("Zo\u00eb", 2)]


def test_a_name_may_need_joiners(gallery):
    gallery.enrol("\u0645\u06cc\u200c\u062e", [photograph("1.jpg")])
    assert gallery.people()[0].name == "\u0645\u06cc\u200c\u062e"


@pytest.mark.parametrize("note", ["form \udcff", "form \x1b[2J", "form\x00"])
def test_a_consent_note_can_be_read(gallery, note):
    with pytest.raises(InputError, match=r"consent: .* cannot be printed"):
        gallery.enrol("Ann", [photograph("1.jpg")], consent=note)
    assert gallery.people() == ()


def test_a_consent_note_may_have_lines(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")], consent="form 12\r\nof\t3 May")
    assert gallery.person("Ann").person.consent == "form 12\nof\t3 May"


def test_a_photograph_unlike_all_others_of_the_subject_is_told(gallery):
    gallery.save_point(POINT)
    ann = [photograph(f"{number}.jpg", vector=unit(1)) for number in range(2)]
    assert gallery.enrol("Ann", ann[:1]).doubtful == ()  # it has no others
    assert gallery.enrol("Ann", ann[1:]).doubtful == ()
    enrolled = gallery.enrol("Ann", [photograph("stranger.jpg", vector=-unit(1))])
    assert enrolled.enrolled == ("stranger.jpg",)
    [doubtful] = enrolled.to_document()["doubtful"]
    assert doubtful["path"] == "stranger.jpg"
    assert "best score -1.000, threshold 0.500" in doubtful["reason"]
    assert gallery.enrol("Ann", [photograph("2.jpg", vector=-unit(1))]).doubtful == ()  # a second one is like the first


def test_consent_notes_add_up(gallery):
    for note in ("form 12", "form 30", "form 12", ""):
        gallery.enrol("Ann", [photograph("1.jpg")], consent=note)
    assert gallery.person("Ann").person.consent == "form 12\nform 30"
    assert [entry.what for entry in gallery.audit()] == ["enrol", "consent"]


def test_a_person_is_shown_with_references_and_history(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")], keep_faces=True)
    gallery.enrol("Ann", [photograph("2.jpg")])
    record = gallery.person("Ann")
    assert [reference.has_face for reference in record.references] == [True, False]
    assert record.references[0].quality["eye_distance"] == 60.0
    assert [entry.what for entry in record.history] == ["enrol", "enrol"]
    assert "vector" not in json.dumps(record.to_document())
    assert gallery.face(record.references[0].id).startswith(b"\x89PNG")
    assert gallery.face(record.references[1].id) is None


def test_a_name_that_is_not_there_gets_a_hint(gallery):
    gallery.enrol("Aaron_Eckhart", [photograph("1.jpg")])
    with pytest.raises(GalleryError, match="Did you mean 'Aaron_Eckhart'"):
        gallery.person("Aaron_Ekhart")


def test_renaming_keeps_the_rest(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    gallery.enrol("Bob", [photograph("2.jpg")])
    before = gallery.person("Ann").references
    assert gallery.rename("Ann", "Anna").name == "Anna"
    assert gallery.person("Anna").references == before
    with pytest.raises(GalleryError, match=r"another subject 'Bob'.*merge 'Anna' into number:[0-9]+"):
        gallery.rename("Anna", "Bob")


def test_merging_moves_everything_and_a_shared_photograph_once(gallery):
    gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")], consent="form 12")
    gallery.enrol("Anna", [photograph("3.jpg")], consent="form 30")
    with gallery.writing() as connection:  # as an import into an older version might have left it
        connection.exec_driver_sql(
            "INSERT INTO face_references (subject_id, embedder, weights_sha256, dimensions, vector, quality, "
            "source_sha256, created) SELECT 1, embedder, weights_sha256, dimensions, vector, quality, source_sha256, "
            "created FROM face_references WHERE subject_id = 2"
        )
    merged = gallery.merge("Anna", "Ann")
    assert (merged.references, merged.consent) == (3, "form 12\nform 30")
    assert [person.name for person in gallery.people()] == ["Ann"]
    assert [(entry.what, entry.subject_id) for entry in gallery.audit()[-2:]] == [("merge", 2), ("merge", 1)]
    with pytest.raises(InputError, match="one subject already"):
        gallery.merge("Ann", "Ann")


def test_ids_are_not_used_again(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    gone = gallery.templates(Toy())
    gallery.forget("Ann")
    gallery.enrol("Ann", [photograph("1.jpg")])
    back = gallery.templates(Toy())
    assert back.subjects[0] > gone.subjects[0]
    assert back.references[0] > gone.references[0]


def test_the_trail_names_who_did_what_to_whom_and_no_name(gallery, monkeypatch):
    monkeypatch.setenv("LOGNAME", "operator")
    gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
    gallery.enrol("Bob", [photograph("3.jpg")])
    gallery.rename("Ann", "Anna")
    gallery.merge("Bob", "Anna")
    gallery.forget("Anna")
    trail = gallery.audit()
    assert [entry.what for entry in trail] == ["enrol", "enrol", "rename", "merge", "merge", "forget", "erase"]
    assert [entry.subject_id for entry in trail] == [1, 2, 1, 2, 1, 1, None]
    assert [entry.id for entry in trail] == sorted(entry.id for entry in trail)
    assert {entry.who for entry in trail} == {"operator"}
    assert trail[0].details == {"references": 2, "embedder": "toy", "new": True}
    written = json.dumps([entry.to_document() for entry in trail])
    assert not any(word in written for word in ("Ann", "Bob", "jpg", photograph("1.jpg").sha256))


def test_the_latest_operating_point_of_an_embedder_holds(gallery):
    assert gallery.point(Toy()) is None
    gallery.save_point(POINT)
    assert gallery.point(Toy()) == POINT
    stricter = OperatingPoint.from_document({**POINT.to_document(), "threshold": 0.6})
    gallery.save_point(stricter)
    assert gallery.point(Toy()) == stricter
    assert gallery.point(Toy("another")) is None


def test_a_write_that_fails_leaves_nothing(gallery):
    good, bad = photograph("1.jpg"), photograph("2.jpg")
    object.__setattr__(bad, "chips", ())  # the face to keep is missing
    with pytest.raises(IndexError):
        gallery.enrol("Ann", [good, bad], keep_faces=True)
    assert gallery.people() == ()
    assert gallery.audit() == ()


def test_no_repr_holds_a_vector(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    templates = gallery.templates(Toy())
    assert repr(templates) == "Templates(1 of 1 subjects)"
    assert repr(gallery).startswith("Gallery('")
    assert str(float(templates.vectors[0, 0]))[:6] not in repr(gallery.person("Ann"))
    assert np.allclose(np.linalg.norm(templates.vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_file_that_goes_while_it_is_open_is_an_error(tmp_path, what):
    path, other = tmp_path / "faces.db", tmp_path / "other.db"
    open_gallery(other, create=True).close()
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg")])
        path.unlink() if what == "deleted" else other.replace(path)
        with pytest.raises(GalleryError, match="cannot be reached" if what == "deleted" else "was replaced"):
            gallery.enrol("Bob", [photograph("2.jpg")])
        with pytest.raises(GalleryError):
            gallery.people()
    assert path.exists() == (what == "replaced")
