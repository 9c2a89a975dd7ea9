"""The output of every command: documents and tables on stdout, remarks and progress on stderr."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import category

import typer

from faceloupe.errors import InputError
from faceloupe.files import check_name
from faceloupe.progress import Progress, bar

if TYPE_CHECKING:
    from faceloupe.evaluation.failures import Failure
    from faceloupe.faces.faceset import Skipped
    from faceloupe.gallery.records import Entry

ILLEGIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control characters, those of writing from right to left among them, bytes that are not UTF-8, ends of lines."""

LONGEST = 300  # letters of an argument that an error repeats

MOST = 20  # files, and reasons, that are named where there are more

JOINERS = "\u200c\u200d"  # also of the category Cf, but Persian and Indic names are spelt with them, and emoji

UNREAD = 141  # the exit status of a program that SIGPIPE ends: head, say, has read enough


IN_JSON = "with --json all are listed"

IN_FULL = "--json has the measurements in full."
"""Said below what a threshold means."""


def echo(text: str) -> None:
    """Print an answer. All that commands print goes through here, through :func:`echo_json` or through :func:`say`."""
    _print("\n".join(map(legible, text.split("\n"))))


def echo_json(document: dict[str, Any] | None) -> None:
    """Print a document, or null, as JSON on one line, in UTF-8, or with escapes where stdout has another encoding."""
    from faceloupe.documents import json_text

    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "")
    text = json_text(document, ascii_only=encoding != "utf8")
    _print(text if text.isprintable() else "".join(_in_json(letter) for letter in text))


def say(text: str) -> None:
    """Print a remark on stderr, for the person at the terminal."""
    _print("\n".join(map(legible, text.split("\n"))), err=True)


def show_every_letter() -> None:
    r"""Escape letters that the terminal's encoding lacks, as in ``\u9673``, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print(text: str, *, err: bool = False) -> None:
    try:
        typer.echo(text, err=err)
    except OSError as problem:
        unread = isinstance(problem, BrokenPipeError)
        if unread or err:  # a remark that finds no room stops nothing
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, (sys.stderr if err else sys.stdout).fileno())  # what is left is written when Python ends
        if unread:
            raise typer.Exit(UNREAD) from None
        if not err:
            raise


def _in_json(letter: str) -> str:
    return json.dumps(letter)[1:-1] if _is_illegible(letter) else letter


def say_lead(document: dict[str, Any]) -> None:
    """Print the lead of a document, a blank line between its paragraphs."""
    from faceloupe.report.markup import plain

    say("\n\n".join(map(plain, document["lead"])))


def say_remarks(notes: Iterable[str], warnings: Iterable[str]) -> None:
    """Print remarks on an answer, and reasons against relying on it."""
    for words in notes:
        say(f"Note: {words}.")
    for words in warnings:
        say(f"Caution: {words}.")


def say_failures(failures: "Iterable[Failure]") -> None:
    """Name photographs that gave no template, with the reason."""
    from faceloupe.faces.faceset import Skipped

    say_skipped("failure to acquire", (Skipped(failure.photograph, failure.reason) for failure in failures))


def say_skipped(what: str, skipped: "Iterable[Skipped]", *, most: int = MOST, rest: str = "") -> None:
    """Name photographs with the reason why they are told of, those with one reason together.

    Parameters
    ----------
    what : str
        What became of them, such as "not enrolled".
    skipped : iterable of Skipped
    most : int
        Files to name for each reason; the others are counted. At most ``MOST`` reasons are told.
    rest : str
        Where all of them are listed.
    """
    by_reason: dict[str, list[str]] = {}
    for photograph in skipped:
        by_reason.setdefault(photograph.reason, []).append(legible(photograph.path))
    where = f"; {rest}" if rest else ""
    for reason, paths in list(by_reason.items())[:MOST]:
        if len(paths) == 1:
            say(f"{what}: {paths[0]}: {reason}")
            continue
        more = [f"and {len(paths) - most:,} more{where}"] if len(paths) > most else []
        say("\n  ".join([f"{what}: {len(paths):,} photographs: {reason}", *paths[:most], *more]))
    if others := sum(map(len, list(by_reason.values())[MOST:])):
        say(f"{what}: {others:,} more, for other reasons{where}")


def shortened(text: str) -> str:
    """Return text in which arguments of the command that are over ``LONGEST`` letters long show their ends only."""
    values = [part for argument in sys.argv[1:] for part in (argument, argument.partition("=")[2])]
    for long in (value for value in values if len(value) > LONGEST):
        ends = f"{long[: LONGEST // 2]} ... {long[-LONGEST // 4 :]}"
        text = text.replace(long, ends).replace(repr(long)[1:-1], repr(ends)[1:-1])
    return text


def typed() -> str:
    """Return the command as it was typed, with quotes where a shell needs them."""
    return shlex.join(["faceloupe", *sys.argv[1:]])


@contextmanager
def stoppable(words: str | Callable[[], str]) -> Iterator[None]:
    """On Ctrl-C print what is kept, and leave with exit status 130."""
    try:
        yield
    except KeyboardInterrupt:
        say(words if isinstance(words, str) else words())
        raise typer.Exit(130) from None


@contextmanager
def progress(doing: str, *, transient: bool = False) -> Iterator[Progress]:
    """Show how far the work is and how long it will still take."""
    from rich.console import Console

    console = Console(stderr=True)
    silent = transient and not console.is_terminal  # nothing would be seen, but an empty line be left
    with bar(doing, console=console, transient=transient, disable=silent) as tell:
        yield tell


def legible(text: str) -> str:
    r"""Return a name or path on one line, with what a terminal would obey or cannot show escaped.

    >>> print(legible("a\nb\x1b[2J\udcff.jpg"))
    a\nb\x1b[2J\udcff.jpg
    """
    if text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape").decode("ascii") if _is_illegible(letter) else letter for letter in text
    )


def _is_illegible(letter: str) -> bool:
    return category(letter) in ILLEGIBLE and letter not in JOINERS


def aligned(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose columns are as wide as they must be; numbers stand on the right.

    >>> print(aligned(["name", "references"], [["Ann", "2"], ["Bob", "10"]]))
    name  references
    Ann            2
    Bob           10
    """
    from rich.cells import cell_len  # Chinese letters are two columns wide

    table = [[legible(cell) for cell in row] for row in (headings, *rows)]
    columns = list(zip(*table, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    numeric = [all(cell == "" or _is_number(cell) for cell in column[1:]) for column in columns]

    def padded(text: str, width: int, right: bool) -> str:
        space = " " * (width - cell_len(text))
        return space + text if right else text + space

    return "\n".join("  ".join(map(padded, row, widths, numeric)).rstrip() for row in table)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(",", "").replace(".", "", 1).isdigit()


def moment(at: datetime) -> str:
    """Return a moment to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def history(entries: "Iterable[Entry]") -> str:
    """Return entries of the trail as a table."""
    rows = [
        (
            str(entry.id),
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.who,
            entry.what,
            "" if entry.subject_id is None else str(entry.subject_id),
            ", ".join(
                name if value is True else f"{name} {value}"
                for name, value in entry.details.items()
                if value is not False
            ),
        )
        for entry in entries
    ]
    return aligned(("id", "when (UTC)", "who", "what", "subject", "details"), rows)


def check_file(out: Path, inputs: Iterable[str | Path | None] = ()) -> None:
    """Check that a file can be written and is none of those that the command reads.

    Raises InputError if it is ``-``, a folder, has none to be in, or is a file that the command reads.
    """
    check_name(out)
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file in it")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out.parent} is not a folder; make it first")
    for path in (Path(name) for name in inputs if name):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"{out} is what the command reads, and would be overwritten; name another file")


def check_folder(folder: Path | None) -> None:
    """Check that a folder exists or can be made; raise InputError if it is a file."""
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --figures takes a folder")
