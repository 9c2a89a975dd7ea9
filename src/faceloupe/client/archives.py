"""A folder of photographs, one folder a subject, in archives that a server takes."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from faceloupe.errors import ImageError, InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import EXPECTED, INNER_FOLDER, NO_IMAGE, as_text, list_folder
from faceloupe.faces.images import SUFFIXES, read_file

__all__ = ["archives_of"]

MOST_BYTES, MOST_FILES = 24 * 2**20, 2000
"""Of an archive: a server takes a request of 32 MB, and 5,000 files."""


def archives_of(folder: Path) -> Iterator[tuple[bytes, list[Skipped]]]:
    """Yield the photographs of a folder in ZIP files, one held at a time, each with what was left out before it.

    Raises
    ------
    InputError
        If a folder cannot be listed, or holds no subject's folder.
    """
    entries = list_folder(folder)
    subjects = [entry for entry in entries if entry.is_dir()]
    if not subjects:
        raise InputError(f"{folder} holds no folder; {EXPECTED}")
    left_out = [
        Skipped(as_text(entry.name), f"it lies in no folder: {EXPECTED}") for entry in entries if entry not in subjects
    ]
    packed: list[tuple[str, bytes]] = []
    for subject in subjects:
        for path in list_folder(subject):
            name = as_text(f"{subject.name}/{path.name}")
            if path.is_dir():
                left_out.append(Skipped(name, INNER_FOLDER))
                continue
            if path.suffix.lower() not in SUFFIXES:
                left_out.append(Skipped(name, NO_IMAGE))
                continue
            try:
                photograph = read_file(path)
            except ImageError as problem:
                left_out.append(Skipped(name, problem.reason))
                continue
            if len(photograph) > MOST_BYTES:
                left_out.append(Skipped(name, f"{len(photograph):,} bytes; at most {MOST_BYTES:,} are sent"))
                continue
            if len(packed) >= MOST_FILES or len(photograph) + sum(len(each) for _, each in packed) > MOST_BYTES:
                yield _zipped(packed), left_out
                packed, left_out = [], []
            packed.append((name, photograph))
    if packed or left_out:
        yield _zipped(packed), left_out


def _zipped(packed: list[tuple[str, bytes]]) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name, photograph in packed:
            archive.writestr(name, photograph)
    return content.getvalue()
