"""Remarks on faces that were compared: how they were found, where they fall short, what a document tells of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.detections import Detection
from faceloupe.recognition.limits import limits_of, shortcomings
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.templates import Template
from faceloupe.scores.points import OperatingPoint

TILTED = 40  # degrees by which a head may be tilted without a remark


def answer_in_words(score: float, point: OperatingPoint) -> str:
    """Return whether a score reaches the threshold, in a sentence."""
    if score >= point.threshold:
        return f"Match: score {score:.4f} reaches the threshold {point.threshold:.4f}."
    return f"No match: score {score:.4f} is below the threshold {point.threshold:.4f}."


def face_notes(photographs: Sequence[Photograph]) -> tuple[str, ...]:
    """Return remarks on how the one face of each was found: which are turned, and where others were passed over."""
    return tuple(
        f"{photograph.path}: {words}"
        for photograph in photographs
        for words in (photograph.note, photograph.chips and turn_words(photograph.chips[0].detection))
        if words
    )


def face_warnings(photographs: Sequence[Photograph], point: OperatingPoint) -> tuple[str, ...]:
    """Return where the one face of each falls short, or was found by another detector than the threshold's."""
    short = [
        f"{photograph.path}: {words}" for photograph in photographs for words in _shortcomings(photograph.templates[0])
    ]
    return (*short, *detector_cautions([chip for photograph in photographs for chip in photograph.chips], point))


def photograph_document(photograph: Photograph) -> dict[str, Any]:
    """Return what may be shown of a photograph of one face as a plain dictionary that JSON can hold."""
    return {
        "path": str(photograph.path),
        "sha256": photograph.sha256,
        "size": list(photograph.size),
        "face": face_document(photograph.chips[0], photograph.templates[0]),
    }


def turn_words(detection: Detection) -> str | None:
    """Return that a face is turned, in words; None if it is upright, or tilted only."""
    if not TILTED <= detection.turn <= 360 - TILTED:
        return None
    about = 5 * round(detection.turn / 5)  # it is not known to a degree
    return f"the face is turned by {about} degrees; it was turned upright before it was compared"


def detector_cautions(chips: Iterable[FaceChip], point: OperatingPoint) -> list[str]:
    """Return in words that faces were found by another detector than those the threshold was measured on."""
    return [
        f"the faces were found by {detector}, and the threshold was measured on faces found by {point.detector}: its "
        "error rates may be others here; calibrate with the detector that is used"
        for detector in sorted({chip.detection.detector for chip in chips} - {point.detector})
        if point.detector
    ]


def face_document(chip: FaceChip, template: Template) -> dict[str, Any]:
    """Return what may be shown of a face, without its vector and picture, as a plain dictionary that JSON can hold."""
    return {
        "detection": chip.detection.to_document(),
        "template": template.to_document(),
        "shortcomings": list(_shortcomings(template)),
    }


def _shortcomings(template: Template) -> tuple[str, ...]:
    return shortcomings(template.quality, limits_of(template.embedder))
