"""Who was forgotten is gone: rows and bytes, from the file, its write-ahead log and its shared memory."""

import numpy as np
import pytest
from sqlalchemy import event

from faceloupe.errors import GalleryError, InputError, SubjectError
from faceloupe.gallery import EmbedderId, forgetting, open_gallery
from faceloupe.gallery.index import index_of
from faceloupe.gallery.records import Forgotten
from helpers.galleries import Toy, photograph, unit

NAME, CONSENT = "Zacharias Quibblethorpe", "signed form 4711-XYZ"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "faces.db"


def traces(name=NAME):
    """The bytes that say something of the subject: templates, faces and hashes of three photographs, name, consent."""
    photographs = [photograph(f"{name}/{number}.jpg") for number in range(3)]
    vectors = [one.templates[0].vector.astype("<f4").tobytes() for one in photographs]
    hashes = [one.sha256.encode() for one in photographs]
    return photographs, [*vectors, *hashes, name.encode(), CONSENT.encode(), b"\x89PNG"]


def bytes_of(path):
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def fill(gallery, subjects=40):
    """People who come before and after the one to be forgotten, so that pages of the file are split and moved."""
    photographs, _ = traces()
    for number in range(subjects):
        gallery.enrol(f"Person {number}", [photograph(f"{number}/{one}.jpg") for one in range(3)])
        if number % 15 == 7:
            gallery.enrol(NAME, [photographs[number // 15]], consent=CONSENT, keep_faces=True)


def test_the_bytes_are_gone(path):
    _, marks = traces()
    with open_gallery(path, create=True) as gallery:
        fill(gallery)
        assert all(mark in bytes_of(path) for mark in marks)
        forgotten = gallery.forget(NAME)
        assert (forgotten.name, forgotten.references) == (NAME, 3)
        assert not any(mark in bytes_of(path) for mark in marks)
        assert len(gallery.people()) == 40
        assert len(gallery.templates(Toy())) == 120
        assert gallery.check().findings == ()
    assert not any(mark in bytes_of(path) for mark in marks)


def test_the_file_is_built_anew(path):
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("ann.jpg")])
        before = path.stat().st_size
        gallery.enrol(NAME, [photograph(f"{number}.jpg") for number in range(200)])
        gallery.forget(NAME)
        with gallery.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA freelist_count").scalar() == 0
        assert path.stat().st_size <= before


def test_former_names_go_too(path):
    with open_gallery(path, create=True) as gallery:
        fill(gallery)
        gallery.rename(NAME, "Somebody Else-Altogether")
        gallery.merge("Somebody Else-Altogether", "Person 3")
        gallery.forget("Person 3")
        assert not any(mark in bytes_of(path) for mark in [*traces()[1], b"Somebody Else-Altogether", b"Person 3\x00"])


def test_who_is_not_there_cannot_be_forgotten(path):
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg")])
        with pytest.raises(GalleryError, match="no 'Bob' in the gallery"):
            gallery.forget("Bob")


def test_a_reader_delays_the_erasing_and_the_same_command_finishes_it(path):
    _, marks = traces()
    with open_gallery(f"sqlite:///{path}?timeout=0.1", create=True) as gallery, open_gallery(path) as reader:
        fill(gallery)
        with reader.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM subjects").scalar() == 41
            with pytest.raises(GalleryError, match=r"is out of the gallery.*bytes are not erased yet.*being read"):
                gallery.forget(NAME)
        assert NAME not in {person.name for person in gallery.people()}
        [finding] = gallery.check().findings
        assert (finding.kind, NAME in finding.words) == ("erasure", False)
        assert any(mark in bytes_of(path) for mark in marks)
        assert gallery.forget(NAME).subject_id is None
        assert not any(mark in bytes_of(path) for mark in marks)
        assert gallery.check().findings == ()
        assert [entry.what for entry in gallery.audit()][-2:] == ["forget", "erase"]


def test_a_later_erasure_is_pending_though_an_earlier_one_was_done(path):
    with open_gallery(f"sqlite:///{path}?timeout=0.1", create=True) as gallery, open_gallery(path) as reader:
        fill(gallery, 2)
        gallery.forget("Person 0")
        with reader.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM subjects").scalar() == 1
            with pytest.raises(GalleryError, match="not erased yet"):
                gallery.forget("Person 1")
        assert [finding.kind for finding in gallery.check().findings] == ["erasure"]


def test_an_erasure_does_not_cover_who_is_forgotten_while_it_ends(path):
    with open_gallery(path, create=True) as gallery, open_gallery(path) as other:
        for name in ("Ann", "Bob"):
            gallery.enrol(name, [photograph(f"{name}.jpg")])

        def killed_after_its_rows(_conn, _cursor, statement, *_):
            if statement == "VACUUM":
                forgetting._delete(other._database, "Bob")

        event.listen(gallery._database.engine, "after_cursor_execute", killed_after_its_rows)
        gallery.forget("Ann")
        assert [entry.what for entry in gallery.audit()][-3:] == ["forget", "forget", "erase"]
        assert [finding.kind for finding in other.check().findings] == ["erasure"]
        assert other.forget("Bob").subject_id is None
        assert other.check().findings == ()


def test_a_mistyped_name_finishes_an_erasure_but_is_no_success(path):
    _, marks = traces()
    with open_gallery(path, create=True) as gallery:
        fill(gallery)
        forgetting._delete(gallery._database, NAME)  # and killed
        with pytest.raises(SubjectError, match=r"no 'Persn 12' in .*Did you mean 'Person 12'.*are erased now"):
            gallery.forget("Persn 12")
        assert not any(mark in bytes_of(path) for mark in marks)
        assert gallery.check().findings == ()


def test_one_reference_goes_with_its_bytes(path):
    _, marks = traces()
    with open_gallery(path, create=True) as gallery:
        fill(gallery)
        first, second, third = gallery.person(NAME).references
        assert gallery.forget(NAME, second.id) == Forgotten(NAME, gallery.person(NAME).person.id, 1)
        assert gallery.person(NAME).references == (first, third)
        left = bytes_of(path)
        assert [mark in left for mark in marks[:6]] == [True, False, True, True, False, True]
        assert gallery.check().findings == ()


def test_an_index_forgets_one_reference_too(path):
    photographs, _ = traces()
    with open_gallery(path, create=True) as gallery:
        gallery.enrol(NAME, photographs)
        index = index_of(gallery, EmbedderId(Toy().name, Toy().sha256))
        probe = photographs[1].templates[0].vector[np.newaxis]
        assert index.search(probe, 1)[1] == pytest.approx(1)
        gallery.forget(NAME, gallery.person(NAME).references[1].id)
        assert index.search(probe, 1)[1] < 0.9


def test_the_last_reference_goes_with_the_subject_only(path):
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("ann.jpg")])
        gallery.enrol("Bob", [photograph("1.jpg"), photograph("2.jpg")])
        with pytest.raises(InputError, match="the only one of 'Ann'"):
            gallery.forget("Ann", gallery.person("Ann").references[0].id)
        with pytest.raises(SubjectError, match="'Bob' has no reference 1"):
            gallery.forget("Bob", 1)
        assert [person.references for person in gallery.people()] == [1, 2]


@pytest.mark.parametrize(("asked", "wrong"), [((1, 2), (1, 3)), ((2, None), (9, None)), (("Ann", 2), ("Ann", 9))])
def test_numbers_tell_exactly_what_is_left_to_erase(path, asked, wrong):
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
        gallery.enrol("Bob", [photograph("3.jpg")])
        forgetting._delete(gallery._database, *asked)  # and killed
        assert gallery.forget(*asked).subject_id is None
        with pytest.raises(SubjectError):  # nothing is left to erase
            gallery.forget(*asked)
        gallery.enrol("Cy", [photograph("4.jpg")])
        forgetting._delete(gallery._database, "Cy")
        with pytest.raises(SubjectError, match="are erased now"):
            gallery.forget(*wrong)


def test_a_photograph_of_somebody_forgotten_is_free_for_another(path):
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg")])
        gallery.forget("Ann")
        assert gallery.enrol("Anna", [photograph("1.jpg", vector=unit(3))]).enrolled == ("1.jpg",)


def test_several_are_erased_at_once(path):
    photographs, marks = traces()
    with open_gallery(path, create=True) as gallery:
        fill(gallery)
        gallery.forget(NAME, erased=False)
        gallery.forget("Person 3", erased=False)
        assert NAME not in gallery
        assert gallery.check().findings
        gallery.erase()
        assert not any(mark in bytes_of(path) for mark in marks)
        assert gallery.check().findings == ()
        gallery.erase()  # nothing is left
        assert [entry.what for entry in gallery.audit()].count("erase") == 1
        assert gallery.enrol("Cy", [photographs[0]]).enrolled
