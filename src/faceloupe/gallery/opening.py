"""Opening a gallery: there must be one, with a schema that this code knows, or one is made, now or later."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from os import PathLike

from sqlalchemy import Connection

from faceloupe.errors import GalleryError, SubjectError
from faceloupe.faces.faceset import Skipped
from faceloupe.files import unfinished
from faceloupe.gallery.database import Database
from faceloupe.gallery.gallery import Gallery
from faceloupe.gallery.holders import Holders
from faceloupe.gallery.identity import BY_ID, BY_NUMBER, Whom, checked_whom
from faceloupe.gallery.records import EmbedderId, Imported
from faceloupe.gallery.revisions import bring_up_to_date, nothing_at
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.engines import Engine
from faceloupe.recognition.photographs import Photograph


def open_gallery(
    url: str | PathLike[str] = "faceloupe.db",
    *,
    create: bool = False,
    embedder: Embedder | str | PathLike[str] | None = None,
    detector: Detector | str | None = None,
    engine: Engine = "openvino",
) -> Gallery:
    """Open a gallery; one with an older schema is brought to the newest, in one transaction.

    Parameters
    ----------
    url : str or path
        The name of an SQLite file, or a URL of SQLAlchemy: ``sqlite:///faces.db``, or
        ``postgresql+psycopg://user@host/database`` (extra ``postgres``; the server needs pgvector, and the gallery
        should have the database, or a schema there, to itself).
    create : bool
        Make the gallery if there is none. A file is made for its owner's eyes only (mode 0600).
    embedder : Embedder, str or path, optional
        What makes its templates, itself or as :func:`faceloupe.embedders.open_embedder` takes it. By default what made
        the references that are there; SFace if there are none.
    detector : Detector or str, optional
        What finds faces, itself or by its name: "yunet", or one that ``faceloupe detector add`` put on this machine. By
        default what found the faces of the references that are there; YuNet if there are none.
    engine : {"openvino", "onnxruntime"}
        Engine that runs SFace, and networks that were added.

    Returns
    -------
    Gallery
        Use it in a ``with`` statement, or close it.

    Raises
    ------
    GalleryError
        If there is no gallery, what is there is none, is newer than this code, or cannot be opened.
    InputError
        If the URL cannot be understood.
    UnavailableError
        If packages of the extras ``recognition`` or ``postgres`` are missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_gallery(f"{folder}/faces.db", create=True) as gallery:
    ...     gallery.people()
    ()
    """
    database = Database(url)
    try:
        if create:
            database.make_file()
        elif database.path is not None and not database.path.exists():
            raise GalleryError(nothing_at(database.name))
        bring_up_to_date(database, create=create)
        database.let_readers_in()
    except BaseException:
        database.close()
        raise
    return Gallery(database, embedder=embedder, detector=detector, engine=engine)


class GalleryToBe(Gallery):
    """A gallery to enrol into, which is made once there is a photograph that can be enrolled.

    A file that is there, and a server's database, are brought up to date at once.

    Parameters
    ----------
    url, embedder, detector, engine
        As for :func:`open_gallery`.

    Raises
    ------
    GalleryError, InputError, UnavailableError
        As :func:`open_gallery`; also if no file could be made.
    """

    def __init__(
        self,
        url: str | PathLike[str],
        *,
        embedder: Embedder | str | PathLike[str] | None = None,
        detector: Detector | str | None = None,
        engine: Engine = "openvino",
    ) -> None:
        super().__init__(Database(url), embedder=embedder, detector=detector, engine=engine)
        self._url, path = url, self._database.path
        self._is_made = path is None or path.exists()
        if self._is_made:
            open_gallery(url, create=True).close()
        elif path is not None and not os.access(path.parent, os.W_OK):
            raise GalleryError(f"{self.name} cannot be made: there is no folder {path.parent} to write into.")

    def holders(self, hashes: Iterable[str]) -> dict[str, Holders]:
        """Return as whom photographs are enrolled, see :meth:`faceloupe.gallery.Gallery.holders`."""
        return super().holders(hashes) if self._is_made else defaultdict(set)

    def whom_to_enrol(self, name: str, external_id: str | None = None) -> Whom:
        """Return who is added to, see :meth:`faceloupe.gallery.Gallery.whom_to_enrol`: somebody new at first."""
        if self._is_made:
            return super().whom_to_enrol(name, external_id)
        whom = checked_whom(name, external_id)
        if whom.name.startswith((BY_ID, BY_NUMBER)):
            raise SubjectError(f"There is no {whom.name!r}: {nothing_at(self.name)}")
        return whom

    def known_as(self, subject_id: int | None, photographs: Sequence[Photograph]) -> list[Skipped]:
        """Return which photographs look like somebody else: none while nobody is here."""
        return super().known_as(subject_id, photographs) if self._is_made else []

    def import_(
        self, path: str | PathLike[str], *, key: str | PathLike[str] | None = None, thresholds: bool = False
    ) -> Imported:
        """Take in a file, see :meth:`faceloupe.gallery.Gallery.import_`; if that fails, there is no gallery still."""
        place = self._database.path
        if self._is_made or place is None:
            return super().import_(path, key=key, thresholds=thresholds)
        with unfinished(place) as folder:
            new = folder / place.name
            with open_gallery(new, create=True) as gallery:
                imported = gallery.import_(path, key=key, thresholds=thresholds)
            new.rename(place)
        self._is_made = True
        return imported

    def detector_noted(self) -> str | None:
        """Return the detector of the references: none while nobody is here."""
        return super().detector_noted() if self._is_made else None

    def _makers(self) -> list[EmbedderId]:
        return super()._makers() if self._is_made else []

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that alone may write; make the gallery before if it must be."""
        if not self._is_made:
            open_gallery(self._url, create=True).close()
            self._is_made = True
        return super().writing()
