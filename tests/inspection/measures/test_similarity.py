import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.inspection import cka, compare_layers

seeds = st.integers(0, 10_000)


def layer(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def rotation(d, seed):
    return np.linalg.qr(layer(d, d, seed))[0]


def cka_by_its_definition(a, b):
    """Kornblith et al. 2019, equations 2 to 4, with the centring matrix written out."""
    n = len(a)
    H = np.eye(n) - np.ones((n, n)) / n

    def hsic(K, L):
        return np.trace(K @ H @ L @ H) / (n - 1) ** 2

    K, L = a @ a.T, b @ b.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def unbiased_cka_by_its_definition(a, b):
    """Nguyen, Raghu & Kornblith 2020, equation 3: Song's estimator of HSIC."""
    n = len(a)
    one = np.ones(n)

    def hsic(K, L):
        K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
        trace = np.trace(K @ L) + (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
        return (trace - 2 / (n - 2) * (one @ K @ L @ one)) / (n * (n - 3))

    K, L = a @ a.T, b @ b.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


@pytest.mark.parametrize(("n", "d"), [(4, 3), (20, 5), (20, 300), (50, 2)])
def test_cka_is_its_definition(n, d):
    a = layer(n, d) + 3
    b = a[:, :2] @ layer(2, 7, 1) + layer(n, 7, 2)
    found = cka(a, b)
    assert found.biased == pytest.approx(cka_by_its_definition(a, b), abs=1e-12)
    assert found.unbiased == pytest.approx(unbiased_cka_by_its_definition(a, b), abs=1e-9)
    assert (found.n, found.d) == (n, (d, 7))


def test_the_shuffles_are_those_of_the_seed():
    a, b = layer(12, 30), layer(12, 4, 1)
    rng = np.random.default_rng(5)
    orders = [rng.permutation(12) for _ in range(3)]
    found = cka(a, b, seed=5, shuffles=3)
    assert found.shuffled == pytest.approx([unbiased_cka_by_its_definition(a, b[order]) for order in orders])
    assert found.shuffled_biased == pytest.approx([cka_by_its_definition(a, b[order]) for order in orders])


@settings(max_examples=40)
@given(seed=seeds, d=st.integers(1, 30), scale=st.sampled_from([1e-6, 0.3, 1e5]), offset=st.floats(-10, 10))
def test_turning_scaling_and_moving_a_layer_changes_nothing(seed, d, scale, offset):
    a, b = layer(15, d, seed), layer(15, 6, seed + 1)
    one, other = cka(a, b), cka(scale * (a @ rotation(d, seed)) + offset, b)
    assert other.biased == pytest.approx(one.biased, abs=1e-6)
    assert other.unbiased == pytest.approx(one.unbiased, abs=1e-6)
    assert other.shuffled == pytest.approx(one.shuffled, abs=1e-6)


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(4, 30), d=st.integers(1, 40))
def test_a_layer_is_itself_and_similarity_has_no_direction(seed, n, d):
    a, b = layer(n, d, seed), layer(n, 3, seed + 1)
    assert cka(a, a).biased == pytest.approx(1.0)
    assert cka(a, b).biased == pytest.approx(cka(b, a).biased)
    assert cka(a, b).unbiased == pytest.approx(cka(b, a).unbiased)
    assert 0 <= cka(a, b).biased <= 1 + 1e-9


def test_unrelated_layers_look_alike_to_the_biased_one_only():
    found = cka(layer(20, 3000), layer(20, 3000, 1))
    assert found.biased > 0.9
    assert abs(found.unbiased) < 0.1
    assert np.mean(found.shuffled_biased) == pytest.approx(found.biased, abs=0.01)
    assert found.p_value > 0.05


def test_related_layers_stand_out_of_their_shuffles():
    a = layer(30, 10)
    found = cka(a, a @ layer(10, 500, 1))
    assert found.p_value == pytest.approx(1 / 21)
    assert max(found.shuffled) < found.unbiased
    assert "n = 30, d = 10 and 500" in str(found)


@pytest.mark.parametrize("same", [np.full((8, 5), 0.1), np.zeros((8, 2, 3))])
def test_a_layer_that_says_nothing_has_no_similarity(same):
    found = cka(same, layer(8, 3))
    assert np.isnan([found.biased, found.unbiased]).all()
    assert "undefined" in str(found)
    assert found.p_value == 1
    assert found.to_document()["unbiased"] is None


def test_captures_equally_far_apart_have_no_unbiased_similarity():
    assert np.isnan(cka(np.eye(8), layer(8, 3)).unbiased)


def test_two_traces_are_compared_layer_by_layer():
    maps = np.random.default_rng(0).standard_normal((10, 2, 3, 3)).astype(np.float32)
    one, other = (
        {"conv": maps, "dead": np.zeros((10, 4))},
        {"conv": maps, "pool": maps.max(axis=(2, 3)), "half": maps / 2},
    )
    found = compare_layers(one, other)
    assert (found.rows, found.columns) == (("conv", "dead"), ("conv", "pool", "half"))
    assert found["conv", "pool"] == cka(maps, maps.max(axis=(2, 3)))
    assert found.unbiased.shape == (2, 3)
    assert [found["conv", name].biased for name in ("conv", "half")] == pytest.approx([1, 1])
    assert np.isnan(found.unbiased[1]).all()
    assert repr(found) == "LayerSimilarity(2 x 3 layers, n = 10)"
    assert "dead" in str(found)
    assert json.loads(json.dumps(found.to_document(), allow_nan=False))["cells"][1][0]["biased"] is None


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (layer(3, 2), layer(3, 2), r"at least 4, got \(3, 2\)"),
        (layer(5, 2), layer(6, 2), r"\[5, 6\]"),
        (np.full((5, 2), np.nan), layer(5, 2), "diverged"),
        (np.zeros(5), layer(5, 2), "expected"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, words):
    with pytest.raises(InputError, match=words):
        cka(a, b)


def test_a_similarity_without_control_is_refused():
    with pytest.raises(InputError, match="shuffles"):
        cka(layer(5, 2), layer(5, 2), shuffles=0)
