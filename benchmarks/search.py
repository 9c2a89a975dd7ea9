"""How long exact search in a gallery takes, against plain NumPy and FAISS, with as many threads each.

Templates of 128 numbers, four of each subject. NumPy makes the products and finds the five highest (argpartition);
FAISS (IndexFlatIP) likewise; faceloupe finds the five best subjects, compared again in double precision; "bytes" is how
it does so from a million references on, with a quarter of the memory and the vectors fetched. Interleaved
repetitions, medians, one process for each number of threads. The last line says what a search in a gallery adds: it
asks for changes first.

    python benchmarks/search.py
"""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import faiss
import numpy as np
from numpy.typing import NDArray

from faceloupe.gallery import EmbedderId, open_gallery
from faceloupe.gallery.coarse import CoarseMatrix
from faceloupe.gallery.database import Database
from faceloupe.gallery.index import MatrixIndex
from faceloupe.gallery.matrix import Matrix

SIZES = (10_000, 100_000, 1_000_000)
PROBES = (1, 32)
DIMENSIONS, RANKS, REFERENCES = 128, 5, 4
SECONDS = 10.0  # spent on each line, with 7 repetitions or more and 500 or fewer
GOAL = 1.2

Floats = NDArray[np.float32]


def templates(n: int) -> tuple[Floats, Floats]:
    """Return n references, those of a subject alike, and 32 probes: every other one shows somebody in the gallery."""
    rng = np.random.default_rng(0)
    people = rng.standard_normal((n // REFERENCES, DIMENSIONS), dtype=np.float32)
    references = np.repeat(people, REFERENCES, axis=0)
    references += rng.standard_normal(references.shape, dtype=np.float32)
    probes = rng.standard_normal((max(PROBES), DIMENSIONS), dtype=np.float32)
    probes[::2] += people[: len(probes) // 2]
    return unit(references), unit(probes)


def unit(vectors: Floats) -> Floats:
    """Return vectors of length 1, in place."""
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def by_numpy(references: Floats, probes: Floats) -> NDArray[np.intp]:
    """Return the rows of the five highest products of each probe, in order."""
    products = (references @ probes[0])[np.newaxis] if len(probes) == 1 else probes @ references.T
    best = np.argpartition(products, -RANKS, axis=1)[:, -RANKS:]
    order = np.argsort(-np.take_along_axis(products, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)


def medians(searches: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each search, called in turns after one call that is not timed."""
    times: dict[str, list[float]] = {name: [] for name in searches}
    started = perf_counter()
    for repetition in range(501):
        for name, search in searches.items():
            took = seconds(search)
            if repetition:
                times[name].append(took)
        if repetition >= 7 and perf_counter() - started > SECONDS:
            break
    return {name: median(taken) for name, taken in times.items()}


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


def compare(references: Floats, probes: Floats) -> None:
    """Print a line for each number of probes."""
    subjects = np.arange(len(references)) // REFERENCES
    ours, flat = Matrix(DIMENSIONS), faiss.IndexFlatIP(DIMENSIONS)
    ours.add(references, subjects)
    flat.add(references)
    whole = np.arange(len(references))
    coarse = CoarseMatrix(DIMENSIONS)
    coarse.add(references, subjects, whole)
    for count in PROBES:
        some = probes[:count]
        found = ours.search(some, RANKS)[0][:, 0]
        assert (found == subjects[by_numpy(references, some)[:, 0]]).all()  # noqa: S101
        assert (found == subjects[flat.search(some, RANKS)[1][:, 0]]).all()  # noqa: S101
        took = medians(
            {
                "faceloupe": partial(ours.search, some, RANKS),
                "NumPy": partial(by_numpy, references, some),
                "FAISS": partial(flat.search, some, RANKS),
                "bytes": partial(coarse.search, some, RANKS, references.__getitem__),
            }
        )
        assert (coarse.search(some, RANKS, references.__getitem__)[1] == ours.search(some, RANKS)[1]).all()  # noqa: S101
        ratio = took["faceloupe"] / min(took["NumPy"], took["FAISS"])
        columns = "".join(f"{1e3 * value:11.3f}" for value in took.values())
        within = "yes" if ratio <= GOAL else "no"
        print(f"{faiss.omp_get_max_threads():7d}{len(references):11,d}{count:8d}{columns}{ratio:17.2f}  {within}")


def asking() -> float:
    """Return the median seconds that a gallery in a file takes to say that nothing has changed."""
    with TemporaryDirectory() as folder, open_gallery(Path(folder) / "faces.db", create=True):
        index = MatrixIndex(Database(Path(folder) / "faces.db"), EmbedderId("toy", ""))
        return medians({"refresh": index.refresh})["refresh"]


def main() -> None:
    """Print the table."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"threads  templates  probes       ours      NumPy   FAISS ms  x the better one  within {GOAL}", flush=True)
    for n_threads in sorted({1, os.cpu_count() or 1}):
        threads = {name: str(n_threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        subprocess.run([sys.executable, __file__, "lines"], env={**os.environ, **threads}, check=True)
    print(f"asking the gallery for changes before a search: {1e3 * asking():.3f} ms")


if __name__ == "__main__":
    if sys.argv[1:] == ["lines"]:
        for size in SIZES:
            compare(*templates(size))
    else:
        main()
