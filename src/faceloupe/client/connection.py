"""The connection of a client: photographs go out, documents come back as values, refusals as errors."""

import base64
import time
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from faceloupe.documents import parse_json
from faceloupe.errors import InputError, ProblemError, UnavailableError
from faceloupe.faces.images import read_file
from faceloupe.faces.sources import GREY_SETS

Photo = bytes | str | PathLike[str]
"""The bytes of an image file, or its path."""

Face = Photo
"""A photograph, or a capture of a data set by its number: "orl:3", "olivetti:3"."""

Shape = TypeVar("Shape", bound=BaseModel)

MOST_BYTES, MOST_VALUES = 256 << 20, 10_000_000
"""What is read of an answer: pages and feature maps are the largest."""

_SETS = tuple(f"{name}:" for name in GREY_SETS)


class Connection:
    """A server's address and the token for it.

    Parameters are those of :class:`faceloupe.client.Client`.
    """

    def __init__(self, address: str, token: str, *, timeout: float, transport: httpx.BaseTransport | None) -> None:
        try:
            place = urlsplit(address)
        except ValueError as problem:
            raise InputError(f"address: expected http://HOST:PORT ({problem})") from problem
        token = token or place.fragment.removeprefix("token=")
        if place.scheme not in ("http", "https") or not place.netloc:
            raise InputError(f"address: expected http://HOST:PORT, got {place.scheme}://{place.netloc}")
        if not token or not token.isascii():
            raise InputError("token: expected the one that the server printed, or a key's")
        self.page = f"{place.scheme}://{place.netloc}{place.path.rstrip('/')}"
        self.address = f"{self.page}/api/v1"
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=self.address, headers=headers, timeout=timeout, transport=transport)

    def get(self, shape: type[Shape], path: str, **query: Any) -> Shape:
        """Ask for a document."""
        return self.asked(shape, "GET", path, params=query)

    def post(
        self,
        shape: type[Shape],
        path: str,
        photos: dict[str, Sequence[Photo]],
        fields: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> Shape:
        """Send photographs and other fields as a form."""
        files = [(field, _content(photo)) for field, each in photos.items() for photo in each]
        data = {name: _text(value) for name, value in fields.items() if value is not None}
        return self.asked(shape, "POST", path, files=files, data=data, headers=headers)

    def asked(self, shape: type[Shape], method: str, path: str, **given: Any) -> Shape:
        """Ask, and return the answer as a value."""
        answer = self.ask(method, path, **given)
        try:
            return shape.model_validate(document_of(answer))
        except ValidationError as problem:
            raise _not_the_server(answer) from problem

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Ask, and return the answer.

        Raises
        ------
        ProblemError
            If it is no success.
        UnavailableError
            If there is none.
        """
        try:
            answer = self._http.request(method, path, **given)
        except httpx.TransportError as problem:
            raise self._unreachable(problem) from problem
        if not answer.is_success:
            raise _problem(answer)
        return answer

    def patiently(self, method: str, path: str) -> httpx.Response:
        """Ask again as often as the server says that it is too soon."""
        while True:
            try:
                return self.ask(method, path)
            except ProblemError as problem:
                if problem.kind not in ("rate", "busy") or problem.retry_after is None:
                    raise
                time.sleep(problem.retry_after)

    def events(self, path: str) -> Iterator[str]:
        """Yield the data of server-sent events, a line each."""
        try:
            with self._http.stream("GET", path) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _problem(answer)
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        yield line.removeprefix("data: ")
        except httpx.TransportError as problem:
            raise self._unreachable(problem) from problem

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _unreachable(self, problem: httpx.TransportError) -> UnavailableError:
        return UnavailableError(f"{self.address} cannot be reached ({problem}): is the server running there?")


def document_of(answer: httpx.Response) -> Any:
    """Return the document of an answer.

    Raises
    ------
    ProblemError
        If it is none: it came from something else than the server.
    """
    try:
        return parse_json(answer.content, max_bytes=MOST_BYTES, max_values=MOST_VALUES)
    except InputError as problem:
        raise _not_the_server(answer) from problem


def sent_face(face: Face) -> str:
    """Return a face as JSON carries it: a capture by its number, or a photograph in base64."""
    if isinstance(face, str) and face.startswith(_SETS):
        return face
    return base64.b64encode(_content(face)).decode()


def _content(photo: Photo) -> bytes:
    return photo if isinstance(photo, bytes) else read_file(Path(photo))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(answer: httpx.Response) -> ProblemError:
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return _not_the_server(answer)
    try:
        document = document_of(answer)
        said = {name: str(document.get(name, "")) for name in ("type", "title", "detail", "remedy")}
    except (ProblemError, AttributeError):
        return _not_the_server(answer)
    kind = said.pop("type").rpartition("#")[2]
    return ProblemError(kind, status=answer.status_code, retry_after=_retry_after(answer), **said)


def _not_the_server(answer: httpx.Response) -> ProblemError:
    """Return what is said of an answer that is not the server's but of what stands before it, such as a proxy."""
    detail, remedy = f"{answer.url.path} was answered by something else", "Is this the server's address?"
    return ProblemError("other", answer.reason_phrase, answer.status_code, detail, remedy, _retry_after(answer))


def _retry_after(answer: httpx.Response) -> float | None:
    wait = answer.headers.get("retry-after", "")
    return float(wait) if wait.isdecimal() else None
