"""Identifications a second over HTTP, at 1, 8 and 50 clients and at more than there is room for, against a plain loop.

The server is a process of its own, asked over loopback; the loop does the same work in this one: read, detect, align,
embed, identify, document. Turns of the two alternate, for other load on the machine falls on both.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import httpx

from faceloupe.gallery import Gallery, open_gallery
from faceloupe.gallery.answers import IdentifiedPhotograph, document_of
from faceloupe.recognition import SFace, recognise
from recognition import orl_photographs, photographs_in

CLIENTS, TOO_MANY = (1, 8, 50), 200
PEOPLE, PHOTOGRAPHS = 30, 60
GOAL = 0.9  # of the loop's throughput, at 8 clients
TOKEN = "a-token-of-the-benchmark"  # noqa: S105


class Load(NamedTuple):
    """What some clients saw."""

    seconds: float
    answered: list[float]
    """Seconds of each answer."""
    refused: int
    """Requests answered by 429."""

    @property
    def per_second(self) -> float:
        """Identifications a second."""
        return len(self.answered) / self.seconds

    def percentile(self, share: int) -> float:
        """Return the milliseconds within which a share of the answers came."""
        return 1e3 * quantiles(self.answered, n=100, method="inclusive")[share - 1]


def loop(paths: Sequence[Path], gallery: Gallery, seconds: float) -> float:
    """Return identifications a second of a plain loop, in which one photograph follows the other."""
    embedder, done, began = SFace(), 0, perf_counter()
    for path in cycle(paths):
        [photograph] = recognise([path], embedder)
        document_of([IdentifiedPhotograph(photograph, gallery.identify(photograph.templates, ranks=3))])
        done += 1
        if perf_counter() - began > seconds:
            break
    return done / (perf_counter() - began)


async def load(address: str, photographs: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Let clients ask for some seconds, each as soon as it has its answer; who is refused comes back as told."""
    answered: list[float] = []
    refused, began = 0, perf_counter()
    limits = httpx.Limits(max_connections=clients)

    async def one(client: httpx.AsyncClient, own: Iterator[bytes]) -> None:
        nonlocal refused
        while perf_counter() - began < seconds:
            asked = perf_counter()
            answer = await client.post("/api/v1/identify", files={"photo": next(own)})
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                refused += 1
                await asyncio.sleep(float(answer.headers["Retry-After"]))
                continue
            answer.raise_for_status()
            answered.append(perf_counter() - asked)

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=60) as client:
        await client.post("/api/v1/identify", files={"photo": photographs[0]})
        began = perf_counter()
        await asyncio.gather(*(one(client, cycle([*photographs[n:], *photographs[:n]])) for n in _places(clients)))
    return Load(perf_counter() - began, answered, refused)


def _places(clients: int) -> list[int]:
    return [number % PHOTOGRAPHS for number in range(clients)]


@contextmanager
def server(gallery: Path) -> Iterator[str]:
    """Run a server, and return its address."""
    command = "import sys; from faceloupe.cli import main; sys.argv[0] = 'faceloupe'; main()"
    arguments = [sys.executable, "-c", command, "serve", "--no-browser", "--port", "0", "--gallery", str(gallery)]
    environment = {**os.environ, "FACELOUPE_TOKEN": TOKEN}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None  # noqa: S101 - piped
        yield process.stdout.readline().strip().partition("/#")[0]
        process.terminate()


def print_loads(paths: Sequence[Path], folder: Path, seconds: float, turns: int) -> None:
    """Print the loop and each number of clients, and their ratio."""
    place, contents = folder / "faces.db", [path.read_bytes() for path in paths]
    with open_gallery(place, create=True) as gallery:
        for number, path in enumerate(paths[:PEOPLE]):
            gallery.enrol(f"person {number}", path, force=True)
        with server(place) as address:
            print(f"{'clients':>8s} {'a second':>9s} {'x loop':>7s} {'p50 ms':>8s} {'p99 ms':>8s} {'refused':>8s}")
            for clients in (*CLIENTS, TOO_MANY):
                pairs = [
                    (loop(paths, gallery, seconds), asyncio.run(load(address, contents, clients, seconds)))
                    for _ in range(turns)
                ]
                ratio = median(seen.per_second / plain for plain, seen in pairs)
                seen = sorted((seen for _, seen in pairs), key=lambda one: one.per_second)[len(pairs) // 2]
                print(
                    f"{clients:8d} {seen.per_second:9.1f} {ratio:7.2f} {seen.percentile(50):8.0f} "
                    f"{seen.percentile(99):8.0f} {seen.refused:8d}"
                )
    print(f"goal: {GOAL} x loop at 8 clients; beyond what there is room for, p99 bounded by refusals")


def main() -> None:
    """Print every ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=os.environ.get("FACELOUPE_LFW"), metavar="DIR")
    parser.add_argument("--seconds", type=float, default=5.0, help="Of each turn.")
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = Path(asked.photographs or made)
        if asked.photographs is None:
            orl_photographs(folder)
        paths = photographs_in(folder)[:PHOTOGRAPHS]
        print(f"{len(paths)} photographs of {folder}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        print_loads(paths, Path(made), asked.seconds, asked.turns)


if __name__ == "__main__":
    main()
