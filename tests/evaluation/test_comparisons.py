"""Scores of listed pairs and of every two captures, with failures counted."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation.comparisons import Comparisons, EveryTwo, every_two, score
from faceloupe.scores import ScoreSet, fmr, fnmr


def test_every_two_is_what_scores_compare_too(made_up):
    vectors, subjects = made_up
    compared = score(vectors, np.zeros(120, bool), every_two("all", np.arange(120), subjects))
    expected = ScoreSet.from_templates(vectors, subjects)
    np.testing.assert_allclose(compared.scores.mated, expected.mated, atol=1e-9)
    np.testing.assert_allclose(compared.scores.non_mated, expected.non_mated, atol=1e-9)
    np.testing.assert_array_equal(compared.scores.mated_subjects, expected.mated_subjects)
    np.testing.assert_array_equal(compared.scores.non_mated_subjects, expected.non_mated_subjects)
    assert compared.with_failures.n_mated == compared.scores.n_mated
    assert compared.scores.n_failed == 0


def test_pairs_of_every_two_are_worked_out_as_they_are_asked_for():
    captures = np.array([4, 7, 9, 12, 30])
    pairs = EveryTwo(captures)
    expected = captures[np.stack(np.triu_indices(5, k=1), axis=1)]
    assert len(pairs) == 10
    np.testing.assert_array_equal(pairs[:], expected)
    np.testing.assert_array_equal(pairs[np.array([9, 0, 4])], expected[[9, 0, 4]])
    np.testing.assert_array_equal(pairs[3:7], expected[3:7])


def test_recognisers_share_whom_the_comparisons_show(made_up):
    """Labels of millions of comparisons are held once, not once a recogniser."""
    vectors, subjects = made_up
    comparisons = every_two("all", np.arange(120), subjects + 5)
    one, other = (score(each, np.zeros(120, bool), comparisons).scores for each in (vectors, -vectors))
    assert np.shares_memory(one.non_mated_subjects, other.non_mated_subjects)


def test_failures_are_counted_and_match_nobody(made_up):
    vectors, subjects = made_up
    failed = np.isin(np.arange(120), [3, 50])
    compared = score(np.where(failed[:, None], 0, vectors), failed, every_two("all", np.arange(120), subjects))
    expected = ScoreSet.from_templates(vectors, subjects, failed=failed)
    assert compared.scores.failed_mated == expected.failed_mated == 18
    assert compared.scores.failed_non_mated == expected.failed_non_mated == 2 * 110 - 1
    np.testing.assert_allclose(compared.scores.mated, expected.mated, atol=1e-9)
    every = compared.with_failures
    missed, matched = int((expected.mated < 0.3).sum()), int((expected.non_mated >= 0.3).sum())
    assert fnmr(every, 0.3) == pytest.approx((missed + 18) / (expected.n_mated + 18))
    assert fmr(every, 0.3) == pytest.approx(matched / (expected.n_non_mated + 219))
    assert len(compared.failed) == 18 + 219


def test_listed_pairs_without_subjects():
    vectors = np.float32([[1, 0], [0.6, 0.8], [0, 1]])
    pairs = Comparisons("two", np.array([[0, 1], [0, 2]]), np.array([True, False]), None)
    compared = score(vectors, np.zeros(3, bool), pairs)
    assert compared.scores.mated.tolist() == pytest.approx([0.6])
    assert compared.scores.non_mated.tolist() == [0]
    assert compared.scores.mated_subjects is None
    with pytest.raises(InputError, match="1 of 2 comparisons could not be made, and no mated one"):
        score(vectors, np.array([False, True, False]), pairs)
    with pytest.raises(InputError, match="their subjects are not known"):
        pairs.without(np.array([0]))


def test_of_many_captures_whole_subjects_are_drawn(made_up):
    _, subjects = made_up
    drawn = every_two("all", np.arange(120), subjects, most=45, seed=1)
    used = np.unique(drawn.pairs)
    assert len(used) == 45
    assert sorted(np.bincount(subjects[used])[np.unique(subjects[used])].tolist()) == [5, 10, 10, 10, 10]
    assert drawn.what == "all, 45 of the 120, of subjects drawn at random"
    np.testing.assert_array_equal(drawn.pairs, every_two("all", np.arange(120), subjects, most=45, seed=1).pairs)
    lonely = every_two("all", np.arange(120), np.repeat([0, 1], [119, 1]), most=10)
    assert len(np.unique(lonely.pairs)) <= 10


def test_people_can_be_left_out(made_up):
    _, subjects = made_up
    left = every_two("all", np.arange(120), subjects).without(np.array([0, 1, 2]))
    assert set(np.unique(subjects[left.pairs])) == set(range(3, 12))
    assert len(left.pairs) == 90 * 89 // 2
    assert left.what == "all without those it was fitted on"


@pytest.mark.parametrize(("subjects", "kind"), [([0, 1, 2], "of one person"), ([0, 0, 0], "of two people")])
def test_both_kinds_are_needed(subjects, kind):
    with pytest.raises(InputError, match=f"3 captures make no pair {kind}"):
        every_two("all", np.arange(3), np.array(subjects))
