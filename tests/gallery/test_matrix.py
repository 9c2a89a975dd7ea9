"""Search in memory, against every product made and sorted by hand.

Also tests ``gallery/rows.py``.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.gallery import matrix
from faceloupe.gallery.matrix import Matrix, search_parts
from faceloupe.gallery.records import Templates


def units(rng, n, dimensions, *, coarse):
    """Unit vectors; coarse ones are few, such that many are equal."""
    vectors = rng.integers(-1, 2, (n, dimensions)) + 1e-3 if coarse else rng.normal(size=(n, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def by_hand(vectors, subjects, probe, ranks):
    """Subjects and scores by NumPy in double precision."""
    best, scores = {}, np.minimum((vectors.astype(float) * probe.astype(float)).sum(axis=1), 1)
    for subject, score in zip(subjects, scores, strict=True):
        best[subject] = max(best.get(subject, -2), score)
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:ranks]


def check(searched, vectors, subjects, probes, ranks):
    found, scores = searched.search(probes, ranks)
    expected = [by_hand(vectors, subjects, probe, ranks) for probe in probes]
    assert found.tolist() == [[subject for subject, _ in row] for row in expected]
    assert scores.tolist() == [[score for _, score in row] for row in expected]


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 500),
    dimensions=st.integers(2, 6),
    n_subjects=st.sampled_from([1, 4, 60, 1000]),
    n_probes=st.integers(1, 70),
    ranks=st.integers(1, 7),
    coarse=st.booleans(),
    block=st.sampled_from([32, 300, matrix.BLOCK]),
)
def test_it_finds_what_comparing_everything_finds(seed, n, dimensions, n_subjects, n_probes, ranks, coarse, block):
    rng = np.random.default_rng(seed)
    vectors, subjects = units(rng, n, dimensions, coarse=coarse), rng.integers(1, n_subjects + 1, n)
    probes = np.concatenate([vectors[:1], units(rng, n_probes, dimensions, coarse=coarse)])
    searched = Matrix(dimensions)
    for start in range(0, n, 77):
        searched.add(vectors[start : start + 77], subjects[start : start + 77])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "BLOCK", block)
        check(searched, vectors, subjects, probes, ranks)
        gone = rng.choice(subjects, 2)
        assert searched.drop(gone) == len(set(gone.tolist()))
        stay = ~np.isin(subjects, gone)
        check(searched, vectors[stay], subjects[stay], probes, ranks)
    assert len(searched) == stay.sum()
    assert not searched._vectors[len(searched) :].any()


def test_the_hundred_references_of_one_subject_hide_nobody():
    rng = np.random.default_rng(0)
    vectors, subjects = units(rng, 5000, 64, coarse=False), np.arange(5000)
    vectors[:100], subjects[:100] = vectors[0], 0
    searched = Matrix(64)
    searched.add(vectors, subjects)
    check(searched, vectors, subjects, vectors[:1], 5)


def test_equal_vectors_tie_wherever_they_lie():
    vectors = np.repeat(units(np.random.default_rng(1), 1, 128, coarse=False), 1001, axis=0)
    subjects = np.random.default_rng(2).permutation(1001)
    searched = Matrix(128)
    searched.add(vectors, subjects)
    found, scores = searched.search(vectors[:3], 1001)
    assert (found == np.arange(1001)).all()
    assert len(set(scores.ravel().tolist())) == 1


def test_memory_that_is_given_back_holds_nobody():
    vectors = units(np.random.default_rng(0), 300, 8, coarse=False)
    searched = Matrix(8)
    searched.add(vectors[:20], np.arange(20))
    small = searched._vectors
    searched.add(vectors[20:], np.arange(20, 300))
    assert searched._vectors is not small
    assert not small.any()


def test_nothing_is_found_in_nothing():
    found, scores = Matrix(8).search(units(np.random.default_rng(0), 3, 8, coarse=False), 5)
    assert found.shape == scores.shape == (3, 0)


def test_parts_are_searched_as_one():
    rng = np.random.default_rng(0)
    vectors, probes = (rng.normal(size=(n, 16)) for n in (300, 7))
    vectors, probes = (
        (each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32) for each in (vectors, probes)
    )
    subjects = rng.integers(0, 40, 300)
    whole = Matrix(16)
    whole.add(vectors, subjects)
    parts = [Templates(vectors[rows], subjects[rows], rows) for rows in np.array_split(np.arange(300), 4)]
    nearest, size = search_parts(iter(parts), probes, 5)
    assert (nearest, size) == (whole.search(probes, 5)[0].tolist(), 300)
