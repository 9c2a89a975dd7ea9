"""``/explain``: why two photographs do, or do not, show one person."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from faceloupe.explaining import Explanation, Side
from faceloupe.explaining.network import network_of
from faceloupe.explaining.others import compare_with_others
from faceloupe.faces.images import as_floats, decode
from faceloupe.inspection import attribute
from faceloupe.recognition import Photograph, compare
from faceloupe.recognition.decisions import Decision
from faceloupe.recognition.points import published_point
from faceloupe.web import shapes
from faceloupe.web.jobs import Progress
from faceloupe.web.keys import Key
from faceloupe.web.problems import responses
from faceloupe.web.service import Service, beside, key_of, needs, service_of
from faceloupe.web.uploads import Photo, Sent, body_of, described

__all__ = ["router"]

router = APIRouter(tags=["recognise"], dependencies=[Depends(needs("recognise"))])

Serving = Annotated[Service, Depends(service_of)]


class ToExplain(Sent):
    """Two photographs, each of one face."""

    one: Photo
    other: Photo
    central: bool = Field(default=False, description="Of several faces take the one nearest the centre.")
    method: Literal["occlusion", "correlation"] = "occlusion"
    certify: bool = Field(default=True, description="Check the maps; that takes about 12 times as long as making them.")


@router.post(
    "/explain", response_model=shapes.JobState, status_code=202,
    responses=responses("image", "busy", "media-type", "unavailable", "gallery"), openapi_extra=described(ToExplain),
)  # fmt: skip
async def explain(
    sent: Annotated[ToExplain, Depends(body_of(ToExplain))], service: Serving, key: Annotated[Key, Depends(key_of)]
) -> Any:
    """Explain why two photographs do, or do not, show one person, beside the people of the gallery.

    The job's result is a page. It shows both faces, and is kept in memory only.
    """
    point = await beside(service.gallery.point, service.embedder) or published_point(service.embedder)
    faces: Literal["central", "one"] = "central" if sent.central else "one"
    one = await service.recogniser.photograph(sent.one, "one", faces=faces)
    other = await service.recogniser.photograph(sent.other, "other", faces=faces)
    decision = Decision(compare(one.templates[0], other.templates[0]), point, one, other)
    work = partial(_explain, service, decision, sent)
    return service.jobs.submit("explain", work, owner=key.name).to_document()


def _explain(service: Service, decision: Decision, sent: ToExplain, tell: Progress) -> dict[str, Any]:
    """Do what :func:`faceloupe.explaining.explain` does, for photographs that are no files."""
    network, pair = network_of(service.embedder), (decision.one.templates[0], decision.other.templates[0])

    def side(content: bytes, photograph: Photograph, place: int) -> Side:
        def told(done: float, whole: float) -> None:
            tell(place * whole + done, 2 * whole)

        found = attribute(
            network, photograph.chips[0].image.transpose(2, 0, 1), pair[1 - place].vector, sent.method,
            certify=sent.certify, progress=told,
        )  # fmt: skip
        return Side(photograph, as_floats(decode(content, photograph.path.name, colour=True)), found)

    gallery, others = service.gallery, None
    if len(gallery.templates(service.embedder)):
        others = compare_with_others(gallery, service.embedder, pair, decision.score, decision.point.threshold)
    sides = side(sent.one, decision.one, 0), side(sent.other, decision.other, 1)
    return Explanation(decision, *sides, others).to_document()
