"""A server without weights: a photograph is a row of mosaics, each of which is the face of somebody by number."""

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from faceloupe.gallery import open_gallery
from faceloupe.scores import OperatingPoint
from faceloupe.scores.confidence import Interval
from faceloupe.web.app import make_app
from faceloupe.web.keys import key_of
from faceloupe.web.observing import log_line
from faceloupe.web.service import Service
from faceloupe.web.settings import Settings
from faceloupe.web.studies import carry_out
from helpers.mosaics import WEIGHTS, Toy, find_mosaics, photo, search_mosaics, search_unless_grey

TOKENS = {name: f"a-token-for-the-tests-{name}" for name in ("admin", "remove", "enrol", "recognise", "look")}
AROUND = Interval(0.0, 0.01, 0.95, 900.0, "wilson")
__all__ = ["POINT", "TOKENS", "Caller", "Toy", "find_mosaics", "photo", "search_unless_grey"]

POINT = OperatingPoint(0.8, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "mosaics", "toy", WEIGHTS)


def endless(*_, progress):  # noqa: ARG001 - it tells nothing
    """What a job may do that nothing but its end stops."""
    while True:
        time.sleep(1)


def explain_briefly(*_, progress):  # noqa: ARG001
    """What a child does in place of an explanation."""
    return {"title": "Why"}


def study_endlessly(*given, progress):
    """Carry a study out as far as its first fits."""

    def tell(done, whole):
        progress(done, whole)
        if done:
            time.sleep(3600)

    return carry_out(*given, progress=tell)


def study_briefly(plan, *given, progress):
    """Carry a study out with few epochs."""
    return carry_out(replace(plan, epochs=1, splits=1, network_splits=1, deep_splits=1), *given, progress=progress)


def put_in(patch):
    """Let every way of recognising, the command line's too, see mosaics."""
    patch.setattr("faceloupe.web.recogniser.search", search_mosaics)  # no patch of this process reaches a child
    patch.setattr("faceloupe.recognition.photographs.find_chips", find_mosaics)
    for opens in ("embedders.open_embedder", "gallery.networks.open_embedder", "gallery.networks.open_embedder_of"):
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


@contextmanager
def running(*arguments, **environment):
    """Run `faceloupe serve` in a process of its own, with mosaics for faces; it is killed if it has not ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "helpers.serving", "serve", "--no-browser", "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=_environment() | environment,
    ) as process:  # fmt: skip
        try:
            process.address = process.stdout.readline().strip().partition("/#")[0]
            yield process
        finally:
            process.kill()


def _environment():
    """Return the environment of a process that finds this package too, with the admin's token."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "FACELOUPE_TOKEN": TOKENS["admin"]}


def make_gallery(url):
    """Make a gallery that knows the threshold of mosaics."""
    with open_gallery(url, create=True) as gallery:
        gallery.save_point(POINT)


@contextmanager
def often():
    """Return a function that runs `faceloupe serve` as :func:`running` does, forked, so that it starts at once."""
    with subprocess.Popen(
        [sys.executable, "-m", "helpers.serving"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1,
        env=_environment(),
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
    from faceloupe.web.app import _routes

    _routes()  # and describe

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
