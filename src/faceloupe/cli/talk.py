"""What every command does with its terminal: talk and progress on stderr, documents on stdout."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

__all__ = ["Progress", "dumped", "progress", "say"]

Progress = Callable[[float, float], None]
"""Told how much is done, of how much."""


def say(text: str) -> None:
    """Tell the person at the terminal."""
    typer.echo(text, err=True)


def dumped(document: dict[str, Any]) -> str:
    """Return a document as JSON."""
    import json

    return json.dumps(document, ensure_ascii=False, allow_nan=False)


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
