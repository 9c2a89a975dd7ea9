"""Measures on the faces of a look, as far as memory allows, and why any is missing."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.layers import Anatomy
from faceloupe.inspection.measures.diagnosis import UnitReport, diagnose_units
from faceloupe.inspection.measures.sensitivity import ShiftSensitivity, shift_sensitivity
from faceloupe.inspection.measures.similarity import compare_layers
from faceloupe.inspection.trace import trace
from faceloupe.looking.layers import LayerOutput

if TYPE_CHECKING:
    from faceloupe.inspection.measures.similarity import LayerSimilarity

LEAST = 4  # faces, of :func:`compare_layers`
DISTANCES = (1, 2, 4, 8, 16)  # pixels that a face is moved, not more than a quarter of its side
ROOM = 512_000_000  # bytes of layers' outputs held at a time

Floats = NDArray[np.float32]


def measure_units(network: Any, faces: Floats, anatomy: Anatomy) -> tuple[tuple[UnitReport, ...], str]:
    """Return the dead and the duplicate units of every ReLU layer, and why there are none where that needs saying."""
    needed = len(faces) * anatomy.output_bytes
    if needed > ROOM:
        return (), f"Dead and duplicate units are not measured: {_too_much(needed)}; give fewer faces."
    reports = diagnose_units(network, faces)
    none = (
        "No ReLU was seen in this network, as a layer or as a function; whether units that rectify otherwise are dead "
        "is not measured."
    )
    return reports, "" if reports else none


def measure_shifts(
    network: Any, faces: Floats, traced: Mapping[str, LayerOutput]
) -> tuple[ShiftSensitivity | None, str]:
    """Return what the traced layers make of moved faces, or why that is not measured."""
    if len(faces) < 2 or not np.ptp(faces, axis=0).any():
        return None, "What a shift of the face changes is not measured: that needs two faces that differ."
    if not traced:
        return None, "What a shift of the face changes is not measured: no layer runs."
    needed = 3 * _size(traced, len(faces))  # of the faces, and of both that moved
    if needed > ROOM:
        return None, f"What a shift of the face changes is not measured: {_too_much(needed)}; give fewer faces."
    reach = min(faces.shape[2:]) // 4
    pixels = [sign * distance for distance in DISTANCES if distance <= reach for sign in (-1, 1)]
    return (shift_sensitivity(network, faces, pixels, list(traced)), "") if pixels else (None, "")


def compare_networks(
    networks: tuple[Any, Any], faces: tuple[Floats, Floats], traced: Sequence[Mapping[str, LayerOutput]]
) -> "tuple[LayerSimilarity | None, str]":
    """Return how alike the traced layers of two networks place the same faces, or why that is not measured."""
    if len(faces[0]) < LEAST:
        return None, f"How alike the layers of both networks are (CKA) is not measured: that needs {LEAST} faces."
    needed = sum(_size(layers, len(faces[0])) for layers in traced)
    if needed > ROOM:
        return None, f"How alike the layers of both networks are (CKA) is not measured: {_too_much(needed)}."
    first, second = (trace(*arguments) for arguments in zip(networks, faces, map(list, traced), strict=True))
    return compare_layers(first, second), ""


def _size(traced: Mapping[str, LayerOutput], n: int) -> int:
    return 4 * n * sum(math.prod(output.shape) for output in traced.values())


def _too_much(needed: int) -> str:
    return f"the layers’ outputs for these faces take {needed / 1e9:.1f} GB, more than {ROOM / 1e9:.1f}"
