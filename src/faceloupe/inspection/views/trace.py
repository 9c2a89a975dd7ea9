"""The section on a trace: outputs of some layers for a capture, as pictures on a scale for each layer."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, pictures, section, text
from faceloupe.inspection.arithmetic import evenly
from faceloupe.inspection.averaging import averaged, block_side
from faceloupe.inspection.outputs import Trace
from faceloupe.numerals import counted, three_figures

LAYERS = 8
PANELS = 8  # channels of a map, captures of a vector
NUMBERS = 256  # of a vector
ACROSS = 16  # numbers in one row of a vector's picture
SIDE = 64  # pixels: larger maps are averaged

Floats = NDArray[np.float32]
Panels = Mapping[str, tuple[Floats, str]]


def trace_section(trace: Trace) -> Block:
    """Return a trace as a section."""
    names = evenly(list(trace), LAYERS)
    counts = f"**{counted(len(trace), 'layer')}**, {counted(len(next(iter(trace.values()), ())), 'capture')}."
    if len(names) < len(trace):
        counts += f" Shown are {len(names)} of the layers, evenly chosen: {', '.join(f'`{name}`' for name in names)}."
    blocks = [text(counts), *(_layer(place, name, trace) for place, name in enumerate(names))]
    return section("trace", "What the layers put out", blocks)


def _layer(place: int, name: str, trace: Trace) -> Block:
    output, side = trace[name], trace.sides.get(name)
    shown, caption = _maps(output) if output.ndim == 4 else _vectors(output.reshape(len(output), -1))
    panels = {label: (array, f"{name}, {label}: {_span(array)}") for label, array in shown}
    values = np.concatenate([array.ravel() for array, _ in panels.values()])
    limit = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    return pictures(
        f"layer-{place}",
        f"{name}{f', {side}' if side else ''}: {'×'.join(map(str, output.shape))}",
        f"{caption} Black is below 0, grey 0, white above.",
        panels,
        scale={"kind": "grey", "limit": limit, "unit": "activation"},
        columns=PANELS,
    )


def _maps(output: Floats) -> tuple[Iterator[tuple[str, Floats]], str]:
    """Return the channels that vary most, in their own order and numbered from 1, for the first capture."""
    channels, height, width = output.shape[1:]
    variance = output.var(axis=(0, 2, 3))
    chosen = np.sort(np.argsort(-variance, kind="stable")[:PANELS])
    which = f"{len(chosen)} of " if len(chosen) < channels else "all "
    block = block_side((height, width), SIDE)
    means = f" Each pixel is the mean of {block}×{block} places." if block > 1 else ""
    caption = (
        f"Capture 1, {which}{counted(channels, 'channel')} of {height}×{width} places"
        + (", those that vary most over the captures." if len(chosen) < channels else ".")
        + means
    )
    return ((f"channel {channel + 1}", averaged(output[0, channel], block)) for channel in chosen), caption


def _vectors(output: Floats) -> tuple[Iterator[tuple[str, Floats]], str]:
    """Return the first numbers of the first captures, in rows that are filled up with NaN (nothing is drawn there)."""
    captures, count = min(len(output), PANELS), min(output.shape[1], NUMBERS)
    across = min(ACROSS, count)
    grids = np.full((captures, -(-count // across) * across), np.nan, dtype=np.float32)
    grids[:, :count] = output[:captures, :count]
    which = f"the first {count} of " if count < output.shape[1] else ""
    caption = (
        f"{captures} of {counted(len(output), 'capture')}, {which}{counted(output.shape[1], 'number')}, {across} in a "
        "row, from the left."
    )
    return ((f"capture {place}", grid.reshape(-1, across)) for place, grid in enumerate(grids, start=1)), caption


def _span(array: NDArray[Any]) -> str:
    finite = array[np.isfinite(array)]
    if not finite.size:
        return "no finite number"
    least, most = map(three_figures, (finite.min(), finite.max()))
    return f"from {least} to {most}"
