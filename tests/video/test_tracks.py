"""A track is one face over time: it bridges what is missed, splits where the face departs, and is never two people.

Also tests ``video/pooling.py``.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.recognition.detections import Box, Detection, Landmarks, Point
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.recognition.templates import Template
from faceloupe.video.pooling import POOLED, pool, rating
from faceloupe.video.tracks import Follower, Likeness, Seen

LIKENESS = Likeness(in_place=0.35, elsewhere=0.45)


def quality(**other):
    values = {"eye_distance": 40.0, "sharpness": 8.0, "brightness": 0.5, "clipped": 0.0, "pose": Pose(0, 0, 0),
              "detection_score": 0.95, "embedding_norm": 10.0}  # fmt: skip
    return Quality(**values | other)


def template(degrees, **other):
    angle = np.deg2rad(degrees)
    return Template(np.array([np.cos(angle), np.sin(angle)], np.float32), "toy", "ab" * 32, quality(**other))


def seen(time, degrees, x=0.0, **other):
    landmarks = Landmarks(*[Point(x, 0.0)] * 5)
    picture = np.zeros((64, 64, 3), np.uint8)
    return Seen(time, Detection(Box(x, 0.0, 100.0, 100.0), landmarks, 0.95), template(degrees, **other), picture)


def followed(*frames, bridge=2.0, step=0.1):
    follower = Follower(LIKENESS, bridge)
    for faces in frames:
        follower.add(faces, faces[0].time + step / 2, round(faces[0].time + step, 6))
    return follower.tracks()


def test_a_face_that_moves_is_one_track():
    [track] = followed(*[[seen(number / 10, 5 * (number % 3), x=30.0 * number)] for number in range(20)])
    assert (track.first, track.last, track.frames) == (0.0, pytest.approx(1.95), 20)
    assert track.seconds == pytest.approx(1.95)
    assert track.together == frozenset()
    assert len(track.best) == POOLED


def test_two_faces_of_one_frame_are_two_tracks_even_if_they_are_alike():
    one, other = followed(*[[seen(time, 0, x=0), seen(time, 1, x=300)] for time in (0.0, 0.1, 0.2)])
    assert one.frames == other.frames == 3
    assert one.together == {other.number}
    assert other.together == {one.number}


def test_two_people_who_cross_keep_their_tracks():
    frames = [[seen(n / 10, 0, x=40.0 * n), seen(n / 10, 90, x=400 - 40.0 * n)] for n in range(11)]
    frames[5] = [seen(0.5, 0, x=200.0)]  # one hides the other
    one, other = followed(*frames)
    assert one.template.vector[0] == pytest.approx(1)
    assert other.template.vector[1] == pytest.approx(1)
    assert (one.frames, other.frames) == (11, 10)
    assert one.seconds == pytest.approx(1.05)
    assert other.seconds == pytest.approx(0.45 + 0.45)  # until the change before the gap and at the end


def test_a_track_splits_where_the_face_departs_in_the_same_place():
    one, other = followed([seen(0.0, 0)], [seen(0.1, 5)], [seen(0.2, 90)], [seen(0.3, 85)])
    assert (one.first, other.first) == (0.0, 0.2)
    assert one.together == other.together == frozenset()


def test_elsewhere_more_likeness_is_asked_for_than_in_place():
    degrees = np.rad2deg(np.arccos(0.4))  # a score of 0.40, between the two
    assert len(followed([seen(0.0, 0)], [seen(0.1, degrees, x=10)])) == 1
    assert len(followed([seen(0.0, 0)], [seen(0.1, degrees, x=400)])) == 2
    assert len(followed([seen(0.0, 0)], [seen(1.5, degrees, x=10)])) == 2  # a place says little after a while


def test_a_gap_is_bridged_up_to_the_time_stated():
    [track] = followed([seen(0.0, 0)], [seen(2.0, 0)], bridge=2.0)
    assert track.seconds == pytest.approx(0.1)
    assert track.last == pytest.approx(2.05)
    assert len(followed([seen(0.0, 0)], [seen(2.2, 0)], bridge=2.0)) == 2


def test_the_best_frames_are_pooled_and_neighbours_count_once():
    frames = [[seen(n / 20, n, sharpness=8.0 if n in (3, 11, 30) else 2.0)] for n in range(40)]
    [track] = followed(*frames)
    times = [face.time for face in track.best]
    assert {0.15, 0.55, 1.5} <= set(times)
    assert np.diff(sorted(times)).min() >= 0.2 - 1e-9
    assert track.face.template.quality.sharpness == 8.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), min_size=1, max_size=40))
def test_whatever_comes_no_track_has_two_people_or_two_faces_of_one_frame(faces):
    """Four people whose templates are at right angles or opposite, in any places, three a frame."""
    frames = [
        [seen(number / 10, 90 * who, x=float(x)) for who, x in faces[start : start + 3]]
        for number, start in enumerate(range(0, len(faces), 3))
    ]
    tracks = followed(*frames)
    assert sum(track.frames for track in tracks) == len(faces)
    for track in tracks:
        directions = {tuple(np.rint(face.template.vector)) for face in track.best}
        assert len(directions) == 1
        assert len({face.time for face in track.best}) == len(track.best)


def test_a_pool_is_the_unit_mean():
    pooled = pool([template(0), template(60, sharpness=4.0)])
    assert np.rad2deg(np.arctan2(*pooled.vector[::-1])) == pytest.approx(30, abs=1e-4)
    assert pooled.quality.sharpness == 8.0
    assert pool([template(7)]).vector == pytest.approx(template(7).vector)


def test_what_cannot_be_pooled_is_refused():
    with pytest.raises(InputError, match="by one embedder"):
        pool([])
    with pytest.raises(InputError, match="no mean direction"):
        pool([template(0), template(180)])


@pytest.mark.parametrize(
    "worse", [{"eye_distance": 20}, {"sharpness": 3}, {"pose": Pose(50, 0, 0)}, {"pose": Pose(0, 40, 0)},
              {"detection_score": 0.7}, {"embedding_norm": 8.0}],
)  # fmt: skip
def test_each_shortcoming_lowers_the_rating(worse):
    assert rating(quality(**worse)) < rating(quality())
