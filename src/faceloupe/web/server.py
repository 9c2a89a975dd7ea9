"""Running the application: the socket, the slow and the stuck, and an orderly end."""

import asyncio
import logging.config
import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from faceloupe.errors import InputError
from faceloupe.web.children import end_all
from faceloupe.web.observing import BoundedLog, JsonHandler, Log, log_line
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.settings import ServerLimits, Settings

GRACE = 5  # seconds that answers in work have at the end
BOUND = 9  # seconds after which the process ends, whatever runs in it
KEEP_ALIVE = 15  # seconds that a connection may idle between two requests
BACKLOG = 128  # connections that wait to be accepted
UNSENT = 2**17  # bytes that the system holds of an answer; with more, one taken slowly would look as if it were not
REFUSED = 2**20  # bytes that are read of a body without a length after it was refused
MOST_HEAD = 16 * 2**10  # bytes of a request's head


def listen(settings: Settings) -> socket.socket:
    """Return a socket that is bound as asked; raise InputError if the address is taken or not of this machine."""
    with ExitStack() as undo:
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                settings.host, settings.port, type=socket.SOCK_STREAM
            )[0]
            listening = undo.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT)
            listening.bind(place)
            listening.listen(BACKLOG)  # or another server could bind to the same place until this one runs
        except OSError as problem:
            raise InputError(
                f"cannot listen at {settings.host} port {settings.port}: {problem.strerror or problem}. Give another "
                "--port, or --port 0 for any that is free"
            ) from problem
        undo.pop_all()
    return listening


def address(listening: socket.socket, *, tls: bool = False) -> str:
    """Return the address of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def log_as_json(log: Log = log_line) -> None:
    """Turn all that libraries log from now on, Python's warnings too, into lines of JSON."""
    logging.config.dictConfig({**_logging(log), "root": {"handlers": ["json"], "level": "WARNING"}})
    logging.captureWarnings(True)


def make_server(app: ASGIApp, settings: Settings, *, ending: Callable[[], None], log: Log = log_line) -> uvicorn.Server:
    """Return a server that waits for nobody without a bound; ``server.run(sockets=[listen(settings)])`` runs it.

    `ending` is called when it is told to end, before it waits for the answers in work; `log` is told what the libraries
    have to say.
    """
    config = uvicorn.Config(
        app,
        http=partial(_Patient, settings.limits),  # type: ignore[arg-type] # called as a class would be
        ws="none",
        lifespan="on",
        log_config=_logging(log),
        access_log=False,  # the observer's lines name no addresses
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=MOST_HEAD,
        ssl_certfile=settings.tls and settings.tls[0],
        ssl_keyfile=settings.tls and settings.tls[1],
    )
    return _Orderly(config, ending, log)


class _Orderly(uvicorn.Server):
    """A server that announces its end at once, so that streams of events stop too, and ends within a bound.

    What was acknowledged is on the disk: ended at any moment, the process loses nothing of it.
    """

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None], log: Log) -> None:
        super().__init__(config)
        self._ending, self._log = ending, log

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        threading.Thread(target=self._ending).start()  # what the signal interrupted may hold a lock
        last = threading.Timer(BOUND, self._leave, [sig])
        last.daemon = True
        last.start()

    def _leave(self, sig: int) -> None:
        running = sorted({thread.name.partition("_")[0] for thread in threading.enumerate() if not thread.daemon})
        self._log({"level": "warning", "message": f"ended after {BOUND} seconds with work left", "threads": running})
        end_all()
        os._exit(128 + sig)


def _logging(log: Log) -> dict[str, Any]:
    """Return the settings of `logging` by which libraries log lines of JSON."""
    to_json = {"handlers": ["json"], "level": "WARNING", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"json": {"()": JsonHandler, "log": BoundedLog(log)}},
        "loggers": dict.fromkeys(("uvicorn", "asyncio", "concurrent.futures"), to_json),
    }


class _Patient(H11Protocol):
    """A protocol that bounds what a connection may cost before a key is known, and how long it may idle.

    It is closed if a request's head does not come in time, if nobody takes what is sent, if what follows a refusal goes
    on for too long, and, when there are more connections than are taken, if it is the oldest one of the busiest address
    on which no request of a key is in work. uvicorn itself waits for ever, keeps what it is to send, and reads on.
    """

    def __init__(self, limits: ServerLimits, **options: Any) -> None:
        super().__init__(**options)
        self._limits, self._began = limits, 0.0
        self._refused = 0  # bytes that came after the answer, of a body that nobody reads
        self._head: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._began = self.loop.time()
        _make_room(self.connections, min(self._limits.connections, _most_connections()), self)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()
        self._watch_refused(len(data))

    def send_400_response(self, msg: str) -> None:
        answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what it still has to say cannot be sent
            self.cycle.message_event.set()
        if answered or self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        problem = HTTPProblem("malformed", msg, close=True).response()
        head = h11.Response(status_code=problem.status_code, headers=problem.raw_headers, reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(problem.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taking = _cancelled(self._taking)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head, self._taking = _cancelled(self._head), _cancelled(self._taking)

    @property
    def open_since(self) -> float | None:
        """The time from which the connection serves no known key; None while a request of a key is in work."""
        in_work = self.cycle is not None and not self.cycle.response_complete
        return None if (in_work and self.scope.get("key")) or self.transport.is_closing() else self._began

    def _watch_head(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._head = _cancelled(self._head)  # a request is in work; the guard times its body
        elif self._head is None:
            self._head = self.loop.call_later(self._limits.patience, self.transport.close)

    def _watch_refused(self, size: int) -> None:
        """Read what a caller sends after it was refused, for a while: closed at once, it might not see the answer."""
        if self.cycle is None or not self.cycle.response_complete or self.conn.their_state is not h11.SEND_BODY:
            self._refused = 0
            return
        self._refused += size
        announced = next((int(value) for name, value in self.headers if name == b"content-length"), 0)
        if self._refused > min(max(announced, REFUSED), 2 * self._limits.body):
            self.transport.abort()

    def _watch_taking(self, before: float = float("inf")) -> None:
        left = self.transport.get_write_buffer_size()
        if left < before:
            self._taking = self.loop.call_later(self._limits.patience, self._watch_taking, left)
        else:
            self.transport.abort()


def _make_room(connections: Iterable[Any], most: int, new: _Patient) -> None:
    """Close the oldest connection of the address that has most, of those without a key, if there are too many."""
    connections = [connection for connection in connections if not connection.transport.is_closing()]
    if len(connections) <= most:
        return
    idle = [other for other in connections if other.open_since is not None and other is not new] or [new]
    of_address = Counter(other.client and other.client[0] for other in idle)
    closed = min(idle, key=lambda other: (-of_address[other.client and other.client[0]], other.open_since))
    closed.transport.abort()


def _most_connections() -> int:
    """Return how many connections to take: half of the files that the process may open."""
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows has no such bound
        return sys.maxsize
    return max(8, getrlimit(RLIMIT_NOFILE)[0] // 2)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
