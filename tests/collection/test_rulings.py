"""What people say of groups: it holds for every later grouping, and each step can be taken back.

Also tests ``cli/confirm.py``, ``cli/join.py``, ``cli/separate.py``, ``cli/undo.py``, ``collection/rulings.py``.
"""

import sqlite3
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from faceloupe.collection import group, group_faces, grouped
from faceloupe.collection.schema import actions, faces, keep_setting, photographs, places
from faceloupe.collection.schema import groups as groups_table
from faceloupe.errors import DamageWarning, InputError
from faceloupe.scores.confidence import Interval
from faceloupe.scores.points import OperatingPoint
from helpers.commands import run

NEAR = float(np.cos(np.deg2rad(15)))
AROUND = Interval(0.0, 0.1, 0.95, 900.0, "wilson")
POINT = OperatingPoint(NEAR, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "drawn", "toy", "ab" * 32)


def _faces(people):
    return {item.id: {face.id for face in item.faces} for item in people.groups}


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
