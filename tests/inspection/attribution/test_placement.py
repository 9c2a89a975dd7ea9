"""Layers that have a map, and where its numbers lie on the face."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from faceloupe.errors import InputError
from faceloupe.inspection.attribution.placement import Placement
from faceloupe.training.networks import FCNN
from helpers.attributing import SIDE, Around, raw


def test_an_unknown_layer_is_answered_with_the_layers(cnn, face):
    with pytest.raises(InputError, match="maps, conv, conv_relu, pool; got 'hidden'"):
        raw(cnn, face, method="grad-cam", layer="hidden")


def test_a_layer_is_refused_where_none_is_looked_at(cnn, face):
    with pytest.raises(InputError, match="layer='pool' is for gradient-x-activation and grad-cam"):
        raw(cnn, face, layer="pool")


def test_a_network_without_maps_has_no_layer_to_look_at(face):
    with pytest.raises(InputError, match="no layer of this network puts out a map"):
        raw(FCNN((SIDE, SIDE)), face, method="grad-cam")


def test_the_last_layer_with_a_map_is_taken(cnn, face):
    assert raw(cnn, face, method="grad-cam").layer == "pool"
    pooled = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    assert raw(pooled, face, method="grad-cam").layer == "1"
    assert raw(Around(), face, method="grad-cam").layer == "relu (2)"


def test_a_map_lies_where_its_receptive_fields_are(cnn, face):
    pool = raw(cnn, face, method="grad-cam").placement
    np.testing.assert_array_equal(pool.rows, [5, 9, 13, 17])  # kernel 8 and pooling 4: 11 pixels, 4 apart
    occlusion = raw(cnn, face).placement
    np.testing.assert_array_equal(occlusion.columns, np.arange(22) + 1)


def test_on_the_face_the_values_stay(cnn, face):
    found = raw(cnn, face, method="grad-cam")
    np.testing.assert_allclose(found.on_face()[np.ix_([5, 9, 13, 17], [5, 9, 13, 17])], found.map, atol=1e-7)
    assert found.on_face().shape == (SIDE, SIDE)
    assert np.array_equal(raw(cnn, face, method="gradient").on_face(), raw(cnn, face, method="gradient").map)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_spread_map_keeps_its_range(h, w, seed):
    rng = np.random.default_rng(seed)
    placement = Placement(np.sort(rng.uniform(0, 20, h)), np.sort(rng.uniform(0, 20, w)))
    values = rng.standard_normal((h, w))
    spread = placement.spread(values, (21, 17))
    assert spread.shape == (21, 17)
    assert values.min() - 1e-12 <= spread.min() <= spread.max() <= values.max() + 1e-12
