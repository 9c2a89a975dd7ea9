"""The pair lists of Labeled Faces in the Wild, as its authors publish them.

Huang, Ramesh, Berg & Learned-Miller 2007. View 1, for development, has pairs to choose on and pairs to test on; View 2,
for the figures of a paper, ten folds. A line is ``NAME n m`` for two photographs of one person, ``NAME n NAME m`` for
two of two people, with tabs between.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from faceloupe.errors import InputError
from faceloupe.files import read_bytes

LFW = ("lfw", "lfw-view1", "lfw-view2")
"""What LFW is called: whichever view there is (View 2 first), or one of them."""

MOST = 2**24  # bytes of a list; the longest has 180,000
TRAIN_FILE, TEST_FILE, FOLDS_FILE = "pairsDevTrain.txt", "pairsDevTest.txt", "pairs.txt"


class Row(NamedTuple):
    """Two photographs to compare, by name, whether they show one person, their fold and groups ("" for none)."""

    photographs: tuple[str, str]
    same: bool
    fold: str
    groups: tuple[str, str] = ("", "")


def lfw_view_1(root: Path) -> list[Row]:
    """Return the pairs of View 1, in the folds "train" and "test".

    Raises
    ------
    InputError
        If a list is missing or not as published.
    """
    lists = {"train": _find(root, TRAIN_FILE), "test": _find(root, TEST_FILE)}
    missing = [name for name, path in zip((TRAIN_FILE, TEST_FILE), lists.values(), strict=True) if path is None]
    if missing:
        raise InputError(
            f"{root} has no {' and no '.join(missing)}: photographs without the list of their pairs. Put LFW's files "
            "there, or evaluate the folder itself"
        )
    return [row for fold, path in lists.items() if path for row in _read_list(path, fold)]


def lfw_view_2(root: Path) -> list[Row] | None:
    """Return the pairs of View 2 in folds "1" to "10"; None if ``pairs.txt`` is not there.

    Raises
    ------
    InputError
        If the list is not as published.
    """
    path = _find(root, FOLDS_FILE)
    return None if path is None else list(_read_folds(path))


def _find(root: Path, name: str) -> Path | None:
    """Return the path of a list: among the photographs' folders, or one above, where scikit-learn puts it."""
    return next((path for path in (root / name, root.parent / name) if path.is_file()), None)


def _read_list(path: Path, fold: str) -> list[Row]:
    count, *lines = _lines(path)
    if not count.strip().isdecimal() or len(lines) < 2 * int(count):
        raise InputError(f"{path} is not as LFW publishes it: its first line is {count!r}, {len(lines)} follow")
    return [_row(path, line, fold) for line in lines[: 2 * int(count)]]


def _read_folds(path: Path) -> Iterator[Row]:
    head, *lines = _lines(path)
    sizes = head.split()
    if len(sizes) != 2 or not all(size.isdecimal() for size in sizes):
        raise InputError(f"{path} is not as LFW publishes it: its first line is {head!r}, two numbers were expected")
    folds, fold_size = int(sizes[0]), 2 * int(sizes[1])
    if len(lines) < folds * fold_size:
        raise InputError(f"{path} is cut off: {folds * fold_size} pairs were announced, {len(lines)} lines follow")
    for index, line in enumerate(lines[: folds * fold_size]):
        yield _row(path, line, str(1 + index // fold_size))


def _lines(path: Path) -> list[str]:
    """Return the lines of a list, one at least."""
    try:
        return read_bytes(path, MOST).decode("utf-8").splitlines() or [""]
    except UnicodeDecodeError as problem:
        raise InputError(f"{path} is not as LFW publishes it: {problem}") from problem


def _row(path: Path, line: str, fold: str) -> Row:
    match line.split("\t"):
        case [name, first, second] if first.isdecimal() and second.strip().isdecimal():
            return Row((_file(name, first), _file(name, second)), True, fold)
        case [name, first, other_name, second] if first.isdecimal() and second.strip().isdecimal():
            return Row((_file(name, first), _file(other_name, second)), False, fold)
    raise InputError(f"{path} is not as LFW publishes it: a line reads {line!r}")


def _file(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"
