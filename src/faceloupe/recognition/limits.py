"""Limits of fitness for enrolment, in words: each number with its unit, the limit and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from faceloupe.recognition.quality import Quality


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """The quality that a face must reach to be enrolled.

    The defaults come from SFace at its published threshold for an FMR of 1 in 10,000, which missed 2.04 % of the mated
    comparisons of LFW View 1 train, and from 110 photographs of it that were made worse step by step (0.9 % missed as
    they are); all before small and tilted faces were looked at once more. With the limit of SFace's norm they refuse
    1.8 % of the photographs of train and 1.2 % of test, and FNMR falls from 2.04 to 1.36 % and from 2.44 to 1.26 %; of
    the photographs made worse they refuse 90 % of those that are missed, and none of those that were left as they are.
    Noise and JPEG's blocks look sharp: only the norm sees them.

    Attributes
    ----------
    eye_distance : float
        Pixels, at least. Shrunk to 18 pixels 3 % are missed, to 12 6 %, to 9 16 %, to 7 half.
    sharpness : float
        Grey levels, at least. Blurred to 2.3 5 % are missed, to 1.7 12 %, to 1.1 46 %.
    darkest, brightest : float
        Mean luma of the face, 0 to 1, at least and at most. Darkened to 0.10 4 % are missed, to 0.06 7 %, to 0.04 36 %;
        overexposed to 0.77 6 %, to 0.86 18 %, to 0.92 39 %.
    clipped : float
        Share of the face without detail, at most. The overexposed ones: 0.10, 0.37 and 0.59 of the face.
    yaw : float
        Degrees to either side, at most. Of the 46 comparisons of LFW with a face turned further 5 are missed.
    pitch : float
        Degrees up or down, at most. Beyond what LFW holds: nothing was measured there.
    detection_score : float
        0 to 1, at least. Of the photographs made worse that score less, 62 % are missed.
    embedding_norm : float or None
        At least; None is not a limit, for other embedders have other norms. Of all measures this foresees errors best:
        below 9.5 SFace misses 11 of 36 comparisons of train and 12 of 14 of test.

    References
    ----------
    Grother & Tabassi 2007, "Performance of biometric quality measures", for judging a measure by the errors that it
    foresees; :func:`faceloupe.scores.error_versus_reject`.
    """

    eye_distance: float = 14.0
    sharpness: float = 1.8
    darkest: float = 0.06
    brightest: float = 0.85
    clipped: float = 0.25
    yaw: float = 55.0
    pitch: float = 25.0
    detection_score: float = 0.88
    embedding_norm: float | None = None


LIMITS = QualityLimits()
"""The defaults, for any embedder."""

_NORMS = {"sface": 9.5}


def limits_of(embedder: str) -> QualityLimits:
    """Return the limits for an embedder by its name: the defaults, with the embedding norm that it needs if known."""
    return replace(LIMITS, embedding_norm=_NORMS.get(embedder))


def shortcomings(quality: Quality, limits: QualityLimits = LIMITS) -> tuple[str, ...]:
    """Return the shortcomings that make a face unfit for enrolment, each in words; empty if it is fit.

    Parameters
    ----------
    quality : Quality
        The quality of the face.
    limits : QualityLimits
        The limits it must reach; :func:`limits_of` returns those of an embedder.
    """
    return (*_picture(quality, limits), *_face(quality, limits))


def _picture(quality: Quality, limits: QualityLimits) -> Iterator[str]:
    if quality.eye_distance < limits.eye_distance:
        yield (
            f"eyes {quality.eye_distance:.1f} pixels apart, expected at least {limits.eye_distance:g}: come closer, "
            "or use the photograph in its full size"
        )
    if quality.sharpness < limits.sharpness:
        yield (
            f"sharpness {quality.sharpness:.2f} grey levels, expected at least {limits.sharpness:g}: focus on the "
            "face, hold still"
        )
    if quality.brightness < limits.darkest:
        yield (
            f"face {_percent(quality.brightness)} bright, expected at least {_percent(limits.darkest)}: put light on "
            "the face"
        )
    if quality.brightness > limits.brightest:
        yield (
            f"face {_percent(quality.brightness)} bright, expected at most {_percent(limits.brightest)}: expose less"
        )
    if quality.clipped > limits.clipped:
        yield (
            f"{_percent(quality.clipped)} of the face black or white without detail, expected at most "
            f"{_percent(limits.clipped)}: avoid flash and hard light"
        )


def _face(quality: Quality, limits: QualityLimits) -> Iterator[str]:
    yaw, pitch = quality.pose.yaw, quality.pose.pitch
    if abs(yaw) > limits.yaw:
        yield f"head turned {abs(yaw):.1f}° to the side, expected at most {limits.yaw:g}°: face the camera"
    if abs(pitch) > limits.pitch:
        way = "up" if pitch > 0 else "down"
        yield f"head turned {abs(pitch):.1f}° {way}, expected at most {limits.pitch:g}°: hold the camera at eye level"
    if quality.detection_score < limits.detection_score:
        yield (
            f"detection score {quality.detection_score:.3f}, expected at least {limits.detection_score:g}: show the "
            "whole face, uncovered and well lit"
        )
    norm = quality.embedding_norm
    if limits.embedding_norm is not None and norm is not None and norm < limits.embedding_norm:
        yield (
            f"embedding norm {norm:.2f}, expected at least {limits.embedding_norm:g}: the embedder sees little that "
            "it knows of faces; take another photograph, sharper, larger or from the front"
        )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
