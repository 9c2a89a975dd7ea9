"""Comparisons of folds: every mated one, and of the others so many, drawn as from a list of all."""

import tracemalloc

import numpy as np
import pytest

from faceloupe.strangers.choosing import NON_MATED, folds_of


@pytest.mark.parametrize("most", [30, 10**6])
def test_pairs_are_those_drawn_from_a_list_of_all(most, monkeypatch):
    monkeypatch.setattr("faceloupe.strangers.choosing.NON_MATED", 2 * most)
    rng = np.random.default_rng(0)
    subjects = rng.integers(0, 12, 80)
    captures = rng.permutation(80)[:60]
    folds = folds_of(captures, subjects, seed=3, folds=2)
    drawing = np.random.default_rng(3)
    people, counts = np.unique(subjects[captures], return_counts=True)
    dealt = np.concatenate([drawing.permutation(people[counts > 1]), drawing.permutation(people[counts == 1])])
    for start, fold in enumerate(folds):
        own = captures[np.isin(subjects[captures], dealt[start::2])]
        pairs = own[np.stack(np.triu_indices(len(own), k=1), axis=1)]
        same = np.equal(*subjects[pairs].T)
        others = pairs[~same]
        if len(others) > most:
            others = others[np.sort(drawing.choice(len(others), most, replace=False))]
        np.testing.assert_array_equal(fold.pairs, np.concatenate([pairs[same], others]))
        assert not np.isin(subjects[fold.learned], subjects[fold.pairs]).any()


def test_many_captures_take_little_memory():
    subjects = np.arange(20_000) // 2
    tracemalloc.start()
    folds = folds_of(np.arange(20_000), subjects, seed=0)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(len(fold.pairs) for fold in folds) == 10_000 + NON_MATED
    assert most < 40e6  # the pairs of one fold alone would be 128 MB, and their numbers 64 MB
