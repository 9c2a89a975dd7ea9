"""``/collection``: the people of a collection, looked through and put right; every step can be taken back."""

from asyncio import to_thread
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from faceloupe.collection.groups import DEFAULT_FPIR
from faceloupe.web import shapes
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import LARGEST, Number, Service, Serving, as_caller, needs
from faceloupe.web.uploads import Sent, body_of, described

if TYPE_CHECKING:
    from faceloupe.collection.people import People
    from faceloupe.web.review import Review

__all__ = ["router"]

router = APIRouter(tags=["collection"], prefix="/collection")

READS = [needs("recognise")]
WRITES = [needs("enrol"), Depends(as_caller)]
REFUSED = responses("not-found", "media-type", "gallery")

Id = Annotated[int, Field(ge=1, le=LARGEST)]


class Grouping(Sent):
    """The settings of a grouping."""

    fpir: float = Field(
        default=DEFAULT_FPIR, gt=0, lt=1, description="Share of faces that may meet a stranger by chance."
    )


class TwoGroups(Sent):
    """Two groups that are one person."""

    groups: list[Id] = Field(min_length=2, max_length=2)


class SomeFaces(Sent):
    """Faces of one group that are another person."""

    faces: list[Id] = Field(min_length=1, max_length=1000)


class TwoFaces(Sent):
    """Two faces that are grouped rightly."""

    faces: list[Id] = Field(min_length=2, max_length=2)


class Naming(Sent):
    """The name of the person whom a group shows."""

    group: Id
    name: str | None = Field(min_length=1, max_length=200, description="Name of the person; null takes the name back.")
    enrol: bool = Field(default=False, description="Make the group's faces references of the gallery, too.")


def review_of(service: Service) -> "Review":
    """Return the review of the server's collection."""
    if service.review is None:
        raise HTTPProblem(
            "not-found", "no collection is served here: faceloupe index FOLDER, then faceloupe serve --collection FILE"
        )
    return service.review


async def people_of(service: Service) -> "People":
    """Return the people of the server's collection as they are now; the first time they are grouped."""
    return await to_thread(review_of(service).people) or await grouped_anew(service)


async def grouped_anew(service: Service, fpir: float = DEFAULT_FPIR) -> "People":
    """Group all faces; one caller at a time, and the gallery's writers need not wait.

    Raises HTTPProblem if they are being grouped already.
    """
    with service.groupings.take():
        return await to_thread(review_of(service).group, fpir)


@router.get("", response_model=shapes.Review, responses=responses("not-found", "gallery"), dependencies=READS)
async def review(
    service: Serving,
    first: Annotated[int, Query(ge=0, le=LARGEST, description="Number of groups before the part.")] = 0,
    count: Annotated[int, Query(ge=0, le=1000, description="Number of groups in the part.")] = 60,
    shown: Annotated[int, Query(ge=0, le=1000, description="Number of faces told of each group.")] = 8,
) -> Any:
    """Tell the groups, the largest first, and what is doubtful about them. The first time they are made."""
    return await to_thread(review_of(service).document, await people_of(service), first, count, shown)


@router.get(
    "/groups/{group}", response_model=shapes.CollectedGroup, responses=responses("not-found", "gallery"),
    dependencies=READS,
)  # fmt: skip
async def group(group: Number, service: Serving) -> Any:
    """Tell all faces of a group."""
    people = await people_of(service)
    chosen = next((person for person in people.groups if person.id == group), None)
    if chosen is None:
        raise HTTPProblem("not-found", f"there is no group {group}")
    return {"id": chosen.id, "name": chosen.name, "count": len(chosen.faces), "faces": chosen.faces}


@router.get(
    "/faces/{face}/picture", responses=responses("not-found", "gallery"), dependencies=READS, response_class=Response
)
async def picture(face: Number, service: Serving) -> Response:
    """Return a face as PNG, cut out of its photograph."""
    async with service.pictures:
        content = await to_thread(review_of(service).face, face)
    if content is None:
        raise HTTPProblem(
            "not-found", f"there is no picture of a face {face}: its photograph is gone, or cannot be read"
        )
    return Response(content, media_type="image/png", headers={"Cache-Control": "no-store"})


@router.post(
    "/group", response_model=shapes.Review, responses=REFUSED, dependencies=WRITES, openapi_extra=described(Grouping)
)
async def group_again(sent: Annotated[Grouping, Depends(body_of(Grouping))], service: Serving) -> Any:
    """Group all faces anew; what was said holds."""
    return await to_thread(review_of(service).document, await grouped_anew(service, sent.fpir), 0, 60, 8)


@router.post(
    "/join", response_model=shapes.Joined, responses=REFUSED, dependencies=WRITES, openapi_extra=described(TwoGroups)
)
async def join(sent: Annotated[TwoGroups, Depends(body_of(TwoGroups))], service: Serving) -> Any:
    """Say that two groups are one person."""
    return {"group": await service.write(review_of(service).collection.join, *sent.groups)}


@router.post(
    "/separate", response_model=shapes.Joined, responses=REFUSED, dependencies=WRITES,
    openapi_extra=described(SomeFaces),
)  # fmt: skip
async def separate(sent: Annotated[SomeFaces, Depends(body_of(SomeFaces))], service: Serving) -> Any:
    """Say that faces are not the person of their group."""
    return {"group": await service.write(review_of(service).collection.separate, sent.faces)}


@router.post(
    "/confirm", response_model=shapes.TakenBack, responses=REFUSED, dependencies=WRITES,
    openapi_extra=described(TwoFaces),
)  # fmt: skip
async def confirm(sent: Annotated[TwoFaces, Depends(body_of(TwoFaces))], service: Serving) -> Any:
    """Say that two faces are grouped rightly: one person if they are in one group, otherwise two."""
    same = await service.write(review_of(service).collection.confirm, *sent.faces)
    return {"what": "one person" if same else "two people"}


@router.post(
    "/name", response_model=shapes.Joined, responses=REFUSED, dependencies=WRITES, openapi_extra=described(Naming)
)
async def name(sent: Annotated[Naming, Depends(body_of(Naming))], service: Serving) -> Any:
    """Give a group a name, or take it back; its faces of good quality can become references of the gallery."""
    collection = review_of(service).collection
    await service.write(collection.name, sent.group, sent.name)
    if sent.enrol and sent.name is not None:
        await service.write(collection.enrol, sent.group, service.settings.gallery)
    return {"group": sent.group}


@router.post("/undo", response_model=shapes.TakenBack, responses=responses("not-found", "gallery"), dependencies=WRITES)
async def undo(service: Serving) -> Any:
    """Take back the last thing that was said; again, the one before it."""
    return {"what": await service.write(review_of(service).collection.undo)}
