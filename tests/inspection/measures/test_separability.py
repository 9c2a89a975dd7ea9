import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron, RidgeClassifier
from sklearn.model_selection import cross_val_predict

from faceloupe.errors import InputError
from faceloupe.inspection import probe
from faceloupe.inspection.measures.separability import RIDGE, probed_shares


def two_clouds(n, d, distance, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return rng.standard_normal((n, d)) + distance * labels[:, None], labels


def held_out_pairs(labels, seed):
    """Return the folds that `probe` documents: one capture of either class, as (train, held out) for scikit-learn."""
    rng = np.random.default_rng(seed)
    classes = [rng.permutation(np.flatnonzero(labels == label)) for label in (0, 1)]
    count = min(map(len, classes))
    folds = [np.concatenate([members[fold::count] for members in classes]) for fold in range(count)]
    return [(np.setdiff1d(np.arange(len(labels)), fold), fold) for fold in folds]


@pytest.mark.parametrize(("n", "d", "distance"), [(20, 300, 0.2), (20, 3, 1.0), (37, 10, 0.5), (80, 2, 0.5)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_probe_is_scikit_learns_ridge_classifier_refitted_for_every_fold(n, d, distance, seed):
    X, y = two_clouds(n, d, distance, seed)
    centred = X - X.mean(axis=0)
    ridge = RidgeClassifier(alpha=RIDGE * np.sum(centred**2) / n)
    predicted = cross_val_predict(ridge, X, y, cv=held_out_pairs(y, seed))
    assert probe(X, y, seed).correct == np.sum(predicted == y)


def test_clouds_apart_are_recognised_and_shuffled_labels_are_not():
    found = probe(*two_clouds(40, 200, 1.0), seed=0)
    assert found.accuracy == 1.0
    assert 0.35 < found.shuffled_accuracy < 0.65
    assert found.selectivity == found.accuracy - found.shuffled_accuracy
    assert found.p_value == pytest.approx(1 / 21)


def test_more_numbers_than_captures_are_separable_whatever_the_labels():
    rng = np.random.default_rng(0)
    found = probe(rng.standard_normal((20, 12_996)), rng.permutation(np.arange(20) % 2), seed=0)
    assert (found.separable, found.trivial) == (True, True)
    assert found.rank == 19
    assert found.accuracy < 0.8  # separable, and yet nothing is there to be recognised
    assert "separable, as any labels would be (n = 20, d = 12,996)" in str(found)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e6 / 7])
@pytest.mark.parametrize("n", [14, 20, 46])
def test_a_layer_that_says_nothing_scores_one_half_and_is_not_separable(value, n):
    found = probe(np.full((n, 5), value), np.arange(n) % 2, seed=0)
    assert (found.accuracy, found.shuffled_accuracy) == (0.5, 0.5)
    assert (found.separable, found.trivial, found.rank) == (False, False, 0)


def test_exclusive_or_is_not_separable_and_its_product_is():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 3, dtype=float)
    labels = corners[:, 0] != corners[:, 1]
    assert not probe(corners, labels, seed=0).separable
    with_product = np.column_stack([corners, corners[:, 0] * corners[:, 1]])
    found = probe(with_product, labels, seed=0)
    assert found.separable
    assert not found.trivial


def test_the_same_capture_under_both_labels_is_not_separable():
    X, y = two_clouds(20, 3, 8.0)
    assert probe(X, y, seed=0).separable
    X[1] = X[0]
    assert not probe(X, y, seed=0).separable


@settings(max_examples=40)
@given(n=st.integers(6, 30), d=st.integers(1, 6), distance=st.floats(0, 6), seed=st.integers(0, 10_000))
def test_where_the_perceptron_converges_there_is_a_hyperplane(n, d, distance, seed):
    X, y = two_clouds(n, d, distance, seed)
    perceptron = Perceptron(max_iter=3000, tol=None, shuffle=False).fit(X, y)
    if perceptron.score(X, y) == 1:
        assert probe(X, y, seed, shuffles=1).separable


@settings(max_examples=40)
@given(d=st.integers(1, 30), seed=st.integers(0, 10_000), scale=st.sampled_from([1e-4, 1.0, 1e4]))
def test_scale_and_offset_of_a_layer_do_not_matter(d, seed, scale):
    X, y = two_clouds(20, d, 1.0, seed)
    one, other = probe(X, y, seed, shuffles=3), probe(scale * (X + 5), y, seed, shuffles=3)
    assert (one.correct, one.shuffled_correct, one.separable) == (
        other.correct,
        other.shuffled_correct,
        other.separable,
    )


def test_maps_are_flattened_and_labels_may_be_names():
    X, y = two_clouds(20, 12, 1.0)
    assert probe(X.reshape(20, 3, 2, 2), np.array(["Ann", "Bob"])[y], seed=0) == probe(X, y, seed=0)


@pytest.mark.parametrize(
    ("features", "labels", "words"),
    [
        (np.zeros((4, 2)), [0, 1, 2, 0], "two classes of two"),
        (np.zeros((4, 2)), [0, 0, 0, 1], "3 of class 0, 1 of class 1"),
        (np.zeros((4, 2)), [0, 1], r"got \(4, 2\) and \(2,\)"),
        (np.zeros(4), [0, 1, 0, 1], "features"),
        (np.full((4, 2), np.nan), [0, 1, 0, 1], "diverged"),
    ],
)
def test_what_cannot_be_probed_is_refused(features, labels, words):
    with pytest.raises(InputError, match=words):
        probe(features, labels, seed=0)


def test_a_probe_without_control_is_refused():
    with pytest.raises(InputError, match="shuffles"):
        probe(*two_clouds(8, 2, 1.0), seed=0, shuffles=0)


def test_the_shares_alone_are_those_of_the_probe():
    features, labels = two_clouds(20, 30, 0.4)
    found = probe(features, labels, seed=3, shuffles=4)
    assert probed_shares(features, labels, 3, 4) == (found.accuracy, found.shuffled_accuracy)
    accuracy, control = probed_shares(features, labels, 3)
    assert accuracy == found.accuracy
    assert np.isnan(control)
