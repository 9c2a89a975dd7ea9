"""Also tests ``inspection/attribution/access.py``."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from faceloupe.inspection import attribute
from faceloupe.inspection.attribution.access import access
from faceloupe.inspection.attribution.certificate import Completeness, Deletion, Randomisation
from faceloupe.inspection.attribution.methods import METHODS, Method
from faceloupe.training.networks import CNN, FCNN, initialise

SIDE = 16


class Linear:
    """One logit, the sum of weights times pixels; it can only be run, and its weights can be put in another order."""

    def __init__(self, weights, seeds=None):
        self.weights = weights
        self.seeds = [] if seeds is None else seeds

    def run(self, faces):
        return np.einsum("nchw,hw->n", faces, self.weights)[:, None].astype(np.float32)

    def randomised(self, seed):
        self.seeds.append(seed)
        order = np.random.default_rng(seed).permutation(self.weights.size)
        return Linear(self.weights.ravel()[order].reshape(self.weights.shape), self.seeds)


@pytest.fixture
def face():
    return np.random.default_rng(0).random((SIDE, SIDE)).astype(np.float32) + 0.5


@pytest.fixture
def spot():
    """Weights that are 1 in a corner and nearly 0 elsewhere."""
    weights = np.random.default_rng(1).standard_normal((SIDE, SIDE)) * 0.01
    weights[2:7, 3:9] += 1
    return weights


def edges(_network, question):
    """A map that looks convincing and knows nothing of the network."""
    face = question.face[0].astype(float)
    return np.hypot(*np.gradient(face)), None


def test_a_map_that_shows_what_counts_passes(face, spot):
    found = attribute(Linear(spot), face, 1, baseline=0)
    certificate = found.certificate
    assert (certificate.passed, certificate.failures, found.warning) == (True, (), None)
    assert certificate.deletion.gain > 0
    assert certificate.reasons[0].startswith("depends on what was learned: a covered tile moves its outputs by ")
    assert certificate.reasons[1].startswith("finds what counts: deleted in the map's order the target is ")
    assert str(certificate).splitlines() == ["certificate: passed", *certificate.reasons]


def test_the_randomisation_is_spearmans_correlation_with_the_maps_of_redrawn_networks(face, spot):
    network = Linear(spot)
    found = attribute(network, face, 1)
    assert len(network.seeds) == len(set(network.seeds)) == 10
    correlations = found.certificate.randomisation.correlations
    by_hand = [
        spearmanr(np.abs(found.map), np.abs(other.map), axis=None).statistic
        for other in (attribute(Linear(spot).randomised(seed), face, 1, certify=False) for seed in network.seeds)
    ]
    np.testing.assert_allclose(correlations, by_hand[: len(correlations)], atol=1e-4)


@pytest.mark.parametrize(("mixed", "maps"), [(0.0, 3), (0.9, 10)])
def test_ten_maps_are_drawn_unless_the_first_three_are_clearly_unlike(face, monkeypatch, mixed, maps):
    """The maps are noise that shares with the first what `mixed` says; the networks' answers are moved all 19 times."""
    rng = np.random.default_rng(3)
    first = rng.random((SIDE, SIDE))
    drawn = iter([first, *(mixed * first + (1 - mixed) * rng.random((SIDE, SIDE)) for _ in range(10))])
    monkeypatch.setitem(METHODS, "noise", Method(lambda *_: (next(drawn), None), ""))
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 1))
    randomisation = attribute(network, face, 1, "noise").certificate.randomisation
    assert (len(randomisation.correlations), len(randomisation.floor)) == (maps, 19)
    assert randomisation.differs is (mixed == 0)


def test_the_deletion_is_the_mean_of_the_target_while_pixels_go(face, spot):
    torch_network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 1, bias=False))
    with torch.no_grad():
        torch_network[1].weight.copy_(torch.tensor(spot.reshape(1, -1)))
    found = attribute(torch_network, face, 1, "gradient", baseline=0)  # 16 × 16 cells: one for each pixel
    shares = (face * spot).ravel()[np.argsort(-found.map.ravel())]
    curve = [shares[step * 16 :].sum() for step in range(17)]
    area = sum((before + after) / 2 for before, after in pairwise(curve)) / 16
    assert found.certificate.deletion.area == pytest.approx(area, abs=1e-4)
    assert len(found.certificate.deletion.random_areas) == 20
    assert found.certificate.deletion.passed


def test_a_map_that_ignores_the_network_is_caught(face, monkeypatch):
    monkeypatch.setitem(METHODS, "edges", Method(edges, ""))
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 1))
    found = attribute(network, face, 1, "edges")
    assert found.certificate.randomisation.mean == pytest.approx(1)
    assert not found.certificate.passed
    assert "looks much the same without what was learned: rank correlation +1.00" in found.warning


def test_a_map_of_noise_seldom_passes(face, spot, monkeypatch):
    """Smooth noise, too: it beats itself laid elsewhere about once in 21 times."""
    rng = np.random.default_rng(2)
    noise = iter([values for seed in range(30) for values in [_smooth(rng)] + [_smooth(rng)] * 10])
    monkeypatch.setitem(METHODS, "noise", Method(lambda *_: (next(noise), None), ""))
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 1, bias=False))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor(spot.reshape(1, -1)))
    passed = sum(attribute(network, face, 1, "noise", seed=seed).certificate.deletion.passed for seed in range(30))
    assert passed <= 5  # 99 % of the time for a chance of 1/21


def _smooth(rng):
    values = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    values[3:-2] = 0
    values[:, 3:] = 0
    return np.fft.irfft2(values)


def test_a_map_of_zeros_is_told_in_words(face):
    network = CNN((SIDE, SIDE), kernel_size=3)
    with torch.no_grad():
        network.hidden.weight.fill_(-1)
        network.output.bias.fill_(0.25)
    for method in METHODS:
        found = attribute(network, face, method=method)
        assert not found.map.any()
        assert not found.certificate.passed
        assert (found.certificate.randomisation, found.certificate.deletion) == (None, None)
        assert "0 everywhere: nothing of the face moves the logit of class 1, as when all hidden" in found.warning
        assert "its value, 0.25, is the bias alone" in found.warning
        assert "passed" in found.to_document()["certificate"]


def test_a_map_that_fails_stays_raw(face):
    network = initialise(CNN((SIDE, SIDE), kernel_size=3, hidden=8), seed=1)
    with torch.no_grad():
        network.output.weight *= 1e-6
    for method in METHODS:
        assert 0 < np.abs(attribute(network, face, 1, method).map).max() < 1e-4


def test_redrawing_moves_every_tensors_numbers_and_touches_nothing():
    network = initialise(FCNN((8, 8)), seed=0)
    before = copy.deepcopy(network.state_dict())
    asked = access(network)
    redrawn, again, other = asked.redrawn(5), asked.redrawn(5), asked.redrawn(6)
    for name, values in network.named_parameters():
        moved = redrawn.module.get_parameter(name)
        assert torch.equal(values, before[name])
        assert torch.equal(moved.flatten().sort().values, values.flatten().sort().values)
        assert torch.equal(moved, again.module.get_parameter(name))
    assert not torch.equal(redrawn.module.hidden.weight, network.hidden.weight)
    assert not torch.equal(redrawn.module.hidden.weight, other.module.hidden.weight)
    faces = np.ones((2, 1, 8, 8), np.float32)
    assert not np.allclose(redrawn.outputs(faces), asked.outputs(faces))


def test_the_checks_judge_by_their_numbers():
    assert Completeness(1.0, 1.01, absolute=3.0).passed
    assert not Completeness(1.0, 1.05, absolute=3.0).passed
    assert Completeness(1.0, 1.05, absolute=3.0).error == pytest.approx(-0.05)
    assert str(Completeness(1.0, 2.0, 3.0)) == "not complete: the map sums to 1 and should sum to 2"
    assert Randomisation((0.9, 0.4), 2.0, (0.5, 1.0)).passed
    assert not Randomisation((0.9, 0.6), 2.0, (0.5, 1.0)).passed
    assert not Randomisation((0.9, 0.4), 1.0, (0.5, 1.0)).passed
    moved = "a covered tile moves its outputs by {}, those of 2 re-drawn networks by 0.5 to 1; rank correlation +0.40"
    rest = " with maps of 2 re-drawn networks (-0.10 to +0.90)"
    learned, untrained = (Randomisation((0.9, -0.1), movement, (0.5, 1.0)) for movement in (2.0, 0.75))
    assert str(learned) == f"depends on what was learned: {moved.format(2)}{rest}"
    assert str(untrained) == f"may come from an untrained network: {moved.format('0.75')}{rest}"
    assert Deletion(0.1, (0.2, 0.4)).passed
    assert Deletion(0.1, (0.2, 0.4)).gain == pytest.approx(0.2)
    assert not Deletion(0.2, (0.2, 0.4)).passed
    assert str(Deletion(0.3, (0.2, 0.4))) == (
        "finds what counts no better than chance: deleted in the map's order the target is 0.3 on average, with the "
        "map laid elsewhere 0.3 (0.2 to 0.4, 2 times)"
    )


def test_of_templates_only_the_direction_is_held_against_the_floor(face, spot):
    class Embedder(Linear):
        def run(self, faces):
            seen = np.concatenate([super().run(faces), faces.mean((2, 3))], axis=1)
            return seen * (1000 if self.seeds else 1)

        def randomised(self, seed):
            return Embedder(Linear.randomised(self, seed).weights, [seed])

    found = attribute(Embedder(spot), face, [0.6, 0.8], baseline=0).certificate.randomisation
    assert max(found.floor) < 2  # twice the length of a unit vector, whatever the scale
