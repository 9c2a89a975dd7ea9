"""``/health``, ``/metrics``, ``/points``: whether the server can work, how it does, and by which threshold."""

from typing import Any, Literal

from fastapi import APIRouter, Response

from faceloupe import __version__
from faceloupe.recognition.decisions import point_in_words
from faceloupe.recognition.thresholds import choose_point, published_points
from faceloupe.scores import OperatingPoint
from faceloupe.web import shapes
from faceloupe.web.keys import SCOPES
from faceloupe.web.problems import responses
from faceloupe.web.service import Caller, Serving, beside, needs

__all__ = ["router", "told"]

router = APIRouter(tags=["system"])


@router.get("/health", response_model=shapes.Health, responses=responses("gallery"))
async def health(service: Serving, key: Caller) -> Any:
    """Say whether the server can work, for which it asks the gallery, and what the caller's key is for."""
    people = await beside(service.gallery.n_subjects)
    return {
        "status": "ok",
        "version": __version__,
        "embedder": service.embedder.name,
        "gallery": service.gallery.name,
        "people": people,
        "scopes": [scope for scope in SCOPES if key.allows(scope)],
    }


@router.get("/metrics", responses=responses(), response_class=Response, dependencies=[needs("admin")])
async def metrics(service: Serving) -> Response:
    """Return counts and times, as Prometheus reads them."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/points", response_model=shapes.Points, responses=responses("gallery"), dependencies=[needs("recognise")])
async def points(service: Serving) -> Any:
    """Tell which threshold decides, what was measured at it, and which others were published."""
    own = await beside(service.gallery.point, service.embedder)
    used = told(choose_point(service.embedder, saved=own), "gallery" if own else "published")
    published = [told(point, "published") for point in published_points(service.embedder)]
    return {"used": used, "published": published}


def told(point: OperatingPoint, source: Literal["gallery", "published"]) -> dict[str, Any]:
    """Return an operating point with what it means, and whose it is."""
    return {"point": point, "words": "\n".join(point_in_words(point)), "source": source}
