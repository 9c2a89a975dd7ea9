"""Convolving one face with the kernels of many fits, and max-pooling the maps: on patches that were unfolded once.

Shapes: M faces of H x W pixels, kernels of k x l, h x w places of the kernel, P pooled positions.
"""

import math
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[int, int]
MIN_COLUMNS = 16  # a product of fewer columns than one pair of AVX-512 registers is slower than a padded one


class PooledMaps(Protocol):
    """The largest value of each pooling window, and the patch that it is from.

    Attributes
    ----------
    first_row : Tensor of int64, (P,)
        Number to add to a row that :meth:`pool` gives to have the row in the face's table.
    """

    first_row: Tensor

    @property
    def table(self) -> Tensor:
        """The patches of every face, (M, R, k·l), each row one place of the kernel.

        They are copied out when they are asked for: what only predicts is spared that.
        """
        ...

    def pool(self, face: int, kernels: Tensor, values: Tensor, rows: Tensor) -> None:
        """Put each window's maximum and its row into (columns, P), for kernels (columns, k·l) on one face."""
        ...


def pooled_maps_of(images: Tensor, kernel: Pair, stride: Pair, window: Pair, step: Pair) -> PooledMaps:
    """Return how to convolve and pool images (M, H, W): in bands where kernel and windows fit together, else whole."""
    positions = (images.shape[1] - kernel[0] + 1) // window[0]
    in_bands = stride == (1, 1) and step == window and kernel[0] % window[0] == 0
    if in_bands and positions % (kernel[0] // window[0]) == 0:
        return _Bands(images, kernel, window)
    return _Whole(images, kernel, stride, window, step)


class _Whole:
    """One product of all patches of a face."""

    def __init__(self, images: Tensor, kernel: Pair, stride: Pair, window: Pair, step: Pair) -> None:
        patches = images.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])  # (M, h, w, k, l)
        self.window, self.step = window, step
        counts = [(side - size) // by + 1 for side, size, by in zip(patches.shape[1:3], window, step, strict=True)]
        self.height, self.width = ((n - 1) * by + size for n, by, size in zip(counts, step, window, strict=True))
        self.patches = patches[:, : self.height, : self.width]
        self.first_row = torch.zeros(math.prod(counts), dtype=torch.int64)
        self.memory = _Memory(images)

    @cached_property
    def table(self) -> Tensor:
        return self.patches.reshape(len(self.patches), self.height * self.width, -1)

    def pool(self, face: int, kernels: Tensor, values: Tensor, rows: Tensor) -> None:
        columns, kernels = len(kernels), _widened(kernels)
        maps = self.memory.of(1, self.height, self.width, len(kernels))  # channels last, as pooling likes it
        torch.mm(self.table[face], kernels.t(), out=maps.view(-1, len(kernels)))
        best, where = functional.max_pool2d(maps.permute(0, 3, 1, 2), self.window, self.step, return_indices=True)
        values.copy_(best[0, :columns].flatten(1))
        rows.copy_(where[0, :columns].flatten(1))


class _Bands:
    """A product for each row offset within a kernel's height, on pixels unfolded along the columns alone.

    Unfolded along both, a face of 64x64 fills 0.8 MB for kernels of 8x8, and reading it takes longer than a narrow
    product does. Unfolded along the columns into (w, H, l) it fills 0.1 MB, and the patches at the rows r, r + k,
    r + 2k ... are its rows of k·l numbers as they lie there, from r·l on. So k products, one an offset, read patches
    without copying them. The maps come out as (offset, column, band, filter), where pooling windows lie as ever.
    """

    def __init__(self, images: Tensor, kernel: Pair, window: Pair) -> None:
        height, width = images.shape[1:]
        tall, wide = kernel
        self.window, self.offsets, self.taps = window, tall, tall * wide
        self.columns = width - wide + 1
        self.bands = -(-height // tall)
        self.inside = tall // window[0]  # rows of windows in a band
        self.rows, self.across = (height - tall + 1) // window[0], self.columns // window[1]
        strips = functional.pad(images, (0, 0, 0, self.bands * tall - height)).unfold(2, wide, 1)  # (M, H, w, l)
        strips = strips.permute(0, 2, 1, 3).flatten(1)  # (M, w·H·l)
        self.strips = functional.pad(strips, (0, self.taps))  # the last patches run over the end, and are not used
        self.patches = images.unfold(1, tall, 1).unfold(2, wide, 1)[:, : self.rows * window[0]]  # (M, h, w, k, l)
        band = torch.arange(self.rows) // self.inside
        self.first_row = (band * tall * self.columns).repeat_interleave(self.across)
        self.memory = _Memory(images)

    @cached_property
    def table(self) -> Tensor:
        return self.patches.reshape(len(self.patches), -1, self.taps)

    def pool(self, face: int, kernels: Tensor, values: Tensor, rows: Tensor) -> None:
        columns, kernels = len(kernels), _widened(kernels)
        shape = (self.offsets, self.columns * self.bands, self.taps)
        start = face * self.strips.shape[1]
        patches = self.strips.as_strided(shape, (self.taps // self.offsets, self.taps, 1), start)
        maps = self.memory.of(self.offsets, self.columns * self.bands, len(kernels))
        torch.bmm(patches, kernels.t().expand(self.offsets, -1, -1), out=maps)
        maps = maps.view(1, self.offsets, self.columns, -1).permute(0, 3, 1, 2)  # (1, band and filter, offset, column)
        maxima = functional.max_pool2d(maps, self.window, return_indices=True)
        for pooled, into in zip(maxima, (values, rows), strict=True):
            by_band = pooled[0].view(self.bands, len(kernels), self.inside, self.across)
            into.view(columns, -1, self.inside, self.across).copy_(
                by_band[: self.rows // self.inside, :columns].transpose(0, 1)
            )


class _Memory:
    """Memory reused for the maps of one face after the other: taking new memory costs more than the product."""

    def __init__(self, like: Tensor) -> None:
        self.numbers = like.new_empty(0)

    def of(self, *shape: int) -> Tensor:
        """Return a tensor of a shape; it is overwritten by the next."""
        size = math.prod(shape)
        if len(self.numbers) < size:
            self.numbers = self.numbers.new_empty(size)
        return self.numbers[:size].view(shape)


def _widened(kernels: Tensor) -> Tensor:
    missing = MIN_COLUMNS - len(kernels)
    return functional.pad(kernels, (0, 0, 0, missing)) if missing > 0 else kernels
