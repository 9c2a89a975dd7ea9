"""A folder of photographs, one folder a subject, in archives that a server takes."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from faceloupe.errors import ImageError, InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import (
    EXPECTED,
    INNER_FOLDER,
    NO_IMAGE,
    PEOPLE_TABLE,
    as_text,
    list_folder,
    people_tables,
)
from faceloupe.faces.images import SUFFIXES, read_file

MOST_BYTES, MOST_FILES = 24 * 2**20, 2000
"""Of an archive: a server takes a request of 32 MB, and 5,000 files."""


def archives_of(folder: Path) -> Iterator[tuple[bytes, list[Skipped]]]:
    """Yield the photographs of a folder in ZIP files, one held at a time, each with what was left out before it.

    A table ``people.csv`` in the folder goes with each.

    Raises
    ------
    InputError
        If a folder cannot be listed, or holds no subject's folder.
    """
    entries = list_folder(folder)
    if not any(entry.is_dir() for entry in entries):
        raise InputError(f"{folder} holds no folder; {EXPECTED}")
    table_paths = people_tables(entries)
    tables = [(PEOPLE_TABLE, read_file(path)) for path in table_paths]
    left_out: list[Skipped] = []
    packed: list[tuple[str, bytes]] = []
    size = 0
    for entry in entries:
        if entry in table_paths:
            continue
        if not entry.is_dir():
            left_out.append(Skipped(as_text(entry.name), f"it lies in no folder: {EXPECTED}"))
            continue
        for path in list_folder(entry):
            name, photograph = as_text(f"{entry.name}/{path.name}"), _photograph(path)
            if isinstance(photograph, str):
                left_out.append(Skipped(name, photograph))
                continue
            if len(packed) >= MOST_FILES or size + len(photograph) > MOST_BYTES:
                yield _zipped(tables + packed), left_out
                packed, left_out, size = [], [], 0
            packed.append((name, photograph))
            size += len(photograph)
    if packed or left_out:
        yield _zipped(tables + packed), left_out


def _photograph(path: Path) -> bytes | str:
    """Return the content of a file, or why it is not sent."""
    if path.is_dir():
        return INNER_FOLDER
    if path.suffix.lower() not in SUFFIXES:
        return NO_IMAGE
    try:
        content = read_file(path)
    except ImageError as problem:
        return problem.reason
    return content if len(content) <= MOST_BYTES else f"{len(content):,} bytes; at most {MOST_BYTES:,} are sent"


def _zipped(packed: list[tuple[str, bytes]]) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name, photograph in packed:
            archive.writestr(name, photograph)
    return content.getvalue()
