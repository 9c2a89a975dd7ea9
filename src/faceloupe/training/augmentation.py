"""Faces varied afresh each time that a network is trained on them."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from faceloupe.training.specs import Augmentation


def vary(faces: Tensor, augment: Augmentation, generator: torch.Generator) -> Tensor:
    """Return each face (N, C, H, W) a little shifted, turned and stretched, and half of them mirrored.

    Shifts, angles and changes of width and height are each uniform within their limits; what comes in at an edge
    repeats the edge.
    """

    def within(limit: float) -> Tensor:
        return torch.empty(len(faces)).uniform_(-limit, limit, generator=generator)

    rotate, zoom = math.radians(augment.rotate), augment.zoom / 100
    angle, width, height = within(rotate), 1 + within(zoom), 1 + within(zoom)
    if augment.mirror:
        width *= torch.randint(2, (len(faces),), generator=generator) * 2 - 1
    right, down = (within(2 * augment.shift / side) for side in (faces.shape[3], faces.shape[2]))  # a side is 2 long
    rows = [width * angle.cos(), -height * angle.sin(), right, width * angle.sin(), height * angle.cos(), down]
    grid = functional.affine_grid(
        torch.stack(rows, dim=1).view(-1, 2, 3).to(faces.dtype), list(faces.shape), align_corners=False
    )
    return functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)
