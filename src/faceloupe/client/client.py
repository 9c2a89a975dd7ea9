"""The calls: one method per route."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from faceloupe.client.archives import archives_of
from faceloupe.client.connection import Connection, Face, Photo, sent_face
from faceloupe.client.review import ReviewClient, UnknownClient
from faceloupe.errors import InputError
from faceloupe.web import shapes

PART = 1000  # people or entries that are asked for at once
LOOK_AGAIN = 0.5  # seconds between two looks at a job that is waited for


def _address(person: int | str) -> str:
    if "/" in str(person):  # servers decode %2F before they look for the route, which may be another one then
        raise InputError(
            f"an external id with a slash cannot stand in an address, got {person!r}: give the person's number, which "
            "people() and enrol() tell"
        )
    return f"/people/{quote(str(person), safe=':')}"


class Client:
    """Calls a server; a context manager.

    Every method raises a :class:`faceloupe.errors.ProblemError` if the server refuses, with the reason and what to do,
    and a :class:`faceloupe.errors.UnavailableError` if it cannot be reached.

    Parameters
    ----------
    address : str
        As the server printed it, such as "http://127.0.0.1:8000"; what follows "#token=" there is the token.
    token : str, optional
        Token of a key, if the address holds none.
    timeout : float
        Seconds in which the server must take or give a part; ten times as long, and an answer must be whole.
    transport : httpx.BaseTransport, optional
        Transport of the requests; by default the network.

    Raises
    ------
    InputError
        If there is no token, the address is none, or a proxy that the environment names is none. Proxies are for https
        alone.

    Examples
    --------
    >>> with Client("http://127.0.0.1:8000", token) as client:  # doctest: +SKIP
    ...     client.enrol("Ann", ["ann/1.jpg", "ann/2.jpg"], consent="form 12")
    ...     print([face.name for face in client.identify("party.jpg").photographs[0].faces])
    """

    def __init__(
        self, address: str, token: str = "", *, timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._server = Connection(address, token, timeout=timeout, transport=transport)

    @property
    def unknown(self) -> UnknownClient:
        """The unknown faces that the server keeps for a time."""
        return UnknownClient(self._server)

    @property
    def review(self) -> ReviewClient:
        """The people of the server's collection."""
        return ReviewClient(self._server)

    def health(self) -> shapes.Health:
        """Return the state of the server."""
        return self._server.get(shapes.Health, "/health")

    def points(self) -> shapes.Points:
        """Return the threshold in use, those that were saved with the gallery, and those that were published."""
        return self._server.get(shapes.Points, "/points")

    def calibrate(
        self, fmr: float | None = None, *, threshold: float | None = None, loose: bool = False
    ) -> shapes.Point:
        """Choose the gallery's threshold for a false match rate, from its own references, or measure one that is given.

        It decides for everybody from now on. The rate is 1 in 10,000 if neither is given; one above 1 in 100 is refused
        unless `loose` says that it is meant.
        """
        sent = {"fmr": fmr, "threshold": threshold, "loose": loose}
        return self._server.asked(shapes.Point, "POST", "/calibrate", json=sent)

    def reset_points(self) -> shapes.Points:
        """Take the thresholds that were saved with the gallery back: the published one decides again."""
        return self._server.asked(shapes.Points, "DELETE", "/points")

    def detect(self, photo: Photo) -> shapes.Detections:
        """Find the faces of a photograph."""
        return self._server.post(shapes.Detections, "/detect", {"photo": [photo]}, {})

    def verify(
        self, one: Photo, other: Photo, *, central: bool = False, fmr: float | None = None, prior: float | None = None
    ) -> shapes.Decision:
        """Decide whether two photographs show one person; `central` takes of several faces the one in the middle.

        With a `prior`, your probability of one person before comparing, the answer's evidence has the one after.
        """
        fields = {"central": central, "fmr": fmr, "prior": prior}
        return self._server.post(shapes.Decision, "/verify", {"one": [one], "other": [other]}, fields)

    def verify_person(
        self, photo: Photo, person: int | str, *, central: bool = False, fmr: float | None = None
    ) -> shapes.PersonDecision:
        """Decide whether a photograph shows one person of the gallery, who is told by number, or as "id:E-17"."""
        fields = {"central": central, "fmr": fmr}
        return self._server.post(shapes.PersonDecision, f"{_address(person)}/verify", {"photo": [photo]}, fields)

    def identify(
        self, photo: Photo, *, ranks: int = 3, fmr: float | None = None, recall: float | None = None
    ) -> shapes.Identified:
        """Identify every face in a photograph: somebody of the gallery, or nobody."""
        choices = {"ranks": ranks, "fmr": fmr, "recall": recall}
        return self._server.post(shapes.Identified, "/identify", {"photo": [photo]}, choices)

    def enrol(
        self,
        name: str,
        photos: Sequence[Photo],
        *,
        external_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        consent: str = "",
        consent_until: date | None = None,
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
        external_id : str, optional
            What the subject is called elsewhere; two subjects of one name each have one.
        metadata : dict, optional
            What else to note of the subject, in place of what is noted.
        consent : str
            A note on the subject's consent.
        consent_until : datetime.date, optional
            The last day on which it holds.
        central : bool
            Take the face nearest the centre where there are several.
        keep_faces : bool
            Keep the face chips too.
        force : bool
            Enrol faces of poor quality too.
        key : str, optional
            An idempotency key: the same again gets the same answer, and does nothing more.
        """
        fields = {
            "name": name, "external_id": external_id, "metadata": metadata, "consent": consent,
            "consent_until": consent_until, "central": central, "keep_faces": keep_faces, "force": force,
        }  # fmt: skip
        headers = {"Idempotency-Key": key} if key else {}
        return self._server.post(shapes.Enrolled, "/people", {"photos": photos}, fields, headers)

    def enrol_archive(
        self,
        archive: Photo,
        *,
        consent: str = "",
        consent_until: date | None = None,
        central: bool = False,
        keep_faces: bool = False,
        force: bool = False,
    ) -> shapes.JobState:
        """Begin to enrol the photographs in a ZIP file, ``NAME/1.jpg``; the job's result says what became of each.

        A table ``people.csv`` beside the folders says who is who, see :func:`faceloupe.gallery.list_subjects`.

        Parameters are those of :meth:`enrol`; the note on consent is for those of whom a photograph is new. What is
        enrolled already is passed over: the same archive goes on after a stop.
        """
        fields = {
            "consent": consent, "consent_until": consent_until, "central": central, "keep_faces": keep_faces,
            "force": force,
        }  # fmt: skip
        return self._server.post(shapes.JobState, "/people/archive", {"archive": [archive]}, fields)

    def enrol_folder(
        self,
        folder: str | PathLike[str],
        *,
        consent: str = "",
        consent_until: date | None = None,
        central: bool = False,
        keep_faces: bool = False,
        force: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Enrol ``FOLDER/NAME/*.jpg``, however many, in archives that the server takes, one job after the other.

        A table ``people.csv`` in the folder says who is who, see :func:`faceloupe.gallery.list_subjects`.

        Parameters are those of :meth:`enrol`. The same call goes on after a stop.

        Yields
        ------
        dict
            The result of each job: "enrolled" says what became of the photographs of each subject, "refused" which
            files were none; a subject with many photographs may be in several.

        Raises
        ------
        InputError
            If it is not a folder, or holds no subject's folder.
        """
        for archive, left_out in archives_of(Path(folder)):
            job = self.enrol_archive(
                archive, consent=consent, consent_until=consent_until, central=central, keep_faces=keep_faces,
                force=force,
            )  # fmt: skip
            document = self.result(job.id)
            yield document | {"refused": [asdict(skipped) for skipped in left_out] + document["refused"]}

    def people(self, search: str = "") -> Iterator[shapes.Person]:
        """Yield the people in the gallery, by name; `search` is a part of the name."""
        cursor: str | None = ""
        while cursor is not None:
            part = self._server.get(shapes.People, "/people", search=search, cursor=cursor, limit=PART)
            yield from part.people
            cursor = part.next if part.people else None

    def audit(self) -> Iterator[shapes.Entry]:
        """Yield the entries of the trail, the newest first."""
        cursor: str | None = ""
        while cursor is not None:
            part = self._server.get(shapes.Audit, "/audit", cursor=cursor, limit=PART)
            yield from part.audit
            cursor = part.next if part.audit else None

    def show(self, person: int | str) -> shapes.Record:
        """Return all that is kept of a subject, who is told by number, or as "id:E-17"."""
        return self._server.get(shapes.Record, _address(person))

    def face(self, person: int | str, reference: int) -> bytes:
        """Return the face chip of a reference as PNG."""
        return self._server.content("image/png", f"{_address(person)}/references/{reference}/face")

    def rename(self, person: int | str, name: str) -> shapes.Person:
        """Give a subject another name."""
        return self._server.asked(shapes.Person, "PATCH", _address(person), json={"name": name})

    def describe(
        self, person: int | str, *, external_id: str | None = None, metadata: dict[str, Any] | None = None
    ) -> shapes.Person:
        """Give a subject an external id ("" takes it away), or metadata in place of what is noted."""
        sent = {"external_id": external_id, "metadata": metadata}
        return self._server.asked(shapes.Person, "PATCH", _address(person), json=sent)

    def merge(self, person: int | str, *, into: int | str) -> shapes.Person:
        """Move everything of a subject to another, and remove the one."""
        return self._server.asked(shapes.Person, "POST", f"{_address(person)}/merge", json={"into": into})

    def forget(self, person: int | str, reference: int | None = None) -> shapes.Forgotten:
        """Remove a subject, or one of its references, and erase the bytes of it."""
        address = _address(person) if reference is None else f"{_address(person)}/references/{reference}"
        return self._server.asked(shapes.Forgotten, "DELETE", address)

    def explain(
        self, one: Photo, other: Photo, *, central: bool = False, fmr: float | None = None, certify: bool = True
    ) -> shapes.JobState:
        """Begin to find which regions of two faces make the score; `central` and `fmr` are those of :meth:`verify`."""
        fields = {"central": central, "fmr": fmr, "certify": certify}
        return self._server.post(shapes.JobState, "/explain", {"one": [one], "other": [other]}, fields)

    def networks(self) -> list[shapes.Network]:
        """Return the networks that can be looked at."""
        return self._server.get(shapes.Networks, "/networks").networks

    def anatomy(self, network: str) -> shapes.Anatomy:
        """Return the anatomy of a network, layer by layer."""
        return self._server.get(shapes.Anatomy, f"/networks/{network}")

    def look(
        self,
        network: str,
        faces: Sequence[Face],
        *,
        compare: str = "",
        layers: Sequence[str] = (),
        methods: Sequence[str] = ("occlusion",),
        certify: bool = True,
    ) -> shapes.JobState:
        """Begin to look inside a network, and another one beside it, while they look at faces."""
        sent = {
            "photos": [sent_face(face) for face in faces], "compare": compare, "layers": list(layers),
            "methods": list(methods), "certify": certify,
        }  # fmt: skip
        return self._server.asked(shapes.JobState, "POST", f"/networks/{network}/look", json=sent)

    def trace(self, network: str, face: Face, layers: Sequence[str]) -> shapes.FeatureMaps:
        """Return the outputs of layers for a face; :func:`faceloupe.documents.decode_array` makes arrays of it."""
        sent = {"photo": sent_face(face), "layers": list(layers)}
        return self._server.asked(shapes.FeatureMaps, "POST", f"/networks/{network}/trace", json=sent)

    def attribute(
        self,
        network: str,
        face: Face,
        *,
        method: str = "occlusion",
        target: int | None = None,
        other: Face | None = None,
        certify: bool = True,
    ) -> shapes.JobState:
        """Begin to map where a network's answer rests: its own, one for a class, or the cosine with another face."""
        sent = {
            "photo": sent_face(face), "method": method, "target": target, "certify": certify,
            "other": None if other is None else sent_face(other),
        }  # fmt: skip
        return self._server.asked(shapes.JobState, "POST", f"/networks/{network}/attribute", json=sent)

    def data(self) -> list[str]:
        """Return the names of the faces that studies and trainings may use."""
        return self._server.get(shapes.Data, "/data").data

    def train(
        self, name: str, data: str, kind: str, *, people: int | None = None, epochs: int | None = None
    ) -> shapes.JobState:
        """Begin to train a network, "cnn", "fcnn" or "deep", which is among the networks under this name then."""
        sent = {"name": name, "data": data, "kind": kind, "people": people, "epochs": epochs}
        return self._server.asked(shapes.JobState, "POST", "/networks", json=sent)

    def studies(self) -> list[shapes.Study]:
        """Return the studies in the server's folder."""
        return self._server.get(shapes.Studies, "/studies").studies

    def study(
        self,
        data: str = "orl",
        *,
        pairs: int | None = None,
        seeds: int = 8,
        epochs: int = 20,
        preprocess: Sequence[str] = ("none", "centre"),
    ) -> shapes.JobState:
        """Begin a study."""
        sent = {"data": data, "pairs": pairs, "seeds": seeds, "epochs": epochs, "preprocess": list(preprocess)}
        return self._server.asked(shapes.JobState, "POST", "/studies", json=sent)

    def study_two(
        self, first_name: str, first: Sequence[Photo], second_name: str, second: Sequence[Photo], *, seeds: int = 8
    ) -> shapes.JobState:
        """Begin a study of two people, by photographs of each alone, which the server does not keep."""
        fields = {"first_name": first_name, "second_name": second_name, "seeds": str(seeds)}
        return self._server.post(shapes.JobState, "/studies/two", {"first": first, "second": second}, fields)

    def remove_study(self, study: str) -> list[shapes.Study]:
        """Remove a study, with its networks, its page and the faces in them; return those left."""
        return self._server.asked(shapes.Studies, "DELETE", f"/studies/{study}").studies

    def resume(self, study: str) -> shapes.JobState:
        """Go on with a study that was stopped."""
        return self._server.asked(shapes.JobState, "POST", f"/studies/{study}/resume")

    def jobs(self) -> list[shapes.JobState]:
        """Return your jobs, the newest first."""
        return self._server.get(shapes.JobStates, "/jobs").jobs

    def job(self, job: str) -> shapes.JobState:
        """Return a job as it is now."""
        return self._server.get(shapes.JobState, f"/jobs/{job}")

    def watch(self, job: str) -> Iterator[shapes.JobState]:
        """Yield a job now and whenever it has changed, until it has ended."""
        return self._server.events(shapes.JobState, f"/jobs/{job}/events")

    def stop(self, job: str) -> shapes.JobState:
        """Ask a job to stop."""
        return self._server.asked(shapes.JobState, "DELETE", f"/jobs/{job}")

    def result(self, job: str) -> dict[str, Any]:
        """Wait until a job has ended, and return the document that it made, the one of the command's `--json`."""
        while self._server.patiently(lambda: self.job(job)).ended is None:
            time.sleep(LOOK_AGAIN)
        return self._server.patiently(lambda: self._server.document(f"/jobs/{job}/result"))

    def page(self, job: str) -> str:
        """Return an address that opens the page of a finished look, explanation or study once, within a minute."""
        return self._server.page + self._server.asked(shapes.Address, "POST", f"/jobs/{job}/page").address

    def metrics(self) -> str:
        """Return counts and times in the text format of Prometheus."""
        return self._server.content("text/plain", "/metrics").decode(errors="replace")

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._server.address!r})"
