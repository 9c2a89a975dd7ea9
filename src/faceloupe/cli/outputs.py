"""Files that a command is to write: looked at before the work begins, so that nothing is lost and none is in vain."""

from collections.abc import Iterable
from pathlib import Path

from faceloupe.errors import InputError

__all__ = ["check_file", "check_folder"]


def check_file(out: Path, given: Iterable[str | Path | None] = ()) -> None:
    """Let a file through that can be written and is none of those given.

    Raises
    ------
    InputError
        If it is a folder, has none to be in, or is a file that the command reads.
    """
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file in it")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out.parent} is not a folder; make it first")
    for path in (Path(one) for one in given if one):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"{out} is what the command reads, and would be overwritten; name another file")


def check_folder(folder: Path | None) -> None:
    """Let a folder through that is there or can be made.

    Raises
    ------
    InputError
        If it is a file.
    """
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --figures takes a folder")
