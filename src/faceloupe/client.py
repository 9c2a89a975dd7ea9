"""A Python client of ``faceloupe serve``: each call returns the server's document as a typed value."""

import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from faceloupe.errors import InputError, ProblemError, UnavailableError
from faceloupe.faces.images import read_file

try:
    import httpx
    from pydantic import BaseModel

    from faceloupe.web import shapes
except ImportError as error:
    raise UnavailableError(f"The client needs {error.name}: pip install faceloupe[web]") from error

__all__ = ["Client", "Photo"]

Photo = bytes | str | PathLike[str]
"""The bytes of an image file, or its path."""

Shape = TypeVar("Shape", bound=BaseModel)

PART = 1000  # people or entries that are asked for at once
LOOK_AGAIN = 0.5  # seconds between two looks at a job that is waited for


class Client:
    """Calls a server; a context manager.

    Every method raises a :class:`faceloupe.errors.ProblemError` if the server refuses, with the reason and what to do,
    and a :class:`faceloupe.errors.UnavailableError` if it cannot be reached.

    Parameters
    ----------
    address : str
        As the server printed it, such as "http://127.0.0.1:8000"; what follows "#token=" there is the token.
    token : str, optional
        Of a key, if the address holds none.
    timeout : float
        Seconds in which the server must take and give a part of an answer.
    transport : httpx.BaseTransport, optional
        What carries requests; otherwise the network.

    Raises
    ------
    InputError
        If there is no token, or the address is none.

    Examples
    --------
    >>> with Client("http://127.0.0.1:8000", token) as client:  # doctest: +SKIP
    ...     client.enrol("Ann", ["ann/1.jpg", "ann/2.jpg"], consent="form 12")
    ...     print([face.name for face in client.identify("party.jpg").photographs[0].faces])
    """

    def __init__(
        self, address: str, token: str = "", *, timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        place = urlsplit(address)
        token = token or place.fragment.removeprefix("token=")
        if place.scheme not in ("http", "https") or not place.netloc:
            raise InputError(f"address: expected http://HOST:PORT, got {place.scheme}://{place.netloc}")
        if not token:
            raise InputError("token: expected the one that the server printed, or a key's")
        base = f"{place.scheme}://{place.netloc}{place.path.rstrip('/')}/api/v1"
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=base, headers=headers, timeout=timeout, transport=transport)
        self._address = base

    def health(self) -> shapes.Health:
        """Return what the server works with."""
        return self._get(shapes.Health, "/health")

    def points(self) -> shapes.Points:
        """Return the threshold in use and those that were published."""
        return self._get(shapes.Points, "/points")

    def calibrate(self, fmr: float = 1e-3) -> shapes.Point:
        """Choose the gallery's threshold for a false match rate, from its own references."""
        return self._send(shapes.Point, "POST", "/calibrate", {"fmr": fmr})

    def detect(self, photo: Photo) -> shapes.Detections:
        """Find the faces of a photograph."""
        return self._post(shapes.Detections, "/detect", {"photo": [photo]})

    def verify(self, one: Photo, other: Photo, *, central: bool = False, fmr: float | None = None) -> shapes.Decision:
        """Decide whether two photographs show one person; `central` takes of several faces the one in the middle."""
        fields = {"central": central, "fmr": fmr}
        return self._post(shapes.Decision, "/verify", {"one": [one], "other": [other]}, fields)

    def identify(self, photo: Photo, *, ranks: int = 3, fmr: float | None = None) -> shapes.Identified:
        """Say of every face in a photograph who of the gallery it is, or nobody."""
        return self._post(shapes.Identified, "/identify", {"photo": [photo]}, {"ranks": ranks, "fmr": fmr})

    def enrol(
        self,
        name: str,
        photos: Sequence[Photo],
        *,
        consent: str = "",
        central: bool = False,
        keep_faces: bool = False,
        force: bool = False,
        key: str | None = None,
    ) -> shapes.Enrolled:
        """Enrol photographs of a subject; they are on the server's disk when this returns.

        Parameters
        ----------
        name : str
        photos : sequence of bytes or path
            At most 20.
        consent : str
            A note on the subject's consent.
        central : bool
            Of several faces take the one nearest the centre.
        keep_faces : bool
            Keep the face chips too.
        force : bool
            Enrol faces of poor quality too.
        key : str, optional
            An idempotency key: the same again gets the same answer, and does nothing more.
        """
        fields = {"name": name, "consent": consent, "central": central, "keep_faces": keep_faces, "force": force}
        headers = {"Idempotency-Key": key} if key else {}
        return self._post(shapes.Enrolled, "/people", {"photos": photos}, fields, headers)

    def people(self, search: str = "") -> Iterator[shapes.Person]:
        """Yield who is in the gallery, by name; `search` is a part of the name."""
        cursor: str | None = ""
        while cursor is not None:
            part = self._get(shapes.People, "/people", search=search, cursor=cursor, limit=PART)
            yield from part.people
            cursor = part.next

    def audit(self) -> Iterator[shapes.Entry]:
        """Yield who did what, and when, the newest first."""
        cursor: str | None = ""
        while cursor is not None:
            part = self._get(shapes.Audit, "/audit", cursor=cursor, limit=PART)
            yield from part.audit
            cursor = part.next

    def show(self, person: int) -> shapes.Record:
        """Return all that is kept of a subject, who is told by number."""
        return self._get(shapes.Record, f"/people/{person}")

    def face(self, person: int, reference: int) -> bytes:
        """Return the face chip of a reference as PNG."""
        return self._ask("GET", f"/people/{person}/references/{reference}/face").content

    def rename(self, person: int, name: str) -> shapes.Person:
        """Give a subject another name."""
        return self._send(shapes.Person, "PATCH", f"/people/{person}", {"name": name})

    def merge(self, person: int, *, into: int) -> shapes.Person:
        """Move everything of a subject to another, and remove the one."""
        return self._send(shapes.Person, "POST", f"/people/{person}/merge", {"into": into})

    def forget(self, person: int, reference: int | None = None) -> shapes.Forgotten:
        """Remove a subject, or one of its references, and erase the bytes of it."""
        address = f"/people/{person}" if reference is None else f"/people/{person}/references/{reference}"
        return shapes.Forgotten.model_validate(self._ask("DELETE", address).json())

    def explain(
        self, one: Photo, other: Photo, *, central: bool = False, fmr: float | None = None, certify: bool = True
    ) -> shapes.JobState:
        """Begin to find which regions of two faces make the score; `central` and `fmr` are those of :meth:`verify`."""
        fields = {"central": central, "fmr": fmr, "certify": certify}
        return self._post(shapes.JobState, "/explain", {"one": [one], "other": [other]}, fields)

    def networks(self) -> list[shapes.Network]:
        """Return the networks that can be looked at."""
        return self._get(shapes.Networks, "/networks").networks

    def studies(self) -> list[shapes.Study]:
        """Return the studies in the server's folder."""
        return self._get(shapes.Studies, "/studies").studies

    def jobs(self) -> list[shapes.JobState]:
        """Return your jobs, the newest first."""
        return self._get(shapes.JobStates, "/jobs").jobs

    def job(self, job: str) -> shapes.JobState:
        """Return a job as it is now."""
        return self._get(shapes.JobState, f"/jobs/{job}")

    def stop(self, job: str) -> shapes.JobState:
        """Ask a job to stop."""
        return shapes.JobState.model_validate(self._ask("DELETE", f"/jobs/{job}").json())

    def result(self, job: str) -> dict[str, Any]:
        """Wait until a job has ended, and return the document that it made."""
        while self.job(job).ended is None:
            time.sleep(LOOK_AGAIN)
        document: dict[str, Any] = self._ask("GET", f"/jobs/{job}/result").json()
        return document

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._address!r})"

    def _get(self, shape: type[Shape], path: str, **query: Any) -> Shape:
        return shape.model_validate(self._ask("GET", path, params=query).json())

    def _send(self, shape: type[Shape], method: str, path: str, document: dict[str, Any]) -> Shape:
        return shape.model_validate(self._ask(method, path, json=document).json())

    def _post(
        self,
        shape: type[Shape],
        path: str,
        photos: dict[str, Sequence[Photo]],
        fields: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Shape:
        files = [(field, _content(photo)) for field, each in photos.items() for photo in each]
        data = {name: _text(value) for name, value in (fields or {}).items() if value is not None}
        return shape.model_validate(self._ask("POST", path, files=files, data=data, headers=headers).json())

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **given)
        except httpx.TransportError as problem:
            raise UnavailableError(
                f"{self._address} cannot be reached ({problem}): is the server running there?"
            ) from problem
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise _problem(answer)
        return answer


def _content(photo: Photo) -> bytes:
    return photo if isinstance(photo, bytes) else read_file(Path(photo))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(answer: httpx.Response) -> ProblemError:
    wait = answer.headers.get("retry-after", "")
    retry_after = float(wait) if wait.isdecimal() else None
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        # Not the server but what stands before it, such as a proxy.
        return ProblemError(
            "other", answer.reason_phrase, answer.status_code, f"got {answer.url.path}", "", retry_after
        )
    document = answer.json()
    kind = document.pop("type").rpartition("#")[2]
    return ProblemError(kind, **document, retry_after=retry_after)
