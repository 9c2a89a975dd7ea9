"""Exact search for the subjects most like a face: an index in memory, and one in PostgreSQL."""

from functools import partial
from threading import RLock
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary, proxy

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Double, Select, bindparam, distinct, func, literal, select, union_all

from faceloupe.errors import InputError
from faceloupe.gallery import trail
from faceloupe.gallery.coarse import CoarseMatrix, can_be_coarse
from faceloupe.gallery.database import Database
from faceloupe.gallery.matrix import Matrix
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import Vector, audit, references
from faceloupe.gallery.soundness import usual_dimensions
from faceloupe.gallery.templates import PART, Floats, Ids, made_by, parts, references_by, vectors_of

Scores = NDArray[np.float64]

COARSE_FROM = 1_000_000
"""References from which on bytes are kept in memory and not floats, where the extra ``onnx`` is there: a quarter of 512
MB. One probe then takes about as long, many at once up to twice as long."""

PROBES = 16
"""Faces that PostgreSQL compares with all references in one go."""


class Size(NamedTuple):
    """The size of an index: references, and their subjects."""

    subjects: int
    references: int


class Index(Protocol):
    """A search for the subjects most like a probe, among the references of one embedder in one gallery.

    It answers for the gallery as it is now, whoever changed it.
    """

    def search(self, vectors: Floats, ranks: int) -> tuple[Ids, Scores]:
        """Compare each probe with every reference; of each subject the best one counts.

        Parameters
        ----------
        vectors : array of float32, (P, D)
            The probes' vectors, of length 1.
        ranks : int
            Number of subjects wanted, at least 1.

        Returns
        -------
        subjects : array of int64, (P, R)
            Their ids: highest score first, of equal ones the lower id first. R is `ranks`, or the number of subjects
            if there are fewer.
        scores : array of float64, (P, R)
            Cosines, at most 1.

        Raises
        ------
        InputError
            If the vectors have not the references' dimensions, or `ranks` is below 1.
        GalleryError
            If the gallery cannot be read.
        """

    def size(self) -> Size:
        """Return the size of what is searched."""


class MatrixIndex:
    """Exact search in memory, over a copy of the references that follows the gallery.

    Before each search it asks for the trail's rows since the last one that it has seen, and reads the references of the
    subjects that they name again, also when another process wrote them. The rows of who was forgotten are overwritten
    then, not before. Any number of threads may share it; they take turns.

    Parameters
    ----------
    database : Database
    embedder : EmbedderId
        Embedder of the references to search.
    """

    def __init__(self, database: Database, embedder: EmbedderId) -> None:
        self._database = database
        self._embedder = embedder
        self._matrix: Matrix | CoarseMatrix = Matrix(0)  # while there is no reference, its dimensions are not known
        self._seen = self._subjects = 0
        self._lock = RLock()

    def search(self, vectors: Floats, ranks: int) -> tuple[Ids, Scores]:
        """Find the subjects that are most like each probe, see :meth:`Index.search`."""
        with self._lock, self._database.reading() as connection:
            self._take_in(connection)
            _check(vectors, ranks, self._matrix.dimensions if len(self._matrix) else None)
            if isinstance(self._matrix, CoarseMatrix):
                return self._matrix.search(vectors, ranks, partial(vectors_of, connection))
            return self._matrix.search(vectors, ranks)

    def size(self) -> Size:
        """Return the size of what is searched."""
        with self._lock:
            self.refresh()
            return Size(self._subjects, len(self._matrix))

    def refresh(self) -> None:
        """Take in what changed in the gallery.

        Raises
        ------
        GalleryError
            If the gallery cannot be read.
        """
        with self._lock, self._database.reading() as connection:
            self._take_in(connection)

    def _take_in(self, connection: Connection) -> None:
        last = trail.last(connection)
        if last == self._seen:
            return
        last_seen, self._seen = self._seen, 0  # all is read anew after a failure in the middle
        if last_seen == 0 or not len(self._matrix):
            self._matrix = self._empty(connection)
            self._subjects = len(self._read(connection, references_by(self._embedder)))
        else:
            query = select(audit.c.subject_id).where(audit.c.id > last_seen, audit.c.subject_id.is_not(None))
            changed = sorted(set(connection.scalars(query)))
            self._subjects -= self._matrix.drop(np.array(changed, dtype=np.int64))
            for start in range(0, len(changed), PART):
                # By their numbers: for a query within the query SQLite looked through all subjects.
                own = references.c.subject_id.in_(changed[start : start + PART])
                self._subjects += len(self._read(connection, references_by(self._embedder).where(own)))
        self._seen = last

    def _empty(self, connection: Connection) -> Matrix | CoarseMatrix:
        dimensions = usual_dimensions(connection, self._embedder)
        count = connection.scalar(select(func.count()).select_from(references).where(made_by(self._embedder))) or 0
        return CoarseMatrix(dimensions) if count >= COARSE_FROM and can_be_coarse() else Matrix(dimensions)

    def _read(self, connection: Connection, rows: Select[Any]) -> set[int]:
        """Add the references that a query finds, and return whose they are."""
        subject_ids: set[int] = set()
        for part in parts(connection, rows, self._matrix.dimensions):
            subject_ids.update(part.subjects.tolist())
            if isinstance(self._matrix, CoarseMatrix):
                self._matrix.add(part.vectors, part.subjects, part.references)
            else:
                self._matrix.add(part.vectors, part.subjects)
        return subject_ids


class PostgresIndex:
    """Exact search in a PostgreSQL database by pgvector's inner product, in single precision; nothing is copied.

    The faces of a photograph are searched for together: the references are looked at once.

    Parameters
    ----------
    database : Database
        On PostgreSQL.
    embedder : EmbedderId
        Embedder of the references to search.
    """

    def __init__(self, database: Database, embedder: EmbedderId) -> None:
        self._database = database
        self._embedder = embedder
        self._known = 0, Size(0, 0), 0  # last line of the trail then, size and dimensions: to count is to look at all

    def search(self, vectors: Floats, ranks: int) -> tuple[Ids, Scores]:
        """Find the subjects that are most like each probe, see :meth:`Index.search`."""
        with self._database.reading() as connection:
            _, _, dimensions = self._counted(connection)
            _check(vectors, ranks, dimensions or None)
            rows: list[Any] = []
            for start in range(0, len(vectors), PROBES):
                part = self._nearest(vectors[start : start + PROBES], ranks)
                rows += connection.execute(part).all()
        shape = (len(vectors), len(rows) // max(len(vectors), 1))
        owners, scores = ([row[column] for row in rows] for column in (1, 2))
        return np.array(owners, dtype=np.int64).reshape(shape), np.array(scores, dtype=np.float64).reshape(shape)

    def size(self) -> Size:
        """Return the size of what is searched."""
        with self._database.reading() as connection:
            return self._counted(connection)[1]

    def _counted(self, connection: Connection) -> tuple[int, Size, int]:
        last = trail.last(connection)
        if self._known[0] != last:
            counts = select(func.count(distinct(references.c.subject_id)), func.count()).where(made_by(self._embedder))
            size = Size(*connection.execute(counts).one())
            self._known = last, size, usual_dimensions(connection, self._embedder)
        return self._known

    def _nearest(self, vectors: Floats, ranks: int) -> Select[Any]:
        """Select number of the probe, subject and score, the best first; all references are looked at once."""
        # The operator returns the negative of the product: it is made for sorting the nearest first.
        negative: Any = references.c.vector.op("<#>", return_type=Double())
        scores = [
            func.least(-func.min(negative(bindparam(f"probe{place}", vector, Vector()))), 1.0).label(f"score{place}")
            for place, vector in enumerate(vectors)
        ]
        fits = func.vector_dims(references.c.vector) == vectors.shape[1]
        query = select(references.c.subject_id, *scores).where(made_by(self._embedder), fits)
        best = query.group_by(references.c.subject_id).cte("best")
        parts = [
            select(literal(place).label("place"), best.c.subject_id, best.c[f"score{place}"].label("score"))
            .order_by(best.c[f"score{place}"].desc(), best.c.subject_id)
            .limit(ranks)
            .subquery()
            for place in range(len(vectors))
        ]
        ranked = union_all(*map(select, parts)).subquery()
        return select(ranked).order_by(ranked.c.place, ranked.c.score.desc(), ranked.c.subject_id)


def index_of(database: Database, embedder: EmbedderId) -> Index:
    """Return the index of a gallery's references by one embedder: in PostgreSQL if they are there.

    It is made once and lives as long as the database object.

    Raises
    ------
    GalleryError
        If the gallery cannot be read.
    """
    with database.reading() as connection:
        kind = PostgresIndex if connection.dialect.name == "postgresql" else MatrixIndex
    with _lock:
        indexes = _indexes.setdefault(database, {})
        # By proxy, or the index would keep the database alive that it should go with.
        return indexes.setdefault(embedder, kind(proxy(database), embedder))


_indexes: WeakKeyDictionary[Database, dict[EmbedderId, Index]] = WeakKeyDictionary()
_lock = RLock()


def _check(vectors: Floats, ranks: int, dimensions: int | None) -> None:
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != (dimensions or vectors.shape[1]):
        raise InputError(f"vectors: expected float32, (P, {dimensions or 'D'}), got {vectors.dtype}, {vectors.shape}")
    if ranks < 1:
        raise InputError(f"ranks: expected 1 or more, got {ranks}")
