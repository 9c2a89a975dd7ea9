"""Thresholds for false match rates between those that were measured, and below them."""

from collections.abc import Sequence

import numpy as np

from faceloupe.errors import InputError
from faceloupe.scores.points import OperatingPoint


def threshold_at(points: Sequence[OperatingPoint], fmr: float) -> tuple[float, bool]:
    """Return the threshold for a false match rate, by a parabola through measured thresholds over log10 of their FMR.

    Between measured points it is within 0.001 of them for SFace on LFW. Below the smallest measured rate it is a guess:
    non-mated scores are nearly normal there, label errors and relatives are not foreseen.

    Parameters
    ----------
    points : sequence of OperatingPoint
        Three or more for one embedder, at different rates.
    fmr : float
        Above 0 and below 1.

    Returns
    -------
    threshold : float
    extrapolated : bool
        Whether the rate lies outside those that were measured.

    Raises
    ------
    InputError
        If there are too few points, or the rate cannot be one.
    """
    if not 0 < fmr < 1:
        raise InputError(f"expected a false match rate above 0 and below 1, got {fmr}")
    measured = {point.fmr: point.threshold for point in points if point.fmr > 0}
    if len(measured) < 3:
        raise InputError(
            f"a threshold for an FMR of {fmr:g} takes three measured points of one embedder, there are {len(measured)}"
        )
    parabola = np.polyfit(np.log10(list(measured)), list(measured.values()), 2)
    return float(np.polyval(parabola, np.log10(fmr))), not min(measured) <= fmr <= max(measured)
