"""``/collection``, ``/unknown``: people without names, looked through and put right; every step can be taken back.

The one is a collection of photographs, the other holds the unknown faces that the server keeps for a time.
"""

from asyncio import to_thread
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from faceloupe.collection.groups import DEFAULT_FPIR
from faceloupe.collection.people import People
from faceloupe.errors import ImageError
from faceloupe.web import shapes
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import LARGEST, Number, Service, Serving, as_caller, needs
from faceloupe.web.uploads import BodyRoute, RequestBody

if TYPE_CHECKING:
    from faceloupe.web.review import Review
    from faceloupe.web.strangers import Strangers

routes = APIRouter(route_class=BodyRoute)
"""What both have."""

READS = [needs("recognise")]
WRITES = [needs("enrol"), Depends(as_caller)]
REMOVES = [needs("remove"), Depends(as_caller)]
REFUSED = responses("not-found", "media-type", "gallery")

Id = Annotated[int, Field(ge=1, le=LARGEST)]


class Grouping(RequestBody):
    """The settings of a grouping."""

    fpir: float = Field(
        default=DEFAULT_FPIR, gt=0, lt=1, description="Share of faces that may meet a stranger by chance."
    )


class TwoGroups(RequestBody):
    """Two groups that are one person."""

    groups: list[Id] = Field(min_length=2, max_length=2)


class SomeFaces(RequestBody):
    """Faces of one group that are another person."""

    faces: list[Id] = Field(min_length=1, max_length=1000)


class TwoFaces(RequestBody):
    """Two faces that are grouped rightly."""

    faces: list[Id] = Field(min_length=2, max_length=2)


class Naming(RequestBody):
    """The name of the person whom a group shows."""

    group: Id
    name: str | None = Field(min_length=1, max_length=200, description="Name of the person; null takes the name back.")
    enrol: bool = Field(default=False, description="Make the group's faces references of the gallery, too.")
    consent: str = Field(
        default="", max_length=2000, pattern=r"^[^\x00]*$", description="A note on the person's consent, if enrolled."
    )


class SomeGroups(RequestBody):
    """Groups of unknown faces."""

    groups: list[Id] = Field(min_length=1, max_length=1000)


async def the_collection(request: Request, service: Serving) -> None:
    """Choose the server's collection to be reviewed."""
    if service.review is None:
        raise HTTPProblem(
            "not-found", "no collection is served here: faceloupe index FOLDER, then faceloupe serve --collection FILE"
        )
    request.state.review = service.review


async def the_unknown(request: Request, service: Serving) -> None:
    """Choose the unknown faces to be reviewed."""
    request.state.review = strangers_of(service).review


def strangers_of(service: Service) -> "Strangers":
    """Return the server's unknown faces."""
    if service.strangers is None:
        raise HTTPProblem("not-found", "no unknown faces are kept here: faceloupe serve --keep-unknown 7d does")
    return service.strangers


async def chosen(request: Request) -> "Review":
    """Return the review that was chosen."""
    review: Review = request.state.review
    return review


Reviewed = Annotated[Any, Depends(chosen)]
"""A Review, which is loaded only where there is one."""


async def people_of(review: "Review", service: Service) -> People:
    """Return the people as they are now; they are grouped before where that is due, and who comes meanwhile waits."""
    if people := await to_thread(review.people):
        return people
    async with service.grouping:
        if people := await to_thread(review.people):
            return people
        return await to_thread(review.group)


@routes.get("", response_model=shapes.Review, responses=responses("not-found", "gallery"), dependencies=READS)
async def review(
    review: Reviewed,
    service: Serving,
    first: Annotated[int, Query(ge=0, le=LARGEST, description="Number of groups before the part.")] = 0,
    count: Annotated[int, Query(ge=0, le=1000, description="Number of groups in the part.")] = 60,
    shown: Annotated[int, Query(ge=0, le=1000, description="Number of faces told of each group.")] = 8,
) -> Any:
    """List the groups, the largest first, and what is doubtful about them; the first time they are made."""
    return await to_thread(review.document, await people_of(review, service), first, count, shown)


@routes.get(
    "/groups/{group}", response_model=shapes.CollectedGroup, responses=responses("not-found", "gallery"),
    dependencies=READS,
)  # fmt: skip
async def group(group: Number, review: Reviewed, service: Serving) -> Any:
    """List all faces of a group."""
    people = await people_of(review, service)
    shown = next((person for person in people.groups if person.id == group), None)
    if shown is None:
        raise HTTPProblem("not-found", f"there is no group {group}")
    return {"id": shown.id, "name": shown.name, "count": len(shown.faces), "faces": shown.faces}


@routes.get(
    "/faces/{face}/picture", responses=responses("not-found", "gallery"), dependencies=READS, response_class=Response
)
async def picture(face: Number, review: Reviewed, service: Serving) -> Response:
    """Return a face as PNG, as it was kept or cut out of its photograph."""
    async with service.pictures:
        content = await to_thread(review.face, face)
    if content is None:
        raise HTTPProblem(
            "not-found", f"there is no picture of a face {face}: it was not kept, or its photograph is gone or damaged"
        )
    return Response(content, media_type="image/png", headers={"Cache-Control": "no-store"})


@routes.post("/group", response_model=shapes.Review, responses=REFUSED, dependencies=WRITES)
async def group_again(body: Grouping, review: Reviewed, service: Serving) -> Any:
    """Group all faces anew; earlier statements hold. One caller at a time; the gallery's writers need not wait."""
    if service.grouping.locked():
        raise HTTPProblem("busy", "faces are being grouped already", retry_after=1)
    async with service.grouping:
        people = await to_thread(review.group, body.fpir)
    return await to_thread(review.document, people, 0, 60, 8)


@routes.post("/join", response_model=shapes.Joined, responses=REFUSED, dependencies=WRITES)
async def join(body: TwoGroups, review: Reviewed, service: Serving) -> Any:
    """Say that two groups are one person."""
    return {"group": await service.write(review.collection.join, *body.groups)}


@routes.post("/separate", response_model=shapes.Joined, responses=REFUSED, dependencies=WRITES)
async def separate(body: SomeFaces, review: Reviewed, service: Serving) -> Any:
    """Say that faces are not the person of their group."""
    return {"group": await service.write(review.collection.separate, body.faces)}


@routes.post("/confirm", response_model=shapes.TakenBack, responses=REFUSED, dependencies=WRITES)
async def confirm(body: TwoFaces, review: Reviewed, service: Serving) -> Any:
    """Say that two faces are grouped rightly: one person if they are in one group, otherwise two."""
    same = await service.write(review.collection.confirm, *body.faces)
    return {"what": "one person" if same else "two people"}


@routes.post("/name", response_model=shapes.Joined, responses=REFUSED, dependencies=WRITES)
async def name(body: Naming, review: Reviewed, service: Serving) -> Any:
    """Give a group a name, or take it back; its faces of good quality can become references of the gallery.

    Unknown faces that became references are unknown no longer: the group is erased here.
    """
    if not body.enrol or body.name is None:
        await service.write(review.collection.name, body.group, body.name)
    else:
        enrolled = await service.write(review.enrol, body.group, body.name, body.consent)
        if not (enrolled.enrolled or enrolled.already_enrolled):
            raise ImageError(f"nobody is enrolled: {'; '.join(sorted({each.reason for each in enrolled.refused}))}")
    return {"group": body.group}


@routes.post("/undo", response_model=shapes.TakenBack, responses=responses("not-found", "gallery"), dependencies=WRITES)
async def undo(review: Reviewed, service: Serving) -> Any:
    """Take back the last statement; called again, the one before it."""
    return {"what": await service.write(review.collection.undo)}


router = APIRouter(route_class=BodyRoute)
router.include_router(routes, prefix="/collection", tags=["collection"], dependencies=[Depends(the_collection)])
router.include_router(
    routes, prefix="/unknown", tags=["unknown faces"], dependencies=[needs("enrol"), Depends(the_unknown)]
)


@router.post(
    "/unknown/dismiss", response_model=shapes.Erased, responses=REFUSED, tags=["unknown faces"], dependencies=REMOVES
)
async def dismiss(body: SomeGroups, service: Serving) -> Any:
    """Erase the unknown faces of groups now. It cannot be taken back."""
    return {"faces": await service.write(strangers_of(service).faces.dismiss, body.groups)}
