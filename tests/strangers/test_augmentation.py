"""Faces varied in light, sharpness and what covers them."""

import torch

from faceloupe.strangers.augmentation import COVERED, vary_light


def varied(faces, seed=0):
    return vary_light(faces, torch.Generator().manual_seed(seed))


def test_the_same_seed_varies_alike_and_another_otherwise():
    faces = torch.rand(8, 3, 56, 56)
    assert torch.equal(varied(faces), varied(faces))
    assert not torch.equal(varied(faces), varied(faces, 1))
    assert varied(faces).shape == faces.shape


def test_about_half_of_the_faces_are_covered_by_a_square():
    faces = torch.full((400, 3, 56, 56), 0.8) + 0.1 * torch.rand(400, 1, 1, 1)
    covered = (varied(faces) == 0.5).all(dim=1)
    share = covered.flatten(1).any(dim=1).float().mean()
    assert abs(share - COVERED) < 0.1
    rows = covered.any(dim=2).sum(dim=1)
    assert rows.max() <= 2 * 0.25 * 56 + 1


def test_light_changes_within_its_limits():
    faces = torch.full((200, 3, 56, 56), 0.4)
    light = varied(faces)
    assert light[light != 0.5].min() >= 0.4 - 0.15 - 1e-6
    assert light[light != 0.5].max() <= 0.4 + 0.15 + 1e-6
