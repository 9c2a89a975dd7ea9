"""Commands in a child process, with bounds on its memory and on the time of a step."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from faceloupe.errors import FaceloupeError, InputError
from faceloupe.web.children import MEMORY, SECONDS, ran_out_of_memory

CHILD = "FACELOUPE_CHILD"  # set for the child: gigabytes, seconds and the file that says that the work was done
INTERRUPTED = 130  # the exit status after Ctrl-C


def is_child() -> bool:
    """Return whether this process is the bounded one; if so, bind it."""
    if CHILD not in os.environ:
        return False
    gigabytes, _, _ = _bounds()
    try:
        import resource
    except ImportError:  # Windows has no such bounds: there the child protects the command from exits alone
        return True
    memory = int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most in (resource.RLIM_INFINITY, -1) or most > memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, most))
    step_done()
    return True


def step_done() -> None:
    """Begin the time that the next step may take."""
    if CHILD in os.environ and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, _bounds()[1])  # its signal ends the process, even in the middle of C code


def work_done() -> None:
    """Mark the command as finished."""
    if CHILD in os.environ:
        Path(_bounds()[2]).touch()
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def run_child(what: str, memory: float | None, seconds: float | None) -> int:
    """Run this very command again as a bounded child, and return its exit status.

    Parameters
    ----------
    what : str
        Name of what runs there, for messages.
    memory : float, optional
        Gigabytes that it may take.
    seconds : float, optional
        Seconds it may take for one step.

    Raises InputError if it met a bound, or its own code ended the process; the message says which.
    """
    gigabytes, patience = memory or MEMORY / 1e9, seconds or SECONDS
    if gigabytes <= 0 or patience <= 0:
        raise InputError("--memory and --seconds: expected numbers above 0")
    with TemporaryDirectory() as folder:
        done = Path(folder, "done")
        bounds = {CHILD: f"{gigabytes} {patience} {done}"}
        command = [sys.executable, "-m", "faceloupe", *sys.argv[1:]]  # this one, as it was typed
        # A group of its own: Ctrl-C comes to this process, which hands it on once.
        group = None if sys.platform == "win32" else 0
        process = subprocess.Popen(command, env={**os.environ, **bounds}, process_group=group)  # noqa: S603
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()  # it says what it kept
            return INTERRUPTED
        finally:
            process.kill()
        if status == 0 and not done.exists():
            raise InputError(f"{what} ended the process by itself, with exit status 0, before anything was shown")
    if status >= 0:
        return status
    if hasattr(signal, "SIGALRM") and status == -signal.SIGALRM:
        raise InputError(
            f"{what} took more than {patience:g} seconds for one step: it may never end. --seconds gives it more time"
        )
    raise InputError(
        f"{what} ended its process ({signal.Signals(-status).name}): its code failed, or it needs more than the "
        f"{gigabytes:g} GB of memory that it may take. --memory gives it more"
    )


@contextmanager
def memory_told(what: str) -> Iterator[None]:
    """Turn a failed allocation within into an error that names the bound on memory.

    Raises InputError if this process is bounded and it got no more memory.
    """
    try:
        yield
    except (MemoryError, FaceloupeError, RuntimeError) as problem:
        if not ran_out_of_memory(problem) or CHILD not in os.environ:
            raise
        raise InputError(
            f"{what} needs more than the {_bounds()[0]:g} GB of memory that it may take. --memory gives it more"
        ) from problem


def _bounds() -> tuple[float, float, str]:
    gigabytes, seconds, done = os.environ[CHILD].split(" ", 2)
    return float(gigabytes), float(seconds), done
