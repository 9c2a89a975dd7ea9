"""The bodies of requests: JSON with photographs in base64, or a form with files; a model checks either.

A photograph is never named by its sender's file name, which could be a path or a person.
"""

import asyncio
import base64
import binascii
import inspect
import sys
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
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


class RequestBody(BaseModel):
    """A request's body; fields that it does not describe are refused."""

    model_config = ConfigDict(extra="forbid")

    json_types: ClassVar[tuple[str, ...]] = ("application/json",)
    """Media types that its JSON may be sent as."""


Model = TypeVar("Model", bound=RequestBody)


class BodyRoute(APIRoute):
    """A route whose body is the parameter of a :class:`RequestBody`'s type, read and described as it says."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        signature = inspect.signature(endpoint)
        parameters = dict(signature.parameters)
        for name, parameter in signature.parameters.items():
            if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, RequestBody):
                reader = BodyReader(parameter.annotation)
                parameters[name] = parameter.replace(annotation=Annotated[parameter.annotation, Depends(reader)])
                options["openapi_extra"] = {"requestBody": {"required": True, "content": reader.content()}}
        endpoint.__signature__ = signature.replace(parameters=list(parameters.values()))  # type: ignore[attr-defined]
        super().__init__(path, endpoint, **options)


class BodyReader(Generic[Model]):
    """Reads a request's body, JSON or a form, as a model; a dependency of a route.

    Size, depth and number of values are bounded before anything is built, and no other caller waits meanwhile.
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        self._holds_photographs = "base64" in str(self._schema)

    def content(self) -> dict[str, Any]:
        """Return the schemas of the body by media type, as OpenAPI has them."""
        content = {kind: {"schema": self._schema} for kind in self._model.json_types}
        if self._holds_photographs:
            fields = {name: _as_file(field) for name, field in self._schema["properties"].items()}
            content["multipart/form-data"] = {"schema": {**self._schema, "properties": fields}}
        return content

    async def __call__(self, request: Request) -> Model:
        """Read the body; raise HTTPProblem, or RequestValidationError with the fields that are wrong."""
        readers = {**dict.fromkeys(self._model.json_types, self._json), "multipart/form-data": self._form}
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in readers:
            raise HTTPProblem("media-type", f"expected {' or '.join(readers)}, got {kind or 'no Content-Type'}")
        values = await readers[kind](request)
        try:
            return await asyncio.to_thread(self._model.model_validate, values)
        except ValidationError as problem:
            raise RequestValidationError(
                [{**fault, "loc": ("body", *fault["loc"])} for fault in problem.errors(include_input=False)]
            ) from problem

    async def _parts(self, request: Request) -> AsyncGenerator[bytes, None]:
        """Yield a body as it comes; the guard bounds bodies that hold photographs, this those that hold none."""
        size = 0
        async for part in request.stream():
            size += len(part)
            if not self._holds_photographs and size > SMALL:
                raise HTTPProblem("too-large", f"a body without photographs may have {SMALL:,} bytes")
            yield part

    async def _json(self, request: Request) -> Any:
        content = b"".join([part async for part in self._parts(request)])
        try:
            return await asyncio.to_thread(parse_json, content, max_depth=DEPTH, max_values=VALUES)
        except InputError as problem:
            raise HTTPProblem("input", f"the body: {problem}") from problem

    async def _form(self, request: Request) -> dict[str, Any]:
        parser = _WholeForm(request.headers, self._parts(request), max_files=FILES, max_fields=FIELDS)
        parser.spool_max_size = sys.maxsize  # photographs stay in memory: none is written to a disk, even for a moment
        try:
            form = await parser.parse()
        except MultiPartException as problem:
            raise HTTPProblem("input", f"the body is not a form: {problem.message}") from problem
        try:
            if not parser.ended:  # what is missing would be taken as not asked for
                raise HTTPProblem("input", "the body is not a form: it stops before its last boundary")
            return await self._values(form)
        finally:
            await form.close()

    async def _values(self, form: FormData) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in form:
            parts = [await part.read() if isinstance(part, UploadFile) else part for part in form.getlist(name)]
            is_list = self._schema["properties"].get(name, {}).get("type") == "array"
            if not is_list and len(parts) > 1:
                raise HTTPProblem("input", f"{name}: expected once, got {len(parts)} times")
            values[name] = parts if is_list else parts[0]
        return values


class _WholeForm(MultiPartParser):
    ended = False

    def on_end(self) -> None:
        """Note that the last boundary has come."""
        self.ended = True


def _as_file(field: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema as a form has it: files in place of base64."""
    if field.get("contentEncoding") == "base64":
        zipped = "ZIP" in field["description"]
        kind, words = ("application/zip", "A ZIP file.") if zipped else ("image/*", "An image file.")
        return {"type": "string", "contentMediaType": kind, "description": words}
    return {**field, "items": _as_file(field["items"])} if "items" in field else field
