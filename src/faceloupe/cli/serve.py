"""``faceloupe serve``: the page and the API on this machine."""

import os
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import EmbedderName, EngineName, GalleryName
from faceloupe.cli.terminal import echo, say
from faceloupe.errors import InputError, UnavailableError

__all__ = ["serve"]

KeysFile = Annotated[Path | None, typer.Option("--keys", metavar="FILE", help="File of keys that faceloupe key wrote.")]
LEAST_TOKEN = 20
OWNERS_RATE = 60_000  # requests a minute: a camera's every frame, and whatever a script of one's own asks


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at; others than loopback need --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 8000,
    keys: KeysFile = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name of this server, such as a reverse proxy's.")
    ] = None,
    gallery: GalleryName = "faceloupe.db",
    network: Annotated[
        list[str] | None, typer.Option(metavar="DIR|FILE", help="A network to look at: saved by faceloupe, or ONNX.")
    ] = None,
    studies: Annotated[Path, typer.Option(help="The folder that keeps studies and networks trained here.")] = Path(
        "studies"
    ),
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of data to study and train on: NAME/SUBJECT/*.jpg.")
    ] = None,
    embedder: EmbedderName = None,
    engine: EngineName = "openvino",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Serve the page and the API, to this machine alone unless told otherwise.

    The address that is printed holds a random token, new each time; FACELOUPE_TOKEN sets another. Ctrl-C ends it after
    the answers in work.
    """
    try:
        from faceloupe.web.app import make_app
        from faceloupe.web.server import address, listen, make_server
    except ImportError as error:
        raise UnavailableError(f"Serving needs {error.name}: pip install faceloupe[web]") from error
    from faceloupe.embedders import DEFAULT, open_embedder
    from faceloupe.web.keys import key_of, new_token, read_keys
    from faceloupe.web.service import Service
    from faceloupe.web.settings import Settings

    given = os.environ.get("FACELOUPE_TOKEN", "")
    if given and len(given) < LEAST_TOKEN:
        raise InputError(f"FACELOUPE_TOKEN: expected at least {LEAST_TOKEN} characters that nobody guesses")
    token = given or new_token()
    known = read_keys(keys) if keys else (key_of(token, name="owner", per_minute=OWNERS_RATE),)
    settings = Settings(
        keys=known, host=host, port=port, allowed_hosts=tuple(allow_host or ()), gallery=gallery,
        networks=tuple(network or ()), studies=studies, data=data,
    )  # fmt: skip
    if not settings.is_local and not keys and not given:
        raise InputError(
            f"others could reach the server at {host}: give --keys FILE (faceloupe key NAME --keys FILE makes one), or "
            "set FACELOUPE_TOKEN"
        )
    listening = listen(settings)
    service = Service(settings, embedder=open_embedder(embedder or DEFAULT, engine=engine))
    page = address(listening) if keys else f"{address(listening)}/#token={token}"
    echo(page)
    say("Ctrl-C ends the server. Nothing that it is sent leaves this machine.")
    with _opened(page) if browser and settings.is_local else nullcontext():
        make_server(make_app(service), settings, ending=service.jobs.end).run(sockets=[listening])


@contextmanager
def _opened(page: str) -> Iterator[None]:
    """Open the page by a file that only its owner may read: others see the command line of a browser."""
    with tempfile.NamedTemporaryFile("w", prefix="faceloupe-", suffix=".html") as file:  # of mode 0600
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={page}"><title>faceloupe</title>')
        file.flush()
        webbrowser.open(Path(file.name).as_uri())
        yield
