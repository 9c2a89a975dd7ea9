"""Running the application: the socket, the slow and the stuck, and an orderly end."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from faceloupe.errors import InputError
from faceloupe.web.settings import Settings

__all__ = ["address", "listen", "make_server"]

GRACE = 10  # seconds that answers in work have at the end
KEEP_ALIVE = 15  # seconds that a connection may idle between two requests
BACKLOG = 128  # connections that wait to be accepted
UNSENT = 2**17  # bytes that the system holds of an answer; with more, one taken slowly would look as if it were not
MOST_HEAD = 16 * 2**10  # bytes of a request's head


def listen(settings: Settings) -> socket.socket:
    """Return a socket that is bound as asked.

    Raises
    ------
    InputError
        If the address is taken or not of this machine.
    """
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


def address(listening: socket.socket) -> str:
    """Return where a bound socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def make_server(app: ASGIApp, settings: Settings, *, ending: Callable[[], None]) -> uvicorn.Server:
    """Return a server that does not wait for ever for anybody; ``server.run(sockets=[listen(settings)])`` runs it.

    `ending` is called when it is told to end, before it waits for the answers in work.
    """
    config = uvicorn.Config(
        app,
        http=partial(_Patient, settings.limits.patience),  # type: ignore[arg-type] # called as a class would be
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # the observer's lines name no addresses
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=MOST_HEAD,
    )
    return _Orderly(config, ending)


class _Orderly(uvicorn.Server):
    """Says that it ends at once: whoever streams events would otherwise go on until the grace is over."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        threading.Thread(target=self._ending).start()  # what the signal interrupted may hold a lock


class _Patient(H11Protocol):
    """Closes a connection on which a request's head does not come in time, or nobody takes what is sent.

    uvicorn itself waits for ever, and keeps what it is to send.
    """

    def __init__(self, patience: float, **given: Any) -> None:
        super().__init__(**given)
        self._patience = patience
        self._head: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taking = _cancelled(self._taking)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head, self._taking = _cancelled(self._head), _cancelled(self._taking)

    def _watch_head(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._head = _cancelled(self._head)  # a request is in work; the guard times its body
        elif self._head is None:
            self._head = self.loop.call_later(self._patience, self.transport.close)

    def _watch_taking(self, before: float = float("inf")) -> None:
        left = self.transport.get_write_buffer_size()
        if left < before:
            self._taking = self.loop.call_later(self._patience, self._watch_taking, left)
        else:
            self.transport.abort()


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
