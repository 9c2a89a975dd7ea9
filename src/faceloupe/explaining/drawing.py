"""Pictures of a face that was explained: where it was found, how it was aligned, and where its score rests.

Marks are dark on light edges, so that they show on any skin and any wall; what was found is a disc, where it should
lie a cross.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceloupe.inspection.attribution.attribute import Attribution
from faceloupe.recognition.chips import CHIP_SIDE, REFERENCE_POINTS, FaceChip, landmarks_on_chip
from faceloupe.report.pictures import array_to_pixels

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIDE = 224  # pixels of a picture
FINE = 3  # drawn this many times larger, so that lines come out smooth
AROUND = 0.35  # of the box's longer side, that is shown of the photograph on each side of it
BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe & Ito 2008, told apart with any colour vision
PALE = 0.4  # what black becomes under a map, so that its colours show

Floats = NDArray[np.floating]
Picture = NDArray[np.float32]


def draw_region(image: Picture, chip: FaceChip) -> Picture:
    """Draw the part of a photograph, RGB in [0, 1], around a face, with its box and its five landmarks.

    The result is RGB in [0, 1], (224, 224, 3); white where it reaches beyond the photograph.
    """
    x, y, width, height = chip.detection.box
    side = (1 + 2 * AROUND) * max(width, height)
    corner = np.array([x + width / 2, y + height / 2]) - side / 2
    scale = SIDE * FINE / side

    def mark(pen: "ImageDraw") -> None:
        left, top, right, bottom = (np.array([x, y, x + width, y + height]) - [*corner, *corner]) * scale
        for fill, breadth in (("white", 4), (BLUE, 2)):
            outer = (left - breadth, top - breadth, right + breadth, bottom + breadth)
            pen.rectangle(outer, outline=fill, width=2 * breadth)
        _discs(pen, (np.array(chip.detection.landmarks) - corner) * scale)

    return _drawn(_cut(image, corner, side), mark)


def draw_alignment(chip: FaceChip) -> Picture:
    """Draw a face chip with the landmarks as they came to lie (discs) and the reference points (crosses).

    The result is RGB in [0, 1], (224, 224, 3).
    """
    scale = SIDE * FINE / CHIP_SIDE

    def mark(pen: "ImageDraw") -> None:
        _discs(pen, (landmarks_on_chip(chip) + 0.5) * scale)
        _crosses(pen, (np.array(REFERENCE_POINTS) + 0.5) * scale)

    return _drawn(chip.image, mark)


def draw_share(chip: FaceChip, attribution: Attribution, limit: float) -> Picture:
    """Draw a map over its face in the colours of the map alone, full at `limit`; grey where nothing rests.

    The result is RGB in [0, 1], (112, 112, 3).
    """
    colours = array_to_pixels(attribution.on_face(), {"kind": "diverging", "limit": limit}) / np.float32(255)
    grey = chip.image.mean(axis=2, keepdims=True)
    drawn: Picture = colours * (PALE + (1 - PALE) * grey)  # white, where nothing rests, leaves the face as it is
    return drawn


def _cut(image: Picture, corner: Floats, side: float) -> Picture:
    """Return a square of a photograph, enlarged or shrunk to SIDE * FINE; white beyond the photograph's edges."""
    import cv2

    size = SIDE * FINE
    scale = size / side
    transform = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    cut = cv2.warpAffine(image, transform, (size, size), flags=smooth, borderValue=(1.0, 1.0, 1.0))
    return np.asarray(np.clip(cut, 0, 1), dtype=np.float32)


def _drawn(image: Picture, mark: Callable[["ImageDraw"], None]) -> Picture:
    """Return an image with marks, drawn finely and then made small."""
    from PIL import Image, ImageDraw

    fine = (SIDE * FINE, SIDE * FINE)
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8)).resize(fine, Image.Resampling.BICUBIC)
    mark(ImageDraw.Draw(picture))
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32) / np.float32(255)


def _discs(pen: "ImageDraw", points: Iterable[Floats]) -> None:
    for x, y in points:
        pen.circle((x, y), 4 * FINE, fill="white")
        pen.circle((x, y), 2.5 * FINE, fill="black")


def _crosses(pen: "ImageDraw", points: Iterable[Floats]) -> None:
    for fill, width in (("white", 4), (ORANGE, 2)):
        for x, y in points:
            reach = (4 + width / 2) * FINE
            pen.line([(x - reach, y), (x + reach, y)], fill=fill, width=width * FINE)
            pen.line([(x, y - reach), (x, y + reach)], fill=fill, width=width * FINE)
