"""Groups that are kept: numbers that stay, thresholds, pages, names, doubts.

Also tests ``collection/article.py``, ``collection/groups.py``, ``collection/seen.py``, ``scores/extrapolation.py``.
"""

from contextlib import suppress

import numpy as np
import pytest
from sqlalchemy import update

from faceloupe import page, render_page
from faceloupe.collection import group, grouped, groups, open_collection
from faceloupe.collection.groups import group_threshold
from faceloupe.collection.schema import places
from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import open_gallery
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


def test_a_group_that_the_gallery_cannot_take_gets_no_name(collection, fill, tmp_path):
    fill([0, 5, 90, 95])
    group(collection, threshold=NEAR)
    place = tmp_path / "gallery.db"
    for number in (1, 2):
        assert collection.enrol(number, place, name=f"Ann {number}").enrolled
    with open_gallery(place) as gallery:
        for number in (1, 2):
            gallery.describe(number, external_id=f"E-{number}")
            gallery.rename(number, "Ann")
    status, _, talk = run("name", 1, "Ann", "--gallery", place, "--collection", collection.location)
    assert status == 2
    assert "id:E-1" in talk
    assert {item.name for item in grouped(collection).groups} == {None}
    status, told, talk = run("name", 1, "id:E-1", "--gallery", place, "--collection", collection.location)
    assert status == 0, talk
    assert "2 were there" in told


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
