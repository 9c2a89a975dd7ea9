"""The networks of a gallery: the embedder that makes its templates, and the detector that finds its faces."""

from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from faceloupe.embedders import DEFAULT, open_embedder, open_embedder_of
from faceloupe.errors import InputError
from faceloupe.gallery import templates
from faceloupe.gallery.database import Database
from faceloupe.gallery.detectors import other_detector
from faceloupe.gallery.hnsw import Hnsw
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.store import Store
from faceloupe.recognition.onnx_detector import open_detector, open_detector_of
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.yunet import YuNet, detector_in_words

if TYPE_CHECKING:
    from faceloupe.recognition.detections import Detector
    from faceloupe.recognition.embed import Embedder
    from faceloupe.recognition.engines import Engine
    from faceloupe.recognition.photos import Photo
    from faceloupe.recognition.search import Faces


class NetworkStore(Store):
    """A store with the networks that its references were made by: the only ones whose faces compare with them.

    Parameters
    ----------
    database : Database
        The database that holds it.
    embedder : Embedder, str or path, optional
        The embedder that makes its templates, or its name; by default the one that made the references.
    detector : Detector or str, optional
        The detector that finds faces, or its name; by default the one that found those of the references.
    engine : {"openvino", "onnxruntime"}
        Engine that runs SFace, and networks that were added.
    """

    def __init__(
        self,
        database: Database,
        *,
        embedder: "Embedder | str | PathLike[str] | None" = None,
        detector: "Detector | str | None" = None,
        engine: "Engine" = "openvino",
    ) -> None:
        super().__init__(database)
        self._engine = engine
        if isinstance(embedder, str | PathLike):
            embedder = open_embedder(embedder, engine=engine)
        self._embedder: Embedder | None = embedder
        self._detector = open_detector(detector, engine=engine) if isinstance(detector, str) else detector

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

    @property
    def hnsw(self) -> Hnsw:
        """The index for approximate search, which a gallery on PostgreSQL has once it is built.

        Raises
        ------
        InputError
            If the gallery lies in a file, or as :attr:`embedder`.
        """
        return Hnsw(self._database, EmbedderId(self.embedder.name, self.embedder.sha256))

    @property
    def detector(self) -> "Detector":
        """The detector of this gallery: the one it was opened with, or that of its references, or YuNet.

        Raises
        ------
        InputError
            If it was opened with another one than that of its references, or theirs cannot be opened by its name.
        """
        of_references = self.detector_noted()
        if self._detector is None:
            return open_detector_of(of_references or YuNet.name, self.name, engine=self._engine)
        if of_references not in (None, detector_in_words(self._detector)):
            raise InputError(other_detector(str(of_references), detector_in_words(self._detector)))
        return self._detector

    def face_search(self, faces: "Faces", *photos: "Photo") -> FaceSearch:
        """Return a search for faces, with this gallery's detector if it names none.

        Where photos are given and all are Photographs, whose faces were found already, that detector need not be on
        this machine.

        Raises
        ------
        InputError
            If it names another one than that of the references; or as :attr:`detector`.
        """
        search = FaceSearch.of(faces)
        if photos and all(isinstance(photo, Photograph) for photo in photos):
            return search
        if search.detector is None:
            return replace(search, detector=self.detector)
        of_references, own = self.detector_noted(), detector_in_words(search.detector)
        if of_references not in (None, own):
            raise InputError(other_detector(str(of_references), own))
        return search

    def _makers(self) -> list[EmbedderId]:
        """Return the embedders of the references that are here."""
        with self.reading() as connection:
            return templates.embedders(connection)
