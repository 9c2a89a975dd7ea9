"""How well an indexing uses the cores, whether its memory is bounded, and what twenty kills cost.

    python benchmarks/index.py FOLDER [--photographs 400] [--kills 20] [--many 5000]

Stages are timed alone, each in one thread of this process, on the same photographs: hash, search (decode, detect,
align), embed, write. A pipeline that wasted nothing would take their sum divided by the cores. Memory is the most that
a process held (ru_maxrss), for a tenth of many files against many: copies of the photographs with a byte added, so that
each is a content of its own. Kills are SIGKILL at random moments of `faceloupe index`; what was acknowledged before a
kill, a photograph in the collection, must be there after it, and nothing twice.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, select

from faceloupe.collection import index, open_collection
from faceloupe.collection.collection import Collection
from faceloupe.collection.schema import faces, photographs, places
from faceloupe.faces.trees import list_tree
from faceloupe.files import sha256_of
from faceloupe.recognition import SFace
from faceloupe.recognition.embed import directions_of
from faceloupe.recognition.engines import BATCH
from faceloupe.recognition.photographs import search_photo

T = TypeVar("T")
CORES = len(os.sched_getaffinity(0))


def main() -> None:
    """Print all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=int, default=400)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--many", type=int, default=5000)
    arguments = parser.parse_args()
    files = [file.path for file in list_tree([arguments.folder]).files]
    with tempfile.TemporaryDirectory() as folder:
        use(files[: arguments.photographs], Path(folder))
        if arguments.kills:
            kill(files[: arguments.photographs], Path(folder), arguments.kills)
        if arguments.many:
            remember(files, Path(folder), arguments.many)


def use(files: Sequence[str], folder: Path) -> None:
    """Print the stages, and the pipeline against their sum."""
    embedder = SFace()
    directions_of(search_photo(files[0]).chips, embedder)  # opens both networks
    stages = {}
    stages["hash"], _ = spent(lambda: [sha256_of(Path(path)) for path in files])
    stages["search"], found = spent(lambda: [search_photo(path) for path in files])
    chips = [chip for photograph in found for chip in photograph.chips]
    batches = [chips[start : start + BATCH] for start in range(0, len(chips), BATCH)]
    stages["embed"], _ = spent(lambda: [directions_of(batch, embedder) for batch in batches])
    with open_collection(folder / "use.db", create=True) as collection:
        (processor, wall), report = spent(lambda: index(collection, files, embedder))
    total = sum(processor for processor, _ in stages.values())
    for name, (busy, _) in stages.items():
        print(f"{name:10} {1000 * busy / len(files):7.1f} ms a photograph, processor")
    print(f"{'all':10} {1000 * total / len(files):7.1f} ms")
    more = processor / total
    print(f"index      {1000 * processor / len(files):7.1f} ms, {more:.2f} times the stages; {report.faces:,} faces")
    share = total / CORES / wall
    print(f"           {len(files) / wall:.1f} photographs a second, {share:.2f} of what {CORES} cores could do")
    print(f"           {processor / wall / CORES:.2f} of the cores busy; load of the machine {os.getloadavg()[0]:.1f}")


def spent(work: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """Return seconds of all cores together and by the clock, and what came out."""
    began, busy = time.perf_counter(), time.process_time()
    result = work()
    return (time.process_time() - busy, time.perf_counter() - began), result


def kill(files: Sequence[str], folder: Path, kills: int) -> None:
    """Kill an indexing again and again; print how many photographs each left, and whether all is well."""
    pile, place = folder / "pile", folder / "killed.db"
    pile.mkdir()
    for number, path in enumerate(files):
        shutil.copy(path, pile / f"{number:05d}{Path(path).suffix}")
    draw, seen, command = random.Random(0), set[str](), [sys.executable, "-m", "faceloupe", "index", str(pile)]  # noqa: S311
    for _ in range(kills):
        process = subprocess.Popen(
            [*command, "--collection", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if draw.random() < 0.75:  # while it writes; otherwise while it starts
            wait_for_more(process, place, len(seen))
        time.sleep(draw.uniform(0, 2))
        ended = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        with open_collection(place, create=True) as collection:
            after = contents(collection)
        if not seen <= after:
            raise SystemExit(f"lost: {len(seen - after)} photographs that were acknowledged")
        print(f"{'ended' if ended else 'killed'} with {len(after):,} of {len(files):,}", flush=True)
        seen = after
    with open_collection(place, create=True) as collection:
        index(collection, [pile])
        expected = {sha256_of(path) for path in pile.iterdir()}
        with collection.reading() as connection:
            doubled = (
                connection.scalar(
                    select(
                        func.count(faces.c.id)
                        - func.count(func.distinct(faces.c.photograph_id * 10_000 + faces.c.number))
                    )
                )
                or 0
            )
            files_kept = connection.scalar(select(func.count()).select_from(places))
        whole = contents(collection) == expected
    print(f"after {kills} kills: {'all' if whole else 'NOT ALL'} contents, {files_kept:,} files, {doubled} faces twice")


def wait_for_more(process: "subprocess.Popen[bytes]", place: Path, before: int) -> None:
    """Return once a collection holds more photographs than before, or the process has ended."""
    while process.poll() is None:
        with open_collection(place, create=True) as collection:
            if len(contents(collection)) > before:
                return
        time.sleep(0.2)


def contents(collection: Collection) -> set[str]:
    """Return the hashes of the photographs in a collection."""
    with collection.reading() as connection:
        return set(connection.scalars(select(photographs.c.sha256)))


def remember(files: Sequence[str], folder: Path, many: int) -> None:
    """Print the most memory that indexing few and many photographs held."""
    held = {}
    for count in (many // 10, many):
        pile = folder / f"pile-{count}"
        pile.mkdir()
        for number, path in enumerate(islice(again(files), count)):
            (pile / f"{number:06d}.jpg").write_bytes(Path(path).read_bytes() + number.to_bytes(4, "big"))
        code = (
            "import resource, sys\nfrom faceloupe.collection import index, open_collection\n"
            "with open_collection(sys.argv[2], create=True) as collection:\n    index(collection, [sys.argv[1]])\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
        )
        run = [sys.executable, "-c", code, str(pile), str(folder / f"{count}.db")]
        held[count] = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
        print(f"{count:,} photographs: at most {held[count]:,} MB", flush=True)
    few, all_ = held.values()
    print(f"ratio {all_ / few:.2f}")


def again(files: Sequence[str]) -> Iterable[str]:
    """Yield files over and over."""
    while True:
        yield from files


if __name__ == "__main__":
    main()
