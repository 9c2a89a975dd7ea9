"""Plain text for a terminal: tables, names, moments."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from faceloupe.gallery import Entry

__all__ = ["aligned", "history", "legible", "moment"]

ILLEGIBLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, bytes that are no UTF-8, ends of lines and paragraphs


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


def legible(text: str) -> str:
    r"""Return a name or path on one line, with what a terminal would obey or cannot show escaped.

    >>> print(legible("a\nb\x1b[2J\udcff.jpg"))
    a\nb\x1b[2J\udcff.jpg
    """
    if text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape").decode("ascii") if category(letter) in ILLEGIBLE else letter for letter in text
    )


def moment(at: datetime) -> str:
    """Return a moment to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def history(entries: "Iterable[Entry]") -> str:
    """Return lines of the trail as a table."""
    rows = [
        (
            str(entry.id),
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.who,
            entry.what,
            "" if entry.subject_id is None else str(entry.subject_id),
            ", ".join(f"{name} {value}" for name, value in entry.details.items() if value is not False),
        )
        for entry in entries
    ]
    return aligned(("id", "when (UTC)", "who", "what", "subject", "details"), rows)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(",", "").replace(".", "", 1).isdigit()
