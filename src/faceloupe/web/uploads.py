"""The bodies of requests: JSON with photographs in base64, or a form with files; a model checks either.

A photograph is never named by its sender's file name, which could be a path or a person.
"""

import asyncio
import base64
import binascii
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from faceloupe.documents import parse_json
from faceloupe.errors import InputError
from faceloupe.gallery.identity import checked_metadata
from faceloupe.web.problems import HTTPProblem

FILES, FIELDS = 64, 16
"""Files and other fields of a form, at most."""

SMALL = 64 * 2**10
"""Bytes of a body that holds no photograph, at most."""

VALUES, DEPTH = 1000, 4
"""Values of a JSON body, and lists and objects within one another, at most."""

_WITHOUT_BREAKS = dict.fromkeys(map(ord, " \t\r\n"))


def _as_bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        # MIME (RFC 2045), `base64` and many libraries break the lines.
        return base64.b64decode(text.translate(_WITHOUT_BREAKS), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise ValueError(f"expected the bytes of a file in base64 ({problem})") from problem


Photo = Annotated[
    bytes,
    BeforeValidator(_as_bytes),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "The bytes of an image file."}),
]
"""A photograph's file: bytes of a form, or base64 in JSON, as a ``data:`` URL if one likes."""

Packed = Annotated[
    bytes,
    BeforeValidator(_as_bytes),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "The bytes of a ZIP file."}),
]
"""An archive of photographs, as :data:`Photo`."""


def _as_metadata(value: Any) -> Any:
    return checked_metadata(value) if isinstance(value, dict | str) else value


Metadata = Annotated[
    dict[str, Any],
    BeforeValidator(_as_metadata),
    WithJsonSchema({"type": "object", "additionalProperties": True, "description": "At most 4,096 bytes of JSON."}),
]
"""What is noted of a subject: an object, in a form as JSON."""


class Sent(BaseModel):
    """A request's body; fields that it does not describe are refused."""

    model_config = ConfigDict(extra="forbid")


Model = TypeVar("Model", bound=Sent)


def body_of(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """Return the dependency that reads a request's body, of either kind, as a model.

    Size, depth and number of values are bounded before anything is built, and no other caller waits meanwhile.
    """
    most = None if "base64" in str(model.model_json_schema()) else SMALL

    async def read(request: Request) -> Model:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _READERS:
            raise HTTPProblem("media-type", f"expected {' or '.join(_READERS)}, got {kind or 'no Content-Type'}")
        values = await _READERS[kind](request, model, _bounded(request, most))
        try:
            return await asyncio.to_thread(model.model_validate, values)
        except ValidationError as problem:
            raise RequestValidationError(
                [{**fault, "loc": ("body", *fault["loc"])} for fault in problem.errors(include_input=False)]
            ) from problem

    return read


def described(model: type[Sent]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that :func:`body_of` reads."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    if "base64" not in str(schema):
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    files = {**schema, "properties": {name: _as_file(field) for name, field in schema["properties"].items()}}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": files}}
    return {"requestBody": {"required": True, "content": content}}


async def _bounded(request: Request, most: int | None) -> AsyncGenerator[bytes, None]:
    """Yield a body as it comes, up to so many bytes; the guard bounds bodies that hold photographs."""
    came = 0
    async for part in request.stream():
        came += len(part)
        if most is not None and came > most:
            raise HTTPProblem("too-large", f"a body without photographs may have {most:,} bytes")
        yield part


async def _json(request: Request, model: type[Sent], parts: AsyncGenerator[bytes, None]) -> Any:  # noqa: ARG001 - as _form
    content = b"".join([part async for part in parts])
    try:
        return await asyncio.to_thread(parse_json, content, max_depth=DEPTH, max_values=VALUES)
    except InputError as problem:
        raise HTTPProblem("input", f"the body: {problem}") from problem


class _WholeForm(MultiPartParser):
    ended = False

    def on_end(self) -> None:
        """Note that the last boundary has come."""
        self.ended = True


async def _form(request: Request, model: type[Sent], parts: AsyncGenerator[bytes, None]) -> dict[str, Any]:
    parser = _WholeForm(request.headers, parts, max_files=FILES, max_fields=FIELDS)
    parser.spool_max_size = sys.maxsize  # photographs stay in memory: none is written to a disk, even for a moment
    try:
        form = await parser.parse()
    except MultiPartException as problem:
        raise HTTPProblem("input", f"the body is not a form: {problem.message}") from problem
    try:
        if not parser.ended:  # what is missing would be taken as not asked for
            raise HTTPProblem("input", "the body is not a form: it stops before its last boundary")
        return await _values(form, model)
    finally:
        await form.close()


async def _values(form: FormData, model: type[Sent]) -> dict[str, Any]:
    lists = {name for name, field in model.model_json_schema()["properties"].items() if field.get("type") == "array"}
    values: dict[str, Any] = {}
    for name in form:
        parts = [await part.read() if isinstance(part, UploadFile) else part for part in form.getlist(name)]
        if name not in lists and len(parts) > 1:
            raise HTTPProblem("input", f"{name}: expected once, got {len(parts)} times")
        values[name] = parts if name in lists else parts[0]
    return values


_READERS: dict[str, Callable[[Request, type[Sent], AsyncGenerator[bytes, None]], Awaitable[Any]]] = {
    "application/json": _json,
    "multipart/form-data": _form,
}


def _as_file(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema as a form has it: files in place of base64."""
    if field.get("contentEncoding") == "base64":
        zipped = "ZIP" in field["description"]
        kind, words = ("application/zip", "A ZIP file.") if zipped else ("image/*", "An image file.")
        return {"type": "string", "contentMediaType": kind, "description": words}
    return {**field, "items": _as_file(field["items"])} if "items" in field else field
