"""``/calibrate``: the gallery's own threshold, from its own references."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field

from faceloupe.evaluation import calibrate as calibrated
from faceloupe.recognition.decisions import point_in_words
from faceloupe.web import shapes
from faceloupe.web.problems import responses
from faceloupe.web.service import Serving, as_caller, beside, needs
from faceloupe.web.uploads import Sent

__all__ = ["router"]

router = APIRouter(tags=["recognise"], dependencies=[Depends(needs("enrol")), Depends(as_caller)])


class ToCalibrate(Sent):
    """The rate that a threshold is for."""

    fmr: float = Field(default=1e-3, gt=0, lt=1, description="False match rate.")


@router.post("/calibrate", response_model=shapes.Point, responses=responses("gallery"))
async def calibrate(sent: ToCalibrate, service: Serving) -> Any:
    """Choose a threshold by comparing every two references of the gallery; it holds there from now on.

    A rate that they cannot support is refused, with how many comparisons it would take.
    """
    source = f"every two references of the gallery {service.gallery.name}"
    templates = await beside(service.gallery.templates, service.embedder)
    point = await beside(calibrated, templates, sent.fmr, embedder=service.embedder, source=source)
    await beside(service.gallery.save_point, point)
    return {"point": point, "words": "\n".join(point_in_words(point)), "source": "gallery"}
