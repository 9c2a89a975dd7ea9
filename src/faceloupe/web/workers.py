"""Children that work for the requests: bounded in memory and time, and ended when the server is."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from faceloupe.web.children import Child, ChildEndedError, borrowed
from faceloupe.web.problems import HTTPProblem

Result = TypeVar("Result")


class Workers:
    """Children for one kind of work, as many as there are threads that wait for them.

    Each may take so many bytes of `memory` beyond what it has when it starts, and a task so many `seconds`.
    """

    def __init__(self, *, memory: int, seconds: float) -> None:
        self._memory, self._seconds, self._ended = memory, seconds, False
        self._at_work: set[Child] = set()

    def run(self, function: Callable[..., Any] | str, *arguments: Any) -> Any:
        """Run a function in a child and return its result; the thread waits.

        Raises ChildEndedError if it met a bound, or broke down; HTTPProblem if the server ends.
        """
        with borrowed(self._memory) as child:
            self._at_work.add(child)
            try:
                if self._ended:
                    raise _ending()
                return child.run(function, *arguments, seconds=self._seconds)
            except ChildEndedError as problem:
                if self._ended:
                    raise _ending() from problem
                raise
            finally:
                self._at_work.discard(child)

    def close(self) -> None:
        """End the children at work, and start no other."""
        self._ended = True
        for child in list(self._at_work):
            child.end()


def submitted(threads: Executor, call: Callable[[], Result]) -> Future[Result]:
    """Submit a call to threads of the server on behalf of a job; raise HTTPProblem if the server ends."""
    try:
        return threads.submit(call)
    except RuntimeError as problem:  # they were shut down
        raise _ending() from problem


def _ending() -> HTTPProblem:
    return HTTPProblem("ending", "the server was told to end", retry_after=10)
