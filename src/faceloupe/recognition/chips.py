"""Face chips: faces cut out of photographs and aligned, and where their landmarks lie."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from faceloupe.recognition.detections import Detection

CHIP_SIDE = 112
"""Height and width of a face chip, in pixels."""

REFERENCE_POINTS = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where the five landmarks of a chip lie, (x, y) in pixels, in the order of ``Landmarks``.

The places that ArcFace (Deng, Guo, Xue and Zafeiriou 2019, arXiv:1801.07698) and most embedders since were trained on.
"""


@dataclass(frozen=True, slots=True, eq=False)
class FaceChip:
    """A face cut out of a photograph and aligned.

    Attributes
    ----------
    image : array of float32, (112, 112, 3)
        RGB in [0, 1], read-only; black where it reaches beyond the photograph.
    detection : Detection
        The face in the photograph.
    transform : array of float64, (2, 3)
        Takes (x, y, 1) in the photograph to (x, y) in the chip, read-only.
    """

    image: NDArray[np.float32]
    detection: Detection
    transform: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"FaceChip({self.image.shape[1]}x{self.image.shape[0]} of {self.detection})"

    def png(self) -> bytes:
        """Return the image as a PNG file, in whole grey levels."""
        from PIL import Image

        file = BytesIO()
        Image.fromarray(np.rint(self.image * np.float32(255)).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()


def landmarks_on_chip(chip: FaceChip) -> NDArray[np.float64]:
    """Return the places of the five landmarks on the chip, (5, 2) of (x, y) in its pixels."""
    points = np.column_stack([np.array(chip.detection.landmarks), np.ones(5)])
    on_chip: NDArray[np.float64] = points @ chip.transform.T
    return on_chip
