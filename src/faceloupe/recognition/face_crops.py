"""The one face of a photograph, aligned and cropped: what a network that is trained on faces gets to see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.numerals import counted
from faceloupe.recognition.chips import CHIP_SIDE
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.recognise import find_faces
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.yunet import detector_in_words

Image = NDArray[np.float32]


@dataclass(slots=True)
class FaceCrop:
    """Finds the one face of a photograph, turns it upright and cuts it out by its landmarks.

    What is no larger than such a crop is taken as it is, for it is one already. Give it to
    :func:`faceloupe.load_faces` as ``crop=FaceCrop()``; afterwards it tells what it did.

    Attributes
    ----------
    always : bool
        Look for a face in small pictures too.
    detector : Detector or None
        Finds the faces; by default YuNet.
    cropped, untouched : int
        Pictures of which the face was cut out, and those that were taken as they are.
    """

    always: bool = False
    detector: Detector | None = None
    cropped: int = 0
    untouched: int = 0

    def __call__(self, image: Image) -> Image:
        """Return the face of a picture (H, W) or (H, W, 3): (112, 112) or (112, 112, 3), or the picture as it is.

        Raises
        ------
        ImageError
            If the picture does not show one face.
        UnavailableError
            If the detector's weights or the packages of the extra ``recognition`` are missing.
        """
        if not self.always and min(image.shape[:2]) <= CHIP_SIDE:
            self.untouched += 1
            return image
        [chip] = find_faces(image, FaceSearch("one", detector=self.detector))
        self.cropped += 1
        return chip.image if image.ndim == 3 else chip.image[..., 0]

    def words(self) -> str:
        """Return in a sentence what was done; nothing if no face was cut out."""
        if not self.cropped:
            return ""
        name = "YuNet" if self.detector is None else detector_in_words(self.detector)
        small = f"; {self.untouched:,} of at most {CHIP_SIDE} pixels a side were taken as they are"
        return (
            f"Faces were found by {name}, aligned and cropped in {counted(self.cropped, 'photograph')}"
            f"{small if self.untouched else ''}."
        )
