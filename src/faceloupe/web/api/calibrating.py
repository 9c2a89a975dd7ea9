"""``/points``, ``/calibrate``: the threshold by which everybody is told a name, and the gallery's own."""

from asyncio import to_thread
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field, model_validator

from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.saved_points import LOOSEST
from faceloupe.recognition.thresholds import DEFAULT_FMR, choose_point, point_in_words, published_points
from faceloupe.scores.points import OperatingPoint
from faceloupe.web import shapes
from faceloupe.web.children import ChildEndedError
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import Service, Serving, as_caller, needs
from faceloupe.web.uploads import BodyRoute, RequestBody

router = APIRouter(tags=["recognise"], route_class=BodyRoute)

CALIBRATE = "faceloupe.web.calibration.calibrate_references"
"""Function that a child runs, by name."""

RULES = [needs("admin"), Depends(as_caller)]
MOST = 20_000  # references: every two of them are compared, in a minute and 0.8 GB


class ToCalibrate(RequestBody):
    """The rate that a threshold is for, or the threshold."""

    fmr: float | None = Field(default=None, gt=0, lt=1, description=f"False match rate; {DEFAULT_FMR:g} if left out.")
    threshold: float | None = Field(default=None, gt=-1, le=1, description="Measure this one instead of choosing one.")
    loose: bool = Field(default=False, description="Say that a rate above 1 in 100 is meant.")

    @model_validator(mode="after")
    def _meant(self) -> "ToCalibrate":
        if self.fmr is not None and self.threshold is not None:
            raise ValueError("expected `fmr`, to choose a threshold for, or `threshold`, to measure; not both")
        if (self.fmr or 0) > LOOSEST and not self.loose:
            raise ValueError(
                f"a false match rate above {LOOSEST:g} takes strangers for one another: send `loose` to mean it"
            )
        return self


@router.get("/points", response_model=shapes.Points, responses=responses("gallery"), dependencies=[needs("recognise")])
async def points(service: Serving) -> Any:
    """Return the threshold in use with what was measured at it, those saved here, and those published."""
    return await to_thread(_points, service)


@router.delete("/points", response_model=shapes.Points, responses=responses("gallery"), dependencies=RULES)
async def reset(service: Serving) -> Any:
    """Take the gallery's own thresholds back: the published one decides again."""
    await service.write(service.gallery.reset_points, service.embedder)
    return await to_thread(_points, service)


@router.post(
    "/calibrate", response_model=shapes.Point, responses=responses("media-type", "gallery"), dependencies=RULES
)
async def calibrate(body: ToCalibrate, service: Serving) -> Any:
    """Choose a threshold, or measure one, by comparing every two references of the gallery.

    It holds there from now on, for everybody.

    A rate that they cannot support is refused, with how many comparisons it would take. `DELETE /points` undoes it.
    """
    if await to_thread(service.gallery.n_references, service.embedder) > MOST:
        raise HTTPProblem("too-large", f"more than {MOST:,} references take minutes: faceloupe calibrate does that")
    with service.calibrations.take():
        point = await to_thread(_calibrated, service, DEFAULT_FMR if body.fmr is None else body.fmr, body.threshold)
    await service.write(service.gallery.save_point, point, loose=body.loose)
    return _in_words(point, "gallery")


def _calibrated(service: Service, fmr: float, threshold: float | None) -> OperatingPoint:
    maker = EmbedderId(service.embedder.name, service.embedder.sha256)
    try:
        point: OperatingPoint = service.calibrating.run(CALIBRATE, service.settings.gallery, fmr, threshold, maker)
    except ChildEndedError as problem:
        raise HTTPProblem("too-large", f"the references were not compared: {problem}") from problem
    return point


def _points(service: Service) -> dict[str, Any]:
    saved = service.gallery.calibrations(service.embedder)
    published = [_in_words(point, "published") for point in published_points(service.embedder)]
    point = choose_point(service.embedder, saved=saved[0].point if saved else None)
    used = _in_words(point, "gallery" if saved else "published")
    listed = [{"created": saved_point.created.isoformat(), "point": saved_point.point} for saved_point in saved]
    return {"used": used, "saved": listed, "published": published}


def _in_words(point: OperatingPoint, source: Literal["gallery", "published"]) -> dict[str, Any]:
    """Return an operating point with its meaning and its source."""
    return {"point": point, "words": "\n".join(point_in_words(point)), "source": source}
