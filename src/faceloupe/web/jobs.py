"""Long work beside the requests: a few jobs at once, a bounded queue, progress to watch, and a way to stop.

A job is a function that is given where to tell its progress. Those that take long run in a child, an :class:`InChild`,
which is ended to stop them; what they had written is whole, as after the end of any process. In any other, telling
raises :class:`Stopped`.
"""

import asyncio
import secrets
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import is_not
from typing import Any, Literal

from faceloupe.errors import FaceloupeError
from faceloupe.progress import Progress
from faceloupe.web.children import ChildEndedError, ChildFault, FileError, InChild
from faceloupe.web.observing import log_line
from faceloupe.web.problems import HTTPProblem

State = Literal["waiting", "running", "done", "failed", "stopped"]
Work = Callable[[Progress], dict[str, Any]]

KEPT = 20  # finished jobs of an owner whose results can still be asked for: one may be 4 MB
PATIENCE = 2.0  # seconds that the end waits for jobs to stop
LOOK_AGAIN = 0.1  # seconds between two looks at a job that is watched


class Stopped(Exception):  # noqa: N818 - no error: it was asked for
    """Raised inside a job that was asked to stop."""


@dataclass(frozen=True, slots=True)
class Job:
    """The state of a job at one moment.

    Attributes
    ----------
    id : str
        Random, so that nobody can guess another's.
    kind : str
        Kind of work: "study", "attribute", ...
    owner : str
        Name of the key that asked for it.
    about : str
        Object of the work, in words, such as a network's name; never a person's.
    state : {"waiting", "running", "done", "failed", "stopped"}
    done, whole : float
        Amount done, and the whole amount; `whole` is 0 while that is not known.
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
        """True if nothing more will happen."""
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
    """All jobs of a server, `at_once` of them at work; of one owner `queue` may wait.

    Of one owner one job is at work at a time, so that nobody's keeps everybody's waiting. `log` receives faults.
    """

    def __init__(self, *, at_once: int = 2, queue: int = 8, log: Callable[[dict[str, Any]], None] = log_line) -> None:
        self._log, self._at_once, self._most = log, at_once, 1 + queue
        self._jobs: dict[str, Job] = {}
        self._work: dict[str, Work] = {}  # of jobs that are not finished
        self._to_stop: set[str] = set()
        self._to_drop: dict[str, str] = {}  # unfinished jobs whose results are not to be told, and why
        self._lock = threading.Lock()
        self._ending = False

    def submit(self, kind: str, work: Work, *, owner: str, about: str = "") -> Job:
        """Put a job into the queue; raise HTTPProblem if the owner's part of the queue is full."""
        with self._lock:
            unfinished = sum(job.owner == owner and not job.finished for job in self._jobs.values())
            if unfinished >= self._most:
                raise HTTPProblem("busy", f"{unfinished} of your jobs are at work or waiting", retry_after=10)
            job = Job(secrets.token_urlsafe(16), kind, owner, about, "waiting", 0.0, 0.0, datetime.now(UTC))
            self._jobs[job.id], self._work[job.id] = job, work
            self._forget_old(owner)
            self._start()
        return self.get(job.id)

    def get(self, job_id: str) -> Job:
        """Return a job; raise HTTPProblem if there is none with this id."""
        with self._lock:
            if job_id not in self._jobs:
                raise HTTPProblem("not-found", "no job has this id; of finished ones your last twenty are kept")
            return self._jobs[job_id]

    def unfinished(self, kind: str) -> int:
        """Return the number of jobs of a kind at work or waiting, of all owners."""
        return sum(job.kind == kind and not job.finished for job in self.all())

    def drop_results(self, why: str, *, kind: str = "", job_id: str = "") -> None:
        """Forget the results and errors of a kind of jobs, or of one, and say why; of those at work once they end."""
        with self._lock:
            for job in self._jobs.values():
                if job.kind == kind or job.id == job_id:
                    self._to_drop[job.id] = why
                    self._jobs[job.id] = self._without_dropped(job)

    def all(self) -> tuple[Job, ...]:
        """Return every job, the newest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))

    def stop(self, job_id: str) -> Job:
        """Stop a job: one in a child at once, another when it next tells its progress. A finished one stays as it is.

        Raises HTTPProblem if there is none with this id.
        """
        job = self.get(job_id)
        with self._lock:
            self._to_stop.add(job_id)
            work = self._work.get(job_id)
        if job.state == "waiting":
            self._change(job_id, state="stopped", ended=datetime.now(UTC))
        elif isinstance(work, InChild):
            work.end()
        return self.get(job_id)

    async def watch(self, job_id: str) -> AsyncIterator[Job]:
        """Yield a job now and whenever it has changed, until it is finished or the server ends.

        Raises HTTPProblem if there is none with this id.
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
        """Ask every job to stop, and end every watch."""
        self._ending = True
        for job in self.all():
            if not job.finished:
                self.stop(job.id)

    def close(self) -> None:
        """Ask every job to stop, and wait a moment for those at work; what does not stop ends with the process."""
        self.end()
        deadline = time.monotonic() + PATIENCE
        while self._work and time.monotonic() < deadline:
            time.sleep(0.01)

    def _start(self) -> None:
        """Start the jobs that have waited longest, as many as may be at work; called under the lock."""
        running = [job.owner for job in self._jobs.values() if job.state == "running"]
        for job in list(self._jobs.values()):
            if len(running) < self._at_once and job.state == "waiting" and job.owner not in running:
                running.append(job.owner)
                self._jobs[job.id] = replace(job, state="running")
                # Not waited for when the process ends: work that matters is in a child, or written whole.
                threading.Thread(target=self._run, args=(job.id,), name="job", daemon=True).start()

    def _run(self, job_id: str) -> None:
        work = self._work[job_id]

        def tell(done: float, whole: float) -> None:
            if job_id in self._to_stop:
                raise Stopped
            self._change(job_id, done=float(done), whole=float(whole))

        try:
            result = work(tell)
        except Stopped:
            self._change(job_id, state="stopped", ended=datetime.now(UTC))
        except (FaceloupeError, OSError) as problem:
            stopped = job_id in self._to_stop and isinstance(problem, ChildEndedError)
            words = str(FileError.of(problem) if isinstance(problem, OSError) else problem)
            ended = {"state": "stopped"} if stopped else {"state": "failed", "error": words}
            self._change(job_id, ended=datetime.now(UTC), **ended)
        except Exception as problem:  # a fault of ours: a job must end, whatever happens in it
            name, trace = type(problem).__name__, traceback.format_tb(problem.__traceback__)
            if isinstance(problem, ChildFault):
                name, trace = problem.kind, problem.trace
            # Where it happened, without what it says: that may be a name.
            self._log({"job": job_id, "error": name, "trace": trace})
            self._change(job_id, state="failed", ended=datetime.now(UTC), error=f"{name}: see the log")
        else:
            self._change(job_id, state="done", ended=datetime.now(UTC), result=result)

    def _change(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            if not self._jobs[job_id].finished:
                self._jobs[job_id] = self._without_dropped(replace(self._jobs[job_id], **changes))
            if self._jobs[job_id].finished:
                self._work.pop(job_id, None)
                self._start()

    def _without_dropped(self, job: Job) -> Job:
        """Return a job without its result or error, if those were dropped and it is finished."""
        why = self._to_drop.pop(job.id, None) if job.finished else None
        return job if why is None or (job.result, job.error) == (None, None) else replace(job, result=None, error=why)

    def _forget_old(self, owner: str) -> None:
        finished = [job.id for job in self._jobs.values() if job.finished and job.owner == owner]
        for job_id in finished[:-KEPT]:
            del self._jobs[job_id]
            self._to_stop.discard(job_id)
