"""The code of :mod:`faceloupe.training.pooled_maps`, written with LLVM for the sizes of a network.

For a row of pooled places, one a lane, the sums at each place of the window stay in registers until every tap of the
kernel is added; then the largest, and the patch it is from, are updated.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from llvmlite import ir

from faceloupe.training.compiling import (
    I32,
    I64,
    at,
    compile_function,
    fill,
    loop,
    multiply_add,
    processor,
    store_first,
)  # fmt: skip

Pair = tuple[int, int]
SIDE_BY_SIDE = 4  # places of a window that are summed up at once; their taps read mostly the same pixels


@dataclass(frozen=True, slots=True)
class Geometry:
    """The sizes that code is compiled for; pairs are (down, across)."""

    dtype: torch.dtype
    image: Pair
    filters: int
    kernel: Pair
    stride: Pair
    window: Pair
    step: Pair

    @property
    def pooled(self) -> Pair:
        """Rows and columns of pooled places."""
        sides = zip(self.image, self.kernel, self.stride, self.window, self.step, strict=True)
        rows, columns = (
            ((side - kernel) // stride + 1 - window) // step + 1 for side, kernel, stride, window, step in sides
        )
        return rows, columns

    @property
    def apart(self) -> int:
        """Pixels from a window to the next in its row."""
        return self.step[1] * self.stride[1]

    @property
    def dealt(self) -> int:
        """Pixels of a row that are :attr:`apart` from one another."""
        return -(-self.image[1] // self.apart)


@cache
def compiled_pooling(shape: Geometry) -> Callable[..., None]:
    """Return ``pool(dealt, faces, kernels, factors, offsets, values, winners, fits, batch)``, two of them counts.

    A value is a window's maximum times the factor of its fit, plus the offset of its fit and filter.
    """
    rows, columns = shape.pooled
    vector = processor().vector(shape.dtype, columns)
    at_once = max(1, processor().accumulators // min(SIDE_BY_SIDE, shape.window[1]))
    size = shape.image[0] * shape.apart * shape.dealt  # of a face that is dealt out

    def write(
        b: Any, dealt: Any, faces: Any, kernels: Any, factors: Any, offsets: Any, values: Any, winners: Any, fits: Any,
        batch: Any,
    ) -> None:  # fmt: skip
        def write_capture(fit: Any, capture: Any) -> Sequence[Any]:
            place = b.add(b.mul(fit, batch), capture)
            face = at(b, dealt, b.mul(b.load(at(b, faces, place, I64), typ=I64), I64(size)), vector.element)
            own = at(b, kernels, b.mul(fit, I64(shape.filters * shape.kernel[0] * shape.kernel[1])), vector.element)
            start = b.mul(place, I64(shape.filters * rows * columns))
            factor = fill(b, b.load(at(b, factors, fit, vector.element), typ=vector.element), vector)
            for filters in _parts(shape.filters, at_once):
                for across in _parts(columns, vector.count):
                    tile = _Tile(b, shape, vector, face, own, filters, across)
                    loop(b, rows, [], lambda row, _, tile=tile: write_row(tile, row, fit, factor, start))
            return []

        def write_row(tile: _Tile, row: Any, fit: Any, factor: Any, start: Any) -> Sequence[Any]:
            largest, patches = tile.largest(row)
            for number, best, patch in zip(tile.filters, largest, patches, strict=True):
                own = at(b, offsets, b.add(b.mul(fit, I64(shape.filters)), I64(number)), vector.element)
                value = multiply_add(b, best, factor, fill(b, b.load(own, typ=vector.element), vector))
                place = b.add(start, b.add(b.mul(row, I64(columns)), I64(number * rows * columns + tile.columns.start)))
                store_first(b, value, at(b, values, place, vector.element), len(tile.columns))
                store_first(b, patch, at(b, winners, place, I32), len(tile.columns))
            return []

        loop(b, fits, [], lambda fit, _: loop(b, batch, [], lambda capture, _: write_capture(fit, capture)))

    return compile_function(7, 2, write)


@cache
def compiled_gradient(shape: Geometry) -> Callable[..., None]:
    """Return ``gather(images, faces, winners, slopes, sums, totals, fits, batch, positions)``, three of them counts.

    It finds the sums, over captures and positions, of the patches that won, each times its slope, and
    the totals of the slopes alone.
    """
    (height, width), (tall, wide) = shape.image, shape.kernel
    vector = processor().vector(shape.dtype, wide)
    real = vector.element
    taps = [(row, across) for row in range(tall) for across in _parts(wide, vector.count)]

    def write(
        b: Any, images: Any, faces: Any, winners: Any, slopes: Any, sums: Any, totals: Any, fits: Any, batch: Any,
        positions: Any,
    ) -> None:  # fmt: skip
        def write_kernel(fit: Any, number: Any) -> Sequence[Any]:
            def write_capture(capture: Any, so_far: Sequence[Any]) -> Sequence[Any]:
                place = b.add(b.mul(fit, batch), capture)
                face = at(b, images, b.mul(b.load(at(b, faces, place, I64), typ=I64), I64(height * width)), real)
                start = b.mul(b.add(b.mul(place, I64(shape.filters)), number), positions)

                def write_position(position: Any, so_far: Sequence[Any]) -> Sequence[Any]:
                    here = b.add(start, position)
                    number = b.load(at(b, slopes, here, real), typ=real)
                    slope = fill(b, number, vector)
                    first = b.zext(b.load(at(b, winners, here, I32), typ=I32), I64)
                    patch = at(b, face, first, real)
                    pixels = (_load(b, at(b, patch, row * width + part.start, real), vector) for row, part in taps)
                    added = [multiply_add(b, slope, *pair) for pair in zip(pixels, so_far[1:], strict=True)]
                    return [b.fadd(so_far[0], number), *added]

                return loop(b, positions, so_far, write_position)

            slopes_alone, *patches = loop(b, batch, [real(0), *[_zeros(vector)] * len(taps)], write_capture)
            kernel = b.add(b.mul(fit, I64(shape.filters)), number)
            b.store(slopes_alone, at(b, totals, kernel, real))
            own = b.mul(kernel, I64(tall * wide))
            for (row, part), patch in zip(taps, patches, strict=True):
                store_first(b, patch, at(b, sums, b.add(own, I64(row * wide + part.start)), real), len(part))
            return []

        loop(b, fits, [], lambda fit, _: loop(b, shape.filters, [], lambda number, _: write_kernel(fit, number)))

    return compile_function(6, 3, write)


@dataclass(frozen=True, slots=True)
class _Tile:
    """Some filters, and some columns of pooled places, a lane each."""

    b: Any
    shape: Geometry
    vector: Any
    face: Any
    kernels: Any
    filters: range
    columns: range

    def largest(self, row: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        """Write the maxima of a row of pooled places, and the first pixels of the patches that they are from."""
        b, shape, count = self.b, self.shape, len(self.filters)
        width, places = shape.image[1], ir.VectorType(I32, self.vector.count)
        top = b.mul(row, I64(shape.step[0]))  # of the window, in places of the kernel

        def write_line(line: Any, carried: Sequence[Any]) -> Sequence[Any]:
            best, patches = list(carried[:count]), list(carried[count:])
            down = b.mul(b.add(top, line), I64(shape.stride[0]))
            for part in _parts(shape.window[1], SIDE_BY_SIDE):
                sums = iter(self._sums(down, part))
                for place in part:
                    patch = fill(b, b.trunc(b.add(b.mul(down, I64(width)), I64(place * shape.stride[1])), I32), places)
                    for number in range(count):
                        value = next(sums)
                        larger = b.fcmp_unordered(">", value, best[number])  # NaN wins, as in PyTorch
                        best[number] = b.select(larger, value, best[number])
                        patches[number] = b.select(larger, patch, patches[number])
            return [*best, *patches]

        lowest, nowhere = ir.Constant(self.vector, [float("-inf")] * self.vector.count), ir.Constant(places, None)
        largest = loop(b, shape.window[0], [lowest] * count + [nowhere] * count, write_line)
        across = ir.Constant(places, [(self.columns.start + lane) * shape.apart for lane in range(self.vector.count)])
        return largest[:count], [b.add(patch, across) for patch in largest[count:]]

    def _sums(self, down: Any, part: range) -> Sequence[Any]:
        """Write the convolution at some places of the windows, one place after another and each for every filter."""
        b, shape, real = self.b, self.shape, self.vector.element
        tall, wide = shape.kernel

        def write_taps(tap: Any, sums: Sequence[Any]) -> Sequence[Any]:
            line = b.add(b.mul(b.add(down, tap), I64(shape.apart * shape.dealt)), I64(self.columns.start))
            pixels, weights = at(b, self.face, line, real), at(b, self.kernels, b.mul(tap, I64(wide)), real)
            for column in range(wide):
                numbers = (at(b, weights, number * tall * wide + column, real) for number in self.filters)
                kernels = [fill(b, b.load(number, typ=real), self.vector) for number in numbers]
                shown = []
                for place in part:
                    turn, rank = divmod(place * shape.stride[1] + column, shape.apart)
                    shown.append(_load(b, at(b, pixels, rank * shape.dealt + turn, real), self.vector))
                pairs = ((seen, kernel) for seen in shown for kernel in kernels)
                sums = [multiply_add(b, *pair, total) for pair, total in zip(pairs, sums, strict=True)]
            return sums

        return loop(b, tall, [_zeros(self.vector)] * (len(part) * len(self.filters)), write_taps)


def _parts(count: int, most: int) -> Iterator[range]:
    return (range(start, min(start + most, count)) for start in range(0, count, most))


def _zeros(vector: Any) -> Any:
    return ir.Constant(vector, None)


def _load(b: Any, pointer: Any, vector: Any) -> Any:
    """Load a vector from wherever its first number is."""
    return b.load(pointer, typ=vector, align=8 if str(vector.element) == "double" else 4)
