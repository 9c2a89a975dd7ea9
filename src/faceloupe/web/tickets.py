"""Tickets: addresses that open one page once.

A new tab of a browser sends no token, nor does a frame, and a token in its address would stay in the history. A ticket
is of no use once the page is open.
"""

import secrets
import time
from collections import OrderedDict

SECONDS = 60.0
"""How long a ticket is good."""

KEPT = 8  # pages of one owner that wait to be opened; each may have several megabytes


class Tickets:
    """Pages that wait to be opened, in memory."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, tuple[float, str, str]] = OrderedDict()

    def issue(self, page: str, owner: str) -> str:
        """Return a ticket for a page, 128 random bits; of more than 8 unused ones of an owner the oldest is dropped."""
        ticket = secrets.token_urlsafe(16)
        self._pages[ticket] = time.monotonic() + SECONDS, page, owner
        for old in [old for old, (_, _, whose) in self._pages.items() if whose == owner][:-KEPT]:
            del self._pages[old]
        self._drop_old()
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """Return the page and forget the ticket; None if it was used, is too old, or never was."""
        self._drop_old()
        _, page, _ = self._pages.pop(ticket, (0.0, None, ""))
        return page

    def _drop_old(self) -> None:
        now = time.monotonic()
        while self._pages and next(iter(self._pages.values()))[0] < now:
            self._pages.popitem(last=False)
