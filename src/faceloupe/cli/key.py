"""``faceloupe key``: make a key to a server."""

from pathlib import Path
from typing import Annotated

import typer

from faceloupe.cli.terminal import echo, say


def key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Holder of the key, as the trail and the log name them.")],
    keys: Annotated[Path, typer.Option("--keys", metavar="FILE", help="File of keys; created if it does not exist.")],
    scope: Annotated[list[str], typer.Option(help="look, recognise, enrol or admin; may be given several times.")],
    per_minute: Annotated[int, typer.Option(help="Most requests per minute.")] = 600,
) -> None:
    """Add a key to a file and print its token, which is not stored; anybody who has it may call the server."""
    from faceloupe.web.keys import add_key

    echo(add_key(keys, name, scope, per_minute=per_minute))
    say(f"{name} may {', '.join(scope)}. To revoke it, remove the entry from {keys} and start the server again.")
