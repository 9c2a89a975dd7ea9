"""Correlation with random masks, against networks whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress, pearsonr, spearmanr

from faceloupe.inspection import attribute
from faceloupe.inspection.attribution.methods import MASKS, window_of, windows_on

SIDE = 24  # windows of 3×3 pixels, whose centres are pixels


class Linear:
    """Two numbers, sums of weights times pixels; keeps every face that it gets."""

    def __init__(self, *weights):
        self.weights = np.stack(weights)
        self.seen = []

    def run(self, faces):
        self.seen.append(faces[:, 0])
        return np.einsum("nchw,khw->nk", faces, self.weights)


@pytest.fixture
def spot():
    """Weights of 1 in a corner and 0 elsewhere."""
    weights = np.zeros((SIDE, SIDE))
    weights[2:8, 13:19] = 1
    return weights


def explained(network, face, target=1, **options):
    return attribute(network, face, target, "correlation", certify=False, **options)


def test_it_is_the_slope_of_the_target_against_what_the_masks_show(spot):
    network = Linear(spot)
    found = explained(network, np.ones((SIDE, SIDE)), baseline=0)
    masks = np.concatenate(network.seen)[-MASKS:]  # of a white face on black
    sums = (masks * spot).sum((1, 2))
    assert len(masks) == MASKS
    assert found.map.shape == (22, 22)
    for row, column in [(0, 0), (4, 15), (10, 15), (21, 21)]:
        pixel = masks[:, row + 1, column + 1]
        assert found.map[row, column] == pytest.approx(linregress(pixel, sums).slope, abs=1e-4)
    assert (found.placement.rows[0], found.placement.columns[-1]) == (1, 22)


def test_what_adds_is_above_zero_and_what_takes_away_below(spot):
    rng = np.random.default_rng(0)
    face = rng.random((SIDE, SIDE)) + 0.5
    found = explained(Linear(spot - spot[::-1, ::-1]), face, baseline=0)
    inside, opposite = found.map[2:6, 13:17], found.map[16:20, 5:9]  # windows wholly within
    elsewhere = found.map[16:20, 13:17]
    assert inside.min() > 3 * np.abs(elsewhere).max()
    assert opposite.max() < -3 * np.abs(elsewhere).max()
    assert found.unit == "logit gained by seeing this place, over random masks"


def test_of_a_cosine_it_shows_what_makes_two_faces_alike(spot):
    """The template is that of a face which is bright in the corner only; brightness at the opposite one is apart."""
    network = Linear(spot, spot[::-1, ::-1])
    found = explained(network, np.ones((SIDE, SIDE)), np.array([1.0, 0.0]), baseline=0)
    assert found.value == pytest.approx(0.5**0.5, abs=1e-5)
    assert found.map[2:6, 13:17].min() > 0.05 > -0.05 > found.map[16:20, 5:9].max()
    assert found.unit == "cosine gained by seeing this place, over random masks"


def test_seeds_draw_the_masks(spot):
    face = np.random.default_rng(1).random((SIDE, SIDE))
    maps = [explained(Linear(spot), face, seed=seed).map for seed in (3, 3, 4)]
    assert np.array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])
    near = np.s_[:9, 10:]  # elsewhere nothing counts, and ranks are noise
    assert spearmanr(maps[0][near], maps[2][near], axis=None).statistic > 0.8


def test_the_certificate_tells_it_from_noise(spot):
    class Redrawn(Linear):
        def randomised(self, seed):
            order = np.random.default_rng(seed).permutation(spot.size)
            return Linear(spot.ravel()[order].reshape(spot.shape))

    found = attribute(Redrawn(spot), np.ones((SIDE, SIDE)), 1, "correlation", baseline=0)
    assert found.certificate.passed
    assert found.certificate.completeness is None


def test_a_network_that_looks_at_nothing_gives_zeros(spot):
    found = attribute(Linear(0 * spot), np.ones((SIDE, SIDE)), 1, "correlation", baseline=0)
    assert not found.map.any()
    assert "the map is 0 everywhere" in found.warning


@settings(max_examples=20)
@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), st.integers(0, 5))
def test_masks_show_half_of_the_face_everywhere(shape, seed):
    network = Linear(np.ones(shape))
    found = explained(network, np.ones(shape), baseline=0, seed=seed)
    masks = np.concatenate(network.seen)[1:]
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    shown = masks.mean(0)
    assert np.abs(shown - 0.5).max() < 0.15  # six standard errors of one pixel, if it were all or nothing
    assert found.map.shape == tuple(len(starts) for starts in windows_on(shape))


def test_patches_are_as_large_as_the_windows():
    """Two pixels a window apart are shown independently of each other; neighbours are shown together."""
    network = Linear(np.ones((64, 64)))
    explained(network, np.ones((64, 64)), baseline=0)
    masks = np.concatenate(network.seen)[1:]
    window = window_of((64, 64))[0]
    one, near, far = (masks[:, 30, 20 + step] for step in (0, 1, 2 * window))
    assert pearsonr(one, near).statistic > 0.9
    assert abs(pearsonr(one, far).statistic) < 4 / MASKS**0.5
