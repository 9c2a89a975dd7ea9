"""A folder of photographs, one subject a folder, as a FaceSet."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import ImageError, InputError
from faceloupe.faces.faceset import FaceSet, Skipped, choose_subjects, find_duplicates
from faceloupe.faces.images import SUFFIXES, read_image
from faceloupe.faces.pixels import to_square

EXPECTED = "expected one a subject, as in ann/1.jpg and bob/1.jpg"
INNER_FOLDER = "a folder inside a subject's folder is not entered"
NO_IMAGE = "not called like an image, and not opened"
"""Reasons why a file is not a photograph of a subject, for folders and archives alike."""

PEOPLE_TABLE = "people.csv"
"""The table among subjects' folders that says whom each shows, where people are enrolled."""

Image = NDArray[np.float32]


def is_people_table(name: str) -> bool:
    """Return whether a file is that table by its name, in whatever letters: spreadsheets and systems write it so."""
    return name.lower() == PEOPLE_TABLE


def people_tables(entries: Sequence[Path]) -> list[Path]:
    """Return that table among the entries of a folder; several where names differ in their capitals alone.

    Raises
    ------
    InputError
        If what is called so is neither a file nor a folder: without its table everybody would be somebody else.
    """
    tables = [entry for entry in entries if is_people_table(entry.name) and not entry.is_dir()]
    for table in tables:
        if not table.is_file():
            raise InputError(f"{as_text(str(table))}: expected a CSV file that says whom each folder shows, not a "
                             "device, a pipe or a link to nothing")  # fmt: skip
    return tables


@dataclass(frozen=True, slots=True)
class CaptureReader:
    """The way a file becomes a capture.

    Attributes
    ----------
    size : int
        Height and width of the capture.
    colour : bool
        RGB instead of grey.
    suffixes : tuple of str
        Endings of file names, in lower case; no other file is opened.
    crop : callable, optional
        Function applied to the whole photograph before it is cut to its largest centred square.
    """

    size: int
    colour: bool = False
    suffixes: tuple[str, ...] = SUFFIXES
    crop: Callable[[Image], Image] | None = None

    def __call__(self, path: Path) -> Image:
        """Return the capture, float32 in [0, 1]; raise an ImageError with the reason if there is none."""
        if path.is_dir():
            raise ImageError(INNER_FOLDER)
        if path.suffix.lower() not in self.suffixes:
            raise ImageError(f"not opened: its name does not end in {' '.join(self.suffixes)}")
        image = read_image(path, colour=self.colour)
        image = to_square(self.crop(image) if self.crop else image, self.size)
        if (image == image[0, 0]).all():
            raise ImageError("no contrast: every pixel is the same")
        return image


def read_folder(
    root: Path, subjects: Sequence[int | str] | None, reader: CaptureReader, source: str, licence: str
) -> FaceSet:
    """Read ``root/NAME/*.jpg|png|...`` as captures of subjects called NAME; `subjects` are as in :func:`load_faces`.

    Hidden files and what lies outside the subjects' folders are passed over; every other file that does not become a
    capture is named in ``skipped``, and so is a subject none of whose files can be read. Raises InputError if fewer
    than two subjects are found, or nothing can be read of a subject that was asked for.
    """
    folders = _subject_folders(root)
    if subjects is not None:
        folders = [folders[index] for index in choose_subjects(subjects, [as_text(folder.name) for folder in folders])]
    pictures: dict[str, dict[str, Image]] = {}  # subject -> capture -> pixels
    skipped: list[Skipped] = []
    for folder in folders:
        read, problems = _read_subject(folder, reader)
        skipped += problems
        if read:
            pictures[as_text(folder.name)] = read
        else:
            skipped.append(Skipped(as_text(folder.name), "no capture of this subject can be read"))
    _check_subjects(root, len(folders) if subjects is not None else 2, len(pictures), skipped)
    captures = [capture for read in pictures.values() for capture in read]
    images = np.stack([image for read in pictures.values() for image in read.values()])
    images.flags.writeable = False  # spares FaceSet the copy
    return FaceSet(
        images,
        np.repeat(np.arange(len(pictures)), [len(read) for read in pictures.values()]),
        tuple(pictures),
        tuple(captures),
        source,
        licence,
        tuple(skipped),
        find_duplicates(images, captures),
    )


def list_photographs(root: Path) -> tuple[dict[str, tuple[Path, ...]], tuple[Skipped, ...]]:
    """Return the files ``root/NAME/*.jpg|png|...`` by subject, unopened, and what else lies in the subjects' folders.

    They come in natural order (2 before 10), without hidden files. Raises InputError if fewer than two subjects have
    photographs, or a folder cannot be listed.
    """
    listed: dict[str, tuple[Path, ...]] = {}
    skipped: list[Skipped] = []
    for folder in _subject_folders(root):
        entries = list_folder(folder)
        images = tuple(path for path in entries if path.suffix.lower() in SUFFIXES and not path.is_dir())
        skipped += [
            Skipped(
                f"{as_text(folder.name)}/{as_text(path.name)}",
                INNER_FOLDER if path.is_dir() else "not called like an image",
            )
            for path in entries
            if path not in images
        ]
        if images:
            listed[as_text(folder.name)] = images
        else:
            skipped.append(Skipped(as_text(folder.name), "holds no photograph"))
    _check_subjects(root, 2, len(listed), skipped)
    return listed, tuple(skipped)


def _subject_folders(root: Path) -> list[Path]:
    entries = list_folder(root)
    folders = [entry for entry in entries if entry.is_dir()]
    if len(folders) > 1:
        return folders
    loose = sum(entry.suffix.lower() in SUFFIXES for entry in entries)
    holds = f"one subject, {as_text(folders[0].name)!r}" if folders else f"no folder ({loose} images lie outside one)"
    raise InputError(
        f"{root} holds {holds if entries else 'nothing'}; expected two or more subjects, one folder each, as in "
        "ann/1.jpg and bob/1.jpg"
    )


def _read_subject(folder: Path, reader: CaptureReader) -> tuple[dict[str, Image], list[Skipped]]:
    read: dict[str, Image] = {}
    skipped: list[Skipped] = []
    try:
        entries = list_folder(folder)
    except InputError as problem:
        return {}, [Skipped(as_text(folder.name), str(problem))]
    for path in entries:
        name = f"{as_text(folder.name)}/{as_text(path.name)}"
        try:
            read[name] = reader(path)
        except ImageError as problem:
            skipped.append(Skipped(name, problem.reason))
    return read, skipped


def _check_subjects(root: Path, least: int, subjects: int, skipped: list[Skipped]) -> None:
    if subjects < least:
        shown = "; ".join(f"{skip.path}: {skip.reason}" for skip in skipped[:5])
        raise InputError(
            f"{root}: {subjects} subjects can be read, {least} are needed. Skipped {len(skipped)}: {shown}"
        )


def list_folder(folder: Path) -> list[Path]:
    """Return the content of a folder in natural order, without hidden files."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError as problem:
        raise InputError(f"{folder} cannot be listed: {problem.strerror}") from problem

    def natural(name: str) -> tuple[list[str | int], str]:  # 2 before 10; names that differ in case only, by case
        parts = re.split(r"(\d+)", name.casefold())
        return [int(part) if part.isdecimal() else part for part in parts], name

    return [folder / name for name in sorted(names, key=natural) if not name.startswith(".")]


def as_text(name: str) -> str:
    r"""Return a file's name as text; bytes of it that are not UTF-8 are spelt out, so that two names stay two.

    >>> as_text("zo\udceb")
    'zo\\xeb'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
