"""Approximate search on PostgreSQL by pgvector's HNSW index, with the recall that was measured on the gallery itself.

An HNSW index (Malkov & Yashunin 2018, "Efficient and robust approximate nearest neighbor search using hierarchical
navigable small world graphs", doi:10.1109/TPAMI.2018.2889473) links each reference with near ones, and a search follows
the links. It looks at some hundred references where the exact search looks at all, and may miss some. How many depends
on the breadth of the search, which is chosen by a table that is measured here and kept as the index's comment.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from time import perf_counter

import numpy as np
from sqlalchemy import Connection, func, select

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import hnsw_statements, trail
from faceloupe.gallery.database import BUSY_SECONDS, Database
from faceloupe.gallery.hnsw_building import create
from faceloupe.gallery.hnsw_state import HnswState, read_state
from faceloupe.gallery.matrix import search_parts
from faceloupe.gallery.recall import MOST_CHANGED, RANKS, Recall, RecallTable, misses, turned
from faceloupe.gallery.records import EmbedderId
from faceloupe.gallery.schema import references
from faceloupe.gallery.soundness import sound_rows, usual_dimensions
from faceloupe.gallery.templates import Floats, made_by, parts, references_by, vectors_of
from faceloupe.progress import Progress

BREADTHS = (20, 40, 80, 160, 320, 640, 1000)
"""Breadths at which recall is measured, none smaller than ``RANKS``; pgvector takes up to 1,000."""


class Hnsw:
    """The HNSW index of a gallery on PostgreSQL, for the references of one embedder: ``gallery.hnsw``.

    What is enrolled later is added to it by the server, and nobody who is forgotten is found any more. Erasing the
    bytes of who was forgotten builds the tables anew, and with them this index.

    Parameters
    ----------
    database : Database
    embedder : EmbedderId

    Raises
    ------
    InputError
        If the gallery is not on PostgreSQL.
    """

    def __init__(self, database: Database, embedder: EmbedderId) -> None:
        if database.path is not None:
            raise InputError(
                f"{database.name} is searched exactly: a gallery in a file has no HNSW index, and takes no recall. One "
                "on PostgreSQL may have (faceloupe export and import move a gallery there)"
            )
        self._database, self._embedder = database, embedder
        self._name = f"references_hnsw_{sha256(repr(tuple(embedder)).encode()).hexdigest()[:16]}"

    def state(self) -> HnswState | None:
        """Return what is known of the index; None if there is none that can be searched.

        Raises
        ------
        GalleryError
            If the gallery cannot be read.
        """
        with self._database.reading() as connection:
            return self._state(connection)

    def build(self, m: int = 16, ef_construction: int = 64, *, progress: Progress | None = None) -> list[str]:
        """Build the index, while others read and write. It is searched once its recall is measured.

        Parameters
        ----------
        m : int
            Links of a reference on each layer, 2 to 100.
        ef_construction : int
            Breadth of the search for these links, from 2 `m` to 1,000. More of either raises the recall at a breadth,
            and the time and the memory that building takes.
        progress : callable, optional
            Called with how much of the table is done, and of how much.

        Returns
        -------
        list of str
            What to know about how it was built: that the server's memory for it was too small.

        Raises
        ------
        InputError
            If a number is not in its range, or there is such an index already.
        GalleryError
            If there is nothing to build it of, the user may not, or the server refuses. Nothing is left then.
        """
        if not 2 <= m <= 100 or not 2 * m <= ef_construction <= 1000:
            raise InputError(
                f"expected m from 2 to 100 and ef_construction from 2 m to 1,000; got {m} and {ef_construction}"
            )
        with self._database.reading() as connection:
            if self._state(connection) is not None:
                raise InputError(f"{self._database.name} has an HNSW index: faceloupe hnsw drop removes it")
            dimensions = usual_dimensions(connection, self._embedder)
        if not dimensions:
            raise GalleryError(f"{self._database.name} holds no reference by {self._embedder}: enrol people first.")
        self._remove()  # what a building that was cut off has left
        started = perf_counter()
        try:
            remarks = create(self._database, self._name, self._embedder, dimensions, m, ef_construction, progress)
        except BaseException:
            with suppress(GalleryError):
                self._remove()
            raise
        with self._database.writing() as connection:
            seconds = round(perf_counter() - started)
            trail.note(connection, "build hnsw", m=m, ef_construction=ef_construction, seconds=seconds)
        return remarks

    def measure(self, probes: int = 1000, *, seed: int = 0, progress: Progress | None = None) -> RecallTable:
        """Measure the recall against the exact search, and keep it with the index.

        Probes are made of references of as many subjects, drawn at random, each turned in a random direction until its
        cosine with the reference is 0.6. Were the references themselves taken, the index's own links would lead from
        them to their neighbours. All references are read once.

        Parameters
        ----------
        probes : int
            At least 100; or the number of subjects if there are fewer.
        seed : int
        progress : callable, optional
            Called with how many searches are done, and of how many.

        Raises
        ------
        InputError
            If there is no index, or too few probes are asked for.
        GalleryError
            If the gallery cannot be read or written, or no whole reference is left in it.
        """
        if probes < 100:
            raise InputError(f"probes: expected 100 or more, got {probes}: fewer show no recall worth asking for")
        with self._database.reading() as connection:
            state = self._known(connection)
            rng = np.random.default_rng(seed)
            vectors = turned(self._sample(connection, probes, state.dimensions, rng), rng)
            newest, line = connection.scalar(select(func.max(references.c.id))) or 0, trail.last(connection)
            everybody = parts(connection, references_by(self._embedder), state.dimensions)
            nearest, size = search_parts(everybody, vectors, RANKS)
            missed = {}
            for place, ef in enumerate(BREADTHS):
                reached = self._search(connection, vectors, RANKS, ef, state.dimensions)
                missed[ef] = misses(nearest, [subjects for subjects, _ in reached])
                if progress is not None:
                    progress(place + 1, len(BREADTHS))
                if not any(missed[ef]):
                    break  # a greater breadth finds them too
        table = RecallTable(len(vectors), size, newest, line, state.build, missed)
        comment = json.dumps(table.to_document()).replace("'", "''")
        with self._database.writing() as connection:
            connection.exec_driver_sql(f"COMMENT ON INDEX {self._name} IS '{comment}'")
            trail.note(connection, "measure hnsw", probes=len(vectors), references=size)
        return table

    def drop(self) -> None:
        """Remove the index; searches are exact from then on.

        Raises
        ------
        InputError
            If there is none.
        GalleryError
            If the user may not, or somebody keeps the tables in use.
        """
        with self._database.reading() as connection:
            self._known(connection)
        self._remove()
        with self._database.writing() as connection:
            trail.note(connection, "drop hnsw")

    def search(self, vectors: Floats, ranks: int, least: float) -> tuple[list[tuple[list[int], list[float]]], Recall]:
        """Find the subjects that are most like each probe, but for those that are missed.

        The score of whoever is found is that of the best of all references of that subject, as the exact search has it.

        Parameters
        ----------
        vectors : array of float32, (P, D)
            Unit vectors.
        ranks : int
            Number of subjects wanted, at least 1.
        least : float
            Recall that is asked for; the smallest breadth that was shown to reach it is taken.

        Returns
        -------
        tuple of (nearest, recall)
            `nearest` is a list with a pair for each probe: the numbers of the subjects and their scores, the best
            first. `recall` is what was measured at this breadth, and what has changed since.

        Raises
        ------
        InputError
            If there is no index, its recall was not measured, or more than a tenth of the references (``MOST_CHANGED``)
            have come or gone since; or as :meth:`RecallTable.choose`.
        """
        with self._database.reading() as connection:
            state = self._known(connection)
            if state.table is None:
                raise InputError(f"recall: that of {self._database.name} was not measured: faceloupe hnsw measure does")
            if vectors.shape[1:] != (state.dimensions,):
                raise InputError(f"vectors: expected (P, {state.dimensions}), got {vectors.shape}")
            if ranks < 1:
                raise InputError(f"ranks: expected 1 or more, got {ranks}")
            if state.n_changed > MOST_CHANGED * state.table.n_references:
                raise InputError(
                    f"recall: that of {self._database.name} was measured among {state.table.n_references:,} "
                    f"references, and {state.n_changed:,} have come or gone since, more than "
                    f"{100 * MOST_CHANGED:.0f} %: faceloupe hnsw measure measures it anew. Without a recall search is "
                    "exact"
                )
            recall = replace(state.table.choose(least, ranks), n_changed=state.n_changed, rebuilt=state.rebuilt)
            return list(self._search(connection, vectors, ranks, recall.ef, state.dimensions)), recall

    def _state(self, connection: Connection) -> HnswState | None:
        return read_state(connection, self._name, self._embedder)

    def _known(self, connection: Connection) -> HnswState:
        state = self._state(connection)
        if state is None:
            raise InputError(
                f"{self._database.name} has no HNSW index of references by {self._embedder}, so there is no recall to "
                "ask for: faceloupe hnsw build makes one"
            )
        return state

    def _remove(self) -> None:
        with self._database.bare() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_SECONDS}s'")
            connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {self._name}")

    def _sample(self, connection: Connection, count: int, dimensions: int, rng: np.random.Generator) -> Floats:
        """Return the vectors of one whole reference each of subjects drawn at random, (P, D)."""
        fits = func.vector_dims(references.c.vector) == dimensions
        first = select(func.min(references.c.id)).where(made_by(self._embedder), fits).group_by(references.c.subject_id)
        numbers = np.sort(np.array(connection.scalars(first).all(), dtype=np.int64))
        sample = rng.choice(numbers, min(count, len(numbers)), replace=False)
        vectors = vectors_of(connection, sample) if len(sample) else np.empty((0, dimensions), np.float32)
        vectors = vectors[sound_rows(list(vectors), dimensions)]
        if not len(vectors):
            raise GalleryError(
                f"{self._database.name} holds no whole reference by {self._embedder} to measure with: enrol people "
                "first."
            )
        return vectors

    def _search(
        self, connection: Connection, vectors: Floats, ranks: int, ef: int, dimensions: int
    ) -> Iterator[tuple[list[int], list[float]]]:
        connection.exec_driver_sql(f"SET LOCAL hnsw.ef_search = {ef}")
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # or a small table would be sorted: that is exact
        query = hnsw_statements.nearest(self._embedder, dimensions, ranks, ef)
        for vector in vectors:
            rows = connection.execute(query, {"probe": vector}).all()
            yield [row.subject_id for row in rows], [row.score for row in rows]
