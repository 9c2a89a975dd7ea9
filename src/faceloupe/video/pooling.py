"""One template from the best frames of a track."""

from collections.abc import Sequence
from dataclasses import replace
from math import cos, radians

import numpy as np

from faceloupe.errors import InputError
from faceloupe.recognition.quality import Quality
from faceloupe.recognition.templates import Template

POOLED = 5
"""Templates that are pooled, at most: the published thresholds were measured with two to five."""

_LARGE, _SHARP = 40.0, 8.0  # pixels from eye to eye and grey levels of sharpness past which more does not help


def rating(quality: Quality) -> float:
    """Return the quality of a face for recognition, to compare the frames of one track: more is better.

    The product of its size and sharpness, up to where more does not help, of how far it looks at the camera, of the
    detector's score and of the embedding's length. The last is in the embedder's own unit, so that ratings of two
    embedders do not compare.
    """
    pose = max(0.0, cos(radians(quality.pose.yaw))) * max(0.0, cos(radians(quality.pose.pitch)))
    size, sharpness = min(1.0, quality.eye_distance / _LARGE), min(1.0, quality.sharpness / _SHARP)
    return size * sharpness * pose * quality.detection_score * (quality.embedding_norm or 1.0)


def pool(templates: Sequence[Template]) -> Template:
    """Return the mean of templates of one face, as a unit vector, with the quality of the best of them.

    Raises
    ------
    InputError
        If there is none, they are of different embedders, or they point in opposite directions, so that their mean has
        no direction.
    """
    if len({(template.embedder, template.sha256) for template in templates}) != 1:
        raise InputError(f"pool: expected templates by one embedder, got {list(templates)!r:.200}")
    if len(templates) == 1:
        return templates[0]
    mean = np.stack([template.vector for template in templates]).astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        raise InputError("pool: the templates cancel one another out, so that they have no mean direction")
    best = max(templates, key=lambda template: rating(template.quality))
    return replace(best, vector=(mean / length).astype(np.float32))
