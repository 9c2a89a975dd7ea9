"""Operating points that come with the package: thresholds for SFace, what they were measured on, how they held.

``benchmarks/published_points.py`` measured them and wrote the file that is read here.
"""

from functools import cache
from importlib.resources import files
from math import isclose
from typing import Any, Protocol

from faceloupe.errors import InputError
from faceloupe.scores import OperatingPoint
from faceloupe.scores.points import one_in

__all__ = [
    "DEFAULT_FMR",
    "Maker",
    "all_points",
    "measurements",
    "published_check",
    "published_point",
    "published_points",
]

DEFAULT_FMR = 1e-4
"""The target of the point that is used where none is asked for.

At 1 in 10,000 a gallery of a hundred people gives about 1 % of strangers a name, and one mated comparison in fifty is
missed. At 1 in 1,000 half as many are missed, for ten times the false matches; at 1 in 100,000 twice as many, and the
rate is known to within a factor of 1.5 only, for label errors of LFW are among the few false matches seen.
"""


class Maker(Protocol):
    """What templates are made by, an :class:`~faceloupe.recognition.Embedder` or what is left of it: name and hash."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def sha256(self) -> str:
        """Of its weights."""


def published_points(embedder: Maker) -> tuple[OperatingPoint, ...]:
    """Return the operating points published for an embedder, the highest FMR first.

    They were chosen and measured on all pairs of the photographs of LFW View 1 train.

    Raises
    ------
    InputError
        If none was published for this embedder and these weights.
    """
    points = tuple(point for point in all_points() if _made_by(embedder, point))
    if not points:
        raise InputError(
            f"no operating point was published for {embedder.name} {embedder.sha256[:8]}: measure one on photographs "
            "like yours (faceloupe calibrate)"
        )
    return points


def published_point(embedder: Maker, fmr: float = DEFAULT_FMR) -> OperatingPoint:
    """Return the operating point published for an embedder at a target FMR.

    Raises
    ------
    InputError
        If none was published for this embedder, or none at this FMR.
    """
    points = published_points(embedder)
    for point in points:
        if isclose(point.target_fmr, fmr, rel_tol=1e-6):
            return point
    offered = ", ".join(f"{point.target_fmr:g} ({one_in(point.target_fmr)})" for point in points)
    raise InputError(
        f"no operating point was published for an FMR of {fmr:g}; there are {offered}. Measure another with faceloupe "
        "calibrate"
    )


def published_check(point: OperatingPoint) -> OperatingPoint | None:
    """Return what the threshold of a published point gave on LFW View 1 test, other people; None for another point."""
    return _points().get(point)


def all_points() -> tuple[OperatingPoint, ...]:
    """Return the points published for any embedder."""
    return tuple(_points())


def measurements() -> dict[str, Any]:
    """Return the whole file: how the points were measured, whether they held, and what to know of the data."""
    from json import loads

    text = files("faceloupe.recognition").joinpath("published_points.json").read_text(encoding="utf-8")
    document: dict[str, Any] = loads(text)
    return document


@cache
def _points() -> dict[OperatingPoint, OperatingPoint]:
    return {
        OperatingPoint.from_document(entry["point"]): OperatingPoint.from_document(entry["check"])
        for entry in measurements()["points"]
    }


def _made_by(embedder: Maker, point: OperatingPoint) -> bool:
    return (point.embedder, point.weights_sha256) == (embedder.name, embedder.sha256)
