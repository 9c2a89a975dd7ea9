"""Also tests ``inspection/measures/vectors.py``."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.inspection import project


def layer(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize(("n", "d"), [(10, 3), (10, 200), (40, 12)])
def test_the_projection_is_that_of_the_singular_value_decomposition(n, d):
    X = layer(n, d) * np.arange(1, d + 1)
    found = project(X)
    centred = X - X.mean(axis=0)
    U, values, V = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found.points), np.abs(U[:, :2] * values[:2]), atol=1e-8)
    np.testing.assert_allclose(found.shares, (values**2 / np.sum(values**2))[:2])
    signs = np.sign(V[np.arange(2), np.abs(V[:2]).argmax(axis=1)])
    np.testing.assert_allclose(found.points, U[:, :2] * values[:2] * signs, atol=1e-8)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_captures_does_not_turn_the_picture(seed):
    X = layer(9, 5, seed) * [5, 4, 3, 2, 1]
    order = np.random.default_rng(seed).permutation(9)
    np.testing.assert_allclose(project(X[order]).points, project(X).points[order], atol=1e-9)


def test_dimensions_that_a_layer_does_not_have_are_0():
    logits = layer(6, 1)
    found = project(logits)
    np.testing.assert_allclose(np.abs(found.points), np.column_stack([np.abs(logits - logits.mean()), np.zeros(6)]))
    assert found.shares == (1.0, 0.0)
    nothing = project(np.full((6, 4), 0.1))
    assert not nothing.points.any()
    assert nothing.shares == (0.0, 0.0)
    assert "in one place" in str(nothing)


def test_a_projection_says_what_share_it_shows():
    found = project(layer(50, 3).reshape(50, 3, 1, 1), n=3)
    assert found.points.shape == (50, 3)
    assert sum(found.shares) == pytest.approx(1)
    assert repr(found).startswith("Projection(50 captures on 3 components of d = 3: ")
    assert json.loads(json.dumps(found.to_document()))["d"] == 3


@pytest.mark.parametrize(("X", "n"), [(np.zeros((1, 3)), 2), (np.full((4, 2), np.inf), 2), (np.zeros((4, 2)), 0)])
def test_what_cannot_be_projected_is_refused(X, n):
    with pytest.raises(InputError, match="expected"):
        project(X, n)
