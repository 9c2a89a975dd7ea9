"""A request that is sent twice is done once: the ``Idempotency-Key`` header.

After the IETF's draft-ietf-httpapi-idempotency-key-header. What was acknowledged is what is answered again, with when
that was, whatever has changed since; only of who was forgotten nothing is told any more. Answers are kept in memory, so
a restart forgets them; a photograph that is sent again after one is still not enrolled twice, for the gallery knows it
by its hash.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from faceloupe.web.problems import HTTPProblem

IdempotencyKey = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="Any text that is new for each request, such as a UUID: the same key again gets the same answer.",
    ),
]

KEPT = 1000  # answers to one caller


class Answer(NamedTuple):
    """An answer, and the time when it was acknowledged."""

    status: int
    document: dict[str, Any]
    at: datetime
    again: bool = False
    """True if it was given before."""


class Answers:
    """Answers by key, the latest thousand of each caller."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[tuple[str, str], tuple[str, asyncio.Task[Answer]]] = OrderedDict()

    async def once(
        self, caller: str, key: str | None, body: BaseModel, answer: Callable[[], Awaitable[tuple[int, dict[str, Any]]]]
    ) -> Answer:
        """Return the answer to a request, made now or when the key was first used; what failed is tried again.

        `caller` names the caller's key: callers do not see each other's answers. Without a header (`key`) each request
        is new. Raises HTTPProblem if the key was used for another body than `body`.
        """

        async def acknowledged() -> Answer:
            status, document = await answer()
            return Answer(status, document, datetime.now(UTC))

        if key is None:
            return await acknowledged()
        place, content = (caller, key), await asyncio.to_thread(_digest, body)
        again = place in self._by_key
        if not again:
            task = asyncio.ensure_future(acknowledged())
            self._by_key[place] = content, task
            task.add_done_callback(partial(self._drop_failed, place))
            self._drop_old(caller)
        known, task = self._by_key[place]
        if known != content:
            raise HTTPProblem("conflict", "this Idempotency-Key was used for another request: take a new one")
        # A caller that goes away does not stop what others may wait for.
        return (await asyncio.shield(task))._replace(again=again)

    def clear(self) -> None:
        """Forget every answer, one that is being made as soon as its callers have it: they name people."""
        for place, (_, task) in list(self._by_key.items()):
            if task.done():
                self._drop(place, task)
            else:
                task.add_done_callback(partial(self._drop, place))

    def _drop(self, place: tuple[str, str], task: "asyncio.Task[Answer]") -> None:
        if self._by_key.get(place, (None, None))[1] is task:
            del self._by_key[place]

    def _drop_failed(self, place: tuple[str, str], task: "asyncio.Task[Answer]") -> None:
        """Drop what failed: it can be tried again, and would keep what was sent."""
        if task.cancelled() or task.exception():
            self._drop(place, task)

    def _drop_old(self, caller: str) -> None:
        for place in [place for place in self._by_key if place[0] == caller][:-KEPT]:
            del self._by_key[place]


def _digest(body: BaseModel) -> str:
    """Return a hash of a body, of photographs by their bytes: as text they would be several times as long."""
    digest = sha256()
    for name, value in body:
        for part in value if isinstance(value, list) else [value]:
            content = part if isinstance(part, bytes) else repr(part).encode()
            digest.update(f"{name} {len(content)} ".encode())
            digest.update(content)
    return digest.hexdigest()
