"""The networks that are open in this process: each is opened once, in a thread of its own, and again after a fork.

A forked child has the memory of its parent but none of its threads, and an engine that waits for threads that are gone
waits for ever: when it runs, and when it is closed. So a child opens its own, and never closes what its parent opened.
It has to end as the children of `multiprocessing` do, by `os._exit`: where an interpreter ends, all is closed.
Engines share locks and counters among all their networks, which a thread at work leaves in any state: so a fork waits
until none is inside an engine.
"""

import os
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition, Lock, get_ident
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


def let_go() -> None:
    """Let go of all networks that are open, and so of their memory; who needs one again opens it."""
    global _openings
    with forks_held_back():  # networks are closed here, outside the lock: nobody who opens one waits for that
        with _lock:
            closing, _openings = _openings, {}
        del closing


_gate = Condition()
_inside: list[int] = []  # threads that are inside an engine
_forks_waiting = 0


@contextmanager
def forks_held_back() -> Iterator[None]:
    """Let no other thread fork this process meanwhile; wait for those that are about to."""
    me = get_ident()
    with _gate:
        _gate.wait_for(lambda: not _forks_waiting or me in _inside)
        _inside.append(me)
    try:
        yield
    finally:
        with _gate:
            _inside.remove(me)
            _gate.notify_all()


def forget_in_children(forget: Callable[[], object], **further: Callable[[], object]) -> None:
    """Call a function in every process that is forked from this one; see `os.register_at_fork` for the others."""
    if hasattr(os, "register_at_fork"):  # Windows does not fork
        os.register_at_fork(after_in_child=forget, **further)


def _close_gate() -> None:
    """Wait until no other thread is inside an engine, and let none in before the fork."""
    global _forks_waiting
    _gate.acquire()
    _forks_waiting += 1
    me = get_ident()
    _gate.wait_for(lambda: all(thread == me for thread in _inside))


def _open_gate() -> None:
    global _forks_waiting
    _gate.notify_all()  # it raises where Ctrl-C kept the gate from being closed: nothing is counted then
    _forks_waiting -= 1
    _gate.release()


def _forget() -> None:
    global _forks_waiting, _gate, _lock, _openings
    _forks_waiting, _gate, _lock = 0, Condition(), Lock()
    _inside[:] = [thread for thread in _inside if thread == get_ident()]  # no other is in this process
    _parents.append(_openings)  # ONNX Runtime joins its threads when a session is let go
    _openings = {}


forget_in_children(_forget, before=_close_gate, after_in_parent=_open_gate)
