"""The section on the patches of faces that excite a unit most, as pictures."""

import numpy as np
from numpy.typing import NDArray

from faceloupe.blocks import Block, pictures, section, text
from faceloupe.inspection.measures.patches import Patches
from faceloupe.numerals import three_figures

COLUMNS = 3


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
        columns=COLUMNS,
    )
    return section("patches", heading, [drawn])


def _picture(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (C, h, w) as colour (h, w, 3) where it has three channels, else as the mean over channels (h, w)."""
    return pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels.mean(axis=0)
