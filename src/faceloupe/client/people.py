"""The calls below ``/people``: who is in the gallery, and everything that changes it; and ``/audit``."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from faceloupe.client.archives import archives_of
from faceloupe.client.connection import Photo
from faceloupe.client.jobs import JobCalls
from faceloupe.errors import InputError
from faceloupe.web import shapes

PART = 1000  # people or entries that are asked for at once


def _address(person: int | str) -> str:
    if "/" in str(person):  # servers decode %2F before they look for the route, which may be another one then
        raise InputError(
            f"an external id with a slash cannot stand in an address, got {person!r}: give the person's number, which "
            "people() and enrol() tell"
        )
    return f"/people/{quote(str(person), safe=':')}"


class PeopleCalls(JobCalls):
    """Calls of a :class:`faceloupe.client.Client` about people, each given by number, or as "id:E-17"."""

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
        """Return all that is kept of a subject, given by number, or as "id:E-17"."""
        return self._server.get(shapes.Record, _address(person))

    def face(self, person: int | str, reference: int) -> bytes:
        """Return the face chip of a reference as PNG."""
        return self._server.content("image/png", f"{_address(person)}/references/{reference}/face")

    def verify_person(
        self, photo: Photo, person: int | str, *, central: bool = False, fmr: float | None = None
    ) -> shapes.PersonDecision:
        """Decide whether a photograph shows one person of the gallery, given by number, or as "id:E-17"."""
        fields = {"central": central, "fmr": fmr}
        return self._server.post(shapes.PersonDecision, f"{_address(person)}/verify", {"photo": [photo]}, fields)

    def rename(self, person: int | str, name: str) -> shapes.Person:
        """Give a subject another name."""
        return self._server.request(shapes.Person, "PATCH", _address(person), json={"name": name})

    def describe(
        self, person: int | str, *, external_id: str | None = None, metadata: dict[str, Any] | None = None
    ) -> shapes.Person:
        """Give a subject an external id ("" takes it away), or change what is noted of it.

        `metadata` is a merge patch (RFC 7396): what it names is set, None removes, and everything else stays.
        """
        body = {"external_id": external_id, "metadata": metadata}
        changes = {field: value for field, value in body.items() if value is not None}
        return self._server.request(shapes.Person, "PATCH", _address(person), json=changes)

    def merge(self, person: int | str, *, into: int | str) -> shapes.Person:
        """Move everything of a subject to another, and remove the one."""
        return self._server.request(shapes.Person, "POST", f"{_address(person)}/merge", json={"into": into})

    def forget(self, person: int | str, reference: int | None = None) -> shapes.Forgotten:
        """Remove a subject, or one of its references, and erase the bytes of it."""
        address = _address(person) if reference is None else f"{_address(person)}/references/{reference}"
        return self._server.request(shapes.Forgotten, "DELETE", address)
