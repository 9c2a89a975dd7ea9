"""Normalised scores against a loop by hand."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.strangers.cohort import normalised


def by_hand(one, other, cohort, top):
    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    parts = []
    for face in (one, other):
        highest = sorted(cosine(face, each) for each in cohort)[-top:]
        parts.append((cosine(one, other) - np.mean(highest)) / np.std(highest))
    return np.mean(parts)


def test_each_score_is_seen_against_the_cohort_of_both_sides():
    rng = np.random.default_rng(0)
    vectors, cohort = rng.normal(size=(5, 8)).astype(np.float32), rng.normal(size=(20, 8)).astype(np.float32)
    pairs = np.array([[0, 1], [3, 2], [0, 4]])
    expected = [by_hand(vectors[one], vectors[other], cohort, 7) for one, other in pairs]
    np.testing.assert_allclose(normalised(vectors, pairs, cohort, top=7), expected, rtol=1e-5)


@pytest.mark.parametrize(("shape", "top"), [((1, 8), 5), ((9, 7), 5), ((9, 8), 1)])
def test_what_is_no_cohort_is_refused(shape, top):
    with pytest.raises(InputError, match="cohort: expected two vectors or more of 8 dimensions"):
        normalised(np.ones((2, 8), np.float32), np.array([[0, 1]]), np.ones(shape, np.float32), top=top)
