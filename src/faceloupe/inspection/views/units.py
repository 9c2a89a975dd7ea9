"""Sections on units: which are dead or duplicates, in words and with their inputs, and what excites one most."""

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, chart, pictures, section, text
from faceloupe.inspection.measures.diagnosis import UnitReport
from faceloupe.inspection.measures.patches import Patches
from faceloupe.numerals import three_figures

SENTENCES = 12  # a wide layer can have hundreds of dead units
UNITS = 12  # in the chart


def units_section(report: UnitReport) -> Block:
    """Return a report on a layer's units as a section."""
    count, *findings = report.words
    more = len(findings) - SENTENCES
    findings = [*findings[:SENTENCES], *([f"And {more} more findings of this layer."] if more > 0 else [])]
    blocks = [text("\n\n".join([f"**{count}**", *(f"{finding[0].upper()}{finding[1:]}" for finding in findings)]))]
    return section("units", f"Dead and duplicate units of {report.layer}", [*blocks, *_inputs(report)])


def _inputs(report: UnitReport) -> list[Block]:
    """Return the inputs of dead units as a chart, none where they are not known."""
    explained = [(f"unit {unit.unit + 1}", unit.highest, unit.push) for unit in report.dead if unit.push][:UNITS]
    if not explained:
        return []
    names = [name for name, _, _ in explained]
    pushes = [push for _, _, push in explained if push]
    which = f"The first {UNITS} of {len(report.dead)} dead units" if len(report.dead) > UNITS else "The dead units"
    return [
        chart(
            "inputs",
            "What keeps the dead units down",
            f"{which}, over {report.n} faces. A unit puts out something only where its input is above 0. The largest "
            "input that it ever gets, and what its input would be with the mean of what it reads subtracted: mean and "
            "standard deviation over faces and positions.",
            "interval",
            x={"label": "input of the unit"},
            y={"label": "unit", "categories": names},
            series=[
                {
                    "name": "largest as it is",
                    "style": "grey",
                    "y": names,
                    "x": [highest for _, highest, _ in explained],
                },
                {
                    "name": "without the mean",
                    "style": "blue",
                    "y": names,
                    "x": [push.left for push in pushes],
                    "lo": [push.left - push.spread for push in pushes],
                    "hi": [push.left + push.spread for push in pushes],
                },
            ],
            reference=[{"x": 0.0, "label": "above: heard"}],
        )
    ]


def patches_section(patches: Patches) -> Block:
    """Return the patches as a section."""
    heading = f"The patches that excite unit {patches.unit} of {patches.layer} most"
    if not patches:
        return section("patches", heading, [text("None of the captures excites it: it puts out 0 for all of them.")])
    drawn = pictures(
        "patches",
        heading,
        "At most one patch of each capture, the strongest first, with what the unit puts out there. Black is below 0, "
        "grey 0, white above, in the numbers that the network reads; nothing is drawn outside the face.",
        {
            f"capture {patch.capture}: {three_figures(patch.value)}": (_picture(patch.pixels), repr(patch))
            for patch in patches
        },
        scale={
            "kind": "grey",
            "limit": float(max(np.nanmax(np.abs(patch.pixels)) for patch in patches)) or 1.0,
            "unit": "as the network reads it",
        },
        columns=3,
    )
    return section("patches", heading, [drawn])


def _picture(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (C, h, w) as colour (h, w, 3) where it has three channels, else as the mean over channels (h, w)."""
    return pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(axis=0)
