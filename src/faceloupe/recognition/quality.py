"""The quality of a face for recognition: numbers with units, from the photograph alone."""

from dataclasses import asdict, dataclass
from math import asin, atan2, degrees, hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.faces.pixels import LUMA
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.detections import Landmarks

_FACE = (slice(30, 106), slice(24, 88))  # rows and columns of a chip from brows to chin: no hair, no background
_DARK, _BRIGHT = 0.02, 0.98

AVERAGE_FACE = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.563, -0.4], [-0.426, 0.995, 0], [0.426, 0.995, 0]], dtype=np.float64
)
"""Landmarks in space, in eye distances: x to the right of the picture, y down, z away from the camera.

The plane is the median over 1,248 photographs of LFW, made symmetric; how far the nose stands out is assumed.
"""


@dataclass(frozen=True, slots=True)
class Pose:
    """The angles by which a head is turned, in degrees.

    Attributes
    ----------
    yaw : float
        0 looks at the camera, 90 to the right of the picture, -90 to the left.
    pitch : float
        Positive looks up, negative down; 0 is as the people of LFW look on average.
    roll : float
        Angle of the line from eye to eye: positive if turned clockwise in the picture.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a face, as measured. None of it alone says whether a comparison will succeed.

    Attributes
    ----------
    eye_distance : float
        Between the centres of the eyes, in pixels of the photograph.
    sharpness : float
        Standard deviation of the Laplacian (4 neighbours) of the luma on the chip's face, in grey levels of 255. Small
        faces are enlarged and so come out smooth. After Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548.
    brightness : float
        Mean luma (ITU-R 601) on the chip's face: 0 is black, 1 is white.
    clipped : float
        Share of the chip's face, 0 to 1, whose luma is at most 0.02 or at least 0.98.
    pose : Pose
        The head's pose in degrees, see :func:`pose_of`.
    detection_score : float
        0 to 1, the detector's.
    embedding_norm : float or None
        Length of the embedding before it becomes a unit vector, in the embedder's own unit; None before embedding.
        Networks trained with a margin tend to give faces they know little about a short one (Meng et al. 2021,
        arXiv:2103.06627). Of these numbers the one that says most about errors, measured with SFace on LFW View 1.
    """

    eye_distance: float
    sharpness: float
    brightness: float
    clipped: float
    pose: Pose
    detection_score: float
    embedding_norm: float | None = None

    def to_document(self) -> dict[str, Any]:
        """Return every number as a plain dictionary that JSON can hold."""
        return asdict(self)


def measure(chip: FaceChip) -> Quality:
    """Measure a face before it is embedded.

    "The chip's face" is rows 30 to 105 and columns 24 to 87 of the 112 x 112.
    """
    landmarks = chip.detection.landmarks
    luma = (chip.image @ LUMA)[_FACE]
    return Quality(
        eye_distance=hypot(landmarks.left_eye.x - landmarks.right_eye.x, landmarks.left_eye.y - landmarks.right_eye.y),
        sharpness=float(255 * _laplacian(luma).std()),
        brightness=float(luma.mean()),
        clipped=float(((luma <= _DARK) | (luma >= _BRIGHT)).mean()),
        pose=pose_of(landmarks, chip.detection.turn),
        detection_score=chip.detection.score,
    )


def pose_of(landmarks: Landmarks, turn: int = 0) -> Pose:
    """Estimate which way a head is turned from five landmarks.

    ``AVERAGE_FACE``, seen from afar, is turned to fit the landmarks in the least squares. Faces differ from it, and so
    the angles are good for telling a frontal face from a turned one, not for measuring. Of a face that was found in a
    turned copy, yaw and pitch are those of the copy, and roll is that of the photograph.
    """
    places = np.array(landmarks)
    cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    upright = places @ np.array([[cosine, -sine], [sine, cosine]]) if turn else places
    turned = (upright - upright.mean(axis=0)).T @ np.linalg.pinv(AVERAGE_FACE - AVERAGE_FACE.mean(axis=0)).T
    left, _, right = np.linalg.svd(turned, full_matrices=False)
    across, down = left @ right  # two rows of a rotation: the picture's axes in the face's
    ahead = np.cross(across, down)
    eyes = places[1] - places[0]
    return Pose(
        yaw=degrees(atan2(-across[2], ahead[2])),
        pitch=degrees(asin(np.clip(down[2], -1, 1))),
        roll=degrees(atan2(eyes[1], eyes[0])),
    )


def _laplacian(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return around - 4 * luma[1:-1, 1:-1]
