"""A gallery: people with their references, and who did what with them."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from faceloupe.embedders import DEFAULT, open_embedder, open_embedder_of
from faceloupe.faces.faceset import Skipped
from faceloupe.gallery import (
    backups,
    checks,
    consents,
    enrolment,
    exporting,
    forgetting,
    holders,
    identity,
    importing,
    people,
    saved_points,
    templates,
    trail,
)
from faceloupe.gallery.candidates import Candidates, one_name_a_face
from faceloupe.gallery.database import Database
from faceloupe.gallery.identify import identify, known_as
from faceloupe.gallery.records import EmbedderId, Enrolled, Entry, Forgotten, Imported, Person, Record, Templates
from faceloupe.gallery.schema import references, subjects
from faceloupe.recognition.decisions import Decision, verify
from faceloupe.recognition.photos import is_photo, open_photo
from faceloupe.recognition.recognise import recognise_all

if TYPE_CHECKING:
    from faceloupe.gallery.checks import Report
    from faceloupe.progress import Progress
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.photographs import Photograph
    from faceloupe.recognition.photos import Photo
    from faceloupe.recognition.search import Faces
    from faceloupe.recognition.templates import Template
    from faceloupe.scores.points import Maker, OperatingPoint

__all__ = ["Gallery"]


class Gallery:
    """People with their references; :func:`faceloupe.gallery.open_gallery` opens one.

    A subject is addressed by its number, an int, which is never used again, or by a text: its name or its external id.
    "id:E-17" is an external id whoever may be called so, "number:5" a number. A text that fits several subjects raises
    an :class:`faceloupe.errors.AmbiguousNameError` that says how to tell which. Every method that writes is one
    transaction: when it returns, all of it is on the disk; if it raises, nothing is. One writer at a time, in this
    process or another; the others wait for some seconds. A gallery may be used by several threads. All methods raise a
    :class:`faceloupe.errors.GalleryError` if the gallery cannot be read or written.

    Parameters
    ----------
    database : Database
        The database that holds it.
    embedder : Embedder, str or path, optional
        The embedder that makes its templates, or its name; by default the one that made the references.
    engine : {"openvino", "onnxruntime"}
        Engine that runs the embedder, if it is SFace.
    """

    def __init__(
        self,
        database: Database,
        *,
        embedder: "Embedder | str | PathLike[str] | None" = None,
        engine: "Engine" = "openvino",
    ) -> None:
        self._database = database
        self._engine = engine
        if isinstance(embedder, str | PathLike):
            embedder = open_embedder(embedder, engine=engine)
        self._embedder: Embedder | None = embedder

    @property
    def name(self) -> str:
        """Its file, or its URL without the password, for messages."""
        return self._database.name

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state of the gallery."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that alone may write."""
        return self._database.writing()

    @property
    def embedder(self) -> "Embedder":
        """The embedder of this gallery: the one it was opened with, or that of its references, or SFace.

        Raises
        ------
        InputError
            If the references are by several embedders, or by one that cannot be opened by its name.
        """
        if self._embedder is None:
            makers = self._makers()
            if not makers:
                return open_embedder(DEFAULT, engine=self._engine)  # later there may be others
            self._embedder = open_embedder_of(makers, self.name, engine=self._engine)
        return self._embedder

    def enrol(
        self,
        name: str,
        photos: "Photo | Iterable[Photo]",
        *,
        faces: "Faces" = "one",
        external_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        consent: str = "",
        consent_until: "date | None" = None,
        keep_faces: bool = False,
        force: bool = False,
        progress: "Progress | None" = None,
    ) -> Enrolled:
        """Make references of photographs of a subject, who is added if there is none of that name or external id.

        Not enrolled, but told with the reason, are photographs that cannot be read or do not show the face that is
        meant, those that are unfit by :func:`faceloupe.recognition.shortcomings`, and those that are enrolled as
        somebody else. If none can be enrolled, nobody is added. Files that are enrolled already are passed over.

        Parameters
        ----------
        name : str
            Without an external id whatever else tells who is meant does as well: "id:E-17".
        photos : path, bytes, PIL image, array, binary file object or Photograph, or several
            A Photograph, recognised before, is enrolled as it is.
        faces : {"one", "central"} or FaceSearch
            Face of a photograph to enrol.
        external_id : str, optional
            What the subject is called elsewhere, such as a number in a register. Two subjects may have one name where
            each has an external id.
        metadata : dict, optional
            What else is to be noted of the subject: an object that JSON can hold, of 4,096 bytes at most, in place of
            what is noted.
        consent : str
            A note on the subject's consent, added to those that are there.
        consent_until : datetime.date, optional
            The last day on which it holds; the last such day that was given counts. It is a line of the note, "until
            2030-05-01".
        keep_faces : bool
            Keep the face chips as well. Photographs are never kept. Those enrolled already keep the face that they
            have, or none.
        force : bool
            Also enrol unfit faces.
        progress : callable, optional
            Called with the number of photographs done and the number of all.

        Raises
        ------
        InputError
            If name, external id or metadata cannot be what they are for, a photo is none, or a Photograph without a
            problem has not just one template.
        AmbiguousNameError
            If several subjects fit the name, and there is no external id.
        NameTakenError
            If the external id is that of a subject with another name, or a subject of that name has none.
        UnavailableError
            If weights or packages are missing.
        """
        consent = consents.ending_consent(consent, consent_until)
        return enrolment.enrol(
            self, name, photos, faces=faces, external_id=external_id, metadata=metadata, consent=consent,
            keep_faces=keep_faces, force=force, progress=progress,
        )  # fmt: skip

    def holders(self, hashes: Iterable[str]) -> "dict[str, holders.Holders]":
        """Return the subjects that photographs are enrolled as, by the SHA-256 of their files."""
        with self.reading() as connection:
            return holders.holders_of(connection, hashes)

    def subject_to_enrol(self, name: str, external_id: str | None = None) -> int | None:
        """Return the number of the subject that :meth:`enrol` adds to; None of somebody new.

        Raises
        ------
        AmbiguousNameError, NameTakenError
            As :meth:`enrol`.
        """
        with self.reading() as connection:
            subject = identity.to_enrol(connection, name, external_id)
            return None if subject is None else int(subject.id)

    def known_as(self, subject_id: int | None, photographs: "Sequence[Photograph]") -> list[Skipped]:
        """Return the photographs that look like another subject here than this, and say like whom."""
        return known_as(self._database, subject_id, photographs)

    def people(self, numbers: Collection[int] | None = None) -> tuple[Person, ...]:
        """Return the subjects of the gallery, by name; or only those with these numbers."""
        with self.reading() as connection:
            return people.people(connection, numbers)

    def names(self) -> list[tuple[str, int]]:
        """Return the names and numbers of the subjects, by name."""
        with self.reading() as connection:
            return people.names(connection)

    def n_subjects(self) -> int:
        """Return the number of subjects."""
        with self.reading() as connection:
            return connection.scalar(select(func.count()).select_from(subjects)) or 0

    def person(self, subject: str | int) -> Record:
        """Return all that is kept of a subject, without the vectors.

        Raises
        ------
        SubjectError
            If there is no such subject.
        """
        with self.reading() as connection:
            return people.record(connection, subject)

    def face(self, reference: int) -> bytes | None:
        """Return the face chip of a reference as PNG; None if it was not kept or there is no such reference."""
        with self.reading() as connection:
            face: bytes | None = connection.scalar(select(references.c.face).where(references.c.id == reference))
            return face

    def __contains__(self, subject: str | int) -> bool:
        """Return whether there is a subject of that name or external id, or that number."""
        with self.reading() as connection:
            return identity.has_subject(connection, subject)

    def rename(self, old: str | int, new: str) -> Person:
        """Give a subject another name.

        Raises
        ------
        SubjectError
            If there is no such subject.
        NameTakenError
            If another one has the name, and not both have an external id.
        InputError
            If the new name cannot be one.
        """
        with self.writing() as connection:
            return people.describe(connection, old, name=new)

    def describe(
        self, subject: str | int, *, external_id: str | None = None, metadata: dict[str, Any] | None = None
    ) -> Person:
        """Give a subject an external id, or metadata in place of what is noted; what is None stays.

        Parameters
        ----------
        subject : str or int
        external_id : str, optional
            What the subject is called elsewhere; "" takes it away.
        metadata : dict, optional
            An object that JSON can hold, of 4,096 bytes at most.

        Raises
        ------
        SubjectError
            If there is no such subject.
        NameTakenError
            If another one has the external id, or the name where this one has no external id any more.
        InputError
            If the external id, or the metadata, cannot be what they are for.
        """
        with self.writing() as connection:
            return people.describe(connection, subject, external_id=external_id, metadata=metadata)

    def merge(self, source: str | int, into: str | int) -> Person:
        """Move everything of one subject to another, and remove the one: the two are one person.

        Name, external id and metadata are those of the other; what it lacks it gets from the one.

        Raises
        ------
        SubjectError
            If there is no such subject.
        InputError
            If the two are the same subject, or have more metadata together than one may.
        """
        with self.writing() as connection:
            return people.merge(connection, source, into)

    def forget(self, subject: str | int, reference: int | None = None, *, erased: bool = True) -> Forgotten:
        """Remove a subject, or one of its references, and erase the bytes of it from the database's files.

        The rows go in one transaction; then the files are built anew, which takes as long as copying them. If the
        process ends between the two, give the same again. What lies outside the database's files (backups,
        exports, a server's write-ahead log, blocks that a file system gave up) is not reached, see
        :mod:`faceloupe.gallery.forgetting`. To forget several, leave the bytes with ``erased=False`` and call
        :meth:`erase` once.

        Raises
        ------
        SubjectError
            If there is no such subject, or no such reference of it. While bytes of somebody forgotten are left they are
            erased first, and it is raised only if this was not what was forgotten: a name cannot be remembered, so one
            that is near to somebody's here counts as mistyped.
        InputError
            If the reference is the subject's only one.
        GalleryError
            If another program keeps the bytes from being erased.
        """
        return forgetting.forget(self._database, subject, reference, erased=erased)

    def erase(self) -> None:
        """Erase the bytes of all who were forgotten and whose bytes are left, by building the files anew once.

        Raises
        ------
        GalleryError
            If another program keeps it from that: do the same again then.
        """
        forgetting.erase(self._database)

    def enrolled_before(self, moment: datetime) -> list[tuple[int, str]]:
        """Return number and name of the subjects with nothing enrolled since a moment, given with its time zone."""
        with self.reading() as connection:
            return forgetting.enrolled_before(connection, moment)

    def consent_ended(self, day: "date | None" = None) -> "list[tuple[int, str, date]]":
        """Return number, name and last day of the subjects whose consent had ended before a day: today (UTC)."""
        with self.reading() as connection:
            return consents.consent_ended(connection, day or datetime.now(UTC).date())

    def export(self, path: str | PathLike[str], *, key: str | PathLike[str] | None = None) -> int:
        """Write everybody with their references and the operating points into one new file, and return how many.

        The file is personal data, as the gallery is: names and templates. Its mode is 0600. The trail stays here.

        Parameters
        ----------
        path : path
        key : str or path, optional
            A file of 32 secret bytes or more, or ``keyring:SERVICE/NAME``, that the export is signed with: who imports
            it with the same key knows that nobody has changed it who has not the key.

        Warns
        -----
        DamageWarning
            If references are damaged: they are left out.

        Raises
        ------
        GalleryError
            If the file exists already or cannot be written, or the gallery may only be read: an export is noted in the
            trail. Then there is no file, and no note.
        InputError
            If the key cannot be one.
        """
        with self.writing() as connection:
            trail.note(connection, "export")
            return exporting.export(connection, Path(path), key)

    def backup(self, path: str | PathLike[str]) -> None:
        """Write the whole gallery, trail and thresholds too, into one new file, also while others write to it.

        The file is personal data, as the gallery is. Its mode is 0600, and it is encrypted with the gallery's key, if
        that has one. :func:`faceloupe.gallery.restore` makes a gallery of it.

        Raises
        ------
        GalleryError
            If the file exists already or cannot be written, or the gallery lies on a server.
        """
        backups.backup(self._database, Path(path))

    def import_(
        self, path: str | PathLike[str], *, key: str | PathLike[str] | None = None, thresholds: bool = False
    ) -> Imported:
        """Take in what :meth:`export` wrote, or another gallery's file. Nothing that is here is changed.

        Each subject comes whole or not at all: not if somebody of that name is here with other references, nor if one
        of the photographs is enrolled here as somebody else. Subjects that are here just so are passed over, and so a
        file may be imported twice.

        Parameters
        ----------
        path : path
        key : str or path, optional
            What the file must be signed with, a file or ``keyring:SERVICE/NAME``. Without a key a file's checksum shows
            only that it was not cut short or damaged on its way: whoever changed it on purpose could have written the
            right one.
        thresholds : bool
            Take the file's calibrated thresholds, too, for embedders that have none here. They decide from then on who
            is whom, and so they never come unasked.

        Raises
        ------
        GalleryError
            If the file cannot be read, is none of these, or was changed or cut short: then nothing of it is taken in.
        InputError
            If the key cannot be one.
        """
        with self.writing() as connection:
            return importing.import_(connection, Path(path), key=key, thresholds=thresholds)

    def check(self, trail: str | None = None) -> "Report":
        """Look for faults and suspicions; every pair of references is compared.

        Parameters
        ----------
        trail : str, optional
            Hash of a line of the trail, as :meth:`trail_head` returned it: the report says whether that line is there.
        """
        with self.reading() as connection:
            return checks.check(connection, trail)

    def trail_head(self) -> str:
        """Return the hash of the trail's last line, which rests on all lines before; note it elsewhere."""
        with self.reading() as connection:
            return trail.head(connection)

    def audit(self, first: int = 1, last: int | None = None) -> tuple[Entry, ...]:
        """Return the trail, who did what and when; or only the entries from one number to another."""
        with self.reading() as connection:
            return trail.entries(connection, first=first, last=last)

    def last_entry(self) -> int:
        """Return the number of the trail's last entry; 0 if it has none."""
        with self.reading() as connection:
            return trail.last(connection)

    def point(self, embedder: "Embedder | EmbedderId") -> "OperatingPoint | None":
        """Return the operating point that was saved last for an embedder; None if there is none."""
        with self.reading() as connection:
            return saved_points.latest(connection, EmbedderId(embedder.name, embedder.sha256))

    def calibrations(self, embedder: "Embedder | EmbedderId") -> "tuple[saved_points.SavedPoint, ...]":
        """Return the operating points that were saved for an embedder, the newest, which holds, first."""
        with self.reading() as connection:
            return saved_points.saved(connection, EmbedderId(embedder.name, embedder.sha256))

    def save_point(self, point: "OperatingPoint", *, loose: bool = False) -> None:
        """Save an operating point, which holds for its embedder from now on.

        Raises
        ------
        InputError
            If its false match rate is above 1 in 100 and `loose` is not given.
        """
        with self.writing() as connection:
            saved_points.save(connection, point, loose=loose)

    def reset_points(self, embedder: "Embedder | EmbedderId") -> int:
        """Take every saved operating point of an embedder back: the published one holds again. Return how many."""
        with self.writing() as connection:
            return saved_points.reset(connection, EmbedderId(embedder.name, embedder.sha256))

    def n_references(self, embedder: "Embedder | EmbedderId") -> int:
        """Return the number of references that an embedder made."""
        with self.reading() as connection:
            query = select(func.count()).select_from(references).where(templates.made_by(embedder))
            return connection.scalar(query) or 0

    def templates(self, embedder: "Maker") -> Templates:
        """Return the references of one embedder as arrays."""
        with self.reading() as connection:
            return templates.templates(connection, embedder)

    def identify(
        self,
        photo: "Photo | Sequence[Template]",
        *,
        point: "OperatingPoint | None" = None,
        ranks: int = 5,
        faces: "Faces" = "all",
    ) -> "tuple[Candidates, ...]":
        """Find who is most like each face; nobody is an answer.

        Parameters
        ----------
        photo : path, bytes, PIL image, array, binary file object or Photograph; or sequence of Template
            One photograph, or the templates of faces.
        point : OperatingPoint, optional
            The threshold; otherwise the one saved here for this embedder, or else the published one.
        ranks : int
            Number of candidates for each face.
        faces : {"all", "one", "central"} or FaceSearch
            Faces of the photograph to identify.

        Returns
        -------
        tuple of Candidates
            One a face of the photograph, row by row from left to right, with where it is; a name goes to one face, the
            one most like it. Or one a template.

        Raises
        ------
        ImageError
            If the photograph cannot be read, or does not show one face where one is meant.
        InputError
            If `photo` is none of these; if the references here, or the point, are of another embedder; if there is no
            point for it; or if `ranks` is below 1.
        """
        if not is_photo(photo):
            if not isinstance(photo, Sequence):
                open_photo(photo)  # says what it could have been
            return identify(self._database, photo, point, ranks)  # type: ignore[arg-type]
        [photograph] = recognise_all([photo], self.embedder, faces=faces)  # type: ignore[list-item]
        answers = one_name_a_face(identify(self._database, photograph.templates, point, ranks))
        return tuple(
            replace(answers[place], detection=photograph.chips[place].detection) for place in photograph.reading_order()
        )

    def verify(
        self, one: "Photo", other: "Photo", *, point: "OperatingPoint | None" = None, faces: "Faces" = "one"
    ) -> "Decision":
        """Decide whether two photographs show one person, by the embedder and the threshold that hold here.

        Parameters are those of :func:`faceloupe.verify`.
        """
        return verify(one, other, point, gallery=self, faces=faces)

    def _makers(self) -> list[EmbedderId]:
        """Return the embedders of the references that are here."""
        with self.reading() as connection:
            return templates.embedders(connection)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> "Gallery":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Gallery({self.name!r})"
