"""The people of a gallery with their references, thresholds and trail, as the database has them."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, func, select

from faceloupe.gallery import consents, detectors, forgetting, holders, identity, people, saved_points, templates, trail
from faceloupe.gallery.database import Database
from faceloupe.gallery.records import EmbedderId, Entry, Forgotten, Person, Record, Templates
from faceloupe.gallery.schema import references, subjects

if TYPE_CHECKING:
    from faceloupe.recognition.embed import Embedder
    from faceloupe.scores.points import Maker, OperatingPoint


class Store:
    """People with their references, thresholds and trail; a :class:`faceloupe.gallery.Gallery` recognises them, too.

    Parameters
    ----------
    database : Database
        The database that holds it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def holders(self, hashes: Iterable[str]) -> "dict[str, holders.Holders]":
        """Return the subjects that photographs are enrolled as, by the SHA-256 of their files."""
        with self.reading() as connection:
            return holders.holders_of(connection, hashes)

    def whom_to_enrol(self, name: str, external_id: str | None = None) -> identity.Whom:
        """Return the subject that photographs of a name, and of an external id, are enrolled as.

        Raises
        ------
        InputError
            If the name or the external id cannot be one.
        AmbiguousNameError, NameTakenError, SubjectError
            As :meth:`faceloupe.gallery.Gallery.enrol`.
        """
        meant = identity.checked_whom(name, external_id)
        with self.reading() as connection:
            subject = identity.to_enrol(connection, meant.name, meant.external_id)
        if subject is None:
            return meant
        return identity.Whom(subject.id, subject.name, subject.external_id)

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

    def number_of(self, subject: str | int) -> int | None:
        """Return the number of a subject, which stays the same whatever others change; None if there is none.

        Raises
        ------
        AmbiguousNameError
            If several subjects fit.
        """
        with self.reading() as connection:
            return identity.find(connection, subject).id if identity.has_subject(connection, subject) else None

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
        self,
        subject: str | int,
        *,
        name: str | None = None,
        external_id: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Person:
        """Give a subject another name or external id, or change its metadata, all at once; what is None stays.

        Parameters
        ----------
        subject : str or int
        name : str, optional
        external_id : str, optional
            What the subject is called elsewhere; "" takes it away.
        metadata : dict, optional
            Changes, as a merge patch of JSON (RFC 7396): what it names is set, objects within are changed likewise,
            None removes, and everything else stays. Afterwards they have 4,096 bytes of JSON at most.

        Raises
        ------
        SubjectError
            If there is no such subject.
        NameTakenError
            If another one has the external id, or the name and not both have an external id.
        InputError
            If the name, the external id or the metadata cannot be what they are for.
        """
        with self.writing() as connection:
            return people.describe(connection, subject, name=name, external_id=external_id, metadata=metadata)

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
        exports, unknown faces that a server keeps beside the gallery, a server's write-ahead log, blocks that a file
        system gave up) is not reached, see :mod:`faceloupe.gallery.forgetting`; ``faceloupe forget`` and the server
        reach the unknown faces too. To forget several, leave the bytes with ``erased=False`` and call
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

    def trail_holds(self, link: str) -> bool:
        """Return whether the trail has a line with this hash: True for the head of a copy that was made of this."""
        with self.reading() as connection:
            return trail.holds(connection, link)

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
            If its false match rate is above 1 in 100 and `loose` is not given; or it was measured on faces that another
            detector found than those of the references.
        """
        with self.writing() as connection:
            saved_points.save(connection, point, loose=loose)

    def reset_points(self, embedder: "Embedder | EmbedderId") -> int:
        """Take every saved operating point of an embedder back: the published one holds again. Return how many."""
        with self.writing() as connection:
            return saved_points.reset(connection, EmbedderId(embedder.name, embedder.sha256))

    def detector_noted(self) -> str | None:
        """Return the detector of the references, as ``Detection.detector`` names it; None if none is noted."""
        with self.reading() as connection:
            return detectors.detector_of(connection)

    def n_references(self, embedder: "Embedder | EmbedderId") -> int:
        """Return the number of references that an embedder made."""
        with self.reading() as connection:
            query = select(func.count()).select_from(references).where(templates.made_by(embedder))
            return connection.scalar(query) or 0

    def templates(self, embedder: "Maker") -> Templates:
        """Return the references of one embedder as arrays."""
        with self.reading() as connection:
            return templates.templates(connection, embedder)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
