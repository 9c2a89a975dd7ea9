"""Memory and time of an evaluation's statistics, for as many photographs as View 2 of LFW has.

    python benchmarks/evaluate_memory.py [--beside OTHER/src] [--photographs 7701] [--embedders 2]

Templates are made up: networks and decoding have their own benchmark. Each evaluation runs in a process of its own, and
what it held at most is compared with what it held before any comparison. ``--beside`` names the sources of another
checkout, measured in the same run. People have as many photographs as in LFW, most of them one (a Zipf distribution).
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import process_time

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 128
SPREAD = 0.9  # of a person's templates around his own direction
MB = 2**20


def measured(photographs: int, embedders: int) -> tuple[float, float, float]:
    """Return the MB held before and at most, and the seconds of processor time between."""
    from faceloupe.evaluation.bench import Bench, EvaluationPlan
    from faceloupe.evaluation.embedding import Captures
    from faceloupe.evaluation.split import split

    try:
        from faceloupe.evaluation.datasets import LabelledPhotographs
    except ImportError:  # --beside names older sources
        from faceloupe.evaluation.datasets import Labelled as LabelledPhotographs  # type: ignore[no-redef,attr-defined]

    rng = np.random.default_rng(0)
    counts = np.minimum(rng.zipf(2.3, photographs), 60)
    subjects = np.repeat(np.arange(photographs), counts)[:photographs]
    people = int(subjects[-1]) + 1
    paths = tuple(Path(f"{place}.jpg") for place in range(photographs))
    data = LabelledPhotographs("made up", paths, tuple(map(str, range(people))), subjects)
    own = rng.normal(size=(people, DIMENSIONS))
    vectors: dict[str, NDArray[np.float32]] = {}
    for number in range(embedders):
        near = own[subjects] + SPREAD * rng.normal(size=(photographs, DIMENSIONS))
        vectors[f"made up {number}"] = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    nothing = (None,) * photographs
    norms = {name: np.ones(photographs, np.float32) for name in vectors}
    captures = Captures(tuple(map(str, range(photographs))), nothing, nothing, vectors, norms, 0, 0.0)
    before, begun = peak(), process_time()
    bench = Bench(data, split(data, np.arange(photographs), 0.0, 0), captures, EvaluationPlan(1e-3, 2, 0))
    for name in vectors:
        bench.add(name, Named(name))
    list(bench.paired())
    return before, peak(), process_time() - begun


class Named:
    """An embedder of which only the name is asked for."""

    sha256 = "0" * 64

    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Make nothing: templates are there already."""
        raise NotImplementedError(str(faces.shape))


def peak() -> float:
    """Return the MB that this process held at most."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024 / MB


def in_a_process(source: Path, photographs: int, embedders: int) -> tuple[float, float, float]:
    """Measure the sources of a checkout."""
    command = [sys.executable, __file__, "--alone", "--photographs", str(photographs), "--embedders", str(embedders)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(source)}, check=True, stdout=subprocess.PIPE, text=True
    )
    before, most, seconds = map(float, done.stdout.split())
    return before, most, seconds


def main() -> None:
    """Print what was held, and the ratio to another checkout."""
    choices = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    choices.add_argument("--beside", type=Path)
    choices.add_argument("--photographs", type=int, default=7701)
    choices.add_argument("--embedders", type=int, default=2)
    choices.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = choices.parse_args()
    if chosen.alone:
        print(*measured(chosen.photographs, chosen.embedders))
        return
    here = Path(__file__).resolve().parent.parent / "src"
    found = {}
    for name, source in {"here": here, "beside": chosen.beside and chosen.beside.resolve()}.items():
        if source:
            found[name] = before, most, seconds = in_a_process(source, chosen.photographs, chosen.embedders)
            print(f"{name:7} {before:5.0f} MB before, {most:5.0f} MB at most, {seconds:5.1f} s of the processor")
    if len(found) > 1:
        for what, place in (("memory at most", 1), ("processor time", 2)):
            print(f"{what}: {found['here'][place] / found['beside'][place]:.2f} of the other's")
        added = [most - before for before, most, _ in found.values()]
        print(f"memory added: {added[0] / added[1]:.2f} of the other's")


if __name__ == "__main__":
    main()
