"""What comes before the dense layers of many fits: pixels, or a convolution on patches that were unfolded once.

Shapes as in :mod:`faceloupe.training.ensemble`: S fits, B captures a batch, M faces, F filters, P pooled positions, D
features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from faceloupe.training.networks import CNN, FCNN
from faceloupe.training.preprocessing import Preprocessing

__all__ = ["Front", "Scaling", "Tape", "Weights", "front_of"]

MIN_COLUMNS = 16  # a product of fewer columns than one pair of AVX-512 registers is slower than a padded one

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Scaling:
    """The preprocessing (pixel - mean) / scale of S fits, as tensors (S, 1, 1)."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, preprocessing: Sequence[Preprocessing], dtype: torch.dtype) -> "Scaling":
        """Stack the preprocessing of S fits."""
        pairs = torch.tensor([(one.mean, one.scale) for one in preprocessing], dtype=dtype)
        return cls(*pairs.view(-1, 2, 1, 1).unbind(1))


@dataclass(frozen=True, slots=True)
class Tape:
    """What a front's backward pass needs of its forward pass; empty for the pixels."""

    active: Weights  # by ReLU layer of the front: (S, B, units)
    opened: Tensor  # (S, B, F, P): the pooled values that passed the ReLU
    winners: Tensor  # (S·B·F, P), sorted by face: the row of the patch that won each window
    places: Tensor  # (S·B,): which place of the batch each sorted place is
    groups: tuple[tuple[int, int, int], ...]  # a face, and the first and last sorted place that show it


class Front(Protocol):
    """What comes before the two dense layers: faces (S, B) -> features (S, B, D)."""

    hidden_relu: str

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> tuple[Tensor, Tape]:
        """Return the features, and what :meth:`backward` will need."""
        ...

    def backward(self, tape: Tape, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:
        """Fill in the gradients of the front's weights, given the loss's slope by its features (S, B, D)."""
        ...


def front_of(network: FCNN | CNN, images: Tensor) -> Front:
    """Return the front of a network on images (M, H, W)."""
    return _Convolution(network, images) if isinstance(network, CNN) else _Pixels(images)


class _Pixels:
    """The FCNN's front: a face's pixels are its features."""

    hidden_relu = "relu"

    def __init__(self, images: Tensor) -> None:
        self.pixels = images.flatten(1)  # (M, H·W)

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> tuple[Tensor, Tape]:  # noqa: ARG002
        nothing = torch.empty(0)
        return (self.pixels[faces] - scaling.mean) / scaling.scale, Tape({}, nothing, nothing, nothing, ())

    def backward(self, tape: Tape, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:
        """Pixels have no weights."""


class _Convolution:
    """The CNN's front: convolution, max-pooling and ReLU on patches that were unfolded once.

    ReLU after pooling is ReLU before it, both being monotonic, on 16 times fewer values. Likewise a fit's
    preprocessing is applied to what pooling leaves: the convolution is linear and the scale positive.
    """

    hidden_relu = "hidden_relu"

    def __init__(self, network: CNN, images: Tensor) -> None:
        kernel, step, window = network.conv.kernel_size, network.conv.stride, network.pool.kernel_size
        self.window = (window, window) if isinstance(window, int) else window
        patches = images.unfold(1, kernel[0], step[0]).unfold(2, kernel[1], step[1])  # (M, h, w, k, k)
        self.height, self.width = (
            size // side * side for size, side in zip(patches.shape[1:3], self.window, strict=True)
        )  # as much as pooling sees
        # (M, h·w, k²)
        self.patches = patches[:, : self.height, : self.width].reshape(len(images), self.height * self.width, -1)

    def forward(self, weights: Weights, scaling: Scaling, faces: Tensor) -> tuple[Tensor, Tape]:
        kernels = weights["conv.weight"].flatten(2)  # (S, F, k²)
        fits, filters, _ = kernels.shape
        offset = weights["conv.bias"].unsqueeze(2) - kernels.sum(2, keepdim=True) * scaling.mean / scaling.scale
        shown, places = faces.flatten().sort(stable=True)  # (S·B,)
        kernels = kernels[places // faces.shape[1]]  # (S·B, F, k²)
        groups = _runs(shown)
        pooled, winners = zip(*(self._pool(face, kernels[a:b].flatten(0, 1)) for face, a, b in groups), strict=True)
        values = kernels.new_empty(len(shown), filters, pooled[0].shape[0])
        values[places] = torch.cat(pooled, dim=1).t().reshape(values.shape)
        opened = values.view(fits, -1, *values.shape[1:])  # (S, B, F, P)
        opened.div_(scaling.scale.unsqueeze(1)).add_(offset.unsqueeze(1)).relu_()
        tape = Tape(
            active={"conv_relu": opened.amax(dim=3) > 0},
            opened=opened,
            winners=torch.cat(winners, dim=1).t().contiguous(),
            places=places,
            groups=groups,
        )
        return opened.flatten(2), tape

    def _pool(self, face: int, kernels: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve one face with (columns, k²) kernels; return each window's maximum and its row, (P, columns)."""
        columns = len(kernels)
        if columns < MIN_COLUMNS:
            kernels = functional.pad(kernels, (0, 0, 0, MIN_COLUMNS - columns))
        maps = torch.mm(self.patches[face], kernels.t())  # (h·w, columns): channels last, as the pooling likes it
        maps = maps.view(1, self.height, self.width, -1).permute(0, 3, 1, 2)
        values, winners = functional.max_pool2d(maps, self.window, return_indices=True)
        return values[0].flatten(1).t()[:, :columns], winners[0].flatten(1).t()[:, :columns]

    def backward(self, tape: Tape, scaling: Scaling, slope: Tensor, gradients: Weights) -> None:
        slope = slope.view(tape.opened.shape) * (tape.opened > 0)  # (S, B, F, P)
        torch.sum(slope, dim=(1, 3), out=gradients["conv.bias"])
        fits, batch, filters, _ = slope.shape
        by_face = slope.flatten(0, 1)[tape.places].flatten(0, 1)  # (S·B·F, P)
        sums = slope.new_empty(fits * batch, filters, self.patches.shape[2])
        sums[tape.places] = torch.cat(
            [
                functional.embedding_bag(
                    tape.winners[a * filters : b * filters],
                    self.patches[face],
                    per_sample_weights=by_face[a * filters : b * filters],
                    mode="sum",
                )
                for face, a, b in tape.groups
            ]
        ).view(sums.shape)
        raw = sums.view(fits, batch, filters, -1).sum(1)  # (S, F, k²): as if the pixels had not been preprocessed
        shifted = (raw - scaling.mean * gradients["conv.bias"].unsqueeze(2)) / scaling.scale
        gradients["conv.weight"].copy_(shifted.view(gradients["conv.weight"].shape))


def _runs(values: Tensor) -> tuple[tuple[int, int, int], ...]:
    """Return (value, start, stop) of each run of equal values in a sorted vector."""
    distinct, counts = torch.unique_consecutive(values, return_counts=True)
    stops = counts.cumsum(0).tolist()
    return tuple(zip(distinct.tolist(), [0, *stops[:-1]], stops, strict=True))
