"""The calls below ``/jobs``: long work that is waited for, watched or stopped."""

import time
from collections.abc import Iterator
from typing import Any

from faceloupe.client.connection import Connection
from faceloupe.web import shapes

LOOK_AGAIN = 0.5  # seconds between two looks at a job that is waited for


class JobCalls:
    """Calls of jobs; the other calls of a :class:`faceloupe.client.Client` add to them."""

    _server: Connection

    def jobs(self) -> list[shapes.JobState]:
        """Return your jobs, the newest first."""
        return self._server.get(shapes.JobStates, "/jobs").jobs

    def job(self, job: str) -> shapes.JobState:
        """Return a job as it is now."""
        return self._server.get(shapes.JobState, f"/jobs/{job}")

    def watch(self, job: str) -> Iterator[shapes.JobState]:
        """Yield a job now and whenever it has changed, until it has ended."""
        return self._server.events(shapes.JobState, f"/jobs/{job}/events")

    def stop(self, job: str) -> shapes.JobState:
        """Ask a job to stop."""
        return self._server.request(shapes.JobState, "DELETE", f"/jobs/{job}")

    def result(self, job: str) -> dict[str, Any]:
        """Wait until a job has ended, and return the document that it made, the one of the command's `--json`."""
        while self._server.patiently(lambda: self.job(job)).ended is None:
            time.sleep(LOOK_AGAIN)
        return self._server.patiently(lambda: self._server.document(f"/jobs/{job}/result"))

    def page(self, job: str) -> str:
        """Return an address that opens the page of a finished look, explanation or study once, within a minute."""
        return self._server.page + self._server.request(shapes.Address, "POST", f"/jobs/{job}/page").address
