"""Clips made of ORL photographs in motion: who is in them and when, in every form that the answer has.

Also tests ``video/article.py``, ``video/identified.py``, ``video/people.py``.
"""

import json

import numpy as np
import pytest

from faceloupe import page, render_page
from faceloupe.errors import InputError
from faceloupe.gallery import open_gallery
from faceloupe.recognition import compare, template_of
from faceloupe.video import Sampling, identify_clip
from helpers.scenes import photograph, scene

pytestmark = pytest.mark.usefixtures("published")


def crossing():
    """Yield 2 s of persons 1 and 2 who swap sides, 1 in front; a cut; 1 s of person 5, who moves; then nobody."""
    ann, bob, eve = photograph(1, 1), photograph(2, 1), photograph(5, 1)
    for step in range(50):
        yield scene((290 - 5 * step, bob), (5 * step + 10, ann))
    for step in range(25):
        yield np.roll(scene((100 + 2 * step, eve)), step // 5, axis=0)
    yield from [scene()] * 25


@pytest.fixture(scope="module")
def clip(write_clip, tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "crossing.mp4", crossing())


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    with open_gallery(tmp_path_factory.mktemp("gallery") / "faces.db", create=True) as people:
        for name, who in (("Ann", 1), ("Bob", 2)):
            people.enrol(name, [photograph(who, number) for number in (3, 4)])
        yield people


@pytest.fixture(scope="module")
def answer(clip, gallery):
    return identify_clip(clip, gallery)


def test_everybody_is_named_or_numbered_with_their_times(answer):
    assert [(person.name, person.known) for person in answer.people] == [
        ("Ann", True),
        ("Bob", True),
        ("somebody 1", False),
    ]
    ann, bob, eve = answer.people
    assert ann.first == bob.first == 0.0
    assert (ann.last, eve.first) == (pytest.approx(2.0, abs=0.05), pytest.approx(2.0, abs=0.05))
    assert ann.seconds == pytest.approx(2.0, abs=0.25)
    assert 0.8 < bob.seconds < 2.0  # for a while he is hidden
    assert eve.last == pytest.approx(3.0, abs=0.15)
    assert answer.end == pytest.approx(4.0, abs=0.05)
    assert answer.looked_at < answer.read == 100
    assert answer.problems == ()
    assert ann.best.margin > 0
    assert eve.best.margin < 0
    assert repr(answer).startswith("IdentifiedClip(crossing.mp4, 4.000 s: 2 known and 1 unknown person")


def test_two_people_of_one_frame_are_never_in_one_track_nor_one_name(answer):
    tracks = [each for person in answer.people for each in person.tracks]
    names = {each.track.number: person.name for person in answer.people for each in person.tracks}
    for each in tracks:
        assert names[each.track.number] not in {names.get(other) for other in each.track.together}


def test_what_is_pooled_is_of_one_person(answer):
    own = {"Ann": 1, "Bob": 2, "somebody 1": 5}
    references = {name: template_of(photograph(who, 2)) for name, who in own.items()}
    for person in answer.people:
        for face in (face for each in person.tracks for face in each.track.best):
            scores = {name: compare(face.template, reference) for name, reference in references.items()}
            assert max(scores, key=scores.__getitem__) == person.name


def test_pooled_templates_have_their_own_threshold(answer):
    ann = answer.people[0].deciding
    assert 2 <= len(ann.track.best) <= 5
    assert "means of 2 to 5 captures" in ann.point.source


def test_the_document_is_json_without_faces_and_vectors(answer):
    document = answer.to_document()
    assert document["schema"] == "faceloupe.identified_clip/1"
    assert [person["name"] for person in document["people"]] == ["Ann", "Bob", "somebody 1"]
    text = json.dumps(document)
    assert "vector" not in text
    assert "png" not in text
    assert document["people"][0]["tracks"][0]["candidates"][0]["name"] == "Ann"


def test_csv_has_a_line_an_appearance(answer):
    first, *lines = answer.to_csv().splitlines()
    assert first == "person,known,track,first,last,seconds,score,threshold"
    assert len(lines) == sum(len(person.tracks) for person in answer.people)
    assert lines[0].startswith("Ann,1,1,0.000,") or lines[0].startswith("Ann,1,2,0.000,")


def test_the_page_shows_faces_only_where_they_are_asked_for(answer):
    without, with_faces = page(answer), page(answer, show_faces=True)
    kinds = [block["type"] for section in without["sections"] for block in section["blocks"]]
    assert "pictures" not in kinds
    assert "<img" not in render_page(without)
    strips = [block for section in with_faces["sections"] for block in section["blocks"] if block["type"] == "pictures"]
    assert [strip["title"] for strip in strips] == ["Ann", "Bob", "somebody 1"]
    assert "names and faces" in with_faces["provenance"]["this file holds"]
    assert "<img" in render_page(with_faces)


def test_a_clip_that_was_held_sideways_gives_the_same_people(write_clip, gallery, tmp_path):
    upright = [scene((20, photograph(1, 1)), (260, photograph(2, 1)))] * 10
    path = write_clip(tmp_path / "sideways.mp4", [np.rot90(frame, -1) for frame in upright], rotation=90)
    assert {person.name for person in identify_clip(path, gallery).people} == {"Ann", "Bob"}


def test_without_a_gallery_people_are_told_apart_and_numbered(write_clip, tmp_path):
    frames = [scene((20, photograph(1, 1)))] * 10 + [scene()] * 80 + [scene((200, photograph(1, 2)))] * 10
    frames += [scene((100, photograph(5, 1)))] * 10
    people = identify_clip(write_clip(tmp_path / "a.mp4", frames)).people
    assert [(person.name, len(person.tracks)) for person in people] == [("somebody 1", 2), ("somebody 2", 1)]
    assert people[0].seconds < 1.5 < people[0].last - people[0].first  # the gap between is no time seen


def test_a_part_is_looked_at_alone(clip, gallery):
    part = identify_clip(clip, gallery, start=2.2, stop=2.8)
    assert [person.name for person in part.people] == ["somebody 1"]
    assert (part.start, part.end) == (pytest.approx(2.2), pytest.approx(2.8))


def test_uneven_times_are_those_of_the_answer(write_clip, gallery, tmp_path):
    frames = [scene((20, photograph(1, 1)))] * 3 + [scene()] * 2 + [scene((240, photograph(2, 1)))] * 3
    times = [0, 700, 1500, 1510, 4000, 4700, 5300, 6000]
    ann, bob = identify_clip(write_clip(tmp_path / "uneven.mkv", frames, times), gallery).people
    assert (ann.name, bob.name) == ("Ann", "Bob")
    assert ann.first == 0.0
    assert ann.last == pytest.approx(ann.seconds) == 1.51  # though the empty frame comes too soon to be looked at
    assert bob.first == 4.7


def test_of_a_broken_clip_what_can_be_read_counts(write_clip, gallery, tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", crossing()).read_bytes()
    path = tmp_path / "broken.mkv"
    path.write_bytes(whole[: len(whole) // 2])
    answer = identify_clip(path, gallery)
    assert {"Ann", "Bob"} <= {person.name for person in answer.people}
    assert any("the rest is missing" in words for words in answer.notes())
    assert answer.to_document()["problems"] == list(answer.problems)


def test_a_clip_without_faces_has_nobody_in_it(write_clip, gallery, tmp_path):
    answer = identify_clip(write_clip(tmp_path / "empty.mp4", [scene()] * 30), gallery)
    assert answer.people == answer.unclear == ()
    assert "0 known and 0 unknown people" in repr(answer)
    assert page(answer)["sections"]
    assert answer.to_csv().count("\n") == 1


def test_how_densely_to_look_can_be_said(clip, gallery):
    told = []
    sparse = identify_clip(
        clip, gallery, sampling=Sampling(least=0.5, most=1.0), progress=lambda done, whole: told.append((done, whole))
    )
    assert 4 <= sparse.looked_at <= 9
    assert told == sorted(told)
    assert told[-1][0] == pytest.approx(told[-1][1], abs=0.05)


def test_what_cannot_be_answered_is_refused(clip, gallery):
    with pytest.raises(InputError, match=r"no frame from 9 s on; the clip ends at 4\.000 s"):
        identify_clip(clip, gallery, start=9)
    with pytest.raises(InputError, match="no operating point"):
        identify_clip(clip, gallery, fmr=0.3)
