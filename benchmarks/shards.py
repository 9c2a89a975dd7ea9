"""Several galleries searched at the same time against one after the other.

    python benchmarks/shards.py [N] [URL...]

Two galleries in files, each of N subjects with one random template of 128 numbers; with URLs of empty databases on
PostgreSQL these too. 13 faces are searched for, at the same time and one gallery after the other in turn: medians by
the clock, one thread for each product of matrices (OMP_NUM_THREADS=1).
"""

import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from changes import AT_ONCE, MAKER, REPETITIONS, add, seconds, units
from faceloupe.gallery import Galleries, open_galleries, open_gallery
from faceloupe.recognition import Template
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.scores import Interval, OperatingPoint

QUALITY = Quality(60.0, 30.0, 0.5, 0.0, Pose(0.0, 0.0, 0.0), 0.95, 14.0)
AROUND = Interval(5e-4, 2e-3, 0.95, 9000.0, "made up")
POINT = OperatingPoint(0.5, 1e-3, 9e-4, AROUND, 1e-3, AROUND, 900, 9000, 0, "made up", *MAKER)


class Maker:
    """An embedder by name only."""

    name, sha256 = MAKER


def main() -> None:
    """Fill both kinds of galleries, and compare."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with TemporaryDirectory() as folder:
        compare("files", [str(Path(folder, f"{number}.db")) for number in range(2)], size)
    if len(sys.argv) > 2:
        compare("PostgreSQL", sys.argv[2:], size)


def compare(what: str, urls: list[str], size: int) -> None:
    """Print both times."""
    for url in urls:
        with open_gallery(url, create=True) as gallery:
            for start in range(0, size, AT_ONCE):
                add(gallery, range(start, min(start + AT_ONCE, size)))
    probes = [Template(vector, *MAKER, QUALITY) for vector in units(13)]
    with open_galleries(urls, embedder=Maker()) as all_at_once:  # type: ignore[arg-type]
        alone = [Galleries([open_gallery(url, embedder=Maker())]) for url in urls]  # type: ignore[arg-type]
        times: tuple[list[float], list[float]] = [], []
        for _ in range(REPETITIONS + 1):
            times[0].append(seconds(lambda: [each.identify(probes, point=POINT) for each in alone], perf_counter))
            times[1].append(seconds(partial(all_at_once.identify, probes, point=POINT), perf_counter))
        one_by_one, together = (median(some[1:]) for some in times)  # the first reads the galleries
        print(f"{len(urls)} galleries, {what}, {size:,} subjects each: one by one {one_by_one:.4f} s, at the same time "
              f"{together:.4f}, {one_by_one / together:.2f} times as fast", flush=True)  # fmt: skip
        for each in alone:
            each.close()


if __name__ == "__main__":
    main()
