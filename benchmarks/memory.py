"""Memory of a server under a mixed load: it ends where it began, or something is kept that nobody asks for.

Callers identify, verify, enrol, forget, list, send damaged JSON and pictures, come without a key, and explain; the
resident memory of the server and its children is read every second. One explanation and the first fifth of the time
warm up: networks are opened and children started. ``--seconds 20`` tries the script.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx

from recognition import orl_photographs, photographs_in
from serve import TOKEN, server

CLIENTS = 6
GOAL = 1.10  # of the memory after warming up, at the end
HOSTILE_JSON = b'{"photo": ' + b"[" * 20_000


def resident(address: str) -> float:
    """Return the MB of the process that listens at an address, and of those that it started."""
    port = int(address.rpartition(":")[2])
    listening = f":{port:04X} "
    inode = next(
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if listening in line and " 0A " in line
    )
    parents: dict[int, int] = {}
    owner = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if any(link.readlink().name == f"socket:[{inode}]" for link in (folder / "fd").iterdir()):
                owner = int(folder.name)
    family = {owner}
    while more := {number for number, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(map(_resident, family)) / 2**20


def _resident(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * 4096
    except OSError:
        return 0


async def load(address: str, photographs: Sequence[bytes], seconds: float) -> tuple[list[float], dict[int, int]]:
    """Let callers do this and that for some seconds; return the memory at each of them, and answers by status."""
    chance, end, statuses, memory = random.Random(0), 0.0, dict[int, int](), list[float]()  # noqa: S311

    async def one(client: httpx.AsyncClient, number: int) -> None:
        turn = 0
        while time.monotonic() < end:
            turn += 1
            photo, other = chance.choices(photographs, k=2)
            match chance.randrange(10):
                case 0:
                    name = f"person {number} {turn}"
                    answer = await client.post("/people", data={"name": name, "force": "true"}, files={"photos": photo})
                    if answer.status_code == httpx.codes.CREATED:
                        answer = await client.delete(f"/people/{answer.json()['id']}")
                case 1:
                    answer = await client.post("/verify", files={"one": photo, "other": other})
                case 2:
                    answer = await client.get("/people", params={"limit": 50})
                case 3:
                    json = {"Content-Type": "application/json"}
                    answer = await client.post("/detect", content=HOSTILE_JSON, headers=json)
                case 4:
                    answer = await client.post("/detect", files={"photo": photo[: len(photo) // 2]})
                case 5:
                    answer = await client.get("/people", headers={"Authorization": "Bearer wrong"})
                case 6 if turn % 20 == 0:
                    answer = await client.post(
                        "/explain", files={"one": photo, "other": other}, data={"certify": "false"}
                    )
                case _:
                    answer = await client.post("/identify", files={"photo": photo})
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    async def watch() -> None:
        while time.monotonic() < end:
            memory.append(await asyncio.to_thread(resident, address))
            await asyncio.sleep(1)

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=headers, timeout=120) as client:
        await explain_once(client, photographs[:2])
        end = time.monotonic() + seconds
        await asyncio.gather(watch(), *(one(client, number) for number in range(CLIENTS)))
    return memory, statuses


async def explain_once(client: httpx.AsyncClient, pair: Sequence[bytes]) -> None:
    """Wait for an explanation: its child and the networks that it opens are there before memory is read."""
    files = {"one": pair[0], "other": pair[1]}
    job = (await client.post("/explain", files=files, data={"certify": "false"})).json()["id"]
    while (await client.get(f"/jobs/{job}")).json()["ended"] is None:
        await asyncio.sleep(0.5)


def main() -> None:
    """Print the memory after warming up and at the end, and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0)
    asked = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = Path(made)
        orl_photographs(folder)
        photographs = [path.read_bytes() for path in photographs_in(folder)[:60]]
        with server(folder / "faces.db") as address:
            memory, statuses = asyncio.run(load(address, photographs, asked.seconds))
    part = max(1, len(memory) // 10)
    warm, late = median(memory[2 * part : 3 * part]), median(memory[-part:])
    print(f"{sum(statuses.values()):,} requests, by status: {dict(sorted(statuses.items()))}")
    print(
        f"{warm:.0f} MB after {100 * 0.2:.0f} % of the time, {late:.0f} MB at the end: {late / warm:.3f} (goal: {GOAL})"
    )
    if late / warm > GOAL:
        sys.exit(1)


if __name__ == "__main__":
    main()
