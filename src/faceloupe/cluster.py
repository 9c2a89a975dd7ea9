"""Work on many machines: what is begun within :func:`on_cluster` runs on the workers of a Dask scheduler.

Recognition is sent there a few photographs at a time, and joblib's tasks, such as those of a study, by joblib's own
backend. Photographs that are named by path are read by the workers, from a file system that they share.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from itertools import islice
from typing import Any, TypeVar

from faceloupe.errors import UnavailableError, extra

AHEAD = 3
"""Tasks for each thread of the workers that are sent before their results are asked for."""

PATIENCE = 10.0
"""Seconds in which a scheduler has to answer."""

_client: ContextVar[Any] = ContextVar("faceloupe_cluster", default=None)

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Run what begins within on the workers of a scheduler; with None, on this machine as usual.

    Results are those of one machine, bit for bit, where the workers have the same packages and kind of processor.
    What a worker was doing when it ended is done again by another.

    Parameters
    ----------
    address : str, optional
        Address of ``dask scheduler``, such as ``tcp://scheduler:8786``.

    Raises
    ------
    UnavailableError
        If no scheduler answers, it has no workers, or they have another faceloupe; if Dask is not installed.
    """
    if address is None:
        yield
        return
    with extra("cluster"):
        import joblib
        from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as problem:
        raise UnavailableError(
            f"no scheduler of Dask answers at {address}: `dask scheduler` starts one, `dask worker {address}` workers"
        ) from problem
    with client:
        own, versions = version("faceloupe"), client.run(version, "faceloupe")
        if not versions:
            raise UnavailableError(f"the scheduler at {address} has no workers yet: `dask worker {address}` starts one")
        for worker, theirs in versions.items():
            if theirs != own:
                raise UnavailableError(f"the worker {worker} has faceloupe {theirs}, this machine {own}")
        token = _client.set(client)
        try:
            with joblib.parallel_config(backend="dask"):
                yield
        finally:
            _client.reset(token)


def is_on_cluster() -> bool:
    """Return whether work runs on the workers of a scheduler."""
    return _client.get() is not None


def spread(work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
    """Yield the result of each part, in order, from the workers of the scheduler that this is within.

    Raises
    ------
    UnavailableError
        If workers end again and again over one part.
    """
    from distributed import KilledWorker

    client, waiting = _client.get(), iter(parts)
    ahead: deque[Any] = deque()
    try:
        while True:
            wanted = AHEAD * max(1, sum(client.nthreads().values())) - len(ahead)
            ahead.extend(client.submit(work, part, pure=False) for part in islice(waiting, max(wanted, 0)))
            if not ahead:
                return
            try:
                yield ahead.popleft().result()
            except KilledWorker as problem:
                raise UnavailableError(
                    "workers ended again and again over the same photographs: their logs say why, often for want of "
                    "memory; give each more (dask worker --memory-limit), or fewer threads"
                ) from problem
    finally:
        client.cancel(list(ahead))
