"""Calibration in a child: every two references of a gallery are compared, which takes up to a minute."""

from faceloupe.evaluation.calibrate import calibrate_gallery
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.records import EmbedderId
from faceloupe.scores.points import OperatingPoint


def calibrate_references(url: str, fmr: float, threshold: float | None, maker: EmbedderId) -> OperatingPoint:
    """Return the point that a gallery's references give, see :func:`faceloupe.evaluation.calibrate_gallery`."""
    with open_gallery(url) as gallery:
        return calibrate_gallery(gallery, fmr, maker, threshold=threshold)
