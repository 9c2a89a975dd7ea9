"""Tables in text files as spreadsheets save them: commas, semicolons or tabs, any capitals, UTF-8 or UTF-16."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceloupe.errors import InputError
from faceloupe.files import read_bytes

MOST = 2**28  # bytes
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = (",", ";", "\t")
YES, NO = {"1", "true", "yes"}, {"0", "false", "no"}


def read_table(path: Path, columns: Sequence[str], rest: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a table with their numbers, as column to content, columns in small letters.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Columns that must be there.
    rest : str
        Further columns to expect, for the message.

    Raises
    ------
    InputError
        If it is no such table, a column is missing, or there is no line.
    """
    return table_of(read_bytes(path, MOST), str(path), columns, rest)


def table_of(content: bytes, name: str, columns: Sequence[str], rest: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a table as :func:`read_table` does, of a file's content; errors call it `name`."""
    lines = _decoded(content, name, "a CSV file").splitlines()
    first = _first(lines)
    # A strict reader: another one takes all that follows a quotation mark that is not closed for one cell.
    reader = csv.reader(lines[first:], delimiter=_separator(lines[first:]), strict=True)
    read: list[tuple[list[str], int]] = []  # rows, with the line in which each ends
    try:
        read.extend((row, first + reader.line_num) for row in reader)
    except csv.Error as problem:
        line = read[-1][1] + 1 if read else first + 1
        raise InputError(f"{name} is not a CSV file: {problem} in the row that begins in line {line}; is a quotation "
                         "mark not closed there?") from problem  # fmt: skip
    rows = [row for row, _ in read]
    names = _names(rows[0]) if rows else []
    missing = [column for column in columns if column not in names]
    twice = sorted({column for column in names if column and names.count(column) > 1})
    if twice:
        raise InputError(f"{name} has two columns {', '.join(twice)}: nobody knows which one is meant")
    expected = f"expected a first line with {','.join(columns)} {rest}"
    if missing:
        raise InputError(f"{name} has no column {', '.join(missing)}; {expected}")
    if not any(rows[1:]):
        raise InputError(f"{name} holds only its first line; {expected}")
    for (_, last), row in zip(read, rows[1:], strict=False):
        number = last + 1
        if any(cell.strip() for cell in row):
            if len(row) > len(names):
                raise InputError(f"{name}, line {number}: {len(row)} cells under {len(names)} columns")
            yield number, dict(zip(names, [cell.strip() for cell in row] + [""] * (len(names) - len(row)), strict=True))


def is_same(text: str, place: str) -> bool:
    """Return whether a cell of the column ``same`` says that both sides are one person; errors name its place.

    Raises
    ------
    InputError
        If it says neither yes nor no.
    """
    if text.strip().lower() not in YES | NO:
        raise InputError(f"{place}: same is {text!r}; expected 1 or 0 (or true, false, yes, no)")
    return text.strip().lower() in YES


def columns_of(lines: Sequence[str]) -> list[str]:
    """Return the columns, in small letters, that the heading of these lines names; [] if it is not a heading."""
    heading = lines[_first(lines) :][:1]
    try:
        return _names(next(csv.reader(heading, delimiter=_separator(heading)), []))
    except csv.Error:
        return []


def first_lines(path: Path) -> list[str]:
    """Return the lines that a file begins with, 4,096 bytes of it; bytes that are no text become question marks."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    return beginning.decode(_encoding(beginning), "replace").splitlines()


def text_of(path: Path, what: str) -> str:
    """Return the text of a file, UTF-8 or UTF-16; the InputError for another calls it `what`."""
    return _decoded(read_bytes(path, MOST), str(path), what)


def _decoded(content: bytes, name: str, what: str) -> str:
    try:
        return content.decode(_encoding(content))
    except UnicodeDecodeError as problem:
        raise InputError(
            f"{name} is not {what} in UTF-8: {problem}; save it as UTF-8 (a spreadsheet calls that CSV UTF-8)"
        ) from problem


def _encoding(content: bytes) -> str:
    return "utf-16" if content.startswith(UTF_16) else "utf-8-sig"


def _first(lines: Sequence[str]) -> int:
    return 1 if lines and lines[0].lower().startswith("sep=") else 0  # a spreadsheet's word to itself


def _separator(lines: Sequence[str]) -> str:
    heading = lines[0] if lines else ""
    return max(SEPARATORS, key=heading.count)


def _names(cells: Sequence[str]) -> list[str]:
    return [name.strip().lower().replace(" ", "_") for name in cells]
