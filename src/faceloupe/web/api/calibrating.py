"""``/calibrate``: the gallery's own threshold, from its own references."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from faceloupe.evaluation import calibrate_gallery
from faceloupe.web import shapes
from faceloupe.web.api.system import told
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import Serving, as_caller, beside, needs
from faceloupe.web.uploads import Sent, body_of, described

__all__ = ["router"]

router = APIRouter(tags=["recognise"], dependencies=[needs("enrol"), Depends(as_caller)])

MOST = 20_000  # references: every two of them are compared, in a minute and 0.8 GB


class ToCalibrate(Sent):
    """The rate that a threshold is for."""

    fmr: float = Field(default=1e-3, gt=0, lt=1, description="False match rate.")


@router.post(
    "/calibrate", response_model=shapes.Point, responses=responses("media-type", "gallery"),
    openapi_extra=described(ToCalibrate),
)  # fmt: skip
async def calibrate(sent: Annotated[ToCalibrate, Depends(body_of(ToCalibrate))], service: Serving) -> Any:
    """Choose a threshold by comparing every two references of the gallery; it holds there from now on.

    A rate that they cannot support is refused, with how many comparisons it would take.
    """
    if await beside(service.gallery.n_references, service.embedder) > MOST:
        raise HTTPProblem("too-large", f"more than {MOST:,} references take minutes: faceloupe calibrate does that")
    with service.calibrations.take():
        point = await beside(calibrate_gallery, service.gallery, sent.fmr, service.embedder)
    await service.write(service.gallery.save_point, point)
    return told(point, "gallery")
