"""Filling a collection: each content is recognised once, however often its file is moved, copied or looked at."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from faceloupe.collection.adding import add_faces, add_photograph
from faceloupe.collection.collection import Collection
from faceloupe.collection.members import detector_of, embedder_of
from faceloupe.collection.schema import KEPT_FOR, faces, keep_setting, parts, photographs, places, setting
from faceloupe.errors import GalleryError, InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.faces.images import SUFFIXES
from faceloupe.faces.trees import ListedFile, Tree, list_tree
from faceloupe.files import sha256_of
from faceloupe.gallery.records import EmbedderId
from faceloupe.numerals import counted
from faceloupe.progress import Progress
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.embed import Embedder, SFace
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.recognise import recognise_numbered
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.yunet import detector_in_words
from faceloupe.video.frames import CLIP_SUFFIXES, is_clip
from faceloupe.video.photograph import photograph_of_clip

BATCH = 64
"""Photographs that are written in one transaction, at most: what a stop can lose."""

SECONDS = 2.0
"""After so long a smaller batch is written."""

CHANGED = "changed while it was read; index it again"


@dataclass(slots=True)
class Indexed:
    """The result of indexing.

    Attributes
    ----------
    new, known, moved : int
        Photographs recognised now; files that were known and unchanged; files whose content was known from elsewhere.
    unusable : int
        Files, of those known, in which nothing could be recognised when they were new.
    faces : int
        Faces found in the new photographs.
    gone : int
        Photographs of the collection that lay in the folders looked through, and of which no file is left.
    skipped : list of Skipped
        Files that could not be used, with the reason.
    others : int
        Files whose names are not those of photographs; they were not opened.
    seconds : float
    """

    new: int = 0
    known: int = 0
    moved: int = 0
    unusable: int = 0
    faces: int = 0
    gone: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    others: int = 0
    seconds: float = 0.0

    def words(self) -> str:
        """Return in a sentence what was done."""
        unusable = f", {self.unusable:,} of them not usable" if self.unusable else ""
        parts = [f"{counted(self.new, 'photograph')} indexed, with {counted(self.faces, 'face')}"]
        parts += [f"{counted(self.known, 'file')} known already{unusable}"] if self.known else []
        parts += [f"{self.moved:,} copied or renamed"] if self.moved else []
        parts += [f"{len(self.skipped):,} not usable, named above"] if self.skipped else []
        parts += [f"{counted(self.others, 'other file')} not opened"] if self.others else []
        return "; ".join(parts) + "."

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        skipped = [[file.path, file.reason] for file in self.skipped]
        return {"schema": "faceloupe.indexed/1", **asdict(self), "skipped": skipped}


def index(
    collection: Collection,
    paths: Iterable[str | PathLike[str]],
    embedder: Embedder | None = None,
    *,
    detector: Detector | None = None,
    keep_faces: bool = False,
    progress: Progress | None = None,
) -> Indexed:
    """Recognise the photographs and clips in files and folders, and keep one row per face.

    A clip is a photograph of everybody in it, each by the best face; that takes the extra ``video``. Photographs are
    told by their content: what was done is not done again, a file that was renamed or copied is known. Every batch of
    at most 64 photographs is one transaction, so that a stop at any moment loses no more. Within
    :func:`faceloupe.cluster.on_cluster` the workers of a cluster read and recognise them; clips are read here.

    Parameters
    ----------
    collection : Collection
    paths : iterable of path
        Files and folders; folders are looked through with all below them. Links to folders are not followed.
    embedder : Embedder, optional
        By default SFace.
    detector : Detector, optional
        By default YuNet.
    keep_faces : bool
        Keep the face chips too. Photographs are never copied.
    progress : callable, optional
        Called with the number of photographs done and the number of all.

    Raises
    ------
    InputError
        If a path is not there, or the collection's faces are by another embedder or detector.
    GalleryError
        If the collection cannot be written, or no longer says which embedder made its faces.
    UnavailableError
        If weights or packages are missing.
    """
    started = perf_counter()
    tree = list_tree(paths, SUFFIXES + CLIP_SUFFIXES)
    report = Indexed(skipped=tree.skipped, others=tree.others)
    embedder = embedder or SFace()
    _check_makers(collection, embedder, detector)
    run = _Run(collection, report, keep_faces, embedder, detector)
    search = FaceSearch(detector=detector)
    recognised = recognise_numbered(enumerate(run.to_read(tree.files)), embedder, search, pixels=keep_faces)
    for done, photograph in enumerate(recognised, start=1):
        run.add(photograph)
        if progress is not None:
            progress(run.passed + done, len(tree.files))
    run.finish()
    _note_gone(collection, tree, report)
    report.seconds = perf_counter() - started
    return report


class _Run:
    """One indexing: files on their way to photographs, photographs on their way to the disk."""

    def __init__(
        self, collection: Collection, report: Indexed, keep_faces: bool, embedder: Embedder, detector: Detector | None
    ) -> None:
        self._collection, self._report, self._keep_faces = collection, report, keep_faces
        self._embedder, self._detector = embedder, detector
        with collection.reading() as connection:
            ids = connection.execute(select(photographs.c.sha256, photographs.c.id))
            self._ids = {row.sha256: row.id for row in ids}
            problems = select(places.c.path).join_from(places, photographs).where(photographs.c.problem.is_not(None))
            self._unusable = set(connection.scalars(problems))
            place_rows = connection.execute(select(places.c.path, places.c.bytes, places.c.modified, places.c.gone))
            self._places = {row.path: (row.bytes, row.modified, row.gone) for row in place_rows}
        self._copies: dict[str, list[ListedFile]] = defaultdict(list)  # files of a content that is being recognised
        self._refused: dict[str, str] = {}  # files that were not taken in, with the reason
        self._batch: list[tuple[Photograph, list[ListedFile]]] = []
        self._moved: list[tuple[ListedFile, int]] = []
        self._since = monotonic()
        self.passed = 0  # files that need not be recognised

    def to_read(self, listing: Iterable[ListedFile]) -> Iterator[str | Photograph]:
        """Yield files whose content is not known, a clip with its people; note those whose content is."""
        for file in listing:
            size, modified, gone = self._places.get(file.path, (-1, -1, False))
            if (size, modified) == file[1:] and not gone:
                self.passed += 1
                self._report.known += 1
                self._report.unusable += file.path in self._unusable
            elif digest := self._digest(file):
                is_known = digest in self._ids or digest in self._copies
                if digest in self._ids:
                    self._moved.append((file, self._ids[digest]))
                    self._write_in_time()
                else:
                    self._copies[digest].append(file)
                if is_known:
                    self.passed += 1
                    continue
                if is_clip(file.path):
                    yield photograph_of_clip(
                        Path(file.path), digest, self._embedder, detector=self._detector, pixels=self._keep_faces
                    )
                else:
                    yield file.path

    def _digest(self, file: ListedFile) -> str | None:
        """Return the hash of a file; None if it cannot be read or named, which is told."""
        try:
            file.path.encode()
            return sha256_of(Path(file.path))
        except UnicodeEncodeError:
            self._skip(file.path, "its name holds bytes that are not UTF-8, which no database keeps: rename it")
        except InputError as problem:  # a pipe or a device
            self._skip(file.path, str(problem))
        except OSError as problem:  # it is gone, or must not be read
            self._skip(file.path, problem.strerror or str(problem))
        self.passed += 1
        return None

    def _skip(self, path: str, reason: str) -> None:
        self._report.skipped.append(Skipped(as_text(path), reason))

    def add(self, photograph: Photograph) -> None:
        """Take in a photograph; write once there are enough."""
        files = self._copies.pop(photograph.sha256, [])
        path, problem = str(photograph.path), photograph.problem
        if not photograph.sha256 or not files:
            self._refused[path] = problem.reason if problem else CHANGED
            self._skip(path, self._refused[path])
            return
        if problem is not None:
            self._skip(path, problem.reason)
        self._batch.append((photograph, files))
        self._write_in_time()

    def _write_in_time(self) -> None:
        if len(self._batch) >= BATCH or monotonic() - self._since > SECONDS:
            self.write()

    def finish(self) -> None:
        """Write the rest, and tell which copies of a file that could not be taken were left, and why."""
        self.write()
        for first, *copies in self._copies.values():
            for file in copies:
                self._skip(file.path, f"a copy of {first.path!r}: {self._refused.get(first.path, CHANGED)}")

    def write(self) -> None:
        """Bring what waits to the disk, in one transaction."""
        with self._collection.writing() as connection:
            self._see_others(connection)
            for photograph, files in self._batch:
                if photograph.sha256 in self._ids:
                    self._moved += [(file, self._ids[photograph.sha256]) for file in files]
                    continue
                own = add_photograph(connection, photograph)
                self._ids[photograph.sha256] = own
                self._moved += [(file, own) for file in files]
                self._report.new += photograph.problem is None
                everybody = range(1, len(photograph.chips) + 1)
                self._report.faces += add_faces(connection, photograph, own, everybody, keep_chips=self._keep_faces)
            self._report.moved += len(self._moved) - len(self._batch)
            for file, own in self._moved:
                values = {"photograph_id": own, "bytes": file.bytes, "modified": file.modified, "gone": False}
                if file.path in self._places:
                    connection.execute(update(places).where(places.c.path == file.path).values(values))
                else:
                    connection.execute(insert(places).values(path=file.path, **values))
                self._places[file.path] = (file.bytes, file.modified, False)
        self._batch, self._moved, self._since = [], [], monotonic()

    def _see_others(self, connection: Connection) -> None:
        """Take in what others, at work at the same time, have written of this batch, or removed."""
        digests = [photograph.sha256 for photograph, _ in self._batch]
        query = select(photographs.c.sha256, photographs.c.id).where(photographs.c.sha256.in_(digests))
        self._ids.update((row.sha256, row.id) for row in connection.execute(query))
        there: set[int] = set()
        for part in parts([own for _, own in self._moved]):
            there.update(connection.scalars(select(photographs.c.id).where(photographs.c.id.in_(part))))
        for file, own in self._moved:
            if own not in there:
                self._skip(file.path, "its photograph was removed meanwhile; index it again")
        self._moved = [(file, own) for file, own in self._moved if own in there]
        paths = [file.path for _, files in self._batch for file in files] + [file.path for file, _ in self._moved]
        for some in parts(paths):
            for path in connection.scalars(select(places.c.path).where(places.c.path.in_(some))):
                self._places.setdefault(path, (-1, -1, False))


def _check_makers(collection: Collection, embedder: Embedder, detector: Detector | None) -> None:
    maker, finder = EmbedderId(embedder.name, embedder.sha256), detector_in_words(detector)
    with collection.writing() as connection:
        if setting(connection, KEPT_FOR) is not None:
            raise InputError(
                f"{collection.location} keeps the unknown faces of a server for a time only: index into another file"
            )
        made_by = embedder_of(connection)
        if made_by is None:
            if connection.scalar(select(faces.c.id).limit(1)) is not None:
                raise GalleryError(
                    f"{collection.location} is damaged: it no longer says which embedder made its faces. Index the "
                    "photographs into another collection"
                )
            keep_setting(connection, "embedder", list(maker))
            keep_setting(connection, "detector", finder)
        found_by = detector_of(connection)
    if made_by not in (None, maker):
        raise InputError(
            f"the faces of {collection.location} were embedded by {made_by}, not by {maker}: they cannot be compared. "
            "Index into another collection"
        )
    if found_by != finder:
        raise InputError(
            f"the faces of {collection.location} were found by {found_by}, not by {finder}: index with that detector, "
            "or into another collection"
        )


def _note_gone(collection: Collection, tree: Tree, report: Indexed) -> None:
    """Note files that are there no more in the folders looked through; drop those whose content is elsewhere."""
    there = {file.path for file in tree.files}
    folders = tuple(f"{folder}{os.sep}" for folder in tree.folders)
    unread = tuple(f"{path}{os.sep}" for path in tree.unread)
    with collection.writing() as connection:
        rows = connection.execute(select(places.c.path, places.c.photograph_id).where(places.c.gone.is_(False))).all()
        lost = [
            row
            for row in rows
            if row.path not in there and row.path.startswith(folders) and not f"{row.path}{os.sep}".startswith(unread)
        ]
        lost_paths = {row.path for row in lost}
        remaining = {row.photograph_id for row in rows if row.path not in lost_paths}
        for path, photograph_id in lost:
            row = places.c.path == path
            if photograph_id in remaining:
                connection.execute(delete(places).where(row))
            else:
                connection.execute(update(places).where(row).values(gone=True))
        report.gone = len({row.photograph_id for row in lost} - remaining)
