"""Groups that are kept: numbers that stay, rulings that hold, pages, names.

Also tests ``cli/join.py``, ``cli/separate.py``, ``cli/undo.py``, ``collection/article.py``,
``collection/collection.py``, ``collection/rulings.py``, ``collection/schema.py``, ``scores/extrapolation.py``.
"""

import numpy as np
import pytest
from tests.helpers.commands import run

from faceloupe import page, render_page
from faceloupe.collection import group
from faceloupe.collection.people import group_threshold
from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.recognition import published_points

NEAR = float(np.cos(np.deg2rad(15)))


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
