"""Errors as RFC 9457 problem details: every answer that is not a success says what is wrong and what to do.

A problem's ``type`` is a place on the server's page ``/problems``, made of ``PROBLEMS`` by :func:`problems_page`.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from faceloupe.errors import (
    AmbiguousNameError,
    FaceloupeError,
    GalleryError,
    ImageError,
    InputError,
    NameTakenError,
    StudyError,
    SubjectError,
    UnavailableError,
)
from faceloupe.web.children import FileError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes
    ----------
    status : int
        HTTP status.
    title : str
        The problem in general, the same each time.
    remedy : str
        Advice to the caller.
    """

    status: int
    title: str
    remedy: str


PROBLEMS: Mapping[str, Kind] = {
    "input": Kind(422, "What was sent cannot be used", "Correct what the detail names and send it again."),
    "image": Kind(
        422, "The photograph cannot be used", "Send another photograph; the detail says what this one lacks."
    ),
    "malformed": Kind(
        400, "The request is malformed", "Send it as RFC 9112 writes a request; the detail says what is wrong."
    ),
    "token": Kind(401, "No valid token", "Send 'Authorization: Bearer TOKEN' with the token that the server printed."),
    "scope": Kind(403, "The key does not allow this", "Use a key with the scope that the detail names."),
    "host": Kind(421, "Not a name of this server", "Use the address that the server printed, or give it --allow-host."),
    "origin": Kind(403, "Another site may not call this server", "Open the server's own page."),
    "not-found": Kind(404, "Nothing is there", "Look at the list that the address belongs to."),
    "method": Kind(405, "The address does not take this method", "See /api/v1/openapi.json for those it takes."),
    "conflict": Kind(
        409, "It contradicts what is there", "Read what is there, then decide; the detail says what it is."
    ),
    "too-large": Kind(413, "Too much was sent", "Send less at once; the detail says how much is taken."),
    "media-type": Kind(415, "Not a media type that is read here", "Send what /api/v1/openapi.json describes."),
    "too-slow": Kind(408, "The request came too slowly", "Send it again on a better connection."),
    "rate": Kind(429, "Too many requests", "Wait as long as Retry-After says."),
    "busy": Kind(429, "All work places are taken", "Wait as long as Retry-After says."),
    "unavailable": Kind(503, "A part is missing here", "The detail says what to install."),
    "gallery": Kind(503, "The gallery cannot be used now", "The detail says why; then try again."),
    "storage": Kind(
        503, "A file or a disk of the server fails", "Tell who runs the server what the detail says; then try again."
    ),
    "ending": Kind(503, "The server is ending", "Send it again when it runs again."),
    "internal": Kind(
        500, "The server failed", "Try again; if it happens twice, give the request id to whoever runs the server."
    ),
}


class HTTPProblem(HTTPException):
    """An answer that is not a success.

    Parameters
    ----------
    kind : str
        One of ``PROBLEMS``.
    detail : str
        This occurrence of the problem.
    retry_after : float, optional
        Seconds after which to try again.
    close : bool
        Whether the connection ends with the answer, for what follows on it cannot be trusted.
    """

    def __init__(self, kind: str, detail: str, *, retry_after: float | None = None, close: bool = False) -> None:
        self.kind = PROBLEMS[kind]
        headers = {"Cache-Control": "no-store"}
        if retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
        if close:
            headers["Connection"] = "close"
        if self.kind.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(self.kind.status, detail, headers)
        self.document = {
            "type": f"/problems#{kind}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": detail,
            "remedy": self.kind.remedy,
        }

    def response(self) -> JSONResponse:
        """Return the answer."""
        return _AsciiResponse(self.document, self.status_code, self.headers, MEDIA_TYPE)


class _AsciiResponse(JSONResponse):
    """A JSON answer in ASCII, which can hold whatever was sent, even halves of characters."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode("ascii")


class ProblemDocument(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="Address of the description of this kind of problem.")
    title: str = Field(description="The problem in general, the same for each of this kind.")
    status: int = Field(description="The HTTP status.", ge=400, le=599)
    detail: str = Field(description="This occurrence of the problem.")
    remedy: str = Field(description="Advice to the caller.")


def responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may answer with, for the OpenAPI document; those of every route are added."""
    titles: defaultdict[int | str, list[str]] = defaultdict(list)
    for kind in (*_EVERYWHERE, *kinds):
        titles[PROBLEMS[kind].status].append(PROBLEMS[kind].title)
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        status: {
            "description": "; or ".join(dict.fromkeys(of_status)),
            "content": {MEDIA_TYPE: {"schema": schema}},
            **({"headers": {"Retry-After": _RETRY_AFTER}} if status in _COME_BACK else {}),
        }
        for status, of_status in titles.items()
    }


_EVERYWHERE = (
    "malformed", "token", "scope", "host", "too-large", "too-slow", "rate", "busy", "input", "storage", "ending",
    "internal",
)  # fmt: skip
_COME_BACK = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_RETRY_AFTER = {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}}


def add_handlers(app: FastAPI) -> None:
    """Register handlers that turn every error into a problem."""
    app.add_exception_handler(HTTPProblem, _of_problem)
    app.add_exception_handler(FaceloupeError, _of_error)
    app.add_exception_handler(OSError, _of_file)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(Exception, _of_fault)


async def _of_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPProblem)  # noqa: S101 - what the handler is registered for
    return problem.response()


_KIND_OF_ERROR: Mapping[type[FaceloupeError], str] = {
    ImageError: "image",
    InputError: "input",
    SubjectError: "not-found",
    AmbiguousNameError: "conflict",
    NameTakenError: "conflict",
    GalleryError: "gallery",
    StudyError: "conflict",
    UnavailableError: "unavailable",
    FileError: "storage",
}


async def _of_error(_: Request, error: Exception) -> JSONResponse:
    kind = next(kind for error_type, kind in _KIND_OF_ERROR.items() if isinstance(error, error_type))
    retry_after = 5 if PROBLEMS[kind].status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return HTTPProblem(kind, str(error), retry_after=retry_after).response()


async def _of_file(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)  # noqa: S101
    request.scope["fault"] = error  # for the log
    return await _of_error(request, FileError.of(error))


async def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # What was sent is left out: it may be a face or a name.
    words = "; ".join(
        f"{'.'.join(map(str, fault['loc'][1:])) or fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    )
    return HTTPProblem("input", words).response()


_KIND_OF_STATUS = {404: "not-found", 405: "method", 413: "too-large", 415: "media-type"}


async def _of_framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    other = "input" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    kind = _KIND_OF_STATUS.get(error.status_code, other)
    answer = HTTPProblem(kind, f"{request.method} {request.url.path}: {error.detail}").response()
    answer.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """Return every method that an address takes; the framework tells those of its first route alone."""
    route = getattr(request.scope.get("route"), "path", "")
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    matching = (methods for path, methods in paths.items() if route and path.endswith(route))
    return sorted(method.upper() for method in next(matching, {"get": {}}))


async def _of_fault(_: Request, __: Exception) -> JSONResponse:
    return HTTPProblem("internal", "a fault of the server's own, which its log tells with the request id").response()


PLAIN_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'"
"""What a page of :func:`plain_page` may load."""


def plain_page(title: str, content: str) -> str:
    """Return a page of the server that needs no script: a title, the content, and a link to the main page."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} · faceloupe</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/shared/style.css"></head>'
        f'<body><main><h1 class="masthead">{title}</h1>\n{content}\n<p><a href="/">To the page</a></p></main></body>'
        "</html>\n"
    )


def problems_page() -> str:
    """Return the page that a problem's type leads to."""
    rows = "".join(
        f'<dt id="{name}">{escape(kind.title)} <small>({kind.status}, {name})</small></dt>\n'
        f"<dd>{escape(kind.remedy)}</dd>\n"
        for name, kind in PROBLEMS.items()
    )
    return plain_page("Problems", f"<dl>\n{rows}</dl>")
