"""From a photograph to its faces and their templates: reading, detection, alignment and embedding in one step."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from faceloupe.errors import ImageError
from faceloupe.faces.images import Samples, read_samples
from faceloupe.recognition.align import FaceChip, align
from faceloupe.recognition.detect import DETECTION_SIDE, MIN_SCORE, MIN_SIZE, candidates, detect
from faceloupe.recognition.embed import Embedder, SFace, templates_of
from faceloupe.recognition.templates import Template

__all__ = ["Photo", "find_faces", "template_of"]

Photo = str | PathLike[str] | Samples
"""An image file, or an array (H, W) or (H, W, 3) of float32 in [0, 1] or of uint8."""


def find_faces(
    photo: Photo,
    *,
    min_score: float = MIN_SCORE,
    min_size: float = MIN_SIZE,
    max_side: int | Sequence[int] = DETECTION_SIDE,
) -> tuple[FaceChip, ...]:
    """Find the faces in a photograph and align each.

    Parameters
    ----------
    photo : path or array
        An image file (see :func:`faceloupe.faces.read_image`), or grey (H, W) or RGB (H, W, 3): float32 in [0, 1], or
        uint8.
    min_score, min_size, max_side
        Which faces count, see :func:`faceloupe.recognition.detect`.

    Returns
    -------
    tuple of FaceChip
        The highest detection score first; empty if there is no face.

    Raises
    ------
    ImageError
        If the file cannot be read.
    InputError
        If an array or option is not as described.
    UnavailableError
        If the detector's weights or the packages of the extra ``recognition`` are missing.
    """
    image = _opened(photo)
    found = detect(image, min_score=min_score, min_size=min_size, max_side=max_side)
    return tuple(align(image, detection) for detection in found)


def template_of(
    photo: Photo,
    embedder: Embedder | None = None,
    *,
    min_score: float = MIN_SCORE,
    min_size: float = MIN_SIZE,
    max_side: int = DETECTION_SIDE,
) -> Template:
    """Make a template of the one face in a photograph.

    Parameters
    ----------
    photo, min_score, min_size, max_side
        As for :func:`find_faces`.
    embedder : Embedder, optional
        Otherwise SFace by OpenVINO.

    Raises
    ------
    ImageError
        If the file cannot be read, or shows no face or several: whose template it would be is not guessed.
    InputError
        If an array or option is not as described.
    UnavailableError
        If weights or packages are missing.
    """
    embedder = embedder or SFace()  # which opens in the meantime
    image = _opened(photo)
    found = detect(image, min_score=min_score, min_size=min_size, max_side=max_side)
    if not found:
        raise ImageError(_no_face(photo, image, min_score, min_size, max_side))
    if len(found) > 1:
        raise ImageError(
            f"{len(found)} faces found in {_named(photo, image)}; a template is of one. Crop to one face, raise "
            "min_size, or choose among find_faces(photo) and pass them to templates_of()."
        )
    return templates_of([align(image, found[0])], embedder)[0]


def _opened(photo: Photo) -> Samples:
    return photo if isinstance(photo, np.ndarray) else read_samples(Path(photo), colour=True)


def _named(photo: Photo, image: Samples) -> str:
    name = "the photograph" if isinstance(photo, np.ndarray) else Path(photo).name
    return f"{name} ({image.shape[1]}x{image.shape[0]})"


def _no_face(photo: Photo, image: Samples, min_score: float, min_size: float, max_side: int) -> str:
    where = f"No face found in {_named(photo, image)}"
    nearly = candidates(image, max_side=max_side)
    if not nearly:
        return f"{where}. Is it upright and in focus? If the face is small, crop closer."
    if nearly[0].score < min_score:
        return f"{where}, best score {nearly[0].score:.2f} < {min_score:g}. Lower min_score or crop closer."
    widest = max(face.size for face in nearly if face.score >= min_score)
    return f"{where}, largest face {widest:.0f} pixels < {min_size:g}. Lower min_size or take a larger photograph."
