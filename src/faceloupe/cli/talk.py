"""What every command does with its terminal: talk and progress on stderr, documents on stdout."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from faceloupe.cli.tables import legible

__all__ = ["Progress", "dumped", "progress", "say"]

Progress = Callable[[float, float], None]
"""Told how much is done, of how much."""


def say(text: str) -> None:
    """Tell the person at the terminal."""
    typer.echo("\n".join(map(legible, text.split("\n"))), err=True)


def dumped(document: dict[str, Any]) -> str:
    """Return a document as JSON; of a path that is no UTF-8 the bytes that are none are escaped."""
    import json

    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


@contextmanager
def progress(doing: str, *, transient: bool = False) -> Iterator[Progress]:
    """Show how far the work is and how long it will still take."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(doing), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    console = Console(stderr=True)
    silent = transient and not console.is_terminal  # nothing would be seen, but an empty line be left
    with Bar(*columns, console=console, transient=transient, disable=silent) as bar:
        work = bar.add_task(doing, total=None)
        yield lambda done, whole: bar.update(work, completed=done, total=whole)
