"""Labels that a recogniser doubts: wrong ones that were put in are found, and right ones are not."""

import numpy as np
import pytest

from faceloupe.evaluation.comparisons import every_two, score
from faceloupe.evaluation.labels import doubtful_labels


@pytest.fixture
def people():
    """Unit vectors of four captures each of thirty people who are far apart, and whom they show."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(30), 4)
    vectors = rng.normal(size=(30, 32))[subjects] + 0.4 * rng.normal(size=(120, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), subjects


def doubts(vectors, subjects):
    comparisons = every_two("captures", np.arange(len(subjects)), subjects)
    return doubtful_labels(score(vectors, np.zeros(len(subjects), dtype=bool), comparisons))


def test_right_labels_raise_no_doubt(people):
    assert doubts(*people) == ()


def test_a_photograph_under_another_name_fits_no_other_and_the_two_people_are_named(people):
    vectors, subjects = people
    wrong = subjects.copy()
    wrong[5] = 7  # a capture of the second person
    found = doubts(vectors, wrong)
    misfit = [doubt for doubt in found if doubt.kind == "fits no other"]
    assert [doubt.captures[0] for doubt in misfit] == [5]
    assert misfit[0].n == 4
    assert misfit[0].score < misfit[0].usual
    [names] = [doubt for doubt in found if doubt.kind == "two names"]
    assert {int(wrong[capture]) for capture in names.captures} == {1, 7}


def test_one_person_under_two_names_is_found(people):
    vectors, subjects = people
    split = np.where(np.isin(np.arange(120), [0, 1]), 30, subjects)
    [doubt] = doubts(vectors, split)
    assert (doubt.kind, {int(split[capture]) for capture in doubt.captures}) == ("two names", {0, 30})
    assert doubt.score >= doubt.usual


def test_a_bad_recogniser_s_doubts_do_not_count(people):
    vectors, subjects = people
    noise = np.random.default_rng(1).normal(size=vectors.shape).astype(np.float32)
    assert doubts(noise / np.linalg.norm(noise, axis=1, keepdims=True), subjects) == ()
