"""Captures in every form that holds numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.errors import InputError
from faceloupe.inspection import attribute, diagnose_units, shift_sensitivity, top_patches, trace

FACES = np.random.default_rng(0).random((2, 3, 12, 12), dtype=np.float32)
NETWORK = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 2))
WAYS = [
    trace,
    diagnose_units,
    lambda network, faces: shift_sensitivity(network, faces, [1]),
    lambda network, faces: top_patches(network, faces, "1", 0),
    lambda network, faces: attribute(network, faces[0], certify=False),
]


@pytest.mark.parametrize("way", WAYS)
def test_tensors_of_any_kind_are_taken(way):
    held = torch.tensor(FACES, requires_grad=True)
    assert repr(way(NETWORK, held)) == repr(way(NETWORK, FACES))
    assert way(NETWORK, held.bfloat16()) is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("faces", [FACES * np.nan, FACES * 1j, FACES.astype(str), torch.tensor(FACES).to("meta")])
def test_what_is_no_finite_real_number_is_refused(way, faces):
    with pytest.raises(InputError, match=r"expected (finite|real) numbers"):
        way(NETWORK, faces)
