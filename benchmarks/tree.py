"""Index a large tree of photographs once: what was made of each file, processor time, and memory on the way.

    python benchmarks/tree.py FOLDER... [--files 20000]

The tree is made of the photographs in the folders: each once as it is, then exact copies (2 in 10), crops saved anew
(3), turned by 90, 180 or 270 degrees (2), half and twice as large (2), and broken (1: cut off, empty, words, or bytes
changed in the head). Memory is that of the process (VmRSS) after 1,000 files were done and after every further
thousand. At the end the tree is indexed again, which should recognise nothing.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from faceloupe.collection import index, open_collection
from faceloupe.faces.trees import list_tree
from faceloupe.files import sha256_of

KINDS = ("copy", "copy", "crop", "crop", "crop", "turned", "turned", "scaled", "scaled", "broken")


def main() -> None:
    """Make the tree, index it twice, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--files", type=int, default=20_000)
    arguments = parser.parse_args()
    photographs = [Path(file.path) for file in list_tree(arguments.folder).files]
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place, "tree")
        kinds = make_tree(tree, photographs, arguments.files)
        made = Counter(kinds.values())
        contents = len({sha256_of(path) for path in kinds})
        print(f"{len(kinds):,} files, {contents:,} contents: {dict(made)}", flush=True)
        with open_collection(Path(place, "tree.db"), create=True) as collection:
            memory: dict[int, int] = {}

            def note(done: float, _: float) -> None:
                thousands = int(done) // 1000 * 1000
                if thousands and thousands not in memory:
                    memory[thousands] = resident()
                    print(f"{thousands:,} done: {memory[thousands]:,} MB", flush=True)

            busy, clock = time.process_time(), time.perf_counter()
            first = index(collection, [tree], progress=note)
            busy, clock = time.process_time() - busy, time.perf_counter() - clock
            print(first.words())
            skipped = Counter(kinds[Path(item.path)] for item in first.skipped)
            print(f"not usable, by what was made of them: {dict(skipped)}")
            print(f"{1000 * busy / first.new:.1f} ms of processor time a photograph recognised, {busy:,.0f} s in all")
            print(f"{clock:,.0f} s by the clock, load of the machine {os.getloadavg()[0]:.1f}")
            if 10_000 in memory:
                print(f"memory after 10,000 against 1,000: {memory[10_000] / memory[1000]:.2f}")
            again = time.process_time()
            second = index(collection, [tree])
            share = (time.process_time() - again) / busy
            print(f"again: {second.words()} {share:.4f} of the processor time")
            print(f"collection: {Path(place, 'tree.db').stat().st_size / 1e6:.1f} MB")


def make_tree(tree: Path, photographs: Sequence[Path], n_files: int) -> dict[Path, str]:
    """Make a tree of files in folders of a hundred, and return what each of them is."""
    draw = random.Random(0)  # noqa: S311
    kinds = {}
    for number in range(n_files):
        kind = "original" if number < len(photographs) else draw.choice(KINDS)
        source = photographs[number] if kind == "original" else draw.choice(photographs)
        suffix = source.suffix if kind in ("original", "copy") else ".jpg"
        path = tree / f"{number % 7}" / f"{number // 100:03d}" / f"{number:05d}-{kind}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind in ("original", "copy"):
            shutil.copyfile(source, path)
        else:
            path.write_bytes(changed(source, kind, draw))
        kinds[path] = kind
    return kinds


def changed(source: Path, kind: str, draw: random.Random) -> bytes:
    """Return the bytes of a file made of a photograph."""
    if kind == "broken":
        return broken(source.read_bytes(), draw)
    image: Image.Image = Image.open(source)
    width, height = image.size
    if kind == "crop":
        left, top, right, bottom = (draw.uniform(0, 0.15) for _ in range(4))
        image = image.crop(
            (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
        )
    elif kind == "turned":
        image = image.rotate(draw.choice((90, 180, 270)), expand=True)
    else:
        scale = draw.choice((0.5, 2))
        image = image.resize((round(scale * width), round(scale * height)))
    file = BytesIO()
    image.save(file, "JPEG", quality=draw.randint(80, 95))
    return file.getvalue()


def broken(content: bytes, draw: random.Random) -> bytes:
    """Return a file that is cut off, empty, words, or changed where its head is."""
    way = draw.randrange(4)
    if way == 0:
        return content[: draw.randrange(len(content) // 2)]
    if way == 1:
        return b""
    if way == 2:
        return b"Not a photograph, but words. %d" % draw.randrange(10**9)
    return draw.randbytes(64) + content[64:]


def resident() -> int:
    """Return the memory of this process in MB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


if __name__ == "__main__":
    main()
