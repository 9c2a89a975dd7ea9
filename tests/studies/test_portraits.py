"""Pictures: the faces, and what the networks of the first seed make of them, as PyTorch does."""

import numpy as np
import pytest
import torch
from recount import KINDS, blocks

from faceloupe.arrays import decode_array
from faceloupe.training.networks import CNN


def test_they_show_the_faces_and_the_networks_of_the_first_seed(document, faces):
    pictures = {
        block["id"]: [decode_array(p["array"]) for p in block["panels"]] for block in blocks(document, "pictures")
    }
    assert np.array_equal(pictures["people"], faces.images[[0, 10]])
    for kind in KINDS:
        network = CNN((32, 32))
        kept = document["networks"][f"cnn/{kind}"]
        weights = {name: decode_array(value) for name, value in kept["weights"].items()}
        network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        face = (faces.images[:1] - kept["preprocessing"]["mean"]) / kept["preprocessing"]["scale"]
        with torch.no_grad():
            before = network.conv(torch.tensor(face, dtype=torch.float32)[:, None])
            pooled = network.pool(network.conv_relu(before))
        assert np.array_equal(pictures[f"filters-{kind}"], weights["conv.weight"][:, 0])
        assert np.allclose(pictures[f"conv-{kind}"], before[0], atol=1e-5)
        assert np.allclose(pictures[f"pool-{kind}"], pooled[0], atol=1e-5)
        fcnn = decode_array(document["networks"][f"fcnn/{kind}"]["weights"]["hidden.weight"])
        assert np.array_equal(pictures[f"fcnn-weights-{kind}"], fcnn.reshape(4, 32, 32))


def test_the_scale_holds_every_value(document):
    for block in blocks(document, "pictures"):
        if block["scale"]["kind"] == "grey":
            largest = max(np.abs(decode_array(panel["array"])).max() for panel in block["panels"])
            assert block["scale"]["limit"] == pytest.approx(float(largest))


def test_every_panel_is_described(document):
    assert all(len(panel["alt"]) > 10 for block in blocks(document, "pictures") for panel in block["panels"])
