"""What every command does with its terminal: talk and progress on stderr, documents on stdout."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from faceloupe.cli.tables import legible
from faceloupe.progress import Progress

__all__ = ["dumped", "progress", "say", "say_lead"]


def say(text: str) -> None:
    """Tell the person at the terminal."""
    typer.echo("\n".join(map(legible, text.split("\n"))), err=True)


def say_lead(document: dict[str, Any]) -> None:
    """Tell what a document says first, its paragraphs apart."""
    say("\n\n".join(paragraph.replace("**", "") for paragraph in document["lead"]))


def dumped(document: dict[str, Any]) -> str:
    """Return a document as JSON on one line."""
    from faceloupe.documents import json_text

    return json_text(document)


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
