"""``/health``, ``/metrics``: whether the server can work, and how it does."""

from asyncio import to_thread
from typing import Any

from fastapi import APIRouter, Response

from faceloupe import __version__
from faceloupe.recognition.provenance import provenance_of
from faceloupe.recognition.yunet import detector_in_words
from faceloupe.web import shapes
from faceloupe.web.keys import SCOPES
from faceloupe.web.problems import responses
from faceloupe.web.service import Caller, Serving, needs

router = APIRouter(tags=["system"])


@router.get("/health", response_model=shapes.Health, responses=responses("gallery"))
async def health(service: Serving, key: Caller) -> Any:
    """Say whether the server can work, for which it asks the gallery, and what the caller's key is for."""
    people = await to_thread(service.gallery.n_subjects)
    known = await to_thread(provenance_of, service.embedder.sha256)
    return {
        "status": "ok",
        "version": __version__,
        "embedder": service.embedder.name,
        "detector": detector_in_words(service.detector),
        "licence": known and known.licence,
        "training_data": known and known.training_data,
        "gallery": service.gallery.name,
        "people": people,
        "keeps_unknown": service.keeps_unknown and service.keeps_unknown.total_seconds(),
        "scopes": [scope for scope in SCOPES if key.allows(scope)],
    }


@router.get("/metrics", responses=responses(), response_class=Response, dependencies=[needs("admin")])
async def metrics(service: Serving) -> Response:
    """Return counts and times, as Prometheus reads them."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
