"""The OpenAPI document keeps its word: whatever is sent, the answer is one that it describes, and never a fault.

Also tests ``web/app.py``.
"""

from datetime import timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from helpers import serving
from helpers.serving import TOKENS, photo

HEADERS = {"Authorization": f"Bearer {TOKENS['admin']}", "Host": "localhost"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


def lasting(app):
    """The application, which does not end although every client tells it to."""

    async def told(scope, receive, send):
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for what in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{what}.complete"})

    return told


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The document of an application with two subjects."""
    with pytest.MonkeyPatch.context() as patch:
        serving.put_in(patch)
        patch.setattr("faceloupe.web.jobs.Jobs._run", lambda *_: None)  # studies that were asked for are not begun
        service = serving.make_service(tmp_path_factory.mktemp("api"), keep_unknown=timedelta(days=7))
        ask = serving.Caller(service)
        for number, name in enumerate(("Ann", "Bob")):
            ask("POST", "/people", data={"name": name, "keep_faces": "true"}, files={"photos": photo(number)})
        ask("POST", "/studies", json={})  # the first one imports what trains, for longer than clients here wait
        yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", lasting(ask.app), headers=HEADERS)
        service.close()


REVIEW = {
    "": ("GET",), "/groups/{group}": ("GET",), "/faces/{face}/picture": ("GET",), "/group": ("POST",),
    "/join": ("POST",), "/separate": ("POST",), "/confirm": ("POST",), "/name": ("POST",), "/undo": ("POST",),
}  # fmt: skip
PATHS = sorted(
    (method, path)
    for path, methods in {
        "/detect": ("POST",), "/verify": ("POST",), "/identify": ("POST",), "/people": ("GET", "POST"),
        "/people/{person}": ("GET", "PATCH", "DELETE"), "/people/{person}/merge": ("POST",),
        "/people/{person}/verify": ("POST",), "/people/archive": ("POST",), "/unknown/dismiss": ("POST",),
        **{f"/{pile}{path}": methods for pile in ("collection", "unknown") for path, methods in REVIEW.items()},
        "/people/{person}/references/{reference}": ("DELETE",),
        "/people/{person}/references/{reference}/face": ("GET",), "/audit": ("GET",), "/health": ("GET",),
        "/metrics": ("GET",),
        "/points": ("GET", "DELETE"), "/explain": ("POST",), "/calibrate": ("POST",), "/data": ("GET",),
        "/networks": ("GET", "POST"), "/networks/{network}": ("GET",), "/networks/{network}/look": ("POST",),
        "/networks/{network}/trace": ("POST",), "/networks/{network}/attribute": ("POST",), "/studies": ("GET", "POST"),
        "/studies/two": ("POST",), "/studies/{study}": ("DELETE",),
        "/studies/{study}/resume": ("POST",), "/studies/{study}/page": ("POST",), "/jobs": ("GET",),
        "/jobs/{job_id}": ("GET", "DELETE"), "/jobs/{job_id}/result": ("GET",), "/jobs/{job_id}/events": ("GET",),
        "/jobs/{job_id}/page": ("POST",),
    }.items()
    for method in methods
)  # fmt: skip


ENDLESS = ("GET", "/jobs/events")


def test_no_route_is_left_out(api):
    operations = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in api.raw_schema["paths"].items()
        for method in methods
    }
    assert operations == {*PATHS, ENDLESS}


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_answer_is_one_that_is_described(api, method, path):
    @given(case=api[f"/api/v1{path}"][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    @settings(max_examples=10, suppress_health_check=list(HealthCheck), database=None)
    def holds(case):
        case.call_and_validate(headers=HEADERS, checks=CHECKS)

    holds()


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_so_is_the_answer_to_what_is_not_described(api, method, path):
    operation = api[f"/api/v1{path}"][method]
    if not operation.body and not list(operation.iter_parameters()):
        pytest.skip("takes nothing")

    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @settings(max_examples=10, suppress_health_check=list(HealthCheck), database=None)
    def holds(case):
        case.call_and_validate(headers=HEADERS, checks=CHECKS)

    holds()


def test_each_operation_names_the_scope_that_it_takes(api):
    def scopes(method, path):
        return api.raw_schema["paths"][f"/api/v1{path}"][method]["security"]

    assert scopes("post", "/identify") == [{"HTTPBearer": ["recognise"]}]
    assert scopes("delete", "/people/{person}") == [{"HTTPBearer": ["remove"]}]
    assert scopes("get", "/health") == [{"HTTPBearer": []}]


def test_it_is_openapi_3_1_and_names_the_problem(api):
    assert api.raw_schema["openapi"].startswith("3.1")
    assert "ProblemDocument" in api.raw_schema["components"]["schemas"]


def test_generated_clients_get_one_short_name_an_operation(api):
    operations = [each["operationId"] for path in api.raw_schema["paths"].values() for each in path.values()]
    assert len(set(operations)) == len(operations)
    assert {"people_enrol", "recognise_verify_person", "unknown_faces_name", "collection_name"} <= set(operations)
    assert all(name.isidentifier() and len(name) < 32 for name in operations)
