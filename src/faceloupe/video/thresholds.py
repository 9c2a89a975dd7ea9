"""The threshold that holds for pooled templates, which score otherwise than single ones.

``benchmarks/pooled_points.py`` measured the points and wrote the file that is read here.
"""

from functools import cache
from importlib.resources import files
from math import isclose
from typing import Any

from faceloupe.errors import InputError
from faceloupe.recognition.thresholds import DEFAULT_FMR, choose_point, published_points
from faceloupe.scores.points import Maker, OperatingPoint, one_in
from faceloupe.video.tracks import Likeness


def pooled_points(embedder: Maker) -> tuple[OperatingPoint, ...]:
    """Return the operating points published for pooled probes of an embedder, the highest FMR first; () if none was.

    A probe is the mean of two to five captures of LFW View 1 train, compared with single captures.
    """
    return tuple(point for point in _points() if point.is_of(embedder))


def track_point(
    embedder: Maker, pooled: int, *, fmr: float | None = None, saved: OperatingPoint | None = None
) -> OperatingPoint:
    """Return the operating point by which a track is judged.

    Of a single frame that is the one for a photograph. Of a pooled template it is the one published for pooled probes;
    where a gallery has its own point, measured on single photographs, the stricter of both, and where nothing was
    published for the embedder, the gallery's own.

    Parameters
    ----------
    embedder : Embedder
    pooled : int
        Number of frames whose templates were pooled.
    fmr : float, optional
        Asks for the points published for this false match rate.
    saved : OperatingPoint, optional
        The gallery's own.

    Raises
    ------
    InputError
        If there is no such point.
    """
    published = pooled_points(embedder)
    if pooled == 1 or not published:
        return choose_point(embedder, saved=saved, fmr=fmr)
    asked = next((point for point in published if isclose(point.target_fmr, fmr or DEFAULT_FMR, rel_tol=1e-6)), None)
    if asked is None:
        offered = ", ".join(f"{point.target_fmr:g} ({one_in(point.target_fmr)})" for point in published)
        raise InputError(f"no operating point for clips was published for an FMR of {fmr:g}; there are {offered}")
    return saved if fmr is None and saved is not None and saved.threshold > asked.threshold else asked


def likeness_of(embedder: Maker, point: OperatingPoint) -> Likeness:
    """Return from which scores a face continues a track.

    In the same place that is the threshold for an FMR of 1 in 1,000, elsewhere that for 1 in 10,000, as published for
    single photographs; of an embedder without published points, the threshold of `point` for both.
    """
    published = {round(1 / other.target_fmr): other.threshold for other in published_points(embedder)}
    return Likeness(published.get(1_000, point.threshold), published.get(10_000, point.threshold))


def measurements() -> dict[str, Any]:
    """Return the whole file: how the points were measured, whether they held, and what they do not show."""
    from json import loads

    text = files("faceloupe.video").joinpath("published_points.json").read_text(encoding="utf-8")
    document: dict[str, Any] = loads(text)
    return document


@cache
def _points() -> tuple[OperatingPoint, ...]:
    return tuple(OperatingPoint.from_document(entry["point"]) for entry in measurements()["points"])
