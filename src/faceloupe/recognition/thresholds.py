"""The threshold that holds, and the operating points that come with the package: how they were measured, how they held.

``benchmarks/published_points.py`` measured them and wrote the file that is read here.
"""

from dataclasses import replace
from functools import cache
from importlib.resources import files
from math import isclose
from shlex import quote
from typing import Any

from faceloupe.errors import InputError
from faceloupe.scores.evidence import LikelihoodRatio
from faceloupe.scores.points import Maker, OperatingPoint, one_in

DEFAULT_FMR = 1e-4
"""The target of the point that is used where none is asked for.

At 1 in 10,000 a gallery of a hundred people gives about 1 % of strangers a name, and one mated comparison in fifty is
missed. At 1 in 1,000 half as many are missed, for ten times the false matches; at 1 in 100,000 twice as many, and the
rate is known to within a factor of 1.5 only, for label errors of LFW are among the few false matches seen.
"""


def choose_point(
    embedder: Maker,
    asked_for: OperatingPoint | None = None,
    saved: OperatingPoint | None = None,
    *,
    fmr: float | None = None,
) -> OperatingPoint:
    """Return the operating point that holds: the one asked for, else the gallery's own, else the published one.

    Parameters
    ----------
    embedder : Embedder
        The embedder whose scores are judged.
    asked_for : OperatingPoint, optional
    saved : OperatingPoint, optional
        The one saved with the gallery for this embedder.
    fmr : float, optional
        Asks for the point published for this false match rate.

    Raises
    ------
    InputError
        If the point is of another embedder, or if none is there for this one.
    """
    if asked_for is None and fmr is not None:
        asked_for = published_point(embedder, fmr)
    point = asked_for or find_point(embedder, saved) or published_point(embedder)  # the last says what to do
    check_point(point, embedder)
    return point


def check_point(point: OperatingPoint, embedder: Maker) -> None:
    """Check that an operating point is of this embedder.

    Raises
    ------
    InputError
        If it is of another one, or of other weights: its threshold means nothing for these scores.
    """
    if not point.is_of(embedder):
        raise InputError(
            f"the operating point is of {point.embedder} {point.weights_sha256[:8]}, the templates are of "
            f"{embedder.name} {embedder.sha256[:8]}: a threshold holds for the scores of one embedder. Calibrate this "
            "one, or use the other"
        )


def published_points(embedder: Maker) -> tuple[OperatingPoint, ...]:
    """Return the operating points published for an embedder and its weights, the highest FMR first; () if none was.

    They were chosen and measured on all pairs of the photographs of LFW View 1 train.
    """
    return tuple(point for point in all_points() if point.is_of(embedder))


def find_point(embedder: Maker, saved: OperatingPoint | None = None, *, comparisons: int = 1) -> OperatingPoint | None:
    """Return the operating point that holds where none is asked for; None if the embedder has none.

    Parameters
    ----------
    embedder : Embedder
    saved : OperatingPoint, optional
        The gallery's own point for this embedder; it goes before the published ones.
    comparisons : int
        Number of comparisons made at once. Among the published points with a target FMR of at most ``DEFAULT_FMR``,
        the loosest at which chance is expected to give less than one match is returned; without such a point, the
        strictest.
    """
    published = published_points(embedder)  # the highest FMR first
    usual = [point for point in published if point.target_fmr <= DEFAULT_FMR]
    strict_enough = (point for point in usual if point.target_fmr * comparisons < 1)
    return saved or next(strict_enough, published[-1] if published else None)


def published_point(embedder: Maker, fmr: float = DEFAULT_FMR) -> OperatingPoint:
    """Return the operating point published for an embedder at a target FMR.

    Raises
    ------
    InputError
        If none was published for this embedder, or none at this FMR.
    """
    published = published_points(embedder)
    for point in published:
        if isclose(point.target_fmr, fmr, rel_tol=1e-6):
            return point
    if not published:
        name = quote(opening_name(embedder))
        raise InputError(
            f"no operating point was published for {embedder.name} {embedder.sha256[:8]}: measure one on photographs "
            f"like yours, faceloupe calibrate DATA --embedder {name} --gallery people.db --create (with "
            "--threshold SCORE to decide by a score of your own), and give --gallery people.db"
        )
    offered = ", ".join(f"{point.target_fmr:g} ({one_in(point.target_fmr)})" for point in published)
    raise InputError(
        f"no operating point was published for an FMR of {fmr:g}; there are {offered}. Measure another with faceloupe "
        "calibrate"
    )


def remember_folder(embedder: Maker, folder: str) -> None:
    """Note that an embedder was opened in this process as a folder: its name alone opens none."""
    _folders[embedder.sha256] = folder


def opening_name(embedder: Maker) -> str:
    """Return the name that ``--embedder`` opens an embedder by: the folder it was opened as, or else its own name."""
    return _folders.get(embedder.sha256, embedder.name)


def published_check(point: OperatingPoint) -> OperatingPoint | None:
    """Return what a published point's threshold gave on other people, LFW View 1 test; None for any other point."""
    return _points().get(point)


def likelihood_of(point: OperatingPoint) -> LikelihoodRatio | None:
    """Return the likelihood ratio measured with a point, or else the one published for its embedder; or None."""
    if point.likelihood:
        return point.likelihood
    maker = (point.embedder, point.weights_sha256)
    return next((other.likelihood for other in all_points() if (other.embedder, other.weights_sha256) == maker), None)


def all_points() -> tuple[OperatingPoint, ...]:
    """Return the points published for any embedder."""
    return tuple(_points())


def measurements() -> dict[str, Any]:
    """Return the content of the file: how the points were measured, whether they held, and remarks on the data."""
    from json import loads

    text = files("faceloupe.recognition").joinpath("published_points.json").read_text(encoding="utf-8")
    document: dict[str, Any] = loads(text)
    return document


_folders: dict[str, str] = {}


@cache
def _points() -> dict[OperatingPoint, OperatingPoint]:
    document = measurements()
    ratios = {
        (ratio["embedder"], ratio["weights_sha256"]): LikelihoodRatio.from_document(ratio)
        for ratio in document["likelihood_ratios"]
    }
    points = {}
    for entry in document["points"]:
        point, check = (OperatingPoint.from_document(entry[part]) for part in ("point", "check"))
        points[replace(point, likelihood=ratios.get((point.embedder, point.weights_sha256)))] = check
    return points


def point_in_words(point: OperatingPoint) -> tuple[str, ...]:
    """Return the meaning of a threshold, from plain words to the full measurement; a sentence or more each."""
    check = published_check(point)
    return (
        rates_in_words(point),
        point.words(),
        *([] if check is None else [f"Checked on {check.source}, other people: {_checked_rates(check)}."]),
    )


def rates_in_words(point: OperatingPoint) -> str:
    """Return where a threshold comes from, and how often it errs there, in two sentences."""
    share = f"about {one_in(point.fmr)}" if point.fmr else f"at most {one_in(point.fmr_interval.high)}"
    two_people = f"{share} of comparisons" if "%" in share else f"{share} comparisons"
    missed = _missed(point)
    if point.fnmr == 0 and point.fnmr_interval:
        missed = f"at most {100 * point.fnmr_interval.high:.3g} %"
    return (
        f"{origin_in_words(point)}: {two_people} of two people reach it by mistake (FMR), and {missed} of one person's "
        "stay below it (FNMR). On photographs unlike those, the rates are others."
    )


def origin_in_words(point: OperatingPoint) -> str:
    """Return where a threshold comes from: whether it is a published one, and the photographs that it was measured on.

    It is no sentence yet.
    """
    published = "published " if published_check(point) else ""
    return f"The {published}threshold {point.threshold:.4f} was measured on {point.source}"


def _checked_rates(point: OperatingPoint) -> str:
    low, high, target = point.fmr_interval.least, point.fmr_interval.high, one_in(point.target_fmr)
    verdict = {
        "holds": f"so {target} holds there",
        "does not hold": f"so {target} does not hold there",
        "cannot be told": f"too few to tell whether {target} holds there",
    }[point.verdict]
    return f"FMR {one_in(point.fmr)} ({one_in(low)} to {one_in(high)}), {verdict}; FNMR {_missed(point)}"


def _missed(point: OperatingPoint) -> str:
    return "an unknown share" if point.fnmr is None else f"{100 * point.fnmr:.3g} %"
