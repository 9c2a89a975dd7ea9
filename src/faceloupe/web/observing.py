"""What the server says of itself: one log line and one count a request, without faces, names or templates.

A line names the route, ``/people/{person}``, not the address that was asked for, and no query.
"""

import asyncio
import json
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceloupe.web.problems import HTTPProblem

__all__ = ["Metrics", "Observer", "log_line"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE = "none"
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")


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
        """Count one request. Methods are a caller's to invent: the unusual ones are counted together."""
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self.registry)


def log_line(line: dict[str, Any]) -> None:
    """Write a line of JSON to stderr."""
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)


class Observer:
    """Middleware around everything else: gives a request its id, and logs, counts and times its answer.

    Parameters
    ----------
    app : ASGI application
    metrics : Metrics
    log : function of a dictionary
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, log: Callable[[dict[str, Any]], None] = log_line) -> None:
        self._app, self._metrics, self._log = app, metrics, log

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
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            self._metrics.count(route, scope["method"], status or 500, seconds)
            key = scope.get("key")
            self._log(
                {
                    "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "request": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status or 500,
                    "ms": round(1000 * seconds, 1),
                    "key": key.name if key else None,
                    **_traced(fault),
                }
            )


def _traced(fault: Exception | None) -> dict[str, Any]:
    """Return where it happened, without what it says: that may be a name."""
    if fault is None:
        return {}
    return {"error": type(fault).__name__, "trace": traceback.format_tb(fault.__traceback__)}
