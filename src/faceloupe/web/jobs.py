"""Long work beside the requests: a few jobs at once, a bounded queue, progress to watch, and a way to stop.

A job is a function that is given where to tell its progress. To stop it, telling raises :class:`Stopped` there: the
function ends as it would on Ctrl-C, and leaves whole what it had written.
"""

import asyncio
import secrets
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import is_not
from typing import Any, Literal

from faceloupe.errors import FaceloupeError
from faceloupe.progress import Progress
from faceloupe.web.observing import log_line
from faceloupe.web.problems import HTTPProblem

__all__ = ["Job", "Jobs", "Stopped", "Work"]

State = Literal["waiting", "running", "done", "failed", "stopped"]
Work = Callable[[Progress], dict[str, Any]]

KEPT = 20  # finished jobs whose results can still be asked for: one may be 4 MB
LOOK_AGAIN = 0.1  # seconds between two looks at a job that is watched


class Stopped(Exception):  # noqa: N818 - no error: it was asked for
    """Raised inside a job that was asked to stop."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is at one moment.

    Attributes
    ----------
    id : str
        Random, so that nobody can guess another's.
    kind : str
        What it does: "study", "attribute", ...
    owner : str
        Name of the key that asked for it.
    about : str
        What it works on, in words, such as a network's name; never a person's.
    state : {"waiting", "running", "done", "failed", "stopped"}
    done, whole : float
        How much is done, of how much; `whole` is 0 while that is not known.
    created, ended : datetime
        In UTC; `ended` is None until it has.
    result : dict or None
        The document it made.
    error : str or None
        Why it failed.
    """

    id: str
    kind: str
    owner: str
    about: str
    state: State
    done: float
    whole: float
    created: datetime
    ended: datetime | None = None
    result: dict[str, Any] | None = None
    error: str | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "stopped")

    def to_document(self) -> dict[str, Any]:
        """Return everything but the result as a plain dictionary that JSON can hold."""
        return {
            "id": self.id,
            "kind": self.kind,
            "about": self.about,
            "state": self.state,
            "done": self.done,
            "whole": self.whole,
            "created": self.created.isoformat(),
            "ended": self.ended and self.ended.isoformat(),
            "error": self.error,
        }


class Jobs:
    """All jobs of a server.

    Parameters
    ----------
    at_once : int
        Jobs at work at the same time.
    queue : int
        Jobs that may wait.
    log : function of a dictionary
        Told of faults.
    """

    def __init__(self, *, at_once: int = 1, queue: int = 8, log: Callable[[dict[str, Any]], None] = log_line) -> None:
        self._log = log
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="job")
        self._most = at_once + queue
        self._jobs: dict[str, Job] = {}
        self._to_stop: set[str] = set()
        self._lock = threading.Lock()
        self._ending = False

    def submit(self, kind: str, work: Work, *, owner: str, about: str = "") -> Job:
        """Put a job into the queue.

        Raises
        ------
        HTTPProblem
            If the queue is full.
        """
        with self._lock:
            unfinished = sum(not job.finished for job in self._jobs.values())
            if unfinished >= self._most:
                raise HTTPProblem("busy", f"{unfinished} jobs are at work or waiting", retry_after=10)
            job = Job(secrets.token_urlsafe(16), kind, owner, about, "waiting", 0.0, 0.0, datetime.now(UTC))
            self._jobs[job.id] = job
            self._forget_old()
        self._threads.submit(self._run, job.id, work)
        return job

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises
        ------
        HTTPProblem
            If there is none with this id.
        """
        with self._lock:
            if job_id not in self._jobs:
                raise HTTPProblem("not-found", "no job has this id; finished ones are kept until twenty newer ones are")
            return self._jobs[job_id]

    def all(self) -> tuple[Job, ...]:
        """Return every job, the newest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))

    def stop(self, job_id: str) -> Job:
        """Ask a job to stop; it does when it next tells its progress. A finished one stays as it is.

        Raises
        ------
        HTTPProblem
            If there is none with this id.
        """
        job = self.get(job_id)
        with self._lock:
            self._to_stop.add(job_id)
        if job.state == "waiting":
            self._change(job_id, state="stopped", ended=datetime.now(UTC))
        return self.get(job_id)

    async def watch(self, job_id: str) -> AsyncIterator[Job]:
        """Yield a job now and whenever it has changed, until it is finished or the server ends.

        Raises
        ------
        HTTPProblem
            If there is none with this id.
        """
        self.get(job_id)
        async for jobs in self.watch_all(lambda job: job.id == job_id):
            for job in jobs:
                yield job

    async def watch_all(self, chosen: Callable[[Job], bool]) -> AsyncIterator[tuple[Job, ...]]:
        """Yield the chosen jobs, the newest first, now and whenever one of them has changed, until all are finished."""
        seen: tuple[Job, ...] | None = None
        while seen is None or not (self._ending or all(job.finished for job in seen)):
            jobs = tuple(filter(chosen, self.all()))
            if seen is None or len(jobs) != len(seen) or any(map(is_not, jobs, seen)):
                yield (seen := jobs)
            await asyncio.sleep(LOOK_AGAIN)

    def end(self) -> None:
        """Ask every job to stop, and let those who watch one go."""
        self._ending = True
        for job in self.all():
            if not job.finished:
                self.stop(job.id)

    def close(self) -> None:
        """Ask every job to stop, and wait for those at work."""
        self.end()
        self._threads.shutdown(wait=True)

    def _run(self, job_id: str, work: Work) -> None:
        if self.get(job_id).finished:  # stopped while it waited
            return
        self._change(job_id, state="running")

        def tell(done: float, whole: float) -> None:
            if job_id in self._to_stop:
                raise Stopped
            self._change(job_id, done=float(done), whole=float(whole))

        try:
            result = work(tell)
        except Stopped:
            self._change(job_id, state="stopped", ended=datetime.now(UTC))
        except FaceloupeError as problem:
            self._change(job_id, state="failed", ended=datetime.now(UTC), error=str(problem))
        except Exception as problem:  # a fault of ours: a job must end, whatever happens in it
            name = type(problem).__name__
            # Where it happened, without what it says: that may be a name.
            self._log({"job": job_id, "error": name, "trace": traceback.format_tb(problem.__traceback__)})
            self._change(job_id, state="failed", ended=datetime.now(UTC), error=f"{name}: see the log")
        else:
            self._change(job_id, state="done", ended=datetime.now(UTC), result=result)

    def _change(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            if not self._jobs[job_id].finished:
                self._jobs[job_id] = replace(self._jobs[job_id], **changes)

    def _forget_old(self) -> None:
        finished = [job.id for job in self._jobs.values() if job.finished]
        for job_id in finished[:-KEPT]:
            del self._jobs[job_id]
            self._to_stop.discard(job_id)
