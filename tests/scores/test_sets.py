import subprocess
import sys
import tracemalloc
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.scores import (
    ScoreSet,
    auc_interval,
    eer_interval,
    fit_likelihood_ratio,
    fmr_interval,
    paired_differences,
    sets,
)
from faceloupe.scores.sets import compact, highest

# Worked by hand: cosines 0.8 (ann, ann), 0 and 0.6 (ann, bob), 0.6, 0 and 0.8 with the second capture of bob.
TEMPLATES = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]])
SUBJECTS = ["ann", "ann", "bob", "bob"]


def unit_vectors(n, dimensions=8, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((n, dimensions))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_numpy_is_all_it_loads():
    code = "import faceloupe.scores, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {"torch", "sklearn", "scipy", "matplotlib"} & set(loaded)


def test_the_repr_counts_and_shows_no_score():
    scores = ScoreSet([0.123, 0.9], [0.456], ["ann", "bob"], [["ann", "bob"]], failed_mated=1, failed_non_mated=2)
    assert repr(scores) == "ScoreSet(2 mated and 1 non-mated comparisons, 2 subjects, 3 failed)"


def test_scores_cannot_be_changed_and_the_callers_array_can():
    mine = np.array([0.5, 0.6])
    scores = ScoreSet(mine, [0.1])
    with pytest.raises(ValueError, match="read-only"):
        scores.mated[0] = 1
    mine[0] = 0.7


def test_subjects_are_numbered_over_both_kinds_of_comparison():
    scores = ScoreSet([0.9], [0.1, 0.2], ["bob"], [["cid", "ann"], ["ann", "bob"]])
    assert scores.n_subjects == 3
    assert scores.mated_subjects.tolist() == [1]
    assert scores.non_mated_subjects.tolist() == [[2, 0], [0, 1]]


@pytest.mark.parametrize(
    ("mated", "non_mated", "message"),
    [
        ([0.9], [], "non_mated scores.*at least one"),
        ([np.nan, 0.9], [0.1], "1 NaN or infinite"),
        ([0.9], [np.inf], "1 NaN or infinite"),
        ([[0.9]], [0.1], "1 axes"),
        (["high"], [0.1], "expected numbers"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(mated, non_mated, message):
    with pytest.raises(InputError, match=message):
        ScoreSet(mated, non_mated)


@pytest.mark.parametrize(
    ("own", "sides", "message"),
    [
        (["ann"], None, "or of neither"),
        (["ann", "bob"], [["ann", "bob"]], "got \\(2,\\)"),
        (["ann"], ["ann"], "\\(1, 2\\) of non-mated"),
        (["ann"], [["bob", "bob"]], "1 of 1 non-mated comparisons show one subject"),
    ],
)
def test_subjects_that_do_not_fit_are_refused(own, sides, message):
    with pytest.raises(InputError, match=message):
        ScoreSet([0.9], [0.1], own, sides)


def test_a_negative_number_of_failures_is_refused():
    with pytest.raises(InputError, match="failed_non_mated"):
        ScoreSet([0.9], [0.1], failed_non_mated=-1)


class TestFromTemplates:
    def test_every_two_captures_by_hand(self):
        scores = ScoreSet.from_templates(TEMPLATES, SUBJECTS)
        np.testing.assert_allclose(scores.mated, [0.8, 0.8])
        np.testing.assert_allclose(scores.non_mated, [0, 0.6, 0.6, 0.96])
        assert scores.mated_subjects.tolist() == [0, 1]
        assert scores.non_mated_subjects.tolist() == [[0, 1]] * 4

    def test_listed_pairs_keep_their_order(self):
        scores = ScoreSet.from_templates(TEMPLATES, SUBJECTS, pairs=[[3, 2], [0, 3], [2, 0]])
        np.testing.assert_allclose(scores.mated, [0.8])
        np.testing.assert_allclose(scores.non_mated, [0.6, 0])
        assert scores.non_mated_subjects.tolist() == [[0, 1], [1, 0]]

    @pytest.mark.parametrize("capture", range(4))
    def test_comparisons_with_a_failed_capture_are_counted_apart(self, capture):
        templates = TEMPLATES.copy()
        templates[capture] = np.nan
        scores = ScoreSet.from_templates(templates, SUBJECTS, failed=np.arange(4) == capture)
        assert (scores.n_mated, scores.n_non_mated) == (1, 2)
        assert (scores.failed_mated, scores.failed_non_mated, scores.n_failed) == (1, 2, 3)

    def test_all_pairs_are_the_listing_of_all_pairs(self):
        # Enough captures for several blocks of comparisons.
        templates, subjects = unit_vectors(1500), np.arange(1500) % 100
        every = ScoreSet.from_templates(templates, subjects)
        listed = ScoreSet.from_templates(templates, subjects, pairs=np.argwhere(np.triu(np.ones((1500, 1500)), 1)))
        np.testing.assert_allclose(every.mated, listed.mated, atol=1e-12)
        np.testing.assert_allclose(every.non_mated, listed.non_mated, atol=1e-12)
        assert np.array_equal(every.non_mated_subjects, listed.non_mated_subjects)
        assert every.n_mated + every.n_non_mated == 1500 * 1499 / 2

    def test_memory_is_what_the_docstring_says(self):
        templates, subjects = unit_vectors(1000), np.arange(1000) % 50
        tracemalloc.start()
        ScoreSet.from_templates(templates, subjects)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 75 * 1000**2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"subjects": ["ann", "bob"]}, "N subjects"),
            ({"templates": TEMPLATES * 2}, "unit vectors"),
            ({"templates": TEMPLATES * np.nan}, "unit vectors"),
            ({"templates": TEMPLATES[:1], "subjects": ["ann"]}, "two templates"),
            ({"pairs": [[0, 4]]}, "from 0 to 3"),
            ({"pairs": [[1, 1]]}, "two different captures"),
            ({"pairs": [[0.0, 1.0]]}, "integers"),
            ({"pairs": np.empty((0, 2), dtype=int)}, "P at least 1"),
            ({"failed": [True]}, "N failures"),
            ({"subjects": ["ann"] * 4}, "non_mated scores"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, change, message):
        with pytest.raises(InputError, match=message):
            ScoreSet.from_templates(**{"templates": TEMPLATES, "subjects": SUBJECTS, **change})


@given(st.lists(st.floats(-3, 3).map(lambda value: round(value, 1)), min_size=1, max_size=40), st.integers(1, 50))
def test_the_highest_are_those_of_a_stable_sort(values, n):
    np.testing.assert_array_equal(highest(np.array(values), n), np.argsort(-np.array(values), kind="stable")[:n])


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 1, 9, 1]),
        np.array([0, 2, 1, 1]),
        np.array([-5, 10**12, -5, 7]),
        np.array(["b", "a", "c", "b"]),
        np.arange(-100, 100, dtype=np.int8),  # their differences are no int8
        np.arange(-20_000, 20_000, dtype=np.int16),
        np.array([2**64 - 1, 2**64 - 4, 2**64 - 1, 2**64 - 3], dtype=np.uint64),
    ],
)
def test_labels_become_numbers_in_their_order_whatever_they_are(labels):
    own, sides = compact(labels, labels.reshape(2, -1))
    expected = np.unique(labels, return_inverse=True)[1]
    np.testing.assert_array_equal(own, expected)
    np.testing.assert_array_equal(sides, expected.reshape(2, -1))
    assert own.dtype == sides.dtype == np.int32
    assert compact(own, sides)[1] is sides  # what is so already is not copied


def test_figures_are_the_same_whatever_is_held_at_once(monkeypatch):
    """Millions of comparisons are gone through in parts: the parts show in no rate, interval or ratio."""
    rng = np.random.default_rng(0)
    templates, subjects = unit_vectors(90), np.repeat(np.arange(30), 3)
    templates = templates + 0.6 * rng.normal(size=(30, 8))[subjects]
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    figures = []
    for block in (sets.BLOCK, 100):
        monkeypatch.setattr(sets, "BLOCK", block)
        scores = ScoreSet.from_templates(templates, subjects)
        without = ScoreSet(scores.mated, scores.non_mated)
        figures.append(
            [
                *(astuple(interval(each)) for interval in (eer_interval, auc_interval) for each in (scores, without)),
                *(astuple(fmr_interval(scores, threshold)) for threshold in (0.2, 0.7, 2)),
                *(astuple(fit_likelihood_ratio(each, source="", embedder="")) for each in (scores, without)),
                *(astuple(each) for each in paired_differences(scores, scores, [0.01], samples=3)),
            ]
        )
    for one, other in zip(*figures, strict=True):
        for value, again in zip(one, other, strict=True):
            assert value == (again if isinstance(again, str) else pytest.approx(again, rel=1e-9, abs=1e-12))
