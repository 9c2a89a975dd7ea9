"""``/studies``: networks × people × seeds, begun, watched as a job, resumed, read as a page, and removed."""

from asyncio import to_thread
from typing import Any

from fastapi import APIRouter

from faceloupe.faces.faceset import FaceSet
from faceloupe.web import shapes
from faceloupe.web.keys import Key
from faceloupe.web.problems import HTTPProblem, responses
from faceloupe.web.service import Caller, Service, Serving, needs
from faceloupe.web.studies import ToStudy, ToStudyTwo
from faceloupe.web.two_people import faces_of_two, study_of_two
from faceloupe.web.uploads import BodyRoute

router = APIRouter(tags=["studies"], dependencies=[needs("look")], route_class=BodyRoute)


@router.get("/studies", response_model=shapes.Studies, responses=responses())
async def studies(service: Serving) -> Any:
    """List the studies, the newest first."""
    documents = await to_thread(lambda: [study.to_document() for study in service.studies.all()])
    return {"studies": [{**document, "job": service.job_of_study(document["id"])} for document in documents]}


@router.post(
    "/studies", response_model=shapes.JobState, status_code=202,
    responses=responses("unavailable", "conflict", "media-type"),
)  # fmt: skip
async def begin(body: ToStudy, service: Serving, key: Caller) -> Any:
    """Begin a study, which is saved as it runs and can be resumed after a stop; the job's result is a page."""
    return await _carry_out(service, key, service.studies.new_id(), body, resume=False)


@router.post(
    "/studies/two", response_model=shapes.JobState, status_code=202,
    responses=responses("unavailable", "conflict", "media-type"),
)  # fmt: skip
async def two_people(body: ToStudyTwo, service: Serving, key: Caller) -> Any:
    """Begin a study of two people, by photographs of each alone.

    The photographs are not kept: the study holds the faces that were found in them, small and grey, and shows them.
    Remove the study and they are gone.
    """
    faces = await faces_of_two(service.recogniser, body)
    return await _submit(service, key, service.studies.new_id(), study_of_two(body), faces, resume=False)


@router.delete(
    "/studies/{study}", response_model=shapes.Studies, dependencies=[needs("remove")],
    responses=responses("not-found", "conflict"),
)  # fmt: skip
async def remove(study: str, service: Serving) -> Any:
    """Remove a study with its networks, its page and the faces in them, and list those left. Stop its job first."""
    if service.job_of_study(study):
        raise HTTPProblem("conflict", f"study {study} is at work: stop its job first")
    await to_thread(service.studies.remove, study)
    service.jobs.drop_results("the study was removed", job_id=service.study_jobs.pop(study, ""))
    return await studies(service)


@router.post(
    "/studies/{study}/resume", response_model=shapes.JobState, status_code=202,
    responses=responses("not-found", "unavailable", "conflict"),
)  # fmt: skip
async def resume(study: str, service: Serving, key: Caller) -> Any:
    """Go on with a study that was stopped, by anybody or by the end of the server."""
    entry = await to_thread(service.studies.get, study)
    if entry.state == "whole":
        raise HTTPProblem("conflict", f"study {study} is finished: open its page")
    return await _carry_out(service, key, study, entry.request(), resume=True)


@router.post("/studies/{study}/page", response_model=shapes.Address, responses=responses("not-found", "conflict"))
async def page(study: str, service: Serving, key: Caller) -> Any:
    """Return an address that opens the page of a finished study once, within a minute."""
    entry = await to_thread(service.studies.get, study)
    return {"address": f"/pages/{service.tickets.issue(await to_thread(entry.page), key.name)}"}


async def _carry_out(service: Service, key: Key, study: str, request: ToStudy, *, resume: bool) -> dict[str, Any]:
    return await _submit(service, key, study, request, await to_thread(service.data.load, request.data), resume=resume)


async def _submit(
    service: Service, key: Key, study: str, request: ToStudy, faces: FaceSet, *, resume: bool
) -> dict[str, Any]:
    work = await to_thread(service.studies.work, study, request, faces, resume=resume)
    if service.job_of_study(study):
        raise HTTPProblem("conflict", f"study {study} is at work")
    job = service.jobs.submit("study", work, owner=key.name, about=request.words())
    service.study_jobs[study] = job.id
    return job.to_document()
