"""The application: the guard and the observer around the API and the page."""

import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from faceloupe import __version__
from faceloupe.web.api import calibrating, collection, explaining, jobs, networks, people, recognising, studies, system
from faceloupe.web.guard import ENTER, Guard
from faceloupe.web.observing import Observer
from faceloupe.web.problems import HTTPProblem, ProblemDocument, add_handlers, problems_page
from faceloupe.web.service import BEARER, Service

PREFIX = "/api/v1"

_FILE = re.compile(r"(?:[a-z-]+/)?[a-z-]+\.[a-z]+")  # and so never "..", nor a folder

SHARED = {"style.css": "static/style.css", "preact-htm.js": "static/vendor/preact-htm.js"}
"""Files of the reports that the page uses too, so that it looks like them."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


LONGEST_TOKEN = 4096

_ENTERED = """<!doctype html><title>faceloupe</title><meta name="token" content="{token}">
<script type="module" src="/enter.js"></script>
<noscript>This page computes in the browser and needs JavaScript.</noscript>
"""


def make_app(service: Service) -> ASGIApp:
    """Return the application that answers with a service, which is closed when the application ends."""
    settings, routes = service.settings, _routes()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            service.recogniser.warm()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            service.close()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            scope["service"] = service
            await routes(scope, receive, send)

    guarded = Guard(answer, hosts=settings.hosts, keys=settings.keys, limits=settings.limits, headers=HEADERS)
    return Observer(guarded, metrics=service.metrics, log=service.log, paths=routes.openapi()["paths"], prefix=PREFIX)


@cache
def _routes() -> FastAPI:
    """Return the routes of every application: they find the service in the scope, and take long to describe."""
    app = FastAPI(
        title="faceloupe",
        version=__version__,
        summary="Look inside face recognition, and recognise people with thresholds one can defend.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # FastAPI's pages fetch their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
    )
    add_handlers(app)
    api = APIRouter(prefix=PREFIX, dependencies=[Depends(BEARER)])
    for part in (recognising, explaining, people, collection, calibrating, networks, studies, jobs, system):
        api.include_router(part.router)
    app.include_router(api)
    app.add_api_route("/pages/{ticket}", jobs.open_page, response_class=HTMLResponse, include_in_schema=False)
    app.add_api_route("/shared/{name}", _shared, response_class=FileResponse, include_in_schema=False)
    app.add_api_route(ENTER, _enter, methods=["POST"], response_class=HTMLResponse, include_in_schema=False)
    app.add_api_route("/problems", _problems, response_class=HTMLResponse, include_in_schema=False)
    # Not mounted at "/", or it would answer what the API does not, such as a method that an address does not take.
    app.router.default = _Page(directory=str(files("faceloupe.web").joinpath("static")))
    _add_problems_to_schema(app)
    # Routers are built when they are first needed, and with them the filters of `warnings` change for a moment, for all
    # threads: now, before there are any.
    app.openapi()
    return app


class _Page(StaticFiles):
    """The files of the page, each by its own name alone: no address leads to another, and none is redirected."""

    def get_path(self, scope: Scope) -> str:
        name = scope["path"].removeprefix("/") or "index.html"
        if name.startswith("api/"):
            raise HTTPProblem("not-found", "the API has no such address; /api/v1/openapi.json lists those that it has")
        if not _FILE.fullmatch(name):
            raise HTTPProblem("not-found", "the page has no file of this name")
        return name


async def _shared(name: str) -> FileResponse:
    if name not in SHARED:
        raise HTTPProblem("not-found", "nothing is shared under this name")
    return FileResponse(str(files("faceloupe.report").joinpath(SHARED[name])))


async def _enter(request: Request) -> HTMLResponse:
    """Hand a token to the page in a body: a browser keeps addresses in its history, with what follows the #."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > LONGEST_TOKEN:
            raise HTTPProblem("too-large", f"a token has at most {LONGEST_TOKEN:,} bytes")
    token = parse_qs(content.decode("latin-1")).get("token", [""])[0]
    return HTMLResponse(_ENTERED.format(token=escape(token)), headers={"Cache-Control": "no-store"})


async def _problems() -> str:
    return problems_page()


def _operation(route: APIRoute) -> str:
    """Return the name of a route in the OpenAPI document, after which generated clients call their functions."""
    return f"{route.tags[0]}_{route.name}".replace(" ", "_") if route.tags else route.name


def _add_problems_to_schema(app: FastAPI) -> None:
    """Name the problem document once in the OpenAPI document, where every route refers to it."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]
