"""``/detect``, ``/verify``, ``/identify``: faces in a photograph, one person or two, and who."""

from asyncio import to_thread
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from faceloupe.errors import SubjectError
from faceloupe.gallery.answers import IdentifiedPhotograph, document_of
from faceloupe.recognition.decisions import Decision
from faceloupe.recognition.remarks import face_document
from faceloupe.recognition.templates import compare
from faceloupe.recognition.thresholds import choose_point, published_point
from faceloupe.web import shapes
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import Service, Serving, Who, needs
from faceloupe.web.uploads import BodyRoute, Photo, RequestBody

router = APIRouter(tags=["recognise"], dependencies=[needs("recognise")], route_class=BodyRoute)

Fmr = Annotated[
    float | None,
    Field(description="Take the threshold published for this false match rate, not the gallery's.", gt=0, lt=1),
]


class ToDetect(RequestBody):
    """A photograph."""

    photo: Photo


class ToVerify(RequestBody):
    """Two photographs, each of one face."""

    one: Photo
    other: Photo
    central: bool = Field(default=False, description="Take the face nearest the centre, where there are several.")
    fmr: Fmr = None
    prior: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Your probability of one person before the comparison; the answer then gives the one after it.",
    )


class ToVerifyPerson(RequestBody):
    """A photograph of one face, to compare with a person of the gallery."""

    photo: Photo
    central: bool = Field(default=False, description="Take the face nearest the centre, where there are several.")
    fmr: Fmr = None


class ToIdentify(RequestBody):
    """A photograph of any number of faces."""

    photo: Photo
    ranks: int = Field(default=3, ge=1, le=100, description="Number of candidates to name for each face.")
    fmr: Fmr = None
    recall: float | None = Field(
        default=None, gt=0, lt=1, description="Search approximately, with the recall shown to be this or more."
    )


@router.post("/detect", response_model=shapes.Detections, responses=responses("image", "media-type", "unavailable"))
async def detect(body: ToDetect, service: Serving) -> Any:
    """Find the faces of a photograph, each with its quality."""
    photograph = await service.recogniser.photograph(body.photo, "the photograph")
    faces = [
        face_document(photograph.chips[place], photograph.templates[place]) for place in photograph.reading_order()
    ]
    return {"sha256": photograph.sha256, "size": photograph.size, "faces": faces}


@router.post(
    "/verify", response_model=shapes.Decision, responses=responses("image", "media-type", "unavailable", "gallery")
)
async def verify(body: ToVerify, service: Serving) -> Any:
    """Decide whether two photographs show one person."""
    return (await decided(body, service)).to_document()


@router.post(
    "/identify", response_model=shapes.Identified, responses=responses("image", "media-type", "unavailable", "gallery")
)
async def identify(body: ToIdentify, service: Serving) -> Any:
    """Name the person of the gallery whom each face in a photograph shows, or nobody.

    Where the server keeps unknown faces for a time, `GET /health` says so, and those named nobody are kept.
    """
    point = None if body.fmr is None else published_point(service.embedder, body.fmr)
    photograph = await service.recogniser.photograph(body.photo, "the photograph")
    candidates = await to_thread(
        service.gallery.identify, photograph.templates, point=point, ranks=body.ranks, recall=body.recall
    )
    identified = IdentifiedPhotograph(photograph, candidates)
    if service.strangers is not None:
        await service.strangers.keep(identified)
    return document_of([identified])


@router.post(
    "/people/{person}/verify", response_model=shapes.PersonDecision,
    responses=responses("not-found", "conflict", "image", "media-type", "unavailable", "gallery"),
)  # fmt: skip
async def verify_person(person: Who, body: ToVerifyPerson, service: Serving) -> Any:
    """Decide whether a photograph shows one person of the gallery."""
    await to_thread(service.gallery.person, person)  # before the photograph is looked at
    point = None if body.fmr is None else published_point(service.embedder, body.fmr)
    faces: Literal["central", "one"] = "central" if body.central else "one"
    photograph = await service.recogniser.photograph(body.photo, "the photograph", faces=faces)
    try:
        decision = await to_thread(service.gallery.verify_person, photograph, person, point=point)
    except SubjectError as problem:  # the person is there, but has no reference by this embedder
        raise HTTPProblem("conflict", str(problem)) from problem
    return decision.to_document()


async def decided(body: ToVerify, service: Service) -> Decision:
    """Decide about two photographs, by the threshold asked for, or else the gallery's own, or the published one."""
    saved = await to_thread(service.gallery.point, service.embedder)
    point = choose_point(service.embedder, saved=saved, fmr=body.fmr)
    faces: Literal["central", "one"] = "central" if body.central else "one"
    first = await service.recogniser.photograph(body.one, "the first photograph", faces=faces)
    second = await service.recogniser.photograph(body.other, "the second", faces=faces)
    return Decision(compare(first.templates[0], second.templates[0]), point, first, second, body.prior)
