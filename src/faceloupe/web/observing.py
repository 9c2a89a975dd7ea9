"""The log and the metrics: one line and one count a request, without faces, names or templates.

A line names the route, ``/people/{person}``, not the address that was asked for, and no query.
"""

import asyncio
import json
import logging
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceloupe.web.problems import HTTPProblem
from faceloupe.web.rates import RateLimit

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE = "none"
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")

Log = Callable[[dict[str, Any]], None]
"""Where lines go."""


class Metrics:
    """Counts and times in the text format of Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "faceloupe_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "faceloupe_request_seconds", "From request to answer.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self.faces = Counter("faceloupe_faces", "Faces found in photographs.", registry=self.registry)
        self.batches = Counter("faceloupe_embedding_batches", "Runs of the embedder.", registry=self.registry)
        self.waiting = Gauge("faceloupe_photographs_waiting", "Photographs in work or waiting.", registry=self.registry)

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; unusual methods, which a caller can invent, are counted together."""
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self.registry)


def log_line(line: dict[str, Any]) -> None:
    """Write a line of JSON to stderr."""
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)


class BoundedLog:
    """A log for lines that anybody can cause: at most so many a minute, then the number of those left out.

    That is the rate in the long run; a tenth of it may come at once.
    """

    def __init__(self, log: Log, per_minute: int = 1200) -> None:
        self._log, self._rate, self._left_out = log, RateLimit(per_minute), 0

    def __call__(self, line: dict[str, Any]) -> None:
        """Write a line, or count it."""
        if self._rate.wait():
            self._left_out += 1
            return
        left_out, self._left_out = self._left_out, 0
        self._log({**line, "left_out": left_out} if left_out else line)


class JsonHandler(logging.Handler):
    """A handler that writes the messages of libraries as lines of JSON.

    Their details are left out: a message of asyncio, for one, holds the ``repr`` of what failed, which may be a name.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        fault = record.exc_info[1] if record.exc_info else None
        self._log(
            {
                "time": _now(),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": str(record.msg).partition("\n")[0],
                **traced(fault),
            }
        )


class Observer:
    """Middleware around everything else: gives a request its id, and logs, counts and times its answer.

    `paths` are all paths with their parameters in braces, to name the route of a request that is refused before it is
    routed; `prefix` is left out of them.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, log: Log = log_line, paths: Iterable[str] = (), prefix: str = ""
    ) -> None:
        self._app, self._metrics, self._log, self._strangers_log = app, metrics, log, BoundedLog(log)
        self._routes = [(_pattern(path), path.removeprefix(prefix)) for path in paths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and watch its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, request_id, status = time.perf_counter(), uuid.uuid4().hex, 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        fault: Exception | None = None
        try:
            await self._app(scope, receive, watched)
        except Exception as problem:  # a fault of ours, answered inside; not raised again, or its words would be logged
            fault = problem
        except asyncio.CancelledError:  # the grace at the end is over
            if not status:
                ending = HTTPProblem("ending", "the server was told to end", retry_after=10)
                await ending.response()(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - began
            route = self._route(scope)
            self._metrics.count(route, scope["method"], status or 500, seconds)
            key = scope.get("key")
            line = {
                "time": _now(),
                "request": request_id,
                "method": scope["method"][:16],
                "route": route,
                "status": status or 500,
                "ms": round(1000 * seconds, 1),
                "key": key.name if key else None,
            }
            trace = traced(fault or scope.get("fault"))
            if key:
                self._log({**line, **trace})
            else:
                self._strangers_log({**line, **_stranger(scope), **trace})

    def _route(self, scope: Scope) -> str:
        routed = getattr(scope.get("route"), "path", None)
        path = scope["path"]
        return routed or next((route for pattern, route in self._routes if pattern.fullmatch(path)), NO_ROUTE)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^/}]*\}", path))))


def _stranger(scope: Scope) -> dict[str, Any]:
    """Return the origin of a request without a valid token and the kind of credentials it sent, never the token."""
    client = scope.get("client")
    return {"client": client[0] if client else None, **({"tried": scope["tried"]} if "tried" in scope else {})}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def traced(fault: BaseException | None) -> dict[str, Any]:
    """Return the kind of a fault and its traceback, without its message, which may hold a name."""
    if fault is None:
        return {}
    return {"error": type(fault).__name__, "trace": traceback.format_tb(fault.__traceback__)}
