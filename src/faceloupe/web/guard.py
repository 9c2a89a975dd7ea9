"""The gate in front of every call: which host was asked for, from where, with which key, how much and how fast.

It is plain ASGI, so that it counts bytes as they come, before anything parses them.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceloupe.web.batching import Slots
from faceloupe.web.keys import Key, find_key
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.settings import ServerLimits

__all__ = ["API", "Guard", "RateLimit"]

API = "/api/"
"""What needs a token; the page beside it holds no data."""


class Guard:
    """Middleware that lets a call through or answers with a problem.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Names by which the server may be asked for, in lower case without port. A page that rebinds its own name to
        this address asks by its own name, and is refused.
    keys : sequence of Key
    limits : ServerLimits
        Of these the requests in work, the bytes of a body and of the bodies of all requests in work, and the seconds
        in which a body must have come.
    headers : mapping of str to str
        Added to every answer that does not have them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str],
        keys: Sequence[Key],
        limits: ServerLimits,
        headers: Mapping[str, str],
    ) -> None:
        self._app, self._hosts, self._keys = app, hosts, keys
        self._limits, self._headers = limits, headers
        self._slots, self._room = Slots(limits.requests, "requests"), _Room(limits.bodies)
        self._rates = {key.name: RateLimit(key.per_minute) for key in keys}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    told.setdefault(name, value)
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_names(headers, scope["scheme"])
            if scope["path"].startswith(API):
                scope["key"] = self._key(headers)
            with self._slots.take(), _Body(receive, self._limits, self._room) as body:
                body.check_announced(headers)
                await self._app(scope, body.receive, send_with_headers)
        except HTTPProblem as problem:
            await problem.response()(scope, receive, send_with_headers)

    def _check_names(self, headers: Headers, scheme: str) -> None:
        host = headers.get("host", "")
        if _without_port(host).lower() not in self._hosts:
            raise HTTPProblem("host", f"this server is not called {host!r}")
        origin = headers.get("origin")
        # Behind a proxy that ends TLS the page came by https, which this server does not see.
        own = {f"{known}://{host}".lower() for known in (scheme, "https")}
        if origin is not None and origin.lower() not in own:
            raise HTTPProblem("origin", f"the page at {origin} may not call this server")

    def _key(self, headers: Headers) -> Key:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = find_key(self._keys, token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise HTTPProblem("token", "the token is missing or wrong")
        wait = self._rates[key.name].wait()
        if wait:
            raise HTTPProblem("rate", f"the key allows {key.per_minute:,} requests a minute", retry_after=wait)
        return key


@dataclass
class RateLimit:
    """A bucket that a request takes a token from, and time fills again: bursts pass, the mean does not.

    Attributes
    ----------
    per_minute : int
        Requests a minute in the long run; a tenth of them, and at least ten, at once.
    """

    per_minute: int
    _left: float = field(init=False)
    _then: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._then = self._most, time.monotonic()

    @property
    def _most(self) -> float:
        return max(10.0, self.per_minute / 10)

    def wait(self) -> float:
        """Take a place and return 0, or return how many seconds it takes until there is one."""
        now = time.monotonic()
        per_second = self.per_minute / 60
        self._left = min(self._most, self._left + (now - self._then) * per_second)
        self._then = now
        if self._left < 1:
            return (1 - self._left) / per_second
        self._left -= 1
        return 0.0


@dataclass
class _Room:
    """Memory for the bodies of all requests together."""

    most: int
    taken: int = 0

    def take(self, size: int) -> None:
        if self.taken + size > self.most:
            raise HTTPProblem("busy", "the requests in work take all the memory there is for them", retry_after=1)
        self.taken += size


class _Body:
    """The body of a request as it comes, counted and timed; its room is given back at the end of the block."""

    def __init__(self, receive: Receive, limits: ServerLimits, room: _Room) -> None:
        self._receive, self._limits, self._room = receive, limits, room
        self._deadline: float | None = None
        self._came, self._held, self._whole = 0, 0, False

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None:
        self._room.taken -= self._held

    def check_announced(self, headers: Headers) -> None:
        announced = headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._limits.body:
            raise self._too_large()

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # waits for the caller to go away, however long the answer takes
        if self._deadline is None:
            self._deadline = time.monotonic() + self._limits.patience
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise HTTPProblem("too-slow", f"the body did not come within {self._limits.patience:g} seconds") from None
        self._came += len(message.get("body", b""))
        if self._came > self._limits.body:
            raise self._too_large()
        self._room.take(self._came - self._held)
        self._held = self._came
        self._whole = not message.get("more_body", False)
        return message

    def _too_large(self) -> HTTPProblem:
        return HTTPProblem("too-large", f"a request may have {self._limits.body:,} bytes")


def _without_port(host: str) -> str:
    if host.startswith("["):  # an IPv6 address
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
