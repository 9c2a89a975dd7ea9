"""The connection of a client: photographs go out, documents come back as values, refusals as errors."""

import base64
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from faceloupe.documents import json_text, parse_json
from faceloupe.errors import InputError, ProblemError, UnavailableError
from faceloupe.faces.images import read_file
from faceloupe.faces.sources import GREY_SETS

Photo = bytes | str | PathLike[str]
"""The bytes of an image file, or its path."""

Face = Photo
"""A photograph, or a capture of a data set by its number: "orl:3", "olivetti:3"."""

Answer = TypeVar("Answer")
Shape = TypeVar("Shape", bound=BaseModel)

MOST_BYTES, MOST_VALUES = 64 << 20, 3_000_000
"""What is read of an answer: feature maps and the faces of a group are the largest."""

MOST_BYTES_OF_EVENT = 1 << 20

MOST_PARTS = 10
"""Times that the timeout may pass, part by part, until an answer is whole, its headers among it."""

LONGEST = 1e6
"""Seconds of a timeout, and of a wait that a server asks for: more than systems can count is refused."""

_SETS = tuple(f"{name}:" for name in GREY_SETS)


class Connection:
    """A server's address and the token for it.

    Parameters are those of :class:`faceloupe.client.Client`.
    """

    def __init__(self, address: str, token: str, *, timeout: float, transport: httpx.BaseTransport | None) -> None:
        try:
            place = urlsplit(address)
            port = place.port
            (place.hostname or "").encode("idna")
        except (ValueError, TypeError, AttributeError) as problem:
            raise InputError(f"address: expected http://HOST:PORT ({problem})") from problem
        token = token or place.fragment.removeprefix("token=")
        if place.scheme not in ("http", "https") or not place.hostname or port == 0:
            raise InputError(f"address: expected http://HOST:PORT, got {place.scheme}://{place.hostname}")
        if "@" in place.netloc:
            raise InputError("address: it holds a user's name or password; give the token alone")
        if not isinstance(token, str) or not re.fullmatch("[!-~]+", token):
            raise InputError("token: expected the one that the server printed, or a key's")
        if not isinstance(timeout, int | float) or not 0 < timeout <= LONGEST:
            raise InputError(f"timeout: expected seconds, above 0 and at most {LONGEST:,.0f}, got {timeout}")
        self.page = f"{place.scheme}://{place.netloc}{place.path.rstrip('/')}"
        self.address = f"{self.page}/api/v1"
        self._most_seconds = MOST_PARTS * timeout
        with _refusing(f"address: {self.page}, or a proxy or certificates that the environment names, cannot be used"):
            self._http = httpx.Client(
                base_url=self.address,
                headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
                timeout=timeout,
                transport=transport,
                trust_env=place.scheme == "https",  # a proxy would read token and faces that TLS does not hide
            )

    def get(self, shape: type[Shape], path: str, **query: Any) -> Shape:
        """Ask for a document."""
        return self.request(shape, "GET", path, params=query)

    def post(
        self,
        shape: type[Shape],
        path: str,
        photos: dict[str, Sequence[Photo]],
        fields: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> Shape:
        """Send photographs and other fields as a form."""
        files = [(field, _content(photo)) for field, of_field in photos.items() for photo in of_field]
        with _refusing("this cannot be sent"):
            data = {name: _text(value) for name, value in fields.items() if value is not None}
        return self.request(shape, "POST", path, files=files, data=data, headers=headers)

    def request(self, shape: type[Shape], method: str, path: str, **content: Any) -> Shape:
        """Ask, and return the answer as a value."""
        answer = self._ask(method, path, **content)
        return _shaped(shape, _document_of(answer), answer)

    def document(self, path: str) -> dict[str, Any]:
        """Ask for a document of any shape."""
        return _document_of(self._ask("GET", path))

    def content(self, kind: str, path: str) -> bytes:
        """Ask for something else than a document, of this media type."""
        answer = self._ask("GET", path)
        if not answer.headers.get("content-type", "").startswith(kind):
            raise _not_the_server(answer)
        return answer.content

    def patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again as often as the server says that it is too soon."""
        while True:
            try:
                return ask()
            except ProblemError as problem:
                if problem.kind not in ("rate", "busy") or problem.retry_after is None:
                    raise
                time.sleep(problem.retry_after)

    def events(self, shape: type[Shape], path: str) -> Iterator[Shape]:
        """Yield the data of server-sent events."""
        with self._answer("GET", path, time.monotonic() + self._most_seconds) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                raise _not_the_server(answer)
            rest = b""
            for part in answer.iter_bytes():
                *lines, rest = (rest + part).split(b"\n")
                if len(rest) > MOST_BYTES_OF_EVENT:
                    raise _not_the_server(answer)
                for line in lines:
                    if line.startswith(b"data: "):
                        yield _shaped(shape, _parsed(line.removeprefix(b"data: "), answer), answer)

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask, and return the answer, which holds its whole content.

        Raises
        ------
        InputError
            If what is given cannot be sent.
        ProblemError
            If the answer is no success, or not the server's.
        UnavailableError
            If there is none, or it is not whole in time.
        """
        end = time.monotonic() + self._most_seconds
        with self._answer(method, path, end, **content) as answer:
            body = self._read(answer, end)
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=answer.request)

    @contextmanager
    def _answer(self, method: str, path: str, end: float, **content: Any) -> Iterator[httpx.Response]:
        """Yield the answer while its content is still to come; its headers must have come at `end`."""
        if {".", ".."} & set(path.split("/")):
            raise InputError(f"{path!r} would be another address: give the number or id from the server's answer")
        with _refusing("this cannot be sent"):
            request = self._http.build_request(method, path, **content)
        try:
            answer = self._send(request, end)
            try:
                if answer.headers.get("content-encoding", "identity") != "identity":  # nobody asked for it
                    raise _not_the_server(answer)
                if not answer.is_success:
                    raise _problem(answer, self._read(answer, end))
                yield answer
            finally:
                answer.close()
        except httpx.TransportError as problem:
            raise self._unreachable(problem) from problem

    def _send(self, request: httpx.Request, end: float) -> httpx.Response:
        """Send a request and return the head of its answer.

        HTTPX bounds the wait for each part, but not for all: a thread of its own waits for an answer whose head comes
        byte by byte, and closes it once it is wanted no more.
        """
        answer = Future[httpx.Response]()

        def send() -> None:
            try:
                response = self._http.send(request, stream=True)
            except BaseException as problem:  # raised again where the answer is waited for
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(problem)
            else:
                answer.set_result(response) if answer.set_running_or_notify_cancel() else response.close()

        threading.Thread(target=send, name="request", daemon=True).start()
        try:
            return answer.result(min(max(0.0, end - time.monotonic()), threading.TIMEOUT_MAX))
        except TimeoutError:
            if answer.cancel():
                raise self._too_slow() from None
            return answer.result()
        except BaseException:  # Ctrl-C while it is waited for
            if not answer.cancel() and answer.exception() is None:  # it came just then
                answer.result().close()
            raise

    def _read(self, answer: httpx.Response, end: float) -> bytes:
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if len(content) > MOST_BYTES:
                raise _not_the_server(answer)
            if time.monotonic() > end:
                raise self._too_slow()
        return bytes(content)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _too_slow(self) -> UnavailableError:
        return UnavailableError(f"{self.address} did not end its answer in {self._most_seconds:.0f} s: try again")

    def _unreachable(self, problem: httpx.TransportError) -> UnavailableError:
        return UnavailableError(f"{self.address} cannot be reached ({problem}): is the server running there?")


def _document_of(answer: httpx.Response) -> dict[str, Any]:
    document = _parsed(answer.content, answer)
    if not isinstance(document, dict):
        raise _not_the_server(answer)
    return document


def _parsed(content: bytes, answer: httpx.Response) -> Any:
    try:
        return parse_json(content, max_bytes=MOST_BYTES, max_values=MOST_VALUES)
    except InputError as problem:
        raise _not_the_server(answer) from problem


def _shaped(shape: type[Shape], document: Any, answer: httpx.Response) -> Shape:
    try:
        return shape.model_validate(document)
    except ValidationError as problem:
        raise _not_the_server(answer) from problem


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Raise InputError for what is none for HTTP: addresses, letters, numbers, headers."""
    try:
        yield
    except (httpx.InvalidURL, ValueError, TypeError, ImportError, OSError) as problem:
        raise InputError(f"{what}: {problem}") from problem


def encode_face(face: Face) -> str:
    """Return a face as JSON carries it: a capture by its number, or a photograph in base64."""
    if isinstance(face, str) and face.startswith(_SETS):
        return face
    return base64.b64encode(_content(face)).decode()


def _content(photo: Photo) -> bytes:
    return photo if isinstance(photo, bytes) else read_file(Path(photo))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(answer: httpx.Response, content: bytes) -> ProblemError:
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return _not_the_server(answer)
    try:
        document = _parsed(content, answer)
        words = {name: _one_line(document.get(name)) for name in ("type", "title", "detail", "remedy")}
    except (ProblemError, AttributeError):
        return _not_the_server(answer)
    kind = words.pop("type").rpartition("#")[2]
    return ProblemError(kind, status=answer.status_code, retry_after=_retry_after(answer), **words)


def _one_line(value: Any) -> str:
    """Return what was said without what a terminal would obey, and no more than somebody reads."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value or "")[:2000])


def _not_the_server(answer: httpx.Response) -> ProblemError:
    """Return what is said of an answer that is not the server's but of what stands before it, such as a proxy."""
    detail, remedy = f"{answer.url.path} was answered by something else", "Is this the server's address?"
    return ProblemError("other", answer.reason_phrase, answer.status_code, detail, remedy, _retry_after(answer))


def _retry_after(answer: httpx.Response) -> float | None:
    wait = answer.headers.get("retry-after", "")
    return float(wait) if wait.isdecimal() and float(wait) <= LONGEST else None
