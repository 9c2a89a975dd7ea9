"""``/jobs``: long work, watched, stopped, and what came of it. Everybody sees their own jobs, an admin all."""

import asyncio
import re
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable
from functools import partial
from html import unescape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.status import HTTP_404_NOT_FOUND

from faceloupe.documents import json_text
from faceloupe.pages import SCHEMA
from faceloupe.report.page import render_page
from faceloupe.report.policy import content_policy
from faceloupe.web import shapes
from faceloupe.web.jobs import Job
from faceloupe.web.keys import Key
from faceloupe.web.problems import PLAIN_POLICY, HTTPProblem, plain_page, responses
from faceloupe.web.sending import in_parts
from faceloupe.web.service import Caller, Serving

router = APIRouter(tags=["jobs"])

HEARTBEAT = 15.0  # seconds of silence after which a proxy is told that the line is alive

FRAMED = "frame-ancestors 'self'"
"""The server's own page shows pages in itself; no other site may."""

LOCKED = f"sandbox allow-scripts; base-uri 'none'; form-action 'none'; {FRAMED}"
"""What a page may not, whatever its own policy says: with an origin of its own it reads nothing of the server's."""

SPENT = plain_page(
    "This page was opened before, or too late",
    "<p>Its address is good once, within a minute. Ask for the page again where you asked for it.</p>",
)

STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def own_job(job_id: str, service: Serving, key: Caller) -> Job:
    """Return a job of the caller's; that others exist is not told."""
    job = service.jobs.get(job_id)
    if not _may_see(key, job):
        raise HTTPProblem("not-found", "no job of yours has this id")
    return job


Own = Annotated[Job, Depends(own_job)]


@router.get("/jobs", response_model=shapes.JobStates, responses=responses())
async def jobs(service: Serving, key: Caller) -> Any:
    """List your jobs, the newest first."""
    return _listed(job for job in service.jobs.all() if _may_see(key, job))


def _stream(description: str) -> dict[int | str, dict[str, Any]]:
    """Return the description of a stream of events, for the OpenAPI document."""
    return {200: {"description": description, "content": {"text/event-stream": {"schema": {"type": "string"}}}}}


@router.get(
    "/jobs/events", response_class=StreamingResponse,
    responses=_stream("Events `jobs`, each with all jobs as they are then; it ends when every job has.") | responses(),
)  # fmt: skip
async def all_events(service: Serving, key: Caller) -> StreamingResponse:
    """Watch your jobs, by server-sent events."""
    states = (_listed(listed) async for listed in service.jobs.watch_all(partial(_may_see, key)))
    return StreamingResponse(_events("jobs", states), media_type="text/event-stream", headers=STREAM)


@router.get("/jobs/{job_id}", response_model=shapes.JobState, responses=responses("not-found"))
async def job(job: Own) -> Any:
    """Tell how far a job is."""
    return job.to_document()


@router.delete("/jobs/{job_id}", response_model=shapes.JobState, responses=responses("not-found"))
async def stop(job: Own, service: Serving) -> Any:
    """Ask a job to stop: it does when it next tells its progress. What it had kept is whole."""
    return service.jobs.stop(job.id).to_document()


@router.get(
    "/jobs/{job_id}/result", responses={200: {"model": shapes.Document}, **responses("not-found", "conflict")},
    response_class=Response,
)  # fmt: skip
async def result(job: Own) -> Response:
    """Return the document that a job made."""
    return await in_parts(_result(job))


@router.get(
    "/jobs/{job_id}/events", response_class=StreamingResponse,
    responses=_stream("Events `job`, each with the job as it is then; it ends with the job.") | responses("not-found"),
)  # fmt: skip
async def events(job: Own, service: Serving) -> StreamingResponse:
    """Watch a job, by server-sent events."""
    states = (state.to_document() async for state in service.jobs.watch(job.id))
    return StreamingResponse(_events("job", states), media_type="text/event-stream", headers=STREAM)


@router.post("/jobs/{job_id}/page", response_model=shapes.Address, responses=responses("not-found", "conflict"))
async def page(job: Own, service: Serving, key: Caller) -> Any:
    """Return an address that opens the page of a look, an explanation or a study once, within a minute."""
    document = _result(job)
    if document.get("schema") != SCHEMA:
        raise HTTPProblem("conflict", f"a job of kind {job.kind!r} makes no page; its result is all there is")
    return {"address": f"/pages/{service.tickets.issue(await to_thread(render_page, document), key.name)}"}


async def open_page(ticket: str, service: Serving) -> HTMLResponse:
    """Open the page that a ticket is for; the ticket is all that is asked for."""
    content = service.tickets.redeem(ticket)
    if content is None:
        return HTMLResponse(SPENT, HTTP_404_NOT_FOUND, {"Content-Security-Policy": f"{PLAIN_POLICY}; {FRAMED}"})
    # The policy that the page names in its head, see faceloupe.report.render_page.
    named = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', content)
    headers = {
        "Content-Security-Policy": f"{unescape(named[1]) if named else content_policy()}; {LOCKED}",
        "Cross-Origin-Opener-Policy": "unsafe-none",  # a browser refuses another one for a page with a sandbox
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(content, headers=headers)


def _listed(jobs: Iterable[Job]) -> dict[str, Any]:
    return {"jobs": [job.to_document() for job in jobs]}


def _may_see(key: Key, job: Job) -> bool:
    return job.owner == key.name or key.allows("admin")


def _result(job: Job) -> dict[str, Any]:
    if job.result is None:
        why = f": {job.error}" if job.error else ""
        raise HTTPProblem("conflict", f"the job has no result; it is {job.state}{why}")
    return job.result


async def _events(name: str, states: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """Yield the lines of a stream of states; when the reader goes away, the watching ends."""
    coming: asyncio.Future[dict[str, Any] | None] = asyncio.ensure_future(anext(states, None))
    try:
        while True:
            await asyncio.wait({coming}, timeout=HEARTBEAT)
            if not coming.done():
                yield ": still here\n\n"
                continue
            state = coming.result()
            if state is None:
                return
            yield f"event: {name}\ndata: {json_text(state)}\n\n"
            coming = asyncio.ensure_future(anext(states, None))
    finally:
        coming.cancel()
