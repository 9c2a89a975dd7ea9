"""Gathering the layers of one run, whatever kind of network they belong to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from faceloupe.inspection.arithmetic import Shape, parameters_text, products_text
from faceloupe.inspection.fields import Field, Window
from faceloupe.inspection.layers import Layer


class LayerCollector:
    """Layers in the order of running, each parameter counted once, each output with the edges that nothing reads."""

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
        sizes: Mapping[Any, tuple[int, int]],
        weights: tuple[Shape, int] | None,
        biased: bool,
        products: Sequence[Shape] | None,
        windows: Sequence[Window],
        field: Field | None,
        rectifies: bool,
        output_bytes: int,
    ) -> None:
        """Note a layer and what it reads.

        `sizes` says how many numbers each of its parameters holds and the bytes of each, by whatever tells them apart;
        `weights` and `biased` how to write them as in :func:`parameters_text`; the multiply-adds are the sum of
        `products`, [] stands for none, None for unknown.
        """
        if field and not field.places and not field.uniform:  # of a vector, what all its numbers see
            field = field.whole() if len(output_shape) == 1 else None
        each = zip(windows, input_shape, output_shape, strict=False)
        rows, columns = [window.unseen(given, count) for window, given, count in each] or (0, 0)
        held = sum(size for size, _ in sizes.values())
        new = {key: each for key, each in sizes.items() if key not in self._counted}
        self._counted |= sizes.keys()
        parameters = sum(size for size, _ in new.values())
        arithmetic = parameters_text(weights, biased, held)
        if parameters < held:
            arithmetic += f", of them {held - parameters:,} counted in an earlier layer"
        if source:
            self.read(source, (rows, columns))
        self._layers.append(
            Layer(
                name=name,
                kind=kind,
                source=source,
                input_shape=input_shape,
                output_shape=output_shape,
                output_bytes=output_bytes,
                parameters=parameters,
                parameter_arithmetic=arithmetic,
                parameter_bytes=sum(size * each for size, each in new.values()),
                multiply_adds=None if products is None else sum(map(math.prod, products)),
                multiply_add_arithmetic="not counted" if products is None else products_text(products),
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
