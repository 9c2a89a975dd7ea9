"""The networks that are open in this process: each is opened once, in a thread of its own, and again after a fork.

A forked child has the memory of its parent but none of its threads, and an engine that waits for threads that are gone
waits for ever: when it runs, and when it is closed. So a child opens its own, and never closes what its parent opened.
It has to end as the children of `multiprocessing` do, by `os._exit`: where an interpreter ends, all is closed.
"""

import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

_openings: dict[Hashable, Future[Any]] = {}
_parents: list[dict[Hashable, Future[Any]]] = []
_lock = Lock()


def opening(key: Hashable, open_it: Callable[[], Any]) -> Future[Any]:
    """Return the future of a network that is being opened or open already; a failed opening is tried once more.

    Parameters
    ----------
    key : hashable
        Key of the network here.
    open_it : callable
        Opens it; called in a thread, so that faces can be looked for in the meantime.
    """
    with _lock:
        future = _openings.get(key)
        if future is None or (future.done() and future.exception()):
            thread = ThreadPoolExecutor(1, "faceloupe-opening")
            _openings[key] = future = thread.submit(open_it)
            thread.shutdown(wait=False)
        return future


def forget_in_children(forget: Callable[[], object]) -> None:
    """Call a function in every process that is forked from this one."""
    if hasattr(os, "register_at_fork"):  # Windows does not fork
        os.register_at_fork(after_in_child=forget)


def _forget() -> None:
    global _lock, _openings
    _lock = Lock()
    _parents.append(_openings)  # ONNX Runtime joins its threads when a session is let go
    _openings = {}


forget_in_children(_forget)
