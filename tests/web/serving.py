"""A server without weights: a photograph is a row of mosaics, each of which is the face of somebody by number."""

import asyncio
import io
import json
import os
import subprocess
import sys
from contextlib import contextmanager

import httpx
import numpy as np
from PIL import Image

from faceloupe.gallery import open_gallery
from faceloupe.recognition import Detection, FaceChip
from faceloupe.recognition.detect import Box, Landmarks, Point
from faceloupe.scores import OperatingPoint
from faceloupe.scores.intervals import Interval
from faceloupe.web.app import make_app
from faceloupe.web.keys import key_of
from faceloupe.web.observing import log_line
from faceloupe.web.service import Service
from faceloupe.web.settings import Settings

SIDE, CELL = 112, 14
WEIGHTS = "ab" * 32
TOKENS = {name: f"a-token-for-the-tests-{name}" for name in ("admin", "remove", "enrol", "recognise", "look")}
AROUND = Interval(0.0, 0.01, 0.95, 900.0, "wilson")
POINT = OperatingPoint(0.8, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "mosaics", "toy", WEIGHTS)

_MARKS = ((38, 52), (74, 52), (56, 72), (42, 92), (71, 92))


class Toy:
    """An embedder of mosaics."""

    name, sha256 = "toy", WEIGHTS

    def embed(self, faces):
        cells = faces.reshape(len(faces), SIDE // CELL, CELL, SIDE // CELL, CELL, 3).mean(axis=(2, 4))
        return (cells - np.float32(0.5)).reshape(len(faces), -1)


def photo(*people, capture=0, kind="PNG"):
    """The file of a photograph of some people, or of a wall; another capture is another file, and about the same."""
    tiles = [_mosaic(person, capture) for person in people] or [np.full((SIDE, SIDE, 3), 128, np.uint8)]
    content = io.BytesIO()
    Image.fromarray(np.concatenate(tiles, axis=1)).save(content, kind)
    return content.getvalue()


def find_mosaics(image, *_):
    """What stands in for the detector: a face in every square that is no wall."""
    samples = np.asarray(image, np.float32) / (255 if image.dtype == np.uint8 else 1)
    tiles = (samples[:SIDE, left : left + SIDE] for left in range(0, samples.shape[1] - SIDE + 1, SIDE))
    return tuple(_chip(tile, SIDE * place) for place, tile in enumerate(tiles) if tile.shape[0] == SIDE and tile.std())


def put_in(patch):
    """Let every way of recognising, the command line's too, see mosaics."""
    patch.setattr("faceloupe.recognition.photographs.find_chips", find_mosaics)
    for opens in ("embedders.open_embedder", "gallery.gallery.open_embedder", "gallery.gallery.open_embedder_of"):
        patch.setattr(f"faceloupe.{opens}", lambda *_, **__: Toy())


def settings(folder, **changes):
    keys = tuple(key_of(token, name=name, scopes=[name], per_minute=100_000) for name, token in TOKENS.items())
    return Settings(**{"keys": keys, "gallery": str(folder / "faces.db"), "studies": folder / "studies", **changes})


def tell_faults(line):
    """Show where a fault of the server's own happened: its answer does not tell."""
    if "error" in line:
        log_line(line)


def make_service(folder, *, log=tell_faults, **changes):
    service = Service(settings(folder, **changes), embedder=Toy(), log=log)
    service.gallery.save_point(POINT)
    return service


class Caller:
    """Asks an application, in this process, as a client with a key would."""

    def __init__(self, service):
        self.service, self.app = service, make_app(service)

    def __call__(self, method, path, *, key="admin", headers=None, **given):
        return self.together((method, path, {"key": key, "headers": headers, **given}))[0]

    def together(self, *requests):
        """Ask all at the same time."""
        return asyncio.run(self._ask(requests))

    async def _ask(self, requests):
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            return await asyncio.gather(*(self._one(client, *request) for request in requests))

    async def _one(self, client, method, path, given):
        key = given.pop("key", "admin")
        bearer = {"Authorization": f"Bearer {TOKENS[key]}"} if key else {}
        address = path if path.startswith(("http://", "/api/")) else f"/api/v1{path}"
        return await client.request(method, address, headers={**bearer, **(given.pop("headers", None) or {})}, **given)


def _mosaic(person, capture):
    cells = np.random.default_rng(person).uniform(0.2, 0.8, (SIDE // CELL, SIDE // CELL, 3))
    noise = np.random.default_rng(1000 + capture).uniform(-0.03, 0.03, cells.shape) if capture else 0
    return np.rint(255 * (cells + noise)).astype(np.uint8).repeat(CELL, axis=0).repeat(CELL, axis=1)


def _chip(tile, left):
    landmarks = Landmarks(*(Point(float(left + x), float(y)) for x, y in _MARKS))
    detection = Detection(Box(left + 20.0, 20.0, 72.0, 84.0), landmarks, 0.95)
    return FaceChip(tile, detection, np.array([[1.0, 0.0, -left], [0.0, 1.0, 0.0]]))


@contextmanager
def running(*arguments, **environment):
    """Run `faceloupe serve` in a process of its own, with mosaics for faces; it is killed if it has not ended."""
    with subprocess.Popen(
        [sys.executable, __file__, "serve", "--no-browser", "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "FACELOUPE_TOKEN": TOKENS["admin"], **environment},
    ) as process:  # fmt: skip
        process.address = process.stdout.readline().strip().partition("/#")[0]
        yield process
        process.kill()


def make_gallery(url):
    """Make a gallery that knows the threshold of mosaics."""
    with open_gallery(url, create=True) as gallery:
        gallery.save_point(POINT)


@contextmanager
def often():
    """Return a function that runs `faceloupe serve` as :func:`running` does, forked, so that it starts at once."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, bufsize=1, env={**os.environ, "FACELOUPE_TOKEN": TOKENS["admin"]},
    ) as process:  # fmt: skip

        def start(*arguments):
            print(json.dumps(["serve", "--no-browser", "--port", "0", *map(str, arguments)]), file=process.stdin)
            number, page = int(process.stdout.readline()), process.stdout.readline()
            return number, page.strip().partition("/#")[0]

        yield start
        process.stdin.close()


def _fork():
    import uvicorn.lifespan.on  # noqa: F401 - what every child would import

    from faceloupe.cli import main

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            print(os.getpid(), flush=True)
            sys.argv = ["faceloupe", *json.loads(line)]
            main()
        os.waitpid(child, 0)


if __name__ == "__main__":
    import pytest

    from faceloupe.cli import main

    put_in(pytest.MonkeyPatch())
    main() if len(sys.argv) > 1 else _fork()
