"""The gate in front of every call: which host was asked for, from where, with which key, how much and how fast.

It is plain ASGI, so that it counts bytes as they come, before anything parses them.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceloupe.web.batching import Slots
from faceloupe.web.bodies import Body, Room
from faceloupe.web.keys import Key, find_key
from faceloupe.web.problems import HTTPProblem
from faceloupe.web.rates import AddressRates, RateLimit
from faceloupe.web.settings import ServerLimits

API = "/api/"
"""What needs a token; the page beside it holds no data."""

ENTER = "/enter"
"""Where the file that opens the page sends the token; a file has the origin "null"."""

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{0,5}))?")
"""A host of RFC 3986, section 3.2, as far as a name in DNS or an address may go: without user, in lower case."""

_LAST_PORT = 2**16 - 1


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
        The guard keeps those of the requests in work, of all and of one key, of the bytes of a body and of the bodies
        of all requests in work, and of the seconds in which a body must have come.
    headers : mapping of str to str
        Added to every answer that does not have them.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], keys: Sequence[Key], limits: ServerLimits,
        headers: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._app, self._hosts, self._keys = app, hosts, keys
        self._limits, self._headers = limits, headers
        self._slots, self._room = Slots(limits.requests, "requests"), Room(limits.bodies)
        share = limits.requests if len(keys) == 1 else min(limits.requests, limits.requests_of_key)
        self._shares = {key.name: Slots(share, "requests of this key") for key in keys}
        self._rates = {key.name: RateLimit(key.per_minute) for key in keys}
        self._address_rates = AddressRates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        within_api = scope["path"].startswith(API)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if within_api:  # it may name people or hold faces: no browser and no proxy is to keep it
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            headers = Headers(scope=scope)
            _check_form(scope, headers)
            self._check_names(headers, scope)
            key = scope["key"] = self._key(scope, headers) if within_api else None
            share = self._shares[key.name].take() if key else nullcontext()
            with share, self._slots.take(), Body(receive, self._limits, self._room) as body:
                body.check_announced(headers)
                await self._app(scope, body.receive, send_with_headers)
        except HTTPProblem as problem:
            await problem.response()(scope, receive, send_with_headers)

    def _check_names(self, headers: Headers, scope: Scope) -> None:
        authority = ", ".join(headers.getlist("host"))
        if host_of(authority) not in self._hosts:
            raise HTTPProblem("host", f"this server is not called {authority!r}")
        origin = headers.get("origin")
        # Behind a proxy that ends TLS the page came by https, which this server does not see.
        origins = {f"{scheme}://{authority}".lower() for scheme in (scope["scheme"], "https")}
        if scope["path"] == ENTER:
            origins.add("null")
        if origin is not None and origin.lower() not in origins:
            raise HTTPProblem("origin", f"the page at {origin} may not call this server")

    def _key(self, scope: Scope, headers: Headers) -> Key:
        """Return the key whose token was sent; a valid one is always let in, for only those who try tokens must pause.

        A caller who shares their address, behind a proxy, is not shut out; and a token of 256 bits is not guessed,
        however often one tries.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = find_key(self._keys, token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            scope["tried"] = "a wrong token" if scheme.lower() == "bearer" else "another scheme" if scheme else "none"
            wait = self._address_rates.wait((scope.get("client") or ("",))[0])
            if wait:
                raise HTTPProblem("rate", "too many requests without a valid token came from here", retry_after=wait)
            raise HTTPProblem("token", "the token is missing or wrong")
        wait = self._rates[key.name].wait()
        if wait:
            raise HTTPProblem("rate", f"the key allows {key.per_minute:,} requests a minute", retry_after=wait)
        return key


def host_of(authority: str) -> str | None:
    """Return the host that a Host header names, in lower case; None if the header is not of the form HOST[:PORT].

    >>> host_of("Faces.example:8000"), host_of("[::1]:8000"), host_of("[::1].evil.example"), host_of("a:80:b")
    ('faces.example', '[::1]', None, None)
    """
    parts = _AUTHORITY.fullmatch(authority.lower())
    return parts[1] if parts and int(parts[2] or 0) <= _LAST_PORT else None


def _check_form(scope: Scope, headers: Headers) -> None:
    """Refuse a request that a proxy on the way may read differently from this server."""
    if "content-length" in headers and "transfer-encoding" in headers:
        raise HTTPProblem("malformed", "Content-Length and Transfer-Encoding together: send one of them", close=True)
    if not scope["path"].startswith("/"):
        raise HTTPProblem("malformed", "expected a path that begins with /", close=True)
