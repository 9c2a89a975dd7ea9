"""Galleries of older schemas are brought up to date, or imported from, with all that is in them.

Also tests ``gallery/revisions.py``.
"""

from contextlib import closing

import pytest
from sqlalchemy import text

from faceloupe.documents import json_text
from faceloupe.gallery import open_gallery
from faceloupe.gallery.database import Database
from faceloupe.gallery.opening import GalleryToBe
from helpers.galleries import photograph
from helpers.migrating import make_before, migrate_only_to

QUALITY = json_text(photograph("1.jpg").templates[0].quality.to_document())


def test_a_gallery_without_external_ids_keeps_everybody_and_no_number_is_used_again(tmp_path):
    path = tmp_path / "faces.db"
    make_before(path, "0002")
    with closing(Database(path)) as database, database.writing() as connection:
        connection.execute(text("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'subjects'"))
    with open_gallery(path) as gallery:
        [ann] = gallery.people()
        assert (ann.name, ann.external_id, ann.metadata, ann.references) == ("Ann", None, {}, 1)
        assert ann.consent == "form 12"
        assert gallery.enrol("Bob", [photograph("2.jpg")]).subject_id == 8
        with gallery.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        gallery.enrol("Bob", [photograph("3.jpg")])


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_an_older_gallery_is_imported_from_and_stays_as_it_is(tmp_path, revision):
    path, elsewhere = tmp_path / "before" / "faces.db", tmp_path / "elsewhere"
    path.parent.mkdir()
    elsewhere.mkdir()
    make_before(path, revision)
    before = path.read_bytes()
    with open_gallery(elsewhere / "new.db", create=True) as gallery:
        assert gallery.import_(path).imported == ("Ann",)
        assert gallery.import_(path).already_here == ("Ann",)
    with GalleryToBe(elsewhere / "newer.db") as gallery:
        assert gallery.import_(path).imported == ("Ann",)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["faces.db"]
    assert {each.name for each in elsewhere.iterdir()} == {"new.db", "newer.db"}


@pytest.mark.parametrize("where", ["file", "server"])
def test_references_from_before_detectors_were_noted_may_be_of_any(tmp_path, request, where):
    place = tmp_path / "faces.db" if where == "file" else request.getfixturevalue("postgres")
    migrate_only_to(place, "0003")
    vector = b"\0\0\x80\x3f" + bytes(60) if where == "file" else str([1.0] + [0.0] * 15)
    with closing(Database(place)) as database, database.writing() as connection:
        connection.execute(text("INSERT INTO subjects (name, consent, created) VALUES ('Ann', '', '2026-01-01')"))
        connection.execute(
            text(
                "INSERT INTO face_references (subject_id, embedder, weights_sha256, dimensions, vector, quality, "
                "source_sha256, created) SELECT id, 'toy', 'w', 16, :vector, :quality, 's', '2026-01-01' FROM subjects"
            ),
            {"vector": vector, "quality": QUALITY},
        )
    with open_gallery(place) as gallery:
        assert gallery.detector_noted() is None
        assert [each.detector for each in gallery.person("Ann").references] == [""]
        assert gallery.detector.name == "yunet"
        gallery.enrol("Bob", [photograph("2.jpg", detector="finder cdcdcdcd")])
        assert gallery.detector_noted() == "finder cdcdcdcd"
        assert [finding for finding in gallery.check().findings if finding.kind == "detectors"] == []
