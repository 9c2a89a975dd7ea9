"""Receptive fields: which pixels of the image the numbers of a tensor see, through layers, branches and reshaping.

Receptive field, jump and start follow Dumoulin & Visin (arXiv:1603.07285) and Araujo, Norris & Sim (Distill 2019,
doi:10.23915/distill.00021), one axis at a time; where branches meet, an output sees what either branch sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """The sliding of a layer along one axis of its input."""

    kernel: int
    stride: int
    dilation: int = 1
    padding: int = 0

    def inside(self, given: int, count: int) -> NDArray[np.bool_]:
        """Return which taps of `count` windows meet one of `given` positions and no padding: (count, kernel)."""
        taps = self._taps(count)
        return (taps >= 0) & (taps < given)

    def unseen(self, given: int, count: int) -> int:
        """Return the number of the last of `given` positions that none of `count` windows looks at."""
        return given - 1 - int(np.max(self._taps(count), where=self.inside(given, count), initial=-1))

    def _taps(self, count: int) -> NDArray[np.intp]:
        """Return the positions that each window looks at: (count, kernel), below 0 in the padding."""
        return np.arange(count)[:, None] * self.stride + np.arange(self.kernel) * self.dilation - self.padding


@dataclass(frozen=True, slots=True)
class Axis:
    """The part of the image that a layer's outputs see along one axis, in pixels.

    `count` outputs see `size` pixels each, `jump` pixels apart, the first from `start` on (below 0: in the padding).
    A jump of 0 says that all of them see the same.
    """

    start: int
    size: int
    jump: int
    count: int

    @property
    def uniform(self) -> bool:
        """True if all outputs see the same pixels."""
        return self.count == 1 or self.jump == 0

    def after(self, window: Window, count: int) -> "Axis":
        """Return the region that `count` windows over these outputs see."""
        return Axis(
            self.start - window.padding * self.jump,
            self.size + (window.kernel - 1) * window.dilation * self.jump,
            self.jump * window.stride,
            count,
        )

    def padded(self, before: int, count: int) -> "Axis":
        """Return what `count` outputs see after `before` empty ones were put in front (below 0: taken away)."""
        return replace(self, start=self.start - before * self.jump, count=count)

    def whole(self, extent: int) -> "Axis":
        """Return the region that all these outputs see together, cut to the `extent` of the image."""
        first, last = self._span(extent)
        return Axis(first, last - first, 1, 1)

    def joined(self, other: "Axis", extent: int) -> "Axis | None":
        """Return what sees the pixels of either, output by output; None where that is not an interval of one size."""
        if self.count == other.count and (self.jump == other.jump or self.count == 1):
            start = min(self.start, other.start)
            return replace(self, start=start, size=max(self.start + self.size, other.start + other.size) - start)
        # One number for a whole map (a gate of squeeze-and-excitation) that sees all that the map sees.
        for wide, narrow in ((self, other), (other, self)):
            (first, last), (low, high) = wide._span(extent), narrow._span(extent)
            if wide.uniform and first <= low and high <= last:
                return Axis(wide.start, wide.size, 0, max(self.count, other.count))
        return None

    def _span(self, extent: int) -> tuple[int, int]:
        return max(0, self.start), min(extent, self.start + (self.count - 1) * self.jump + self.size)


@dataclass(frozen=True, slots=True)
class Field:
    """The part of the image that the numbers of one tensor see.

    `places` tells which of the tensor's axes run along rows and columns: (2, 3) for maps (N, C, H, W), None once they
    are flattened.
    """

    rows: Axis
    columns: Axis
    extent: tuple[int, int]
    places: tuple[int, int] | None = (2, 3)

    @classmethod
    def of_image(cls, extent: tuple[int, int]) -> "Field":
        """Return the field of the image itself: every pixel sees itself."""
        return cls(Axis(0, 1, 1, extent[0]), Axis(0, 1, 1, extent[1]), extent)

    @property
    def uniform(self) -> bool:
        """True if all numbers see the same pixels."""
        return self.rows.uniform and self.columns.uniform

    @property
    def counts(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.rows.count, self.columns.count

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns that one number sees, padding included."""
        return self.rows.size, self.columns.size

    @property
    def stride(self) -> tuple[int, int] | None:
        """Pixels between what neighbours see; None where there are no rows and columns or all see the same."""
        return (self.rows.jump, self.columns.jump) if self.places and self.rows.jump and self.columns.jump else None

    def after(self, windows: Sequence[Window], counts: Sequence[int]) -> "Field | None":
        """Return the region that `counts` windows over rows and columns see; None unless these are maps."""
        rows, columns = map(Axis.after, (self.rows, self.columns), windows, counts)
        return replace(self, rows=rows, columns=columns) if self.places == (2, 3) else None

    def pooled(self, keep_axes: bool) -> "Field | None":
        """Return the region that one number made of a whole map sees; None unless these are maps."""
        windows = [Window(axis.count, axis.count) for axis in (self.rows, self.columns)]
        pooled = self.after(windows, (1, 1))
        return pooled if keep_axes or pooled is None else replace(pooled, places=None)

    def padded(self, before: Sequence[int], counts: Sequence[int]) -> "Field | None":
        """Return the field after rows and columns that see nothing were put around; None unless these are maps."""
        rows, columns = map(Axis.padded, (self.rows, self.columns), before, counts)
        return replace(self, rows=rows, columns=columns) if self.places == (2, 3) else None

    def whole(self) -> "Field":
        """Return the region that one number made of all of them sees, cut to the image."""
        rows, columns = self.rows.whole(self.extent[0]), self.columns.whole(self.extent[1])
        return Field(rows, columns, self.extent, places=None)

    def moved(self, order: Sequence[int]) -> "Field":
        """Return the field after the tensor's axes were put in another order."""
        if self.places is None:
            return self
        return replace(self, places=(order.index(self.places[0]), order.index(self.places[1])))

    def reshaped(self, before: Sequence[int], after: Sequence[int]) -> "Field":
        """Return the field after the same numbers were read, in the same order, as a tensor of another shape."""
        last_two = (len(after) - 2, len(after) - 1)
        same_end = self.places == (len(before) - 2, len(before) - 1) and tuple(before[-2:]) == tuple(after[-2:])
        single = self.counts == (1, 1) and len(after) == 4 and tuple(after[-2:]) == (1, 1)
        return replace(self, places=last_two if same_end or single else None)

    def joined(self, other: "Field") -> "Field | None":
        """Return what sees the pixels of either, number by number; None where that has no single size."""
        if self.places != other.places or (self.places is None and not (self.uniform and other.uniform)):
            return None
        rows = self.rows.joined(other.rows, self.extent[0])
        columns = self.columns.joined(other.columns, self.extent[1])
        return replace(self, rows=rows, columns=columns) if rows and columns else None


def joined(fields: Sequence[Field | None], shape: Sequence[int]) -> Field | None:
    """Return what the numbers of a tensor of this shape see, each made of those at its place in tensors of `fields`.

    None where one is unknown, where there is no single size, or where a constant spread maps over more places.
    """
    field = _joined(fields)
    if field and field.places and tuple(shape[place] for place in field.places) != field.counts:
        return None
    return field


def mixed(fields: Sequence[Field | None]) -> Field | None:
    """Return what an unknown function of these sees: known only where all that goes in sees the same pixels."""
    if not all(field and field.uniform for field in fields):
        return None
    return _joined([field.whole() for field in fields if field])


def _joined(fields: Sequence[Field | None]) -> Field | None:
    return reduce(lambda field, other: field.joined(other) if field and other else None, fields)
