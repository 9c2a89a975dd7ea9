"""A server without weights: a photograph is a row of mosaics, each of which is the face of somebody by number."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

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
from helpers.waiting import until

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
        while done:
            time.sleep(1)
            progress(done, whole)  # again: what follows another at once is not sent

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


def _environment():
    """Return the environment of a process that finds this package too, with the admin's token."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "FACELOUPE_TOKEN": TOKENS["admin"]}


def make_gallery(url):
    """Make a gallery that knows the threshold of mosaics."""
    with open_gallery(url, create=True) as gallery:
        gallery.save_point(POINT)


class Launcher:
    """Runs `faceloupe serve` in processes of their own, forked from one that has loaded it and sees mosaics."""

    def __enter__(self):
        self._folder = TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "helpers.serving"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=_environment(),
        )  # fmt: skip
        self._numbers = count()
        return self

    def __exit__(self, *_):
        with self._process, self._folder:
            self._process.stdin.close()  # it ends with that

    @contextmanager
    def serve(self, *arguments):
        """Run a server, and yield it once it listens; it is killed if it has not ended."""
        printed, talk = (Path(self._folder.name) / f"{next(self._numbers)}.{kind}" for kind in ("out", "err"))
        command = ["serve", "--no-browser", "--port", "0", *map(str, arguments)]
        running = RunningServer(self._ask, self._ask(command, str(printed), str(talk)), printed, talk)
        try:
            running.wait_for_address()
            yield running
        finally:
            running.kill()

    def _ask(self, *words):
        print(json.dumps(words), file=self._process.stdin)
        return json.loads(self._process.stdout.readline())


class RunningServer:
    """A server in a process of its own.

    Attributes
    ----------
    pid : int
    address : str
        Where it listens, without the token.
    status : int | None
        Its exit status once it was waited for, as :mod:`subprocess` counts.
    """

    def __init__(self, ask, pid, printed, talk):
        self.pid, self.status = pid, None
        self._ask, self._printed, self._talk = ask, printed, talk

    def wait_for_address(self):
        self.address = until(lambda: "\n" in self._said(self._printed) and self._said(self._printed).splitlines()[0])
        self.address = self.address.partition("/#")[0]

    def wait(self):
        """Wait for its end, and return all that it printed after the address, and its talk."""
        if self.status is None:
            [self.status] = until(lambda: self._ask(self.pid))
        return self._said(self._printed).partition("\n")[2], self._said(self._talk)

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """End it at once, if it has not ended."""
        if self.status is None:
            self.send_signal(signal.SIGKILL)
            self.wait()

    @staticmethod
    def _said(file):
        return file.read_text() if file.exists() else ""


def _fork():
    """Do what lines on stdin ask: run a command with files for what it says, or tell how a process has ended."""
    import uvicorn.lifespan.on  # noqa: F401 - what every child would import

    from faceloupe.cli import main
    from faceloupe.web.app import _routes

    _routes()  # and describe

    for line in sys.stdin:
        asked, *files = json.loads(line)
        if not files:
            ended, status = os.waitpid(asked, os.WNOHANG)
            print([os.waitstatus_to_exitcode(status)] if ended else [], flush=True)
            continue
        child = os.fork()
        if child == 0:
            for number, file in enumerate((os.devnull, *files)):
                os.dup2(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), number)
            sys.argv = ["faceloupe", *asked]
            main()
        print(child, flush=True)


if __name__ == "__main__":
    import pytest

    put_in(pytest.MonkeyPatch())
    _fork()
