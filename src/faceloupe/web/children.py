"""Work in processes of its own, which can be ended whatever it does: hostile pictures, studies, looks.

A thread cannot be ended, and one that decodes a picture for a minute keeps the whole server from ending. A child takes
one task after another, so that what it has loaded serves the next; it ends with its parent, however that ends.
"""

import atexit
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from time import monotonic
from typing import Any, BinaryIO, NamedTuple

from faceloupe.errors import FaceloupeError
from faceloupe.progress import Progress

MEMORY, SECONDS = 4 * 10**9, 120.0
"""Bytes, and seconds without a step, that work on a network which nobody here knows may take: loading torch and the
slowest single step take far less."""


IDLE = 300.0  # seconds after which a child without a task ends: what it has loaded takes memory
OFTEN = 0.1  # seconds between two messages of progress, at least

_children: set["Child"] = set()


class ChildEndedError(FaceloupeError):
    """A child ended before its task: it was ended, it took too long, or a library broke down in it."""


class FileError(FaceloupeError):
    """A file or a disk refused what was asked of it: it is full, read-only or gone."""

    @classmethod
    def of(cls, problem: OSError) -> "FileError":
        """Return what the system says, with the name of the file."""
        words = problem.strerror or type(problem).__name__
        return cls(words if problem.filename is None else f"{problem.filename}: {words}")


class ChildFault(Exception):  # noqa: N818 - not one of ours to catch: a fault
    """A fault in a child: its kind and where it happened, without what it says, which may be a name."""

    def __init__(self, kind: str, trace: list[str]) -> None:
        super().__init__(kind)
        self.kind, self.trace = kind, trace


class Task(NamedTuple):
    """A function with its arguments, which pickle carries by name or by value."""

    function: Callable[..., Any] | str
    arguments: tuple[Any, ...]
    tells: bool
    """True if the function takes `progress`, to which it reports."""


class Child:
    """A process that does one task after another; it starts with the first, and anew after it was ended.

    It may take so many bytes of `memory` beyond what it has when it starts, where the system can bound that.
    """

    def __init__(self, *, memory: int | None = None) -> None:
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()  # of beginning and ending: whoever ends it meanwhile ends what has begun
        _children.add(self)

    def run(
        self, function: Callable[..., Any] | str, *arguments: Any, progress: Progress | None = None,
        seconds: float | None = None, wanted: Callable[[], bool] = lambda: True,
    ) -> Any:  # fmt: skip
        """Run a function in the process and return its result; one call at a time.

        The function is one of a module, by whose name the child finds it, or that name itself, which spares this
        process the module; pickle must carry its arguments. `progress` is told how much is done, and what it raises
        ends the child. After so many `seconds` without a word of progress the child is ended; the time to load the
        function does not count. Nothing is begun unless it is still `wanted`, which is asked last.

        Raises ChildEndedError if the child ended before it returned, or was not wanted; ChildFault if the function
        failed otherwise than with a FaceloupeError, which is raised as it is.
        """
        task = pickle.dumps(Task(function, arguments, progress is not None))
        with self._lock:
            if not wanted():
                raise ChildEndedError("it was ended before it began")
            process = self._started()
        patience = _Patience(seconds, self.end)
        try:
            _send(process.stdin, task)  # type: ignore[arg-type] # a pipe
            while True:
                kind, content = pickle.loads(_received(process.stdout))  # type: ignore[arg-type] # noqa: S301 - ours
                patience.begin()
                if kind == "done":
                    return content
                if kind == "refused":
                    raise content
                if kind == "fault":
                    raise ChildFault(*content)
                if kind == "progress" and progress:
                    progress(*content)
        except (FaceloupeError, ChildFault):
            raise
        except (EOFError, OSError, ValueError) as problem:  # its pipes are closed
            self.end()
            if patience.met:
                raise ChildEndedError(f"{seconds:g} seconds passed without a step: it may never end") from problem
            raise ChildEndedError("the process that was at work on it ended before it was done") from problem
        except BaseException:
            self.end()
            raise
        finally:
            patience.end()

    def end(self) -> None:
        """End the process and those that it has started, at once."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr] # a pipe

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._process is None:
            code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({self._memory!r})"
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        return self._process


class _Patience:
    """Calls `ending` when nothing has come for some seconds."""

    def __init__(self, seconds: float | None, ending: Callable[[], None]) -> None:
        self._seconds, self._ending, self._timer = seconds, ending, threading.Timer(0, ending)
        self.met = False

    def begin(self) -> None:
        """Begin to count the seconds again."""
        self._timer.cancel()
        if self._seconds is not None:
            self._timer = threading.Timer(self._seconds, self._meet)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Stop counting."""
        self._timer.cancel()

    def _meet(self) -> None:
        self.met = True
        self._ending()


class InChild:
    """A job that runs in a child, which is ended when the job is stopped.

    Parameters
    ----------
    function : function or str
        As :meth:`Child.run` takes it. It is given `progress` by name, beside what follows, and returns what pickle
        carries.
    memory, seconds
        Bounds, as :class:`Child` and :meth:`Child.run` have them.
    """

    def __init__(
        self,
        function: Callable[..., dict[str, Any]] | str,
        *arguments: Any,
        memory: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self._function, self._arguments, self._memory, self._seconds = function, arguments, memory, seconds
        self._child: Child | None = None
        self._ended = False

    def __call__(self, tell: Progress) -> dict[str, Any]:
        """Run the function in a child, and return its result."""
        with borrowed(self._memory) as self._child:
            try:
                result: dict[str, Any] = self._child.run(
                    self._function,
                    *self._arguments,
                    progress=tell,
                    seconds=self._seconds,
                    wanted=lambda: not self._ended,
                )
            finally:
                self._child = None
        return result

    def end(self) -> None:
        """End the child at once, whatever it does."""
        self._ended, child = True, self._child
        if child is not None:
            child.end()


_idle: dict[int | None, list[Child]] = {}


@contextmanager
def borrowed(memory: int | None = None) -> Iterator[Child]:
    """Yield a child that nobody else uses, one that is there already if it can be."""
    idle = _idle.setdefault(memory, [])
    try:
        child = idle.pop()
    except IndexError:
        child = Child(memory=memory)
    try:
        yield child
    finally:
        idle.append(child)


@atexit.register
def end_all() -> None:
    """End every child of this process."""
    for child in list(_children):
        child.end()


def serve(memory: int | None) -> None:
    """Run the parent's tasks, one after another, until the parent ends; this is what a child runs."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(2, sys.stdout.fileno())  # what a library prints is not a reply
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    if memory is not None:
        _bound_memory(memory)
    while True:
        try:
            task = tasks.get(timeout=IDLE)
        except queue.Empty:
            return
        _send(replies, _reply(task, replies))


def _listen(tasks: "queue.SimpleQueue[bytes]") -> None:
    with suppress(EOFError, OSError):
        while True:
            tasks.put(_received(sys.stdin.buffer))
    if hasattr(os, "killpg"):  # the parent is gone: so is whoever works for it
        os.killpg(os.getpgid(0), signal.SIGKILL)
    os._exit(1)


def _reply(content: bytes, replies: BinaryIO) -> bytes:
    try:
        task: Task = pickle.loads(content)  # noqa: S301 - the parent's
        function = task.function
        if isinstance(function, str):
            module, _, name = function.rpartition(".")
            function = getattr(import_module(module), name)
        _send(replies, pickle.dumps(("begun", None)))
        options = {"progress": _Telling(replies)} if task.tells else {}
        return pickle.dumps(("done", function(*task.arguments, **options)))
    except BaseException as problem:
        if ran_out_of_memory(problem):
            return pickle.dumps(("refused", ChildEndedError("it needs more memory than it may take")))
        if isinstance(problem, OSError):
            return pickle.dumps(("refused", FileError.of(problem)))
        if isinstance(problem, FaceloupeError):
            return pickle.dumps(("refused", _carried(problem)))
        return pickle.dumps(("fault", (type(problem).__name__, traceback.format_tb(problem.__traceback__))))


def ran_out_of_memory(problem: BaseException) -> bool:
    """Return whether an error says that no more memory was given, in the words of Python, torch or ONNX Runtime."""
    if not isinstance(problem, MemoryError | FaceloupeError | RuntimeError):
        return False
    words = str(problem).lower()
    return isinstance(problem, MemoryError) or any(word in words for word in ("memoryerror", "alloc", "out of memory"))


def _carried(problem: FaceloupeError) -> FaceloupeError:
    """Return an error that pickle brings to the other side: itself, or the nearest that says the same."""
    try:
        return pickle.loads(pickle.dumps(problem))  # type: ignore[no-any-return] # noqa: S301 - our own
    except Exception:  # an error that is made of more than its words
        return FaceloupeError(str(problem))


class _Telling:
    """Sends progress to the parent, no more often than somebody looks."""

    def __init__(self, replies: BinaryIO) -> None:
        self._replies, self._last = replies, 0.0

    def __call__(self, done: float, whole: float) -> None:
        if done >= whole or monotonic() - self._last >= OFTEN:
            self._last = monotonic()
            _send(self._replies, pickle.dumps(("progress", (float(done), float(whole)))))


def _bound_memory(most: int) -> None:
    """Bound the memory of this process: the system refuses more than it has now and `most` bytes."""
    try:
        import resource
        from pathlib import Path

        has = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_DATA, (has + most, has + most))  # what is written to, not what is mapped
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # Windows and macOS bound it otherwise, or not
        return


def _send(stream: BinaryIO, content: bytes) -> None:
    stream.write(len(content).to_bytes(8, "big"))
    stream.write(content)
    stream.flush()


def _received(stream: BinaryIO) -> bytes:
    size = stream.read(8)
    if len(size) < 8:
        raise EOFError
    content = stream.read(int.from_bytes(size, "big"))
    if len(content) < int.from_bytes(size, "big"):
        raise EOFError
    return content
