"""``/health``, ``/metrics``, ``/points``: whether the server can work, how it does, and by which threshold."""

from typing import Any

from fastapi import APIRouter, Depends, Response

from faceloupe import __version__
from faceloupe.recognition.decisions import point_in_words
from faceloupe.recognition.points import all_points, published_point
from faceloupe.scores import OperatingPoint
from faceloupe.web import shapes
from faceloupe.web.problems import responses
from faceloupe.web.service import Serving, beside, needs

__all__ = ["router"]

router = APIRouter(tags=["system"])


@router.get("/health", response_model=shapes.Health, responses=responses("gallery"))
async def health(service: Serving) -> Any:
    """Say whether the server can work: it asks the gallery."""
    people = await beside(service.gallery.n_subjects)
    return {
        "status": "ok",
        "version": __version__,
        "embedder": service.embedder.name,
        "gallery": service.gallery.name,
        "people": people,
    }


@router.get("/metrics", responses=responses(), response_class=Response, dependencies=[Depends(needs("admin"))])
async def metrics(service: Serving) -> Response:
    """Return counts and times, as Prometheus reads them."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get(
    "/points", response_model=shapes.Points, responses=responses("gallery"), dependencies=[Depends(needs("recognise"))]
)
async def points(service: Serving) -> Any:
    """Tell which threshold decides, what was measured at it, and which others were published."""
    own = await beside(service.gallery.point, service.embedder)
    used = _told(own, "gallery") if own else _told(published_point(service.embedder), "published")
    maker = service.embedder.name, service.embedder.sha256
    published = [point for point in all_points() if (point.embedder, point.weights_sha256) == maker]
    return {"used": used, "published": [_told(point, "published") for point in published]}


def _told(point: OperatingPoint, source: str) -> dict[str, Any]:
    return {"point": point, "words": "\n".join(point_in_words(point)), "source": source}
