"""Files that grow by a photograph at a time, and go on where they were stopped: CSV, and JSON lines.

Of each photograph everything is written at once. What a stop in the middle left of the last one is cut off when the
file is opened again.
"""

import csv
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from faceloupe.documents import json_text, parse_json
from faceloupe.errors import InputError
from faceloupe.faces.folders import as_text
from faceloupe.files import naming


class GrowingFile(ABC):
    """A file of what was found in photographs, for its owner's eyes only (mode 0600).

    Parameters
    ----------
    path : Path
        File to add to; rows of earlier photographs stay.

    Attributes
    ----------
    known : set of str
        Paths of the photographs that are in it.

    Raises
    ------
    InputError
        If there is a file that this class did not write.
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.known: set[str] = set()
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            content = self._file.read().decode(errors="surrogateescape")  # a letter may be cut in two
            end = self._take_in(content)
        except (InputError, ValueError, LookupError, TypeError) as problem:
            self._file.close()
            raise InputError(f"{path} holds something else: name a new file, or delete this one") from problem
        self._file.seek(len(content[:end].encode(errors="surrogateescape")))
        self._file.truncate()

    @abstractmethod
    def _take_in(self, content: str) -> int:
        """Note the photographs in the content, and return where the last whole one ends."""

    def _write(self, name: str, text: str) -> None:
        with naming(self._path):
            self._file.write(text.encode())
            self._file.flush()
        self.known.add(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with naming(self._path):  # what a full disk did not take is tried again
            self._file.close()


class GrowingCsv(GrowingFile):
    """CSV with one row per face: path, how many faces the photograph has, the given columns, and why there is no face.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Names of the columns between "path", "faces" and "problem".
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._columns = ["path", "faces", *columns, "problem"]
        super().__init__(path)
        if not self._file.tell():
            self._file.write(_csv([self._columns]).encode())

    def add(self, path: str, rows: Sequence[Sequence[Any]], problem: str = "") -> None:
        """Write the rows of a photograph's faces; one row without a face if there is none."""
        name, blank = as_text(path), [""] * (len(self._columns) - 3)
        self._write(name, _csv([name, len(rows), *row, problem] for row in rows or [blank]))

    def _take_in(self, content: str) -> int:
        stream = io.StringIO(content[: content.rfind("\n") + 1], newline="\n")
        if (heading := stream.readline()) != _csv([self._columns]):
            if heading or not _csv([self._columns]).startswith(content):
                raise ValueError(heading)
            return 0
        end, rows = stream.tell(), 0
        with suppress(csv.Error):  # the last row is cut off within quotes
            for row in csv.reader(stream, strict=True):
                rows += 1
                if rows == max(int(row[1]), 1):
                    self.known.add(row[0])
                    end, rows = stream.tell(), 0
        return end


class GrowingLines(GrowingFile):
    """JSON lines: a document a photograph, with its "path"."""

    def add(self, path: str, document: dict[str, Any]) -> None:
        """Write the document of a photograph."""
        name = as_text(path)
        self._write(name, json_text({"path": "", **document} | {"path": name}) + "\n")

    def _take_in(self, content: str) -> int:
        head = '{"path": "'
        if content[: len(head)] != head[: len(content)]:
            raise ValueError(content[:80])
        end = content.rfind("\n") + 1
        self.known = {parse_json(line)["path"] for line in content[:end].split("\n") if line}
        return end


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
