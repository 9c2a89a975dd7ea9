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
        Files that could not be looked at, with the reason.
    others : int
        Files that are not called like photographs.
    folders : list of str
        The folders looked through, as the paths of their files begin.
    unread : list of str
        Files and folders in them that could not be looked at: what is there is not known.
    """

    files: list[ListedFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: int = 0
    folders: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def list_tree(roots: Iterable[str | PathLike[str]], suffixes: Collection[str] = SUFFIXES) -> Tree:
    """List the photographs in files and folders: those whose names end, in lower case, in one of the suffixes.

    Hidden files and folders are passed over, and links to folders are not followed. A file that is named itself is a
    photograph whatever it is called. Raises InputError if a root is not there.
    """
    tree = Tree()
    files: dict[str, ListedFile] = {}
    for root in map(Path, roots):
        if not root.exists():
            raise InputError(f"{root} is not there; name files or folders of photographs")
        root = root.resolve() if ".." in root.parts else root.absolute()  # one name for each file, from wherever
        if root.is_dir():
            tree.folders.append(str(root))
        for path in _walk(root, tree, suffixes) if root.is_dir() else [root]:
            try:
                status = path.stat()
            except OSError as problem:
                _note(tree, str(path), problem)
            else:
                files[str(path)] = ListedFile(str(path), status.st_size, status.st_mtime_ns)
    tree.files = list(files.values())
    return tree


def _walk(root: Path, tree: Tree, suffixes: Collection[str]) -> Iterator[Path]:
    for folder, below, names in os.walk(root, onerror=lambda problem: _note(tree, str(problem.filename), problem)):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
            if path.suffix.lower() in suffixes:
                yield path
            else:
                tree.others += 1


def _note(tree: Tree, path: str, problem: OSError) -> None:
    if not isinstance(problem, FileNotFoundError):
        tree.unread.append(path)
    tree.skipped.append(Skipped(as_text(path), problem.strerror or str(problem)))
