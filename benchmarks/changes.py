"""What a change costs in a large gallery: the search after it, and forgetting several people.

A gallery of N subjects with one template of 128 numbers each, in a file. Searched for one probe: with nothing changed,
after one enrolment, after somebody was forgotten, and by a new program, which reads everything. Then eight people are
forgotten one by one, and eight together. Interleaved repetitions, medians, one process, its processor time.

    python benchmarks/changes.py [N] [URL]

With the URL of an empty database on PostgreSQL it is filled likewise, and 13 faces are searched for there, one by one
and together, by the clock.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from faceloupe.gallery import EmbedderId, Gallery, open_gallery, trail
from faceloupe.gallery.database import Database
from faceloupe.gallery.index import MatrixIndex, PostgresIndex
from faceloupe.gallery.schema import references, subjects

DIMENSIONS, RANKS, AT_ONCE, REPETITIONS, TOGETHER = 128, 5, 20_000, 5, 8
MAKER = EmbedderId("random", "ab" * 32)
QUALITY = {
    "eye_distance": 60.0, "sharpness": 30.0, "brightness": 0.5, "clipped": 0.0, "detection_score": 0.95,
    "pose": {"yaw": 0.0, "pitch": 0.0, "roll": 0.0}, "embedding_norm": 14.0,
}  # fmt: skip

rng = np.random.default_rng(0)


def main() -> None:
    """Print the table."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with TemporaryDirectory() as folder:
        path = Path(folder, "faces.db")
        with open_gallery(path, create=True) as gallery:
            for start in range(0, size, AT_ONCE):
                add(gallery, range(start, min(start + AT_ONCE, size)))
            print(f"{size:,} subjects, {path.stat().st_size / 1e6:,.0f} MB; seconds of the processor, medians")
            searches(gallery, path, size)
            forgetting(gallery, size)
    if len(sys.argv) > 2:
        on_a_server(sys.argv[2], size)


def on_a_server(url: str, size: int) -> None:
    """Print what a search for the faces of a photograph takes on PostgreSQL."""
    with open_gallery(url, create=True) as gallery:
        for start in range(0, size, AT_ONCE):
            add(gallery, range(start, min(start + AT_ONCE, size)))
    database, probes = Database(url), units(13)
    index = PostgresIndex(database, MAKER)
    index.search(probes[:1], RANKS)
    alone: list[float] = []
    together: list[float] = []
    for _ in range(REPETITIONS):
        alone.append(seconds(lambda: [index.search(probe[np.newaxis], RANKS) for probe in probes], perf_counter))
        together.append(seconds(lambda: index.search(probes, RANKS), perf_counter))
    print(f"PostgreSQL, {len(probes)} faces one by one {median(alone):13.4f}")
    print(f"PostgreSQL, {len(probes)} together         {median(together):13.4f}", end="   ")
    print(f"{median(alone) / median(together):7.1f} times as fast")
    database.close()


def searches(gallery: Gallery, path: Path, size: int) -> None:
    """Print what a search takes after each kind of change."""
    database, probe = Database(path), units(1)
    index = MatrixIndex(database, MAKER)
    index.search(probe, RANKS)
    cases: dict[str, Callable[[int], Any]] = {
        "nothing changed": lambda _: None,
        "after one enrolment": lambda turn: add(gallery, range(size + turn, size + turn + 1)),
        "after one was forgotten": lambda turn: gallery.forget(1 + turn, erased=False),
    }
    taken: dict[str, list[float]] = {name: [] for name in [*cases, "reading everything"]}
    for turn in range(REPETITIONS):
        for name, change in cases.items():
            change(turn)
            taken[name].append(seconds(lambda: (index.search(probe, RANKS), index.size())))
        new = MatrixIndex(database, MAKER)
        taken["reading everything"].append(seconds(partial(new.search, probe, RANKS)))
    everything = median(taken["reading everything"])
    for name, times in taken.items():
        print(f"search, {name:24} {median(times):9.4f}   {everything / median(times):7.1f} times as fast as all anew")
    database.close()


def forgetting(gallery: Gallery, size: int) -> None:
    """Print what it takes to forget several people, one by one and together."""
    numbers = iter(range(size // 2, size))
    alone = seconds(lambda: [gallery.forget(next(numbers)) for _ in range(TOGETHER)])

    def at_once() -> None:
        for _ in range(TOGETHER):
            gallery.forget(next(numbers), erased=False)
        gallery.erase()

    together = seconds(at_once)
    print(f"forgetting {TOGETHER}, one by one {alone:20.4f}")
    print(f"forgetting {TOGETHER} together    {together:20.4f}   {alone / together:7.1f} times as fast")


def add(gallery: Gallery, numbers: range) -> None:
    """Add subjects with a reference each."""
    now = datetime.now(UTC)
    common = {
        "embedder": MAKER.name, "weights_sha256": MAKER.sha256, "dimensions": DIMENSIONS, "quality": QUALITY,
        "face": None, "created": now,
    }  # fmt: skip
    people = [{"id": n + 1, "name": f"Somebody {n}", "consent": "", "created": now} for n in numbers]
    rows = [
        {"subject_id": n + 1, "vector": vector, "source_sha256": f"{n:064x}", **common}
        for n, vector in zip(numbers, units(len(numbers)), strict=True)
    ]
    with gallery.writing() as connection:
        connection.execute(insert(subjects), people)
        connection.execute(insert(references), rows)
        trail.note(connection, "import", numbers[0] + 1)


def units(count: int) -> NDArray[np.float32]:
    """Return random vectors of length 1, (count, DIMENSIONS)."""
    vectors = rng.standard_normal((count, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def seconds(call: Callable[[], Any], clock: Callable[[], float] = process_time) -> float:
    """Return how long something takes, by the processor's time or the clock's."""
    started = clock()
    call()
    return clock() - started


if __name__ == "__main__":
    main()
