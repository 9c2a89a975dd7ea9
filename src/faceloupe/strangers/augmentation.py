"""Faces varied in light, sharpness and what covers them, afresh each time that a network is trained on them."""

import torch
from torch import Tensor
from torch.nn import functional

CONTRAST, BRIGHTNESS = 0.2, 0.15  # at most more or less
BLURRED, COVERED = 0.2, 0.5  # share of the faces
PATCH = (0.1, 0.25)  # half the side of what covers a face, as a share of its side


def vary_light(faces: Tensor, generator: torch.Generator) -> Tensor:
    """Return faces (N, C, H, W) with other contrast and brightness, some blurred and some covered by a grey square.

    Contrast changes by up to a fifth around the face's mean, brightness by up to 0.15; a fifth of the faces is blurred
    by a 3x3 mean, and half are covered where a square falls (cutout: DeVries & Taylor 2017, arXiv:1708.04552).
    """
    count, side = len(faces), faces.shape[3]

    def drawn(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1, 1).uniform_(low, high, generator=generator).to(faces.device)

    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    faces = (faces - mean) * (1 + drawn(-CONTRAST, CONTRAST)) + mean + drawn(-BRIGHTNESS, BRIGHTNESS)
    blurred = functional.avg_pool2d(functional.pad(faces, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    faces = torch.where(drawn(0, 1) < BLURRED, blurred, faces)
    places, half = torch.arange(side, device=faces.device), drawn(*PATCH) * side
    across = (places.view(1, 1, 1, -1) - drawn(0, side)).abs() < half
    down = (places.view(1, 1, -1, 1) - drawn(0, side)).abs() < half
    return torch.where(across & down & (drawn(0, 1) < COVERED), 0.5, faces)
