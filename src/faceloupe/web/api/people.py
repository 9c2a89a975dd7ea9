"""``/people``, ``/audit``: who is in the gallery, and everything that changes it.

A subject is addressed by its number, or by its external id, as `id:E-17`; never by its name: names may hold anything,
and addresses are logged elsewhere.
"""

import unicodedata
from asyncio import to_thread
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BeforeValidator, Field, WithJsonSchema

from faceloupe.errors import ImageError, SubjectError
from faceloupe.gallery.archives import Archive
from faceloupe.gallery.consents import checked_consent
from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.identity import BY_NUMBER
from faceloupe.gallery.records import audit_document, people_document
from faceloupe.numerals import counted
from faceloupe.web import shapes
from faceloupe.web.enrolling import HELD, KIND, enrolment
from faceloupe.web.idempotency import IdempotencyKey
from faceloupe.web.paging import Cursor, Limit, page_of
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import Caller, Number, Service, Serving, Subject, Who, as_caller, needs
from faceloupe.web.uploads import BodyRoute, Metadata, Packed, Photo, RequestBody

router = APIRouter(tags=["people"], route_class=BodyRoute)

READS = [needs("recognise")]
WRITES = [needs("enrol"), Depends(as_caller)]
REMOVES = [needs("remove"), Depends(as_caller)]

REPLAYED = "Idempotency-Replayed"
"""When what is answered again was acknowledged."""


def _as_day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):  # which repeat what was sent: it may be a name
        raise ValueError("expected a day as text, such as 2030-05-01") from None


Day = Annotated[date, BeforeValidator(_as_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day of ISO 8601: numbers, which would be seconds since 1970, are refused."""


class Enrolling(RequestBody):
    """The choices of an enrolment, of one subject or many."""

    consent: str = Field(
        default="",
        max_length=2000,
        pattern=r"^[^\x00]*$",
        description="A note on the consent of those of whom a photograph is new.",
    )
    consent_until: Day | None = Field(default=None, description="The last day on which it holds.")
    central: bool = Field(default=False, description="Of several faces take the one nearest the centre.")
    keep_faces: bool = Field(default=False, description="Keep the face chips too, to be seen in the gallery.")
    force: bool = Field(default=False, description="Enrol faces of poor quality too.")


class ToEnrol(Enrolling):
    """Photographs of one subject, who is added if there is nobody of that name."""

    name: str = Field(min_length=1, max_length=200)
    external_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="What the subject is called elsewhere. Two subjects of one name each have one.",
    )
    metadata: Metadata | None = Field(default=None, description="What else to note of the subject.")
    photos: list[Photo] = Field(min_length=1, max_length=20)


class ToEnrolMany(Enrolling):
    """Photographs of many subjects."""

    archive: Packed


class Describing(RequestBody):
    """A JSON merge patch (RFC 7396): what it names is set, and what is left out stays."""

    json_types = ("application/json", "application/merge-patch+json")

    name: str = Field(default_factory=str, min_length=1, max_length=200)
    external_id: str | None = Field(default=None, max_length=200, description='null, or "", takes it away.')
    metadata: Metadata = Field(
        default_factory=dict,
        description="What to change: a null removes a note, objects within are changed likewise, and what is not named "
        "stays, whoever noted it.",
    )


class Merging(RequestBody):
    """The subject that takes everything over."""

    into: Subject


@router.get("/people", response_model=shapes.People, responses=responses("gallery"), dependencies=READS)
async def people(
    service: Serving, search: Annotated[str, Query(max_length=200)] = "", cursor: Cursor = "", limit: Limit = 100
) -> Any:
    """List who is in the gallery, by name; `search` is a part of the name, in letters of any case."""
    named = await to_thread(_named, service.gallery, search)
    part, following = page_of(named, cursor, limit, key=_place)
    return {
        **people_document(await to_thread(service.gallery.people, [number for _, number in part])),
        "next": following,
    }


@router.post(
    "/people", response_model=shapes.Enrolled, status_code=201, dependencies=WRITES,
    responses={
        200: {"model": shapes.Enrolled, "description": "Nothing new: every photograph was enrolled before."},
        **responses("image", "media-type", "unavailable", "gallery", "not-found", "conflict"),
    },
)  # fmt: skip
async def enrol(
    body: ToEnrol,
    service: Serving,
    key: Caller,
    response: Response,
    idempotency_key: Annotated[IdempotencyKey, Header(alias="Idempotency-Key")] = None,
) -> Any:
    """Enrol photographs of a subject. The answer comes once they are on the disk.

    A photograph is enrolled once, however often it is sent. An answer that is told again, for its `Idempotency-Key` was
    used before, is the one that was acknowledged, and `Idempotency-Replayed` says when that was. Photographs that
    cannot be used are told with the reason; if none can, nobody is added and the answer is a problem.
    """

    async def once() -> tuple[int, dict[str, Any]]:
        faces: Literal["one", "central"] = "central" if body.central else "one"
        whom = await to_thread(service.gallery.whom_to_enrol, body.name, body.external_id)
        known = whom.id is not None  # and is looked for by number, to enrol nobody anew who is forgotten meanwhile
        name, external_id = (f"{BY_NUMBER}{whom.id}", None) if known else (whom.name, whom.external_id)
        photographs = [
            await service.recogniser.try_photograph(photo, f"photo {number}", faces=faces)
            for number, photo in enumerate(body.photos, start=1)
        ]
        try:
            enrolled = await service.write(
                service.gallery.enrol, name, photographs, external_id=external_id, metadata=body.metadata,
                consent=body.consent, keep_faces=body.keep_faces, force=body.force, consent_until=body.consent_until,
            )  # fmt: skip
        except SubjectError as problem:
            raise SubjectError(
                f"{whom.name!r} was forgotten, or became part of another, while these photographs were looked at. "
                "Nothing was enrolled; send them again if they are to be."
            ) from problem
        if not enrolled.enrolled and not enrolled.already_enrolled:
            raise ImageError("; ".join(f"{each.path}: {each.reason}" for each in enrolled.refused))
        return 201 if enrolled.enrolled else 200, enrolled.to_document()

    answer = await service.answers.once(key.name, idempotency_key, body, once)
    response.status_code = answer.status
    if answer.again:
        response.headers[REPLAYED] = answer.at.isoformat(timespec="seconds")
    return answer.document


@router.post(
    "/people/archive", response_model=shapes.JobState, status_code=202, dependencies=WRITES,
    responses=responses("media-type"),
)  # fmt: skip
async def enrol_many(body: ToEnrolMany, service: Serving, key: Caller) -> Any:
    """Enrol the photographs in a ZIP file, `NAME/1.jpg`, one folder a subject, as a job.

    A table `people.csv` beside the folders (`folder,name,external_id,metadata`) says whom each shows; a folder that it
    does not name is refused then.
    The archive is read in memory, and a subject is on the disk before the next one begins. What is enrolled already is
    passed over: send the same archive again after a stop. Who is in the gallery when it is sent, and is forgotten
    before its turn comes, is not enrolled anew. The job's result says what became of each photograph, and is
    dropped when somebody is forgotten.
    """
    checked_consent(body.consent)
    archive = await to_thread(Archive, body.archive, service.settings.limits.body)
    work = await to_thread(
        enrolment, service, archive, f"key {key.name}", "central" if body.central else "one", consent=body.consent,
        consent_until=body.consent_until, keep_faces=body.keep_faces, force=body.force,
    )  # fmt: skip
    count = sum(len(subject.photographs) for subject in archive.subjects)
    about = f"{counted(count, 'photograph')} of {counted(len(archive.subjects), 'subject')}"
    if (held := service.jobs.unfinished(KIND)) >= HELD:  # nothing is awaited between this and taking the place
        raise HTTPProblem("busy", f"{held} archives are in work or waiting", retry_after=10)
    return service.jobs.submit(KIND, work, owner=key.name, about=about).to_document()


@router.get(
    "/people/{person}", response_model=shapes.Record, responses=responses("not-found", "gallery"), dependencies=READS
)
async def person(person: Who, service: Serving) -> Any:
    """Tell all that is kept of a subject, without the numbers of the templates."""
    return (await to_thread(service.gallery.person, person)).to_document()


@router.patch(
    "/people/{person}", response_model=shapes.Person,
    responses=responses("not-found", "conflict", "media-type", "gallery"), dependencies=WRITES,
)  # fmt: skip
async def describe(person: Who, body: Describing, service: Serving) -> Any:
    """Give a subject another name or external id, or change its metadata, by a JSON merge patch (RFC 7396)."""
    changes = body.model_dump(exclude_unset=True)
    if "external_id" in changes:
        changes["external_id"] = body.external_id or ""
    return (await service.write(service.gallery.describe, person, **changes)).to_document()


@router.post(
    "/people/{person}/merge", response_model=shapes.Person,
    responses=responses("not-found", "conflict", "media-type", "gallery"), dependencies=REMOVES,
)  # fmt: skip
async def merge(person: Who, body: Merging, service: Serving) -> Any:
    """Move everything of a subject to another, and remove the one: the two are one person. It cannot be undone."""
    return (await service.write(service.gallery.merge, person, body.into)).to_document()


@router.delete(
    "/people/{person}", response_model=shapes.Forgotten, responses=responses("not-found", "conflict", "gallery"),
    dependencies=REMOVES,
)  # fmt: skip
async def forget(person: Who, service: Serving) -> Any:
    """Remove a subject and erase the bytes of it from the database's files, with the unknown faces that are like it.

    If an answer says that the bytes are not erased yet, send the same again to finish.
    """
    return await _forgotten(service, person)


@router.delete(
    "/people/{person}/references/{reference}", response_model=shapes.Forgotten,
    responses=responses("not-found", "gallery"), dependencies=REMOVES,
)  # fmt: skip
async def forget_reference(person: Who, reference: Number, service: Serving) -> Any:
    """Remove one reference of a subject who has others, and erase the bytes of it as those of a subject."""
    return await _forgotten(service, person, reference)


@router.get(
    "/people/{person}/references/{reference}/face", responses=responses("not-found", "gallery"), dependencies=READS,
    response_class=Response,
)  # fmt: skip
async def face(person: Who, reference: Number, service: Serving) -> Response:
    """Return the face chip of a reference as PNG, if it was kept."""
    record = await to_thread(service.gallery.person, person)
    content = (
        await to_thread(service.gallery.face, reference)
        if reference in {each.id for each in record.references}
        else None
    )
    if content is None:
        raise HTTPProblem("not-found", f"subject {person} has no face chip of a reference {reference}")
    return Response(content, media_type="image/png", headers={"Cache-Control": "no-store"})


@router.get("/audit", response_model=shapes.Audit, responses=responses("gallery"), dependencies=[needs("admin")])
async def audit(service: Serving, cursor: Cursor = "", limit: Limit = 100) -> Any:
    """Tell who did what, and when, the newest first."""
    numbers = range(await to_thread(service.gallery.last_entry), 0, -1)
    part, following = page_of(numbers, cursor, limit, key=lambda number: -number)
    entries = await to_thread(service.gallery.audit, part[-1], part[0]) if part else ()
    return {**audit_document(entries[::-1]), "next": following}


def _named(gallery: Gallery, search: str) -> list[tuple[str, int]]:
    """Return names and numbers of those whose names have a part, in letters of any case."""
    part = unicodedata.normalize("NFC", search).casefold()  # as names are kept
    return [(name, number) for name, number in gallery.names() if part in name.casefold()]


def _place(named: tuple[str, int]) -> str:
    """Return the place of a subject among those of its name and all others."""
    name, number = named
    return f"{name}\0{number:020}"


async def _forgotten(service: Service, person: int | str, reference: int | None = None) -> dict[str, Any]:
    try:
        number = await to_thread(service.gallery.number_of, person)  # the same person in both
        subject = person if number is None else number
        if service.strangers is not None and reference is None:
            await service.write(service.strangers.faces.forget, subject)
        gone = await service.write(service.gallery.forget, subject, reference, erased=False)
        await service.write(service.gallery.erase)  # once for all who were forgotten while this waited
        return gone.to_document()
    finally:
        service.answers.clear()  # they name who was enrolled
        service.jobs.drop_results("it named people, and somebody was forgotten since", kind=KIND)
