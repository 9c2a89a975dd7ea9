"""The photographs in files and folders, with everything below them, listed before any is opened."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import as_text
from faceloupe.faces.images import SUFFIXES

__all__ = ["ListedFile", "Tree", "list_tree"]


class ListedFile(NamedTuple):
    """A file that is called like a photograph.

    Attributes
    ----------
    path : str
        Absolute, and not resolved: a link is a place of its own.
    bytes : int
    modified : int
        Nanoseconds since 1970.
    """

    path: str
    bytes: int
    modified: int


@dataclass(slots=True)
class Tree:
    """Files and folders below a folder.

    Attributes
    ----------
    files : list of ListedFile
        Each once, folder by folder, in the order of their names.
    skipped : list of Skipped
        What could not be looked at, with the reason.
    others : int
        Files that are not called like photographs.
    """

    files: list[ListedFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: int = 0


def list_tree(roots: Iterable[str | PathLike[str]], suffixes: Collection[str] = SUFFIXES) -> Tree:
    """List the photographs in files and folders: those whose names end, in lower case, in one of the suffixes.

    Hidden files and folders are passed over, and links to folders are not followed. A file that is named itself is a
    photograph whatever it is called.

    Raises
    ------
    InputError
        If a root is not there.
    """
    tree = Tree()
    files: dict[str, ListedFile] = {}
    for root in map(Path, roots):
        if not root.exists():
            raise InputError(f"{root} is not there; name files or folders of photographs")
        for path in _walk(root, tree, suffixes) if root.is_dir() else [root]:
            try:
                status = path.stat()
            except OSError as problem:
                tree.skipped.append(Skipped(as_text(str(path.absolute())), problem.strerror or str(problem)))
                continue
            absolute = str(path.absolute())
            files[absolute] = ListedFile(absolute, status.st_size, status.st_mtime_ns)
    tree.files = list(files.values())
    return tree


def _walk(root: Path, tree: Tree, suffixes: Collection[str]) -> Iterator[Path]:
    def note(problem: OSError) -> None:
        tree.skipped.append(Skipped(as_text(str(problem.filename)), problem.strerror or str(problem)))

    for folder, below, names in os.walk(root, onerror=note):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
            if path.suffix.lower() in suffixes:
                yield path
            else:
                tree.others += 1
