"""Groups that are kept: numbers that stay, rulings that hold, pages, names.

Also tests ``cli/confirm.py``, ``cli/join.py``, ``cli/separate.py``, ``cli/undo.py``, ``collection/article.py``,
``collection/collection.py``, ``collection/groups.py``, ``collection/rulings.py``, ``collection/schema.py``,
``collection/seen.py``, ``scores/extrapolation.py``.
"""

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from faceloupe import page, render_page
from faceloupe.collection import find, group, group_faces, grouped, groups, open_collection
from faceloupe.collection.groups import group_threshold
from faceloupe.collection.schema import actions, faces, keep_setting, photographs, places
from faceloupe.collection.schema import groups as groups_table
from faceloupe.errors import DamageWarning, GalleryError, InputError
from faceloupe.gallery import open_gallery
from faceloupe.gallery.database import Database
from faceloupe.recognition import published_points
from faceloupe.scores.confidence import Interval
from faceloupe.scores.points import OperatingPoint
from helpers.commands import run

NEAR = float(np.cos(np.deg2rad(15)))
AROUND = Interval(0.0, 0.1, 0.95, 900.0, "wilson")
POINT = OperatingPoint(NEAR, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "drawn", "toy", "ab" * 32)


def _faces(people):
    return {item.id: {face.id for face in item.faces} for item in people.groups}


def test_groups_keep_their_numbers_when_photographs_are_added(collection, fill):
    fill([0, 5, 90, 95, 180])
    first = _faces(group(collection, threshold=NEAR))
    assert sorted(map(sorted, first.values())) == [[1, 2], [3, 4], [5]]
    fill([2, 91, 92, 270], in_photograph=[10, 11, 12, 13])
    second = _faces(group(collection, threshold=NEAR))
    assert all(faces <= second[number] for number, faces in first.items())
    assert max(second) > max(first)
    assert len(second) == 4


def test_the_same_faces_give_the_same_groups_again(collection, fill):
    fill([0, 5, 90, 95, 180])
    assert _faces(group(collection, threshold=NEAR)) == _faces(group(collection, threshold=NEAR))


def test_joined_and_separated_faces_stay_so_and_undo_takes_it_back(collection, fill):
    fill([0, 5, 40, 45])
    before = _faces(group(collection, threshold=NEAR))
    one, other = before
    joined = collection.join(one, other)
    assert _faces(group(collection, threshold=NEAR))[joined] == {1, 2, 3, 4}
    assert collection.undo() == "join"
    assert sorted(map(sorted, _faces(group(collection, threshold=NEAR)).values())) == [[1, 2], [3, 4]]
    collection.separate([2])
    assert sorted(map(sorted, _faces(group(collection, threshold=NEAR)).values())) == [[1], [2], [3, 4]]
    assert collection.undo() == "separate"
    assert collection.undo() is None
    assert sorted(map(sorted, _faces(group(collection, threshold=NEAR)).values())) == [[1, 2], [3, 4]]


def test_the_commands_join_separate_and_undo(collection, fill):
    fill([0, 5, 40, 45])
    place = ("--collection", collection.location)
    joined = collection.join(*_faces(group(collection, threshold=NEAR)))
    assert run("undo", *place)[:2] == (0, "Taken back: join.\n")
    groups = _faces(group(collection, threshold=NEAR))
    assert run("join", *groups, *place)[:2] == (0, f"They are group {joined} now.\n")
    status, answer, _ = run("separate", 2, *place)
    apart = int(answer.removeprefix("They are group ").removesuffix(" now.\n"))
    assert status == 0
    assert _faces(group(collection, threshold=NEAR)) == {joined: {1, 3, 4}, apart: {2}}
    assert [run("undo", *place)[0] for _ in range(3)] == [0, 0, 1]


def test_a_face_can_leave_a_group_that_somebody_joined(collection, fill):
    fill([0, 5, 40, 45])
    joined = collection.join(*_faces(group(collection, threshold=NEAR)))
    apart = collection.separate([1])  # the face that held the others together
    assert _faces(group(collection, threshold=NEAR)) == {joined: {2, 3, 4}, apart: {1}}
    collection.undo()
    assert _faces(group(collection, threshold=NEAR)) == {joined: {1, 2, 3, 4}}


def test_what_cannot_be_said_is_refused(collection, fill):
    fill([0, 5, 90, 95], in_photograph=[0, 1, 0, 2])
    one, other = _faces(group(collection, threshold=NEAR))
    with pytest.raises(InputError, match="one photograph"):
        collection.join(one, other)
    with pytest.raises(InputError, match="no group 99"):
        collection.join(one, 99)
    with pytest.raises(InputError, match="one person already"):
        collection.join(one, one)
    with pytest.raises(InputError, match="no face 77"):
        collection.separate([77])
    with pytest.raises(InputError, match="faces of one group"):
        collection.separate([1, 3])
    with pytest.raises(InputError, match="all faces"):
        collection.separate([1, 2])
    collection.name(one, "Ann")
    with pytest.raises(InputError, match=f"faceloupe join {one} {other}"):
        collection.name(other, "Ann")


def test_faces_told_apart_cannot_be_joined_until_that_is_taken_back(collection, fill):
    fill([0, 5])
    home = next(iter(_faces(group(collection, threshold=NEAR))))
    apart = collection.separate([2])
    with pytest.raises(InputError, match="undo"):
        collection.join(home, apart)
    collection.undo()
    assert _faces(group(collection, threshold=NEAR)) == {home: {1, 2}}


def test_a_named_group_keeps_its_name_and_goes_into_a_gallery(collection, fill, tmp_path):
    fill([0, 5, 90])
    group(collection, threshold=NEAR)
    collection.name(1, "Ann")
    again = group(collection, threshold=NEAR)
    assert [item.name for item in again.groups if item.id == 1] == ["Ann"]
    enrolled = collection.enrol(1, tmp_path / "gallery.db")
    assert len(enrolled.enrolled) == 2
    with open_gallery(tmp_path / "gallery.db") as gallery:
        assert [(person.name, person.references) for person in gallery.people()] == [("Ann", 2)]
    assert [item.embedder for item in collection.templates("Ann")] == ["toy", "toy"]
    with pytest.raises(InputError, match="no name"):
        collection.enrol(2, tmp_path / "gallery.db")


def test_no_threshold_without_measurements(collection, fill):
    with pytest.raises(InputError, match="no faces yet"):
        group(collection)
    fill([0, 5])
    with pytest.raises(InputError, match="--threshold"):
        group(collection)
    with pytest.raises(InputError, match="fpir"):
        group(collection, fpir=1.5)


@pytest.mark.parametrize("fmr", [0.02, 0.0, 1.0])
def test_a_rate_above_all_that_were_measured_is_refused(collection, fill, fmr):
    fill([0, 5])
    with pytest.raises(InputError, match=r"at most 0\.01"):
        group_threshold(collection, 2, fmr=fmr, points=published_points_of_sface())
    assert group_threshold(collection, 2, points=published_points_of_sface())[1] == 0.01


def test_the_threshold_rises_with_the_number_of_faces(collection, fill):
    fill([0])
    points = [point for point in published_points_of_sface() if point.embedder == "sface"]
    few, many = (group_threshold(collection, n, points=points)[0] for n in (100, 100_000))
    assert few < many
    measured = {point.target_fmr: point.threshold for point in points}
    threshold, _, extrapolated = group_threshold(collection, 2, fmr=1e-4, points=points)
    assert threshold == pytest.approx(measured[1e-4], abs=2e-3)
    assert not extrapolated
    assert group_threshold(collection, 100_000, points=points)[2]
    assert not group_threshold(collection, 2, threshold=measured[1e-4], points=points)[2]
    assert group_threshold(collection, 2, threshold=0.6, points=points)[2]


def published_points_of_sface():
    from faceloupe.recognition.thresholds import all_points

    sface = next(point for point in all_points() if point.embedder == "sface")

    class Maker:
        name, sha256 = sface.embedder, sface.weights_sha256

    return published_points(Maker)


def test_the_page_and_the_document(collection, fill):
    fill([0, 10, 24, 90], unfit=[3])
    people = group(collection, threshold=float(np.cos(np.deg2rad(21))))
    document = people.to_document()
    assert document["schema"] == "faceloupe.people_of_collection/1"
    assert "vector" not in str(document)
    html = render_page(page(people))
    assert "Look at these first" in html
    assert "faceloupe separate" in html
    assert "data:image" not in html  # no face unless asked for
    assert repr(people).startswith("People(1 of 4 faces")


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


def test_what_is_said_while_faces_are_grouped_is_not_lost(collection, fill, monkeypatch):
    fill([0, 5, 90, 95])
    group(collection, threshold=NEAR)
    real, said = groups.group_faces, []

    def meanwhile(*given, **named):
        if not said:
            said.append(collection.separate([2]))
            collection.name(said[0], "Ann")
            fill([270], in_photograph=[9])
        return real(*given, **named)

    monkeypatch.setattr(groups, "group_faces", meanwhile)
    people = group(collection, threshold=NEAR)
    assert {item.name: {face.id for face in item.faces} for item in people.groups}["Ann"] == {2}
    assert _faces(people) == _faces(grouped(collection))


def test_grouping_ends_while_somebody_goes_on_reviewing(collection, fill, monkeypatch):
    fill([0, 5, 90, 95])
    group(collection, threshold=NEAR)
    real, states = groups.group_faces, []
    with open_collection(f"sqlite:///{collection.location}?timeout=0") as review:

        def meanwhile(*given, **named):
            assert len(states) < 10, "grouping does not end"
            assert not states or collection.state() == states[-1]  # a grouping that came to nothing changed nothing
            with suppress(GalleryError):  # nobody may write now
                review.confirm(1, 3)
            states.append(collection.state())
            return real(*given, **named)

        monkeypatch.setattr(groups, "group_faces", meanwhile)
        people = group(collection, threshold=NEAR)
    assert sorted(map(sorted, _faces(people).values())) == [[1, 2], [3, 4]]
    assert collection.state() != states[-1]


def test_photographs_that_go_while_faces_are_grouped_are_left_out(collection, fill, monkeypatch):
    fill([0, 5, 90])
    real, gone = groups.group_faces, []

    def meanwhile(*given, **named):
        if not gone:
            with collection.writing() as connection:
                connection.execute(update(places).where(places.c.path == "/photographs/2.jpg").values(gone=True))
            gone.append(collection.drop_gone())
        return real(*given, **named)

    monkeypatch.setattr(groups, "group_faces", meanwhile)
    assert _faces(group(collection, threshold=NEAR)) == {1: {1, 2}}


def test_the_groups_are_told_again_with_their_doubts_and_what_was_said_since(collection, fill):
    fill([0, 10, 90, 101, 117])
    assert grouped(collection) is None
    first = group(collection, threshold=NEAR)
    assert grouped(collection).to_document() == first.to_document()
    before = collection.state()
    assert collection.state() == before
    collection.confirm(1, 2)
    assert collection.state() != before
    later = grouped(collection)
    assert {doubt.faces for doubt in later.nearly} == {doubt.faces for doubt in first.nearly}
    assert [item.weakest for item in later.groups if item.id == 1] == [None]


def test_a_large_group_is_joined_separated_and_put_back(collection):
    """More faces than databases take values in a query."""
    many = 33_000
    with collection.writing() as connection:
        keep_setting(connection, "embedder", ["toy", "ab" * 32])
        photograph = {"width": 9, "height": 9, "indexed": datetime.now(UTC)}
        connection.execute(insert(photographs), [{"sha256": f"{n:064x}", **photograph} for n in range(many)])
        connection.execute(insert(groups_table), [{"id": 1}, {"id": 2}])
        face = {"number": 1, "detection": {}, "vector": np.ones(1, np.float32), "quality": {}, "unfit": ""}
        rows = [{"photograph_id": n + 1, "group_id": 1 if n else 2, **face} for n in range(many)]
        connection.execute(insert(faces), rows)
    assert collection.join(2, 1) == 2
    apart = collection.separate(range(2, 20))
    assert collection.undo() == "separate"
    assert collection.undo() == "join"
    with collection.reading() as connection:
        sizes = select(faces.c.group_id, func.count()).group_by(faces.c.group_id)
        assert dict(map(tuple, connection.execute(sizes))) == {1: many - 1, 2: 1}
    assert apart not in (1, 2)


@pytest.fixture
def drop(collection):
    """Remove the photographs of faces, whose files are gone."""

    def dropped(*ids):
        with collection.writing() as connection:
            photograph_ids = select(faces.c.photograph_id).where(faces.c.id.in_(ids))
            connection.execute(update(places).where(places.c.photograph_id.in_(photograph_ids)).values(gone=True))
        assert collection.drop_gone() == len(ids)

    return dropped


@pytest.mark.parametrize("gone", [(1,), (3,), (1, 2), (2, 4)])
def test_what_was_joined_stays_so_without_one_of_its_faces(collection, fill, drop, gone):
    fill([0, 5, 40, 45, 90, 95])
    first, second, third = _faces(group(collection, threshold=NEAR))
    joined = collection.join(collection.join(first, second), third)
    drop(*gone)
    assert _faces(group(collection, threshold=NEAR)) == {joined: {1, 2, 3, 4, 5, 6} - {*gone}}
    assert collection.undo() == "join"
    groups_before = _faces(group(collection, threshold=NEAR))
    assert sorted(groups_before.values(), key=min) == [{1, 2, 3, 4} - {*gone}, {5, 6}]


def test_what_was_joined_stays_so_where_one_of_its_faces_is_damaged(collection, fill):
    fill([0, 5, 40, 45])
    collection.join(*_faces(group(collection, threshold=NEAR)))
    with sqlite3.connect(collection.location) as file:
        file.execute("UPDATE collection_faces SET vector = 'lost' WHERE id = 1")
    file.close()
    with pytest.warns(DamageWarning, match="face 1"):
        assert list(_faces(group(collection, threshold=NEAR)).values()) == [{2, 3, 4}]


def test_what_was_separated_stays_so_without_one_of_its_faces(collection, fill, drop):
    fill([0, 2, 4, 6])
    group(collection, threshold=NEAR)
    collection.separate([1, 2])
    drop(1)
    assert sorted(_faces(group(collection, threshold=NEAR)).values(), key=min) == [{2}, {3, 4}]
    assert collection.undo() == "separate"
    assert list(_faces(group(collection, threshold=NEAR)).values()) == [{2, 3, 4}]


@pytest.mark.parametrize(("leave", "apart"), [([1], [{2, 3, 4}]), ([1, 2], [{2}, {3, 4}])])
def test_what_a_separation_broke_comes_back_without_a_face_that_left(collection, fill, drop, leave, apart):
    fill([0, 5, 40, 45])
    collection.join(*_faces(group(collection, threshold=NEAR)))
    collection.separate(leave)
    drop(1)
    assert sorted(_faces(group(collection, threshold=NEAR)).values(), key=min) == apart
    assert collection.undo() == "separate"
    assert list(_faces(group(collection, threshold=NEAR)).values()) == [{2, 3, 4}]
    assert collection.undo() == "join"
    assert sorted(_faces(group(collection, threshold=NEAR)).values(), key=min) == [{2}, {3, 4}]


def test_undo_reads_what_an_earlier_version_noted(collection, fill):
    fill([0, 5, 40, 45])
    before = _faces(group(collection, threshold=NEAR))
    one, other = before
    collection.join(one, other)
    collection.name(one, "Ann")
    with collection.writing() as connection:
        noted = {
            "join": {"faces": [[face, other] for face in before[other]], "removed": [other]},
            "name": {"faces": [], "named": [[one, None]]},
        }
        for what, content in noted.items():
            connection.execute(update(actions).where(actions.c.what == what).values(before=content))
    assert [collection.undo() for _ in range(3)] == ["name", "join", None]
    assert _faces(grouped(collection)) == before


def test_undo_goes_on_where_photographs_were_removed(collection, fill):
    fill([0, 5, 40, 45])
    collection.join(*_faces(group(collection, threshold=NEAR)))
    collection.separate([1])
    with collection.writing() as connection:
        connection.execute(update(places).where(places.c.path == "/photographs/3.jpg").values(gone=True))
    collection.drop_gone()
    assert [collection.undo() for _ in range(3)] == ["separate", "join", None]
    assert _faces(group(collection, threshold=NEAR)) == {1: {1, 2}, 2: {3}}


def test_a_gallery_gives_its_threshold_though_its_embedder_cannot_be_opened(collection, fill, tmp_path):
    fill([0, 5, 90])
    group(collection, threshold=NEAR)
    collection.name(1, "Ann")
    collection.enrol(1, tmp_path / "gallery.db")
    with open_gallery(tmp_path / "gallery.db") as gallery:
        gallery.save_point(POINT, loose=True)
    options = ("--in", collection.location, "--gallery", tmp_path / "gallery.db")
    status, listed, talk = run("find", "Ann", *options)
    assert status == 0, talk
    assert len(listed.splitlines()) == 3


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
        people = group(collection, threshold=NEAR)
    assert [{face.id for face in item.faces} for item in people.groups] == [{2, 3}, {4, 5}]
    assert page(people)
    with pytest.warns(DamageWarning, match="face 1, 2"):
        assert len(collection.enrol(1, tmp_path / "gallery.db").enrolled) == 1
    with pytest.warns(DamageWarning, match="face 1"):
        assert len(find(collection, collection.templates(2), POINT).sightings) == 2


@pytest.mark.parametrize("number", ["²", "9" * 30, "9" * 5000])
def test_a_number_that_cannot_be_one_is_refused(collection, fill, number):
    fill([0])
    with pytest.raises(InputError, match="no group of that name or number"):
        collection.templates(number)
    with pytest.raises(InputError):
        collection.join(1, 2**70)


def test_what_cannot_be_one_person_is_told_with_the_numbers_of_the_faces():
    with pytest.raises(InputError, match="faces 70 and 90"):
        group_faces(np.eye(2, dtype=np.float32), [1, 1], NEAR, same=[(0, 1)], names=[70, 90])


def test_a_doubt_is_settled_from_the_shell(collection, fill):
    fill([0, 10, 90])
    place = ("--collection", collection.location)
    group(collection, threshold=NEAR)
    assert run("confirm", 1, 2, *place)[:2] == (0, "Faces 1 and 2 are one person.\n")
    assert run("confirm", 1, 3, *place)[:2] == (0, "Faces 1 and 3 are two people.\n")
    assert [item.weakest for item in group(collection, threshold=NEAR).groups] == [None, None]
    assert run("undo", *place)[:2] == (0, "Taken back: confirm.\n")
    assert run("confirm", 1, 9, *place)[0] == 2
