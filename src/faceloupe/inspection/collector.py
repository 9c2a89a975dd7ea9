"""How the layers of one run are gathered, whatever kind of network they belong to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from faceloupe.inspection.arithmetic import Shape, parameters_written, written
from faceloupe.inspection.fields import Field, Window
from faceloupe.inspection.layers import Layer

__all__ = ["LayerCollector"]


class LayerCollector:
    """Gathers layers in the order of running: each parameter once, each output with what nothing reads of it."""

    def __init__(self) -> None:
        self._layers: list[Layer] = []
        self._counted: set[Any] = set()
        self._unread: dict[str, tuple[int, int]] = {}

    def add(
        self,
        *,
        name: str,
        kind: str,
        source: str | None,
        input_shape: Shape,
        output_shape: Shape,
        sizes: Mapping[Any, int],
        weights: tuple[Shape, int] | None,
        biased: bool,
        factors: Shape | None,
        windows: Sequence[Window],
        field: Field | None,
        rectifies: bool,
    ) -> None:
        """Note a layer and what it reads.

        `sizes` are those of its parameters by whatever tells them apart, `weights` and `biased` how to write them as
        in :func:`parameters_written`; `factors` multiply to the multiply-adds, () stands for none, None for unknown.
        """
        each = zip(windows, input_shape, output_shape, strict=False)
        rows, columns = [window.unseen(given, count) for window, given, count in each] or (0, 0)
        parameters, arithmetic = self._counted_once(sizes, parameters_written(weights, biased, sum(sizes.values())))
        if source:
            self.read(source, (rows, columns))
        self._layers.append(
            Layer(
                name=name,
                kind=kind,
                source=source,
                input_shape=input_shape,
                output_shape=output_shape,
                parameters=parameters,
                parameter_arithmetic=arithmetic,
                multiply_adds=None if factors is None else math.prod(factors) if factors else 0,
                multiply_add_arithmetic="not counted" if factors is None else written(*factors) if factors else "0",
                receptive_field=field.size if field else None,
                stride=field.stride if field else None,
                unseen=(rows, columns),
                unread=(0, 0),
                rectifies=rectifies,
                windows=tuple(windows),
                field=field,
            )
        )

    def read(self, name: str, unseen: tuple[int, int] = (0, 0)) -> None:
        """Note that something reads what a layer put out, but for the last rows and columns."""
        rows, columns = self._unread.get(name, unseen)
        self._unread[name] = min(rows, unseen[0]), min(columns, unseen[1])

    def finished(self) -> tuple[Layer, ...]:
        """Return the layers."""
        return tuple(replace(layer, unread=self._unread.get(layer.name, (0, 0))) for layer in self._layers)

    def _counted_once(self, sizes: Mapping[Any, int], text: str) -> tuple[int, str]:
        """Return how many parameters no earlier layer has, and `text` with a word on the others."""
        new = sum(size for key, size in sizes.items() if key not in self._counted)
        shared = sum(sizes.values()) - new
        self._counted |= sizes.keys()
        return new, f"{text}, of them {shared:,} counted in an earlier layer" if shared else text
