"""The section on sensitivity to shifts, layer by layer: curves, the numbers, and what they mean."""

from faceloupe.blocks import Block, chart, section, table, text
from faceloupe.inspection.arithmetic import evenly
from faceloupe.inspection.measures.sensitivity import ShiftSensitivity
from faceloupe.numerals import counted, with_minus

LAYERS = 8  # in the chart
STYLES = ("grey", "orange", "blue", "grey-alt", "blue-alt", "orange-alt")


def shifts_section(sensitivity: ShiftSensitivity) -> Block:
    """Return the sensitivity to shifts as a section."""
    blocks = [text("\n\n".join(sensitivity.words)), _curves(sensitivity), _numbers(sensitivity)]
    return section("shifts", "What each layer makes of a face that has moved", blocks)


def _curves(sensitivity: ShiftSensitivity) -> Block:
    layers = [layer for layer in sensitivity.layers if any(change is not None for change in layer.change)]
    shown = evenly(layers, LAYERS)
    order = sorted(range(len(sensitivity.pixels)), key=sensitivity.pixels.__getitem__)
    which = f"{len(shown)} of {len(layers)} layers, evenly chosen. " if len(shown) < len(layers) else ""
    return chart(
        "shifts",
        "How much a layer’s output changes when the face moves",
        f"{which}0: nothing changes; 1: as much as exchanging the face for another. Over {sensitivity.n} faces, moved "
        "to the right and downwards (below 0: to the left and upwards).",
        "line",
        x={"label": "shift", "unit": "pixels", "ticks": _ticks(sensitivity.pixels)},
        y={"label": "change, as a share of the difference between two faces", "range": [0.0, 1.0]},
        series=[
            {
                "name": layer.name,
                "style": STYLES[place % len(STYLES)],
                "x": [sensitivity.pixels[index] for index in order],
                "y": [layer.change[index] for index in order],
            }
            for place, layer in enumerate(shown)
        ],
        reference=[{"y": 1.0, "label": "another face"}],
    )


def _ticks(pixels: tuple[int, ...]) -> list[int]:
    """Return the shifts that leave room for their labels on a narrow page, and 0 where it lies between them."""
    wide = {distance for distance in pixels if 4 * abs(distance) >= max(map(abs, pixels))}
    return sorted(wide | {0} if min(pixels) < 0 < max(pixels) else wide)


def _numbers(sensitivity: ShiftSensitivity) -> Block:
    return table(
        "numbers",
        "Change, and in brackets the equivariance error.",
        {"layer": "left", **{with_minus(f"{pixels:+} px"): "right" for pixels in sensitivity.pixels}},
        [[f"`{layer.name}`", *map(_cell, layer.change, layer.equivariance_error)] for layer in sensitivity.layers],
        f"{counted(len(sensitivity.layers) - 1, 'layer')} and the image itself. Equivariance error: how far the output "
        "for the moved face is from the output, moved, as a share of its norm; taken where the layer sees no border.",
    )


def _cell(change: float | None, error: float | None) -> str:
    shown = "–" if change is None else f"{change:.2f}"
    return shown if error is None else f"{shown} ({error:.1g})"
