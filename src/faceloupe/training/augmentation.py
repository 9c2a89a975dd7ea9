"""Faces varied afresh each time that a network is trained on them."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from faceloupe.training.specs import Augmentation


def vary(faces: Tensor, augment: Augmentation, *generators: torch.Generator) -> Tensor:
    """Return each face (N, C, H, W) a little shifted, turned and stretched, and half of them mirrored.

    Shifts, angles and changes of width and height are each uniform within their limits; what comes in at an edge
    repeats the edge. With several generators each draws for an equal part of the faces, one part after the other.
    """
    height, width = faces.shape[2:]
    part = len(faces) // len(generators)
    sources = torch.cat([_draw(part, augment, height, width, generator) for generator in generators], dim=1)
    # where each pixel comes from: (2, N, H, W), across and down, with a side going from -1 to 1
    across, down = ((2 * torch.arange(side) + 1) / side - 1 for side in (width, height))
    grid = faces.new_empty(2, len(faces), height, width)
    for places, (by_column, by_row, moved) in zip(grid, sources.view(2, 3, -1), strict=True):
        rows = torch.outer(by_row, down) + moved[:, None]
        torch.add(torch.outer(by_column, across)[:, None, :], rows[:, :, None], out=places)
    return functional.grid_sample(faces, grid.permute(1, 2, 3, 0), padding_mode="border", align_corners=False)


def _draw(faces: int, augment: Augmentation, rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Return an affine map for each face, (6, N): by column, by row and shift, of the place across and of that down."""

    def within(limit: float) -> Tensor:
        return torch.empty(faces).uniform_(-limit, limit, generator=generator)

    rotate, zoom = math.radians(augment.rotate), augment.zoom / 100
    angle, width, height = within(rotate), 1 + within(zoom), 1 + within(zoom)
    if augment.mirror:
        width *= torch.randint(2, (faces,), generator=generator) * 2 - 1
    right, down = within(2 * augment.shift / columns), within(2 * augment.shift / rows)  # a side is 2 long
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([width * cosine, -height * sine, right, width * sine, height * cosine, down])
