"""The service that the routes share: recogniser, gallery, networks and jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes
from pydantic import BeforeValidator, WithJsonSchema

from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.identity import BY_ID
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.trail import acting_as
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.engines import Engine
from faceloupe.web.batching import Slots
from faceloupe.web.children import MEMORY, SECONDS
from faceloupe.web.idempotency import Answers
from faceloupe.web.jobs import Jobs
from faceloupe.web.keys import Key
from faceloupe.web.networks import Networks
from faceloupe.web.observing import Metrics, log_line
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.recogniser import Recogniser
from faceloupe.web.settings import Settings
from faceloupe.web.studies import DataSources, Studies
from faceloupe.web.tickets import Tickets
from faceloupe.web.workers import Workers, submitted

if TYPE_CHECKING:
    from faceloupe.web.review import Review
    from faceloupe.web.strangers import Strangers

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

NETWORKS = "networks"
"""The folder among the studies that keeps the networks trained here."""


PICTURES = 2
"""Photographs of the collection that are read at once to show a face; further ones wait."""


class Service:
    """All that is open while a server runs.

    Parameters
    ----------
    settings : Settings
    embedder : Embedder or str, optional
        The embedder, or its name; by default the one that made the gallery's references, or SFace.
    detector : Detector or str, optional
        The detector, or its name; by default the one that found the faces of the gallery's references, or YuNet.
    engine : {"openvino", "onnxruntime"}
        Engine that runs SFace, and networks that were added.
    log : function of a dictionary
        Told of every request and fault.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | str | None = None,
        detector: Detector | str | None = None,
        engine: Engine = "openvino",
        log: Callable[[dict[str, Any]], None] = log_line,
    ) -> None:
        self.settings, self.log = settings, log
        self.metrics = Metrics()
        self.data = DataSources(settings.data)
        self.networks = Networks(settings.networks, settings.studies / NETWORKS)
        self.studies = Studies(settings.studies)
        self.study_jobs: dict[str, str] = {}
        self.tickets = Tickets()
        self.gallery: Gallery = open_gallery(
            settings.gallery, create=True, embedder=embedder, detector=detector, engine=engine
        )
        with ExitStack() as undo:
            undo.enter_context(self.gallery)
            self.embedder, self.detector = self.gallery.embedder, self.gallery.detector
            self.review = None if settings.collection is None else _open_review(settings.collection, self.gallery)
            if self.review is not None:
                undo.callback(self.review.close)
            self.strangers = _open_strangers(settings, self.gallery, log)
            undo.pop_all()
        self.recogniser = Recogniser(self.embedder, self.detector, settings.limits, self.metrics)
        self._writer, self.changes = ThreadPoolExecutor(1, "writer"), Slots(settings.limits.changes, "changes")
        self.calibrating = Workers(memory=MEMORY, seconds=SECONDS)
        self.calibrations, self.traces = Slots(1, "calibrations"), Slots(4, "traces")
        self.grouping, self.pictures = asyncio.Lock(), asyncio.Semaphore(PICTURES)
        self.answers = Answers()
        self.jobs = Jobs(at_once=settings.limits.jobs, queue=settings.limits.jobs_waiting, log=log)

    @property
    def keeps_unknown(self) -> timedelta | None:
        """The time that faces are kept for which nobody was named for; None if none are."""
        return None if self.strangers is None else self.strangers.period

    def job_of_study(self, study: str) -> str | None:
        """Return the id of the job that is at work on a study, or will be; None if none is."""
        job = self.study_jobs.get(study)
        return job if any(other.id == job and not other.finished for other in self.jobs.all()) else None

    async def write(
        self, call: Callable[Parameters, Result], *arguments: Parameters.args, **options: Parameters.kwargs
    ) -> Result:
        """Run a change of the gallery in the one thread of writers, which take turns anyway.

        They have a thread of their own. One that waits for another program's change to end keeps no reader waiting.
        Raises HTTPProblem if too many wait.
        """
        with self.changes.take():
            in_context = partial(copy_context().run, call, *arguments, **options)
            return await asyncio.get_running_loop().run_in_executor(self._writer, in_context)

    def change(
        self, call: Callable[Parameters, Result], *arguments: Parameters.args, **options: Parameters.kwargs
    ) -> Result:
        """Run a change of the gallery for a job, whose own thread waits; raise HTTPProblem if the server ends."""
        return submitted(self._writer, partial(copy_context().run, call, *arguments, **options)).result()

    def close(self) -> None:
        """Finish what is in work, ask long jobs to stop, and let go of everything."""
        self.jobs.close()
        self.networks.close()
        self.calibrating.close()
        self._writer.shutdown(wait=True)
        self.recogniser.close()
        if self.review is not None:
            self.review.close()
        if self.strangers is not None:
            self.strangers.close()
        self.gallery.close()


def _open_review(collection: str, gallery: Gallery) -> "Review":
    from faceloupe.collection.collection import open_collection
    from faceloupe.web.review import Review

    return Review(open_collection(collection), gallery)


def _open_strangers(settings: Settings, gallery: Gallery, log: Callable[[dict[str, Any]], None]) -> "Strangers | None":
    from faceloupe.collection.unknown import open_unknown
    from faceloupe.web.strangers import Strangers

    faces = open_unknown(gallery, settings.gallery, settings.keep_unknown, keep_chips=settings.keep_faces)
    return None if faces is None else Strangers(faces, log)


# Dependencies are coroutines although none of them waits: FastAPI runs a plain function in a thread of its own pool.


async def service_of(request: Request) -> Service:
    """Return the service of the application that answers a request."""
    service: Service = request.scope["service"]
    return service


async def caller_of(request: Request) -> Key:
    """Return the key of the caller, whom the guard let in."""
    key: Key = request.scope["key"]
    return key


BEARER = HTTPBearer(auto_error=False, description="The token that the server printed, or a key's.")
"""How the OpenAPI document says that a token is needed; the guard has looked at it."""

Serving = Annotated[Service, Depends(service_of)]
"""The service, as a route is given it."""

Caller = Annotated[Key, Depends(caller_of)]
"""The key of the caller, as a route is given it."""


LARGEST = 2**63 - 1
Number = Annotated[int, Path(ge=1, le=LARGEST, description="Number, as in the list of people.")]
"""The number of a group or a reference, in an address."""


def _as_subject(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(BY_ID):
        return value
    text = str(value)  # a number in an address is text
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= LARGEST):
        raise ValueError(f"expected the number of a person, or {BY_ID} and an external id")
    return int(text)


_KINDS = [{"type": "integer", "minimum": 1, "maximum": LARGEST}, {"type": "string", "pattern": f"^{BY_ID}"}]

Subject = Annotated[
    int | str,
    BeforeValidator(_as_subject),
    WithJsonSchema({"anyOf": _KINDS, "description": "The number of a person, or `id:` and the external id."}),
]
"""A person of the gallery."""

Who = Annotated[Subject, Path(description="The number of a person, or `id:` and the external id.")]
"""A person of the gallery, in an address."""


async def as_caller(key: Caller) -> AsyncIterator[None]:
    """Name the caller's key in the trail of the gallery while the request is answered."""
    with acting_as(f"key {key.name}"):
        yield


async def allowed(key: Caller, wanted: SecurityScopes, _: Annotated[Any, Depends(BEARER)]) -> None:
    """Admit only keys with the scopes that a route wants."""
    for scope in wanted.scopes:
        if not key.allows(scope):
            raise HTTPProblem("scope", f"the key {key.name!r} is for {', '.join(key.scopes)}; this takes {scope}")


def needs(scope: str) -> Any:
    """Return the dependency of a route for keys with a scope; the OpenAPI document names it."""
    return Security(allowed, scopes=[scope])
