"""What goes out of a collection, and what is damaged in it.

Also tests ``collection/dropping.py``, ``collection/members.py``, ``collection/schema.py``.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from faceloupe import page
from faceloupe.collection import find, group, grouped, open_collection
from faceloupe.collection.schema import faces, groups, places
from faceloupe.errors import DamageWarning, GalleryError, InputError
from faceloupe.gallery.database import Database
from faceloupe.recognition.onnx_detector import open_detector_of
from faceloupe.scores.confidence import Interval
from faceloupe.scores.points import OperatingPoint

NEAR = float(np.cos(np.deg2rad(15)))
AROUND = Interval(0.0, 0.1, 0.95, 900.0, "wilson")
POINT = OperatingPoint(NEAR, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "drawn", "toy", "ab" * 32)


def _faces(people):
    return {item.id: {face.id for face in item.faces} for item in people.groups}


def test_photographs_that_are_gone_can_be_dropped(collection, fill):
    from sqlalchemy import update

    from faceloupe.collection.schema import places

    fill([0, 5, 90])
    group(collection, threshold=NEAR)
    collection.separate([2])
    with collection.writing() as connection:
        connection.execute(update(places).where(places.c.path == "/photographs/1.jpg").values(gone=True))
    assert collection.drop_gone() == 1
    assert collection.counts()["faces"] == 2
    assert sorted(map(sorted, _faces(group(collection, threshold=NEAR)).values())) == [[1], [3]]


def test_bytes_are_erased_only_where_some_were_removed_until_that_succeeds(collection, fill, drop, monkeypatch):
    fill([0, 5, 90])
    calls = []

    def refused(*_):
        calls.append("refused")
        raise GalleryError("another program reads it")

    monkeypatch.setattr(Database, "erase", refused)
    assert collection.drop_gone() == 0
    assert not calls
    with pytest.raises(GalleryError, match="another program"):
        drop(2)
    assert collection.counts()["faces"] == 2
    monkeypatch.setattr(Database, "erase", lambda *_: calls.append("erased"))
    assert [collection.drop_gone() for _ in range(2)] == [0, 0]
    assert calls == ["refused", "erased"]


def test_removed_photographs_leave_no_bytes_and_no_name(collection, fill):
    fill([0, 33])
    for own in _faces(group(collection, threshold=NEAR)):
        collection.name(own, f"Somebody {own}")
        collection.name(own, f"Else {own}")
    with collection.writing() as connection:
        vector = connection.scalar(select(faces.c.vector).where(faces.c.id == 2)).tobytes()
        connection.execute(update(places).where(places.c.path == "/photographs/1.jpg").values(gone=True))
    files = [Path(collection.location + suffix) for suffix in ("", "-wal")]
    assert any(vector in file.read_bytes() for file in files)
    collection.drop_gone()
    left = b"".join(file.read_bytes() for file in files if file.exists())
    assert b"Else 1" in left
    assert not [secret for secret in (vector, b"Somebody 2", b"Else 2", f"{1:064x}".encode()) if secret in left]


def test_damaged_faces_are_left_out_and_named(collection, fill, tmp_path):
    fill([0, 5, 7, 90, 95])
    group(collection, threshold=NEAR)
    collection.name(1, "Ann")
    with sqlite3.connect(collection.location) as file:
        file.execute("UPDATE collection_faces SET vector = 'lost' WHERE id = 1")
        file.execute("UPDATE collection_faces SET quality = '{' WHERE id = 2")
        file.execute("UPDATE collection_faces SET detection = '[]' WHERE id = 4")
    file.close()
    with pytest.warns(DamageWarning, match="face 1"):
        shown = grouped(collection)
    with pytest.warns(DamageWarning, match="face 1"):
        people = group(collection, threshold=NEAR)
    for each in (shown, people):  # the review shows what a grouping would take
        assert [{face.id for face in item.faces} for item in each.groups] == [{2, 3}, {4, 5}]
    assert page(people)
    with pytest.warns(DamageWarning, match="face 1, 2"):
        assert len(collection.enrol(1, tmp_path / "gallery.db").enrolled) == 1
    with pytest.warns(DamageWarning, match="face 1"):
        assert len(find(collection, collection.templates(2), POINT).sightings) == 2


def test_what_another_program_wrote_beside_the_faces_ends_nothing(collection, fill):
    fill([0, 5, 90, 95])
    group(collection, threshold=NEAR)
    with closing(sqlite3.connect(collection.location)) as file, file:
        file.execute("UPDATE collection_faces SET group_id = 'abc' WHERE id = 1")
        file.execute("UPDATE collection_faces SET group_id = 999 WHERE id = 2")
        file.execute("UPDATE collection_groups SET name = x'ff41' WHERE id = 2")
        file.execute("UPDATE collection_places SET path = x'ff' WHERE photograph_id = 3")
        file.execute("INSERT INTO collection_settings VALUES ('detector', '{}')")
    assert [{face.id for face in item.faces} for item in grouped(collection).groups] == [{3, 4}]
    people = group(collection, threshold=NEAR)
    assert _faces(people) == {2: {3, 4}, 3: {1, 2}}
    assert {item.name for item in people.groups} == {None, r"\xffA"}
    assert r"\xff" in {face.path for item in people.groups for face in item.faces}
    assert page(people)
    with pytest.raises(InputError, match="not on this machine"):
        open_detector_of(collection.detector(), collection.location)


def test_two_people_of_one_photograph_both_go_into_a_gallery(collection, fill, tmp_path):
    fill([0, 90, 5], in_photograph=[1, 1, 2])
    people = group(collection, threshold=NEAR)
    for item, name in zip(people.groups, ("Ann", "Ben"), strict=True):
        collection.name(item.id, name)
        assert len(collection.enrol(item.id, tmp_path / "gallery.db").enrolled) == len(item.faces)
        assert len(collection.enrol(item.id, tmp_path / "gallery.db").already_enrolled) == len(item.faces)


def test_with_a_key_nothing_in_a_collection_can_be_read(tmp_path, monkeypatch):
    pytest.importorskip("sqlcipher3")
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "key").chmod(0o600)
    monkeypatch.setenv("FACELOUPE_KEY", str(tmp_path / "key"))
    with open_collection(tmp_path / "safe.db", create=True) as safe, safe.writing() as connection:
        connection.execute(insert(groups).values(name="Ann Lee"))
    with open_collection(tmp_path / "safe.db"):
        content = b"".join(file.read_bytes() for file in tmp_path.glob("safe.db*"))
    assert b"Ann Lee" not in content
    assert b"collection_groups" not in content
    monkeypatch.delenv("FACELOUPE_KEY")
    with pytest.raises(GalleryError, match=r"encrypted with another key.*--collection"):
        open_collection(tmp_path / "safe.db")
