"""Approximate search on PostgreSQL: the recall that was asked for, measured and met, and the time against exact search.

    python benchmarks/hnsw.py URL [REFERENCES] [--lfw FOLDER]

URL is that of an empty database with pgvector. It is filled with made-up vectors that are not faces: 500 centres at
random, subjects about a centre (cosine 0.45 with it), four references about each subject (cosine 0.8), of 128 numbers.
1,000 fresh probes are further such vectors about subjects that are there. With --lfw, the templates of the photographs
in a folder NAME/*.jpg too: everybody's last photograph is a fresh probe where there are others, all else is enrolled.

Faceloupe builds its index and measures the recall by probes that it makes of the references. Printed are the breadth
that it takes for each recall asked for, what it had measured there, what the fresh probes meet, and how many times as
fast one probe is as by the exact search of PostgreSQL (medians, interleaved, by the clock, one run).
"""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from changes import DIMENSIONS, QUALITY, seconds
from faceloupe.errors import InputError
from faceloupe.evaluation.embedding import embed_captures
from faceloupe.gallery import EmbedderId, Gallery, open_gallery, trail
from faceloupe.gallery.database import Database
from faceloupe.gallery.hnsw import Hnsw
from faceloupe.gallery.index import MatrixIndex, PostgresIndex
from faceloupe.gallery.schema import UNKNOWN, references, subjects
from faceloupe.recognition import FaceSearch, SFace

RECALLS, RANKS, TIMED, AT_ONCE = (0.9, 0.95, 0.98, 0.99, 0.995), (1, 5), 25, 20_000
CENTRES, PER_SUBJECT, FRESH = 500, 4, 1000

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

rng = np.random.default_rng(0)


def main() -> None:
    """Fill, build, measure and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("references", type=int, nargs="?", default=50_000)
    parser.add_argument("--lfw", type=Path)
    arguments = parser.parse_args()
    open_gallery(arguments.url, create=True).close()
    if arguments.lfw:
        compare("real templates", arguments.url, EmbedderId("sface", "ab" * 32), *real(arguments.lfw))
    compare("made-up vectors", arguments.url, EmbedderId("made up", "ab" * 32), *made_up(arguments.references))


def made_up(count: int) -> tuple[Floats, Ids, Floats]:
    """Return vectors, the subject of each, and fresh probes."""
    centres = units(rng.normal(size=(CENTRES, DIMENSIONS)))
    own = about(centres[rng.integers(0, CENTRES, count // PER_SUBJECT)], 0.45)
    owners = np.arange(count) // PER_SUBJECT
    return about(own[owners], 0.8), owners, about(own[rng.integers(0, len(own), FRESH)], 0.8)


def real(folder: Path) -> tuple[Floats, Ids, Floats]:
    """Return the same of photographs."""
    paths = sorted(folder.glob("*/*.jpg"))
    vectors = embed_captures(paths, [SFace()], FaceSearch("central")).vectors["sface"]
    usable = vectors.any(axis=1)
    names = np.unique([path.parent.name for path in paths], return_inverse=True)[1][usable]
    vectors = vectors[usable]
    last = np.append(names[1:] != names[:-1], True) & np.insert(names[1:] == names[:-1], 0, values=False)
    return vectors[~last], names[~last], vectors[last]


def compare(what: str, url: str, maker: EmbedderId, vectors: Floats, owners: Ids, fresh: Floats) -> None:
    """Print the table of one kind of vectors."""
    with open_gallery(url) as gallery:
        for start in range(0, len(vectors), AT_ONCE):
            add(gallery, maker, vectors[start : start + AT_ONCE], owners[start : start + AT_ONCE])
    database = Database(url)
    with database.bare() as connection:
        connection.exec_driver_sql("ANALYZE")
    hnsw = Hnsw(database, maker)
    begun = perf_counter()
    remarks = hnsw.build()
    built = perf_counter()
    table = hnsw.measure()
    state = hnsw.state()
    print(f"{what}: {len(vectors):,} references of {len(np.unique(owners)):,} subjects; {len(fresh):,} fresh probes")
    print(f"built in {built - begun:.0f} s, {state.megabytes if state else 0:.0f} MB; recall measured in "
          f"{perf_counter() - built:.0f} s", *remarks, flush=True)  # fmt: skip
    for ef in table.missed:
        at = [table.recall(ef, ranks) for ranks in RANKS]
        print(f"  breadth {ef:5d}" + "".join(f"   @{each.ranks} {each.value:.4f}" for each in at))
    truth = MatrixIndex(database, maker).search(fresh, max(RANKS))[0]
    print("  asked   @  breadth  measured [95 % interval]   fresh probes   times as fast as exact")
    for ranks, asked in ((ranks, asked) for ranks in RANKS for asked in RECALLS):
        try:
            found, recall = hnsw.search(fresh, ranks, asked)
        except InputError as problem:
            print(f"  {asked:<6} {ranks:2d}  {str(problem)[:90]}")
            continue
        met = np.mean([len(set(own) & set(best[:ranks])) / ranks for (own, _), best in zip(found, truth, strict=True)])
        low, high = recall.interval.low, recall.interval.high
        print(f"  {asked:<6} {ranks:2d}  {recall.ef:7d}  {recall.value:.4f} [{low:.4f}, {high:.4f}]  {met:13.4f}   "
              f"{ratio(database, maker, fresh, ranks, asked)}", flush=True)  # fmt: skip
    database.close()


def ratio(database: Database, maker: EmbedderId, fresh: Floats, ranks: int, asked: float) -> str:
    """Return how many times as fast one probe is, and both times."""
    exact, hnsw = PostgresIndex(database, maker), Hnsw(database, maker)
    times: tuple[list[float], list[float]] = [], []
    for probe in each(fresh[:TIMED]):
        times[0].append(seconds(partial(exact.search, probe, ranks), perf_counter))
        times[1].append(seconds(partial(hnsw.search, probe, ranks, asked), perf_counter))
    whole, part = map(median, times)
    return f"{whole / part:8.1f}   ({1e3 * whole:.1f} ms, {1e3 * part:.1f} ms)"


def each(vectors: Floats) -> Iterator[Floats]:
    """Yield vectors one by one, (1, D)."""
    return (vector[np.newaxis] for vector in vectors)


def add(gallery: Gallery, maker: EmbedderId, vectors: Floats, owners: Ids) -> None:
    """Add references, and their subjects where they are new."""
    common = {"embedder": maker.name, "weights_sha256": maker.sha256, "dimensions": DIMENSIONS, "quality": QUALITY,
              "face": None, "created": UNKNOWN}  # fmt: skip
    with gallery.writing() as connection:
        known = dict(gallery.names())
        new = [{"name": f"{maker.name} {owner}", "consent": "", "created": UNKNOWN}
               for owner in np.unique(owners) if f"{maker.name} {owner}" not in known]  # fmt: skip
        if new:
            connection.execute(insert(subjects), new)
        known = dict(connection.execute(subjects.select().with_only_columns(subjects.c.name, subjects.c.id)).all())
        first = gallery.n_references(maker)
        rows = [
            {"subject_id": known[f"{maker.name} {owner}"], "vector": vector, "source_sha256": f"{first + n:064x}"}
            | common
            for n, (owner, vector) in enumerate(zip(owners.tolist(), vectors, strict=True))
        ]
        connection.execute(insert(references), rows)
        trail.note(connection, "import", rows[0]["subject_id"])


def about(vectors: NDArray[np.floating], cosine: float) -> Floats:
    """Return unit vectors with this cosine, on average, with unit vectors."""
    return units(cosine * vectors + np.sqrt(1 - cosine**2) * units(rng.normal(size=vectors.shape)))


def units(vectors: NDArray[np.floating]) -> Floats:
    """Return vectors of length 1."""
    ones: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return ones


if __name__ == "__main__":
    main()
