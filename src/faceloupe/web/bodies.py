"""The bodies of requests as they come: counted, timed, and held in a memory that has a bound."""

import asyncio
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from faceloupe.web.problems import HTTPProblem
from faceloupe.web.settings import ServerLimits


@dataclass
class Room:
    """Memory for the bodies of all requests together, in bytes."""

    most: int
    taken: int = 0

    def take(self, size: int) -> None:
        """Take some bytes; raise HTTPProblem if there is no room for them."""
        if self.taken + size > self.most:
            raise HTTPProblem("busy", "the requests in work take all the memory there is for them", retry_after=1)
        self.taken += size


class Body:
    """A request's body; a context manager that gives its room back."""

    def __init__(self, receive: Receive, limits: ServerLimits, room: Room) -> None:
        self._receive, self._limits, self._room = receive, limits, room
        self._deadline: float | None = None
        self._received, self._reserved, self._complete = 0, 0, False

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *_: object) -> None:
        self._room.taken -= self._reserved

    def check_announced(self, headers: Headers) -> None:
        """Refuse a body before it comes if it says that it is too large; raise HTTPProblem."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limits.body:
            raise self._too_large()

    async def receive(self) -> Message:
        """Return the next part, in time and within the limits; raise HTTPProblem."""
        if self._complete:
            return await self._receive()  # waits for the caller to go away, however long the answer takes
        if self._deadline is None:
            self._deadline = time.monotonic() + self._limits.patience
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise HTTPProblem("too-slow", f"the body did not come within {self._limits.patience:g} seconds") from None
        self._received += len(message.get("body", b""))
        if self._received > self._limits.body:
            raise self._too_large()
        self._room.take(self._received - self._reserved)
        self._reserved = self._received
        self._complete = not message.get("more_body", False)
        return message

    def _too_large(self) -> HTTPProblem:
        return HTTPProblem("too-large", f"a request may have {self._limits.body:,} bytes")
