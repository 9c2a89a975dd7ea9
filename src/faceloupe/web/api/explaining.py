"""``/explain``: why two photographs do, or do not, show one person."""

from asyncio import to_thread
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from faceloupe.explaining.explanation import explain_decision
from faceloupe.explaining.others import Others, compare_with_others
from faceloupe.faces.images import decode
from faceloupe.faces.pixels import as_floats
from faceloupe.pages import page
from faceloupe.progress import Progress
from faceloupe.recognition.decisions import Decision
from faceloupe.recognition.embed import Embedder
from faceloupe.web import shapes
from faceloupe.web.api.recognising import ToVerify, decided
from faceloupe.web.children import InChild
from faceloupe.web.problems import responses
from faceloupe.web.service import Caller, Service, Serving, needs
from faceloupe.web.uploads import BodyRoute

router = APIRouter(tags=["recognise"], dependencies=[needs("recognise")], route_class=BodyRoute)


class ToExplain(ToVerify):
    """Two photographs, each of one face, and how their decision is to be explained."""

    method: Literal["occlusion", "correlation"] = "occlusion"
    certify: bool = Field(default=True, description="Check the maps; that takes about 12 times as long as making them.")


@router.post(
    "/explain", response_model=shapes.JobState, status_code=202,
    responses=responses("image", "media-type", "unavailable", "gallery"),
)  # fmt: skip
async def explain(body: ToExplain, service: Serving, key: Caller) -> Any:
    """Explain why two photographs do, or do not, show one person, beside the people of the gallery.

    The job's result is a page. It shows both faces, and is kept in memory only.
    """
    decision = await decided(body, service)
    others = await to_thread(_others, service, decision)
    work = InChild(explain_pair, decision, service.embedder, others, body)
    return service.jobs.submit("explain", work, owner=key.name).to_document()


def _others(service: Service, decision: Decision) -> Others | None:
    if not service.gallery.n_references(service.embedder):
        return None
    pair = decision.first.templates[0], decision.second.templates[0]
    return compare_with_others(service.gallery, service.embedder, pair, decision.score, decision.point.threshold)


def explain_pair(
    decision: Decision, embedder: Embedder, others: Others | None, body: ToExplain, progress: Progress
) -> dict[str, Any]:
    """Return the page of an explanation, as a child makes it."""
    first, second = (as_floats(decode(content, "the photograph", colour=True)) for content in (body.one, body.other))
    explanation = explain_decision(
        decision, (first, second), embedder, others=others, method=body.method, certify=body.certify, progress=progress
    )
    return page(explanation)
