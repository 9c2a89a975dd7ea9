"""A request that is sent twice is done once: the ``Idempotency-Key`` header.

After the IETF's draft-ietf-httpapi-idempotency-key-header. Answers are kept in memory, so a restart forgets them; a
photograph that is sent again after one is still not enrolled twice, for the gallery knows it by its hash.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, Field

from faceloupe.web.problems import Problem

__all__ = ["Answers", "IdempotencyKey"]

IdempotencyKey = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="Any text that is new for each request, such as a UUID: the same key again gets the same answer.",
    ),
]

Answer = tuple[int, dict[str, Any]]

KEPT = 1000


class Answers:
    """Answers by key, the latest thousand."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[tuple[str, str], tuple[str, asyncio.Task[Answer]]] = OrderedDict()

    async def once(
        self, caller: str, key: str | None, sent: BaseModel, answer: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Return the answer to a request, made now or when the key was first used; what failed is tried again.

        Parameters
        ----------
        caller : str
            Name of the caller's key; callers do not see each other's answers.
        key : str or None
            The header; without one each request is new.
        sent : BaseModel
            The request's body.
        answer : function
            Makes the answer.

        Raises
        ------
        Problem
            If the key was used for another request.
        """
        if key is None:
            return await answer()
        place, content = (caller, key), sha256(repr(sent).encode()).hexdigest()
        known = self._by_key.get(place)
        if known is not None and known[0] != content:
            raise Problem("conflict", "this Idempotency-Key was used for another request: take a new one")
        if known is None or (known[1].done() and (known[1].cancelled() or known[1].exception())):
            known = content, asyncio.ensure_future(answer())
            self._by_key[place] = known
            self._forget_old()
        # A caller that goes away does not stop what others may wait for.
        return await asyncio.shield(known[1])

    def _forget_old(self) -> None:
        while len(self._by_key) > KEPT:
            self._by_key.popitem(last=False)
