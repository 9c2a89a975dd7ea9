"""Distortions of a photograph, in steps: blur, few pixels, hard compression, noise, darkness, rotation, covered parts.

Every function takes a photograph, (H, W, 3) uint8, with the face that was found in it, leaves both untouched, and
returns another photograph. Lengths are shares of the distance between the eyes, so that a large photograph and a small
one of the same face are spoilt alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from faceloupe.recognition.detections import Detection

Pixels = NDArray[np.uint8]
GREY = 128  # of what covers a part


@dataclass(frozen=True, slots=True)
class Distortion:
    """One way to spoil a photograph, in steps that grow.

    Attributes
    ----------
    name : str
    levels : tuple of float
        Strengths, from weak to strong.
    words : str
        Description of a level, with a place for it, such as "{:g} pixels from eye to eye".
    spoil : callable
        Takes (photograph, face, level, random generator) and returns the spoilt photograph.
    """

    name: str
    levels: tuple[float, ...]
    words: str
    spoil: Callable[[Pixels, Detection, float, np.random.Generator], Pixels]


def _blur(photograph: Pixels, face: Detection, level: float, _: np.random.Generator) -> Pixels:
    return np.asarray(Image.fromarray(photograph).filter(ImageFilter.GaussianBlur(level * _eye_distance(face))))


def _shrink(photograph: Pixels, face: Detection, level: float, _: np.random.Generator) -> Pixels:
    """Shrink so that the eyes are `level` pixels apart, and enlarge again: what is lost is detail alone."""
    height, width = photograph.shape[:2]
    scale = min(1.0, level / _eye_distance(face))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(photograph).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def _compress(photograph: Pixels, _: Detection, level: float, __: np.random.Generator) -> Pixels:
    file = BytesIO()
    Image.fromarray(photograph).save(file, "JPEG", quality=int(level))
    return np.asarray(Image.open(file).convert("RGB"))


def _add_noise(photograph: Pixels, _: Detection, level: float, rng: np.random.Generator) -> Pixels:
    noisy = photograph + 255 * level * rng.standard_normal(photograph.shape)
    return np.rint(np.clip(noisy, 0, 255)).astype(np.uint8)


def _darken(photograph: Pixels, _: Detection, level: float, rng: np.random.Generator) -> Pixels:
    """Leave a share of the light, with the noise of a sensor that counts few photons (Poisson), in whole levels."""
    return np.clip(rng.poisson(photograph * level), 0, 255).astype(np.uint8)


def _rotate(photograph: Pixels, face: Detection, level: float, _: np.random.Generator) -> Pixels:
    x, y, width, height = face.box
    centre = x + width / 2, y + height / 2
    return np.asarray(
        Image.fromarray(photograph).rotate(level, Image.Resampling.BILINEAR, center=centre, fillcolor=(GREY,) * 3)
    )


def _cover(photograph: Pixels, face: Detection, level: float, _: np.random.Generator) -> Pixels:
    """Cover the part that a level stands for: 1 the eyes, 2 mouth and nose, 3 and 4 one half."""
    x, y, width, height = face.box
    eyes, nose = np.array(face.landmarks[:2]), face.landmarks.nose
    distance = _eye_distance(face)
    left, top, right, bottom = {
        1: (x, eyes[:, 1].min() - 0.3 * distance, x + width, eyes[:, 1].max() + 0.3 * distance),
        2: (x, nose.y - 0.15 * distance, x + width, y + height),
        3: (x, y, nose.x, y + height),
        4: (nose.x, y, x + width, y + height),
    }[int(level)]
    covered = photograph.copy()
    rows, columns = (slice(max(0, round(low)), max(0, round(high))) for low, high in ((top, bottom), (left, right)))
    covered[rows, columns] = GREY
    return covered


def _eye_distance(face: Detection) -> float:
    right, left = face.landmarks[:2]
    return float(np.hypot(right.x - left.x, right.y - left.y)) or 1.0


DISTORTIONS = (
    Distortion("blur", (0.05, 0.1, 0.15, 0.2, 0.3), "{:.0%} of the eye distance (standard deviation)", _blur),
    Distortion("size", (20, 10, 7, 5, 3), "{:g} pixels from eye to eye", _shrink),
    Distortion("JPEG quality", (50, 30, 20, 10, 5), "quality {:g}", _compress),
    Distortion("noise", (0.05, 0.1, 0.2, 0.3, 0.4), "{:.0%} of white (standard deviation)", _add_noise),
    Distortion("darkness", (0.2, 0.1, 0.05, 0.03, 0.02), "{:.0%} of the light", _darken),
    Distortion("rotation", (15, 30, 60, 90, 180), "{:g} degrees", _rotate),
)
"""Those whose levels grow."""

COVERS = (
    ("eyes covered (dark glasses)", 1),
    ("mouth and nose covered (mask)", 2),
    ("right half covered", 3),
    ("left half covered", 4),
)
COVERED = tuple(Distortion(name, (level,), name, _cover) for name, level in COVERS)
"""Covered parts; right and left are the subject's for a face that looks ahead."""
