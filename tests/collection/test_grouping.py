"""Grouping against SciPy's average linkage, and what no grouping may do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from faceloupe.collection import group_faces
from faceloupe.collection.grouping import LEAST_COHORT
from faceloupe.errors import InputError


def _people(n_people, captures, seed=0, noise=0.5, dimensions=16):
    """Unit vectors of captures about the direction of each person, and whom each shows."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(n_people, dimensions))
    who = np.repeat(np.arange(n_people), captures)
    vectors = centres[who] / np.linalg.norm(centres[who], axis=1, keepdims=True)
    vectors = vectors + noise * random.normal(size=vectors.shape) / np.sqrt(dimensions)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), who


def _partition(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n_people=st.integers(1, 30), threshold=st.floats(0.2, 0.9))
def test_groups_are_those_of_average_linkage(seed, n_people, threshold):
    vectors, _ = _people(n_people, 3, seed)
    grouping = group_faces(vectors, range(len(vectors)), threshold)
    exact = vectors.astype(np.float64)
    distance = 1 - exact @ exact.T
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    assert _partition(grouping.labels()) == _partition(fcluster(tree, 1 - threshold, "distance"))
    assert grouping.cohort == 0


def test_many_people_normalise_scores_and_are_found():
    vectors, who = _people(LEAST_COHORT + 50, 4, noise=0.35, dimensions=64)
    grouping = group_faces(vectors, range(len(vectors)), 0.6)
    assert grouping.cohort >= LEAST_COHORT
    assert _partition(grouping.labels()) == _partition(who)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_faces_changes_nothing(seed):
    vectors, _ = _people(20, 4, seed, noise=0.8)
    photographs = np.random.default_rng(seed).integers(0, 40, len(vectors))
    order = np.random.default_rng(seed + 1).permutation(len(vectors))
    straight = group_faces(vectors, photographs.tolist(), 0.5, unfit=[3, 9])
    unfit = [int(np.flatnonzero(order == face)[0]) for face in (3, 9)]
    shuffled = group_faces(vectors[order], photographs[order].tolist(), 0.5, unfit=unfit)
    back = np.empty(len(order), dtype=int)
    back[order] = shuffled.labels()
    assert _partition(back) == _partition(straight.labels())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.floats(-0.5, 0.9))
def test_faces_of_one_photograph_are_never_one_person(seed, threshold):
    vectors, _ = _people(5, 6, seed)
    photographs = np.random.default_rng(seed).integers(0, 12, len(vectors)).tolist()
    for faces in group_faces(vectors, photographs, threshold).groups:
        shown = [photographs[face] for face in faces]
        assert len(set(shown)) == len(shown)


def _angle(degrees):
    radians = np.deg2rad(degrees)
    return np.array([np.cos(radians), np.sin(radians)], dtype=np.float32)


def test_a_face_of_low_quality_joins_and_does_not_bridge():
    bridge = np.stack([_angle(angle) for angle in (0, 1, 50, 51, 24)])
    threshold = float(np.cos(np.deg2rad(30)))
    labels = group_faces(bridge, range(5), threshold, unfit=[4]).labels()
    assert labels[0] == labels[1] == labels[4] != labels[2] == labels[3]


def test_what_somebody_said_is_kept_to():
    vectors, _ = _people(2, 4, noise=0.2)
    apart = group_faces(vectors, range(8), 0.5, different=[(0, 1)]).labels()
    assert apart[0] != apart[1]
    together = group_faces(vectors, range(8), 0.5, same=[(0, 4)]).labels()
    assert len(set(together.tolist())) == 1 or together[0] == together[4]
    with pytest.raises(InputError, match="one photograph"):
        group_faces(vectors, [0, 0, 1, 2, 3, 4, 5, 6], 0.5, same=[(0, 1)])
    with pytest.raises(InputError, match="told apart"):
        group_faces(vectors, range(8), 0.5, same=[(0, 1)], different=[(0, 1)])


def test_the_weakest_join_and_the_nearest_miss_are_told():
    vectors = np.stack([_angle(angle) for angle in (0, 10, 28, 54)])
    grouping = group_faces(vectors, range(4), float(np.cos(np.deg2rad(27))))
    assert [set(faces) for faces in grouping.groups] == [{0, 1, 2}, {3}]
    expected = np.mean([np.cos(np.deg2rad(28)), np.cos(np.deg2rad(18))])
    assert grouping.weakest[0].score == pytest.approx(expected, abs=1e-6)
    assert grouping.weakest[1] is None
    missed = np.mean([np.cos(np.deg2rad(angle)) for angle in (54, 44, 26)])
    assert [join.score for join in grouping.nearly] == pytest.approx([missed], abs=1e-6)
    assert "4 faces" in repr(grouping)


def test_no_face_and_wrong_shapes():
    assert group_faces(np.zeros((0, 4), np.float32), [], 0.5).groups == ()
    with pytest.raises(InputError, match=r"\(3, 4\) and 2"):
        group_faces(np.zeros((3, 4), np.float32), [0, 1], 0.5)
