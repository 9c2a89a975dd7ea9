"""``faceloupe serve``: serve the page and the API on this machine."""

import os
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.options import DeviceName, EmbedderName, EngineName, GalleryDetectorName, GalleryName
from faceloupe.cli.terminal import echo, say
from faceloupe.errors import InputError, extra

KeysFile = Annotated[Path | None, typer.Option("--keys", metavar="FILE", help="File of keys that faceloupe key wrote.")]
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
OWNERS_RATE = 60_000  # requests a minute: a camera's every frame, and whatever a script of one's own asks


def _duration(text: str) -> timedelta:
    number, unit = text[:-1], _UNITS.get(text[-1:].lower())
    if unit is None or not number.isdecimal() or len(number) > 5:
        raise typer.BadParameter(f"expected a number and m, h, d or w, such as 12h or 7d; got {text!r}")
    return int(number) * unit


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at; others than loopback need --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes any free one.")] = 8000,
    keys: KeysFile = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Another name of this server, such as a reverse proxy's.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve HTTPS with this certificate (PEM) and --private-key.")
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Serve others without TLS: anybody in between can read the traffic.")
    ] = False,
    gallery: GalleryName = "faceloupe.db",
    collection: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="A collection whose people can be reviewed in the page.")
    ] = None,
    keep_unknown: Annotated[
        timedelta | None,
        typer.Option(
            "--keep-unknown",
            metavar="TIME",
            parser=_duration,
            help="Keep unidentified faces for this long, to be reviewed in the page: 30m, 12h, 7d, 2w. By default none "
            "are kept.",
        ),
    ] = None,
    keep_faces: Annotated[
        bool, typer.Option("--keep-faces", help="Keep the face chips of unidentified faces too, to be shown.")
    ] = False,
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
    detector: GalleryDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Serve the page and the API, by default to this machine alone.

    The printed address holds a random token, new each time; FACELOUPE_TOKEN sets another. Ctrl-C ends the server once
    it has answered the requests it is working on.
    """
    with extra("web"):
        from faceloupe.web.app import make_app
        from faceloupe.web.server import address, listen, log_as_json, make_server
    from faceloupe.web.keys import check_token, key_of, new_token, read_keys
    from faceloupe.web.service import Service
    from faceloupe.web.settings import Settings

    chosen_token = os.environ.get("FACELOUPE_TOKEN", "")
    if chosen_token:
        try:
            check_token(chosen_token)
        except InputError as problem:
            raise InputError(f"FACELOUPE_TOKEN: {problem}") from problem
    if (certificate is None) != (private_key is None):
        raise InputError("TLS needs both --certificate and --private-key")
    token = chosen_token or new_token()
    known_keys = read_keys(keys) if keys else (key_of(token, name="owner", per_minute=OWNERS_RATE),)
    settings = Settings(
        keys=known_keys, host=host, port=port, allowed_hosts=tuple(allow_host or ()), gallery=gallery,
        collection=collection, keep_unknown=keep_unknown, keep_faces=keep_faces, networks=tuple(network or ()),
        studies=studies, data=data,
        plain_http=plain_http, tls=(certificate, private_key) if certificate and private_key else None,
    )  # fmt: skip
    if not settings.is_local and not keys and not chosen_token:
        raise InputError(
            f"others could reach the server at {host}: give --keys FILE (faceloupe key NAME --keys FILE makes one), or "
            "set FACELOUPE_TOKEN"
        )
    with closing(listen(settings)) as listening:
        log_as_json()  # before anything is opened that may warn
        service = Service(settings, embedder=embedder, detector=detector, engine=engine)
        page = address(listening, tls=settings.tls is not None)
        echo(page if keys else f"{page}/#token={token}")
        say("Ctrl-C ends the server. Nothing that it is sent leaves this machine.")
        if service.strangers is not None:
            say(service.strangers.faces.words())
        with _in_browser(page, "" if keys else token) if browser and settings.is_local else nullcontext():
            make_server(make_app(service), settings, ending=service.jobs.end).run(sockets=[listening])


@contextmanager
def _in_browser(page: str, token: str) -> Iterator[None]:
    """Open the page by a file that only its owner may read, and that hands the token over in a request's body.

    Others see the command line of a browser, and a browser keeps addresses, also what stands behind #, in its history.
    """
    with tempfile.TemporaryDirectory(prefix="faceloupe-") as folder:  # of mode 0700
        file = Path(folder) / "open.html"
        file.write_text(_HAND_OVER.format(page=page, token=token) if token else _GO.format(page=page), encoding="utf-8")
        webbrowser.open(file.as_uri())
        yield


_GO = '<!doctype html><title>faceloupe</title><meta http-equiv="refresh" content="0; url={page}">'
_HAND_OVER = """<!doctype html><title>faceloupe</title>
<form method="post" action="{page}/enter"><input type="hidden" name="token" value="{token}"><button>Open</button></form>
<script>document.forms[0].submit()</script>
"""
