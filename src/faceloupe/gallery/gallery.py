"""A gallery: people with their references, and who did what with them."""

from collections.abc import Iterable, Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceloupe.faces.faceset import Skipped
from faceloupe.gallery import (
    backups,
    checks,
    consents,
    enrolment,
    exporting,
    identity,
    importing,
    trail,
)
from faceloupe.gallery.answers import IdentifiedPhotograph
from faceloupe.gallery.candidates import Candidates
from faceloupe.gallery.identify import identify, known_as
from faceloupe.gallery.networks import NetworkStore
from faceloupe.gallery.person_decisions import PersonDecision, verify_person
from faceloupe.gallery.records import Enrolled, Imported
from faceloupe.recognition.decisions import Decision, verify
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.photos import is_photo, open_photo
from faceloupe.recognition.recognise import recognise_all
from faceloupe.recognition.search import FaceSearch

if TYPE_CHECKING:
    from faceloupe.gallery.checks import Report
    from faceloupe.progress import Progress
    from faceloupe.recognition.photos import Photo
    from faceloupe.recognition.search import Faces
    from faceloupe.recognition.templates import Template
    from faceloupe.scores.points import OperatingPoint


class Gallery(NetworkStore):
    """People with their references; :func:`faceloupe.gallery.open_gallery` opens one.

    A subject is addressed by its number, an int, which is never used again, or by a text: its name or its external id.
    "id:E-17" is an external id and "number:5" a number; no name and no external id begins so. A text that fits several
    subjects raises an :class:`faceloupe.errors.AmbiguousNameError` that says how to tell which. Every method that
    writes is one transaction: when it returns, all of it is on the disk; if it raises, nothing is. One writer at a
    time, in this process or another; the others wait for some seconds. A gallery may be used by several threads. All
    methods raise a :class:`faceloupe.errors.GalleryError` if the gallery cannot be read or written.
    """

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
            Without an external id also "id:E-17" or "number:5", of somebody who is here.
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
            If several subjects have the name and there is no external id, or nobody has it but it is somebody's
            external id.
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

    def known_as(self, subject_id: int | None, photographs: Sequence[Photograph]) -> list[Skipped]:
        """Return the photographs that look like another subject here than this, and say like whom."""
        return known_as(self._database, subject_id, photographs)

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

        The trail of this gallery, not that of the copy, notes it once it is made; where it cannot, there is no copy.

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
        """Take in what :meth:`export` wrote, or another gallery's file. Nothing that is here, or there, is changed.

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
        place = self._database.path
        with self.writing() as connection:
            return importing.import_(
                connection, Path(path), key=key, thresholds=thresholds, folder=None if place is None else place.parent
            )

    def check(self, trail: str | None = None) -> "Report":
        """Look for faults and suspicions; every pair of references is compared.

        Parameters
        ----------
        trail : str, optional
            Hash of a line of the trail, as :meth:`trail_head` returned it: the report says whether that line is there.
        """
        with self.reading() as connection:
            return checks.check(connection, trail)

    def identify(
        self,
        photo: "Photo | Sequence[Template]",
        *,
        point: "OperatingPoint | None" = None,
        ranks: int = 5,
        faces: "Faces" = "all",
        recall: float | None = None,
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
        recall : float, optional
            On PostgreSQL, search approximately by :attr:`hnsw`, with the recall shown to be this or more, such as 0.99.
            By default the search is exact.

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
            If `photo` is none of these; if the references here, or the point, are of another embedder; if another
            detector found the faces than those of the references; if there is no point for the embedder; if `ranks` is
            below 1; or if the recall is not to be had.
        """
        if not is_photo(photo):
            if not isinstance(photo, Sequence):
                open_photo(photo)  # says what it could have been
            return identify(self._database, photo, point, ranks, recall)  # type: ignore[arg-type]
        [photograph] = recognise_all([photo], self.embedder, faces=self.face_search(faces, photo))  # type: ignore[list-item, arg-type]
        return IdentifiedPhotograph(
            photograph, identify(self._database, photograph.templates, point, ranks, recall)
        ).placed

    def verify(
        self, first: "Photo", second: "Photo", *, point: "OperatingPoint | None" = None, faces: "Faces" = "one"
    ) -> "Decision":
        """Decide whether two photographs show one person, by the embedder and the threshold that hold here.

        Parameters are those of :func:`faceloupe.verify`.
        """
        return verify(first, second, point, gallery=self, faces=faces)

    def verify_person(
        self,
        photo: "Photo",
        subject: str | int,
        *,
        point: "OperatingPoint | None" = None,
        faces: "Faces" = "one",
    ) -> PersonDecision:
        """Decide whether a photograph shows one subject of the gallery: 1:1, against the subject's references.

        The score is that of the reference most like the face, as in :meth:`identify`.

        Parameters
        ----------
        photo : path, bytes, PIL image, array, binary file object or Photograph
        subject : str or int
            A name, an external id or a number, as everywhere in a gallery.
        point : OperatingPoint, optional
            The threshold; otherwise the one saved here for this embedder, or else the published one.
        faces : {"one", "central"} or FaceSearch
            Face to take: with "one" of several the dominant one; "central" takes the one nearest the centre.

        Raises
        ------
        ImageError
            If the photograph cannot be read, or shows no face, or several where one was meant.
        SubjectError
            If there is no such subject, or none of its references is by this gallery's embedder.
        AmbiguousNameError
            If several subjects fit.
        InputError
            If the point is of another embedder, or there is none for it; or another detector found the face than those
            of the references.
        """
        with self.reading() as connection:
            identity.find(connection, subject)  # before any work is done
        search = self.face_search(FaceSearch.of_one_face(faces), photo)
        [photograph] = recognise_all([photo], self.embedder, faces=search)
        with self.reading() as connection:
            return verify_person(connection, photograph, subject, point)
