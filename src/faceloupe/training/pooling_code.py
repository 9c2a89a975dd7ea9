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

from faceloupe.errors import InputError
from faceloupe.training.compiling import (
    I32,
    I64,
    at,
    compile_function,
    fill,
    load,
    loop,
    multiply_add,
    processor,
    store_first,
)  # fmt: skip

Pair = tuple[int, int]
SIDE_BY_SIDE = 4  # places of a window that are summed up at once; their taps read mostly the same pixels


@dataclass(frozen=True, slots=True)
class Geometry:
    """The sizes that code is compiled for; pairs are (down, across).

    Raises
    ------
    InputError
        If a number is below 1, or no window fits into the image.
    """

    dtype: torch.dtype
    image: Pair
    filters: int
    kernel: Pair
    stride: Pair
    window: Pair
    step: Pair

    def __post_init__(self) -> None:
        if min(self.filters, *self.image, *self.kernel, *self.stride, *self.window, *self.step) < 1:
            raise InputError(f"Sizes of a convolution and its pooling must be 1 or more, but are {self}.")
        if min(self.pooled) < 1:
            raise InputError(
                f"Images of {self.image[0]}x{self.image[1]} pixels are too small for kernels of "
                f"{self.kernel[0]}x{self.kernel[1]} with pooling windows of {self.window[0]}x{self.window[1]}."
            )

    @property
    def pooled(self) -> Pair:
        """Rows and columns of pooled places."""
        sides = zip(self.image, self.kernel, self.stride, self.window, self.step, strict=True)
        rows, columns = (
            ((side - kernel) // stride + 1 - window) // step + 1 for side, kernel, stride, window, step in sides
        )
        return rows, columns

    @property
    def spacing(self) -> int:
        """Pixels from a window to the next in its row, and so the number of phases of a row."""
        return self.step[1] * self.stride[1]

    @property
    def phase(self) -> int:
        """Pixels in a phase: those of a row that are :attr:`spacing` apart, rounded up."""
        return -(-self.image[1] // self.spacing)


@cache
def compiled_pooling(shape: Geometry) -> Callable[..., None]:
    """Return ``pool(phases, faces, kernels, factors, offsets, values, winners, fits, batch)``, two of them counts.

    A value is a window's maximum times the factor of its fit, plus the offset of its fit and filter.
    """
    rows, columns = shape.pooled
    vector = processor().vector(shape.dtype, columns)
    real, places = vector.element, ir.VectorType(I32, vector.count)
    at_once = max(1, processor().accumulators // min(SIDE_BY_SIDE, shape.window[1]))
    size = shape.image[0] * shape.spacing * shape.phase  # of a face in phases
    taps = shape.kernel[0] * shape.kernel[1]
    lanes = ir.Constant(places, [lane * shape.spacing for lane in range(vector.count)])

    def write(
        b: Any, phases: Any, faces: Any, kernels: Any, factors: Any, offsets: Any, values: Any, winners: Any, fits: Any,
        batch: Any,
    ) -> None:  # fmt: skip
        def write_capture(fit: Any, capture: Any) -> Sequence[Any]:
            place = b.add(b.mul(fit, batch), capture)
            face = at(b, phases, b.mul(b.load(at(b, faces, place, I64), typ=I64), I64(size)), real)
            factor = fill(b, b.load(at(b, factors, fit, real), typ=real), vector)

            def write_filters(first: Any, filters: int) -> None:
                kernel = b.add(b.mul(fit, I64(shape.filters)), first)
                result = b.mul(b.add(b.mul(place, I64(shape.filters)), first), I64(rows * columns))

                def write_columns(left: Any, width: int) -> None:
                    weights = at(b, kernels, b.mul(kernel, I64(taps)), real)
                    tile = _Tile(b, shape, vector, at(b, face, left, real), weights, filters)
                    across = b.add(fill(b, b.trunc(b.mul(left, I64(shape.spacing)), I32), places), lanes)
                    corner = b.add(result, left)
                    loop(b, rows, [], lambda row, _: write_row(tile, row, kernel, factor, across, corner, width))

                _each_part(b, columns, vector.count, write_columns)

            _each_part(b, shape.filters, at_once, write_filters)
            return []

        def write_row(
            tile: _Tile, row: Any, kernel: Any, factor: Any, across: Any, corner: Any, width: int
        ) -> Sequence[Any]:
            for number, (best, patch) in enumerate(zip(*tile.largest(row), strict=True)):
                offset = b.load(at(b, offsets, b.add(kernel, I64(number)), real), typ=real)
                value = multiply_add(b, best, factor, fill(b, offset, vector))
                place = b.add(corner, b.add(b.mul(row, I64(columns)), I64(number * rows * columns)))
                store_first(b, value, at(b, values, place, real), width)
                store_first(b, b.add(patch, across), at(b, winners, place, I32), width)
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
                    pixels = (load(b, at(b, patch, row * width + part.start, real), vector) for row, part in taps)
                    added = [multiply_add(b, slope, *pair) for pair in zip(pixels, so_far[1:], strict=True)]
                    return [b.fadd(so_far[0], number), *added]

                return loop(b, positions, so_far, write_position)

            slopes_alone, *patches = loop(b, batch, [real(0), *[_zeros(vector)] * len(taps)], write_capture)
            kernel = b.add(b.mul(fit, I64(shape.filters)), number)
            b.store(slopes_alone, at(b, totals, kernel, real))
            first_tap = b.mul(kernel, I64(tall * wide))
            for (row, part), patch in zip(taps, patches, strict=True):
                store_first(b, patch, at(b, sums, b.add(first_tap, I64(row * wide + part.start)), real), len(part))
            return []

        loop(b, fits, [], lambda fit, _: loop(b, shape.filters, [], lambda number, _: write_kernel(fit, number)))

    return compile_function(6, 3, write)


@dataclass(frozen=True, slots=True)
class _Tile:
    """Some filters, and some columns of pooled places, a lane each; both pointers are to the first of them."""

    b: Any
    shape: Geometry
    vector: Any
    face: Any
    kernels: Any
    filters: int

    def largest(self, row: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        """Write the maxima of a row of pooled places, and the first pixels of the patches that they are from.

        The pixels are counted as if every lane were the first column.
        """
        b, shape, count = self.b, self.shape, self.filters
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
                        # NaN wins, as in PyTorch: it is taken, and no number is greater than it
                        larger = b.or_(b.fcmp_ordered(">", value, best[number]), b.fcmp_unordered("uno", value, value))
                        best[number] = b.select(larger, value, best[number])
                        patches[number] = b.select(larger, patch, patches[number])
            return [*best, *patches]

        lowest, nowhere = ir.Constant(self.vector, [float("-inf")] * self.vector.count), ir.Constant(places, None)
        largest = loop(b, shape.window[0], [lowest] * count + [nowhere] * count, write_line)
        return largest[:count], largest[count:]

    def _sums(self, down: Any, part: range) -> Sequence[Any]:
        """Write the convolution at some places of the windows, one place after another and each for every filter."""
        b, shape, real = self.b, self.shape, self.vector.element
        tall, wide = shape.kernel

        def write_taps(tap: Any, sums: Sequence[Any]) -> Sequence[Any]:
            line = b.mul(b.add(down, tap), I64(shape.spacing * shape.phase))
            pixels, weights = at(b, self.face, line, real), at(b, self.kernels, b.mul(tap, I64(wide)), real)
            for column in range(wide):
                numbers = (at(b, weights, number * tall * wide + column, real) for number in range(self.filters))
                kernels = [fill(b, b.load(number, typ=real), self.vector) for number in numbers]
                shown = []
                for place in part:
                    turn, phase = divmod(place * shape.stride[1] + column, shape.spacing)
                    shown.append(load(b, at(b, pixels, phase * shape.phase + turn, real), self.vector))
                pairs = ((seen, kernel) for seen in shown for kernel in kernels)
                sums = [multiply_add(b, *pair, total) for pair, total in zip(pairs, sums, strict=True)]
            return sums

        return loop(b, tall, [_zeros(self.vector)] * (len(part) * self.filters), write_taps)


def _parts(count: int, most: int) -> Iterator[range]:
    return (range(start, min(start + most, count)) for start in range(0, count, most))


def _each_part(b: Any, count: int, most: int, write: Callable[[Any, int], None]) -> None:
    """Write ``write(start, length)`` for parts of a count: once in a loop for all of full length, once for the rest."""

    def write_whole(number: Any, _: Sequence[Any]) -> Sequence[Any]:
        write(b.mul(number, I64(most)), most)
        return []

    if count >= most:
        loop(b, count // most, [], write_whole)
    if count % most:
        write(I64(count - count % most), count % most)


def _zeros(vector: Any) -> Any:
    return ir.Constant(vector, None)
