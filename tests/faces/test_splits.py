import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.faces import FaceSet, Split, leaks, split_by_capture, split_by_subject

seeds = st.integers(0, 2**32)


@st.composite
def labels_and_train(draw):
    train = draw(st.integers(1, 4))
    counts = draw(st.lists(st.integers(train + 1, 9), min_size=1, max_size=8))
    names = draw(st.permutations(range(len(counts))))
    return draw(st.permutations(np.repeat(names, counts).tolist())), train


@given(labels_and_train(), seeds)
def test_by_capture_nothing_leaks_and_every_subject_has_exactly_train(case, seed):
    labels, train = np.array(case[0]), case[1]
    split = split_by_capture(labels, train, seed)
    assert not set(split.train) & set(split.held_out)
    assert sorted([*split.train, *split.held_out]) == list(range(len(labels)))
    for subject in set(labels):
        assert (labels[split.train] == subject).sum() == train
        assert (labels[split.held_out] == subject).sum() == (labels == subject).sum() - train


@given(labels_and_train(), st.data(), seeds)
def test_by_subject_nobody_is_on_both_sides(case, data, seed):
    labels = np.array([*case[0], 99])
    n_subjects = len(set(labels))
    train = data.draw(st.integers(1, n_subjects - 1))
    split = split_by_subject(labels, train, seed)
    assert not set(labels[split.train]) & set(labels[split.held_out])
    assert len(set(labels[split.train])) == train
    assert sorted([*split.train, *split.held_out]) == list(range(len(labels)))


@pytest.mark.parametrize("draw", [split_by_capture, split_by_subject])
def test_the_same_seed_draws_the_same_split_and_another_seed_another(draw):
    labels = np.repeat(np.arange(10), 10)
    drawn = [draw(labels, 5, seed).train.tobytes() for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


def test_every_capture_is_drawn_equally_often():
    labels = np.repeat([0, 1], 10)
    drawn = np.concatenate([split_by_capture(labels, 3, seed).train for seed in range(1000)])
    counts = np.bincount(drawn, minlength=20)
    assert (abs(counts - 300) < 5 * np.sqrt(1000 * 0.3 * 0.7)).all()  # five standard deviations of a binomial


def test_a_split_is_frozen_and_sorted():
    split = Split([3, 1], [2, 0], "capture", 0)
    assert split.train.tolist() == [1, 3]
    assert repr(split) == "Split(by capture: 2 train, 2 held out, seed 0)"
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = 0
    with pytest.raises(AttributeError):
        split.seed = 1


@pytest.mark.parametrize(
    ("train", "held_out", "words"),
    [([0, 1], [1, 2], "1 are on both, the first is 1"), ([], [0], "train must be"), ([0], [], "held_out must be")],
)
def test_a_split_that_leaks_cannot_be_made(train, held_out, words):
    with pytest.raises(InputError, match=words):
        Split(train, held_out, "capture", 0)


@pytest.mark.parametrize(
    ("draw", "subject", "train", "seed", "words"),
    [
        (
            split_by_capture,
            [0, 0, 1],
            1,
            0,
            "at least 2 captures of every subject; subject 1 has 1, and 1 of 2 subjects",
        ),
        (split_by_capture, [0, 0, 1, 1], 2, 0, "needs at least 3 captures"),
        (split_by_capture, [0, 0], 0, 0, "train must be an integer of at least 1"),
        (split_by_capture, [0, 0], 1.0, 0, "train must be an integer"),
        (split_by_capture, [0, 0], True, 0, "train must be an integer"),
        (split_by_capture, [0, 0], 1, -1, "seed must be an integer of at least 0"),
        (split_by_capture, [0, 0], 1, None, "seed must be an integer"),
        (split_by_capture, [], 1, 0, "list of integers"),
        (split_by_capture, [[0, 0]], 1, 0, "list of integers"),
        (split_by_capture, ["ann", "bob"], 1, 0, "list of integers"),
        (split_by_subject, [0, 0, 0], 1, 0, "at least 2 subjects, to hold one out; got 1"),
        (split_by_subject, [0, 1], 2, 0, "at least 3 subjects"),
    ],
)
def test_what_cannot_be_split_says_why(draw, subject, train, seed, words):
    with pytest.raises(InputError, match=words):
        draw(subject, train, seed)


def test_the_same_pixels_on_both_sides_are_reported():
    images = np.random.default_rng(0).random((6, 4, 4), dtype=np.float32)
    images[4] = images[0]  # one photograph under two subjects
    images[2] = images[1]
    captures = ["a1", "a2", "a3", "b1", "b2", "b3"]
    faces = FaceSet(images, [0, 0, 0, 1, 1, 1], ["ann", "bob"], captures, "made up", "CC0")
    assert leaks(faces, Split([0, 1, 2], [3, 4, 5], "subject", 0)) == (("a1", "b2"),)
    assert leaks(faces, Split([0, 4, 3], [1, 2, 5], "capture", 0)) == ()
    assert leaks(faces, Split([0, 1], [2, 4], "capture", 0)) == (("a1", "b2"), ("a2", "a3"))
    with pytest.raises(InputError, match="captures 0 to 6; the face set holds 6"):
        leaks(faces, Split([0], [6], "capture", 0))
