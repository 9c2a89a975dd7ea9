"""What a gallery of a million references takes: start, memory, one probe, a batch, an enrolment.

    python benchmarks/million.py [REFERENCES]

Random templates of 128 numbers, four references of each subject, in an SQLite file. A new process opens the gallery and
searches: seconds of its processor time, and its memory (VmRSS) before and after. Times after the first are medians.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import insert

from changes import DIMENSIONS, MAKER, QUALITY, RANKS, add, seconds, units
from faceloupe.gallery import Gallery, open_gallery, trail
from faceloupe.gallery.database import Database
from faceloupe.gallery.index import index_of
from faceloupe.gallery.schema import UNKNOWN, references, subjects
from tree import resident

REFERENCES, AT_ONCE, REPETITIONS = 4, 40_000, 5


def main() -> None:
    """Fill a gallery, and measure it in another process."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with TemporaryDirectory() as folder:
        path = Path(folder, "faces.db")
        with open_gallery(path, create=True) as gallery:
            filled = seconds(partial(fill_all, gallery, size))
        megabytes = path.stat().st_size / 1e6
        print(f"{size:,} references, {megabytes:,.0f} MB, filled in {filled:.0f} s of the processor", flush=True)
        subprocess.run([sys.executable, __file__, "measure", str(path), str(size)], check=True)


def fill_all(gallery: Gallery, size: int) -> None:
    """Add all references."""
    for start in range(0, size, AT_ONCE):
        fill(gallery, start)


def fill(gallery: Gallery, start: int) -> None:
    """Add references, four of each subject."""
    first, vectors = start // REFERENCES, units(AT_ONCE)
    common = {
        "embedder": MAKER.name, "weights_sha256": MAKER.sha256, "dimensions": DIMENSIONS, "quality": QUALITY,
        "face": None, "created": UNKNOWN,
    }  # fmt: skip
    people = [
        {"id": first + n + 1, "name": f"Somebody {first + n}", "consent": "", "created": UNKNOWN}
        for n in range(AT_ONCE // REFERENCES)
    ]
    rows = [
        {"subject_id": first + n // REFERENCES + 1, "vector": vector, "source_sha256": f"{start + n:064x}", **common}
        for n, vector in enumerate(vectors)
    ]
    with gallery.writing() as connection:
        connection.execute(insert(subjects), people)
        connection.execute(insert(references), rows)
        trail.note(connection, "import", first + 1)  # a search reads what the trail tells of


def measure(path: Path, size: int) -> None:
    """Print what a new process takes to open and to search a gallery."""
    before = resident()
    with open_gallery(path) as gallery:
        database = Database(path)  # which the index does not keep
        index = index_of(database, MAKER)
        probe, batch = units(1), units(32)
        print(f"start, to the first answer {seconds(partial(index.search, probe, RANKS)):12.3f}")
        print(f"memory: {before:,} MB before, {resident():,} MB after", flush=True)
        for name, probes in (("one probe", probe), ("a batch of 32", batch)):
            times = [seconds(partial(index.search, probes, RANKS)) for _ in range(REPETITIONS)]
            print(f"{name:26} {median(times):12.3f}", flush=True)
        first = size // REFERENCES
        enrolling = [seconds(partial(add, gallery, range(first + n, first + n + 1))) for n in range(REPETITIONS)]
        print(f"an enrolment               {median(enrolling):12.3f}")
        print(f"one probe after it         {seconds(partial(index.search, probe, RANKS)):12.3f}")
        print(f"memory at the end: {resident():,} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
