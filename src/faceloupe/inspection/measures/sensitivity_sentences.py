"""The numbers of a :class:`~faceloupe.inspection.measures.sensitivity.ShiftSensitivity`, in sentences."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from faceloupe.inspection.layers import IMAGE
from faceloupe.numerals import listed

if TYPE_CHECKING:
    from faceloupe.inspection.measures.sensitivity import LayerShift, ShiftSensitivity


def sentences(sensitivity: "ShiftSensitivity") -> tuple[str, ...]:
    """Return one sentence or a few for each run of layers that behave alike."""
    return tuple(
        _sentence(kind, list(group), sensitivity) for (kind, _), group in groupby(sensitivity.layers[1:], _behaviour)
    )


def _behaviour(layer: "LayerShift") -> tuple[str, tuple[int, int] | None]:
    if len(layer.shape) == 1:
        return "placeless", None
    return ("unknown" if layer.largest_error is None else "follows"), layer.stride


def _sentence(behaviour: str, group: "list[LayerShift]", sensitivity: "ShiftSensitivity") -> str:
    names = listed([layer.name for layer in group])
    before = next((layer for layer in sensitivity.layers if layer.name == group[0].source), None)
    if behaviour == "follows":
        return f"{names}: {_following(group, before, sensitivity)}"
    if behaviour == "unknown":
        reason = "because the stride is not known"
        if stride := group[0].stride:
            reason = f"because no shift is one of whole steps of {_step(stride)} pixels inside the map"
        return f"{names}: whether the output moves along is not measured, {reason}. {_changes(group, sensitivity)}"
    if before is None or before.stride is None:
        return f"{names}: no positions that could move along. {_changes(group, sensitivity)}"
    text = f"every position of {_called(before)} becomes a number of its own, so nothing can move along any more"
    return f"{names}: {text}. {_changes([before, *group], sensitivity)}"


def _following(group: "list[LayerShift]", before: "LayerShift | None", sensitivity: "ShiftSensitivity") -> str:
    stride = group[0].stride or (1, 1)
    compared = [
        distance for distance in _distances(sensitivity) if _at(distance, group[0].equivariance_error, sensitivity)
    ]
    worst = max(layer.largest_error or 0.0 for layer in group)
    text = (
        f"{'moves' if len(group) == 1 else 'move'} with the face "
        f"{'pixel by pixel' if stride == (1, 1) else f'in steps of {_step(stride)} pixels'}. After a shift of "
        f"{listed(compared)} px the output away from the border is {f'within {worst:.0g} of' if worst else 'exactly'} "
        f"the old one, moved."
    )
    between = [distance for distance in _distances(sensitivity) if distance % stride[0] or distance % stride[1]]
    return text + _forgiven(group[0], before, between[0], sensitivity) if between and before else text


def _forgiven(layer: "LayerShift", before: "LayerShift", distance: int, sensitivity: "ShiftSensitivity") -> str:
    now, then = _at(distance, layer.change, sensitivity), _at(distance, before.change, sensitivity)
    if not now or not then:
        return ""
    share = 1 - np.mean(now) / np.mean(then)
    return (
        f" Between the steps it cannot follow: {distance} px changes it by {np.mean(now):.2f} of the difference "
        f"between two faces, and {_called(before)} before it by {np.mean(then):.2f}: "
        f"{f'{100 * share:.0f} %' if share > 0 else 'nothing'} is forgiven."
    )


def _changes(layers: "list[LayerShift]", sensitivity: "ShiftSensitivity") -> str:
    """Say what at most three of the shifts change; a layer that only rearranges its input is not repeated."""
    distances = _distances(sensitivity)
    shown = sorted({distances[0], distances[len(distances) // 2], distances[-1]})
    changing = [
        layer
        for before, layer in zip([None, *layers], layers, strict=False)
        if before is None or layer.change != before.change or None in layer.change
    ]
    silent = [
        layer.name for layer in changing if not any(_at(distance, layer.change, sensitivity) for distance in shown)
    ]
    parts = [
        f"{_called(layer)} by {listed([f'{np.mean(_at(px, layer.change, sensitivity)):.2f}' for px in shown])}"
        for layer in changing
        if layer.name not in silent
    ]
    text = (
        f"A shift of {listed(shown)} px changes {'; '.join(parts)} of the difference between two faces."
        if parts
        else ""
    )
    return f"{text} {listed(silent)} put out the same for all faces.".strip() if silent else text


def _called(layer: "LayerShift") -> str:
    return "the image" if layer.name == IMAGE else layer.name


def _distances(sensitivity: "ShiftSensitivity") -> list[int]:
    return sorted({abs(pixels) for pixels in sensitivity.pixels})


def _at(distance: int, values: Sequence[float | None], sensitivity: "ShiftSensitivity") -> list[float]:
    """Return a layer's numbers for the shifts of this many pixels, in either direction."""
    pairs = zip(sensitivity.pixels, values, strict=True)
    return [value for pixels, value in pairs if abs(pixels) == distance and value is not None]


def _step(stride: tuple[int, int]) -> str:
    return str(stride[0]) if stride[0] == stride[1] else f"{stride[0]} by {stride[1]}"
