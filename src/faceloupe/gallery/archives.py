"""ZIP archives of photographs, one folder a subject: read in memory, within bounds, and never unpacked onto a disk."""

import stat
import struct
import zlib
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from faceloupe.errors import ImageError, InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import EXPECTED, INNER_FOLDER, NO_IMAGE, PEOPLE_TABLE, as_text, is_people_table
from faceloupe.faces.images import SUFFIXES
from faceloupe.gallery.identity import checked_whom
from faceloupe.gallery.people_csv import UNNAMED, TabledPerson, folder_key, read_people

MAX_FILES = 5000
"""Files of an archive, at most."""

MAX_DIRECTORY = 2 * 2**20
"""Bytes of the list of its files, at most: it is read whole."""

MAX_UNPACKED = 2**30
"""Bytes of all files unpacked, by what the list claims, at most; no more of a file is read than it claims."""

MAX_TABLE = 2**20
"""Bytes of its table of people, at most."""

_END, _LARGE = b"PK\5\6", b"PK\6\7"  # what the end of the list begins with, and that of an archive above 4 GB
_END_BYTES, _COMMENT, _LARGE_BYTES = 22, 2**16, 20


class ArchivedSubject:
    """The files of a subject in an archive.

    Attributes
    ----------
    name : str
        The name as the gallery keeps it.
    external_id : str or None
    metadata : dict or None
        As ``people.csv`` says.
    photographs : list of str
        Names of files in the archive.
    """

    def __init__(self, name: str, external_id: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self.name, self.external_id, self.metadata = name, external_id, metadata
        self.photographs: list[str] = []


class Archive:
    """Photographs as ``NAME/1.jpg`` in a ZIP file, also below one common folder.

    Beside the folders, or above, there may be a table ``people.csv``, see
    :func:`faceloupe.gallery.people_csv.read_people`: then a folder that it does not name is refused. Its lines for
    folders that are not in this archive are passed over, so that the same table may go with each of several archives.

    Parameters
    ----------
    content : bytes
        The archive.
    max_photograph : int
        Bytes of a photograph, at most.

    Attributes
    ----------
    subjects : list of ArchivedSubject
        Those with a photograph, in the order of their names.
    refused : list of Skipped
        Everything else in the archive, and why it is not a photograph of anybody. Hidden files are passed over.

    Raises
    ------
    InputError
        If it is not a ZIP file, holds too much, or names that are not UTF-8, or its table is not as described.
    """

    def __init__(self, content: bytes, max_photograph: int) -> None:
        self._zip = _open_zip(content)
        self._files: dict[str, ZipInfo] = {}
        self.refused: list[Skipped] = []
        files: dict[str, tuple[str, ...]] = {}
        tables: dict[str, tuple[str, ...]] = {}
        for info in self._zip.infolist():
            name = info.filename.replace("\\", "/")
            parts = PurePosixPath(name).parts
            if name.endswith("/") or any(
                (part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts
            ):
                continue
            path = "/".join(parts)
            is_table = bool(parts) and is_people_table(parts[-1])
            if reason := self._refusal(info, parts, MAX_TABLE if is_table else max_photograph):
                if is_table:  # without it everybody would be somebody else
                    raise InputError(f"{as_text(path)}: {reason}")
                self.refused.append(Skipped(as_text(path), reason))
            else:
                self._files[path] = info
                (tables if is_table else files)[path] = parts
        common = _common(list(files.values()))
        people = self._people(tables, files[min(files)][:common] if files else ())
        subjects: dict[tuple[str, str | None], ArchivedSubject] = {}
        for path, parts in sorted(files.items()):
            try:
                subject = _subject(parts[common:-1], people)
            except InputError as problem:
                self.refused.append(Skipped(as_text(path), str(problem)))
            else:
                subjects.setdefault((subject.name, subject.external_id), subject).photographs.append(path)
        self.subjects = list(subjects.values())

    def _people(self, tables: dict[str, tuple[str, ...]], common: tuple[str, ...]) -> dict[str, TabledPerson] | None:
        """Return what the table beside the subjects' folders, or above them, says; None if there is none."""
        people = None
        for path, parts in tables.items():
            folder = parts[:-1]
            if len(folder) > len(common) and folder[: len(common)] == common:  # a subject's own
                self.refused.append(Skipped(as_text(path), NO_IMAGE))
            elif people is not None or folder != common[: len(folder)]:  # else people would be enrolled as others
                raise InputError(f"{as_text(path)}: expected one such table, beside the folders of the people")
            else:
                people = read_people(self.read(path), as_text(path))
        return people

    def read(self, path: str) -> bytes:
        """Return a file's bytes.

        Raises
        ------
        ImageError
            If they are damaged.
        """
        try:
            info = self._files[path]
            with self._zip.open(info) as file:
                # Without a size all that is packed would be inflated before it is cut; one byte more, for of an entry
                # that claims none the sum would not be looked at.
                return file.read(info.file_size + 1)
        except (BadZipFile, EOFError, OSError, RuntimeError, ValueError, zlib.error) as problem:
            raise ImageError(f"damaged in the archive ({problem})", path) from problem

    def _refusal(self, info: ZipInfo, parts: tuple[str, ...], most: int) -> str | None:
        """Return why a file cannot be a photograph of somebody, or the table; None if it may be."""
        if not parts:
            return "it has no name"
        if ".." in parts or parts[0].endswith((":", "/")):
            return "its name leads out of the archive"
        if "/".join(parts) in self._files:
            return "another file of this name is in the archive"
        if stat.S_ISLNK(info.external_attr >> 16):
            return "a link, which is not followed"
        if info.flag_bits & 1:
            return "encrypted"
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            return "packed by another method than deflate"
        if not is_people_table(parts[-1]) and PurePosixPath(parts[-1]).suffix.lower() not in SUFFIXES:
            return NO_IMAGE
        if info.file_size > most:
            return f"it has {info.file_size:,} bytes; it may have {most:,}"
        return None


def _open_zip(content: bytes) -> ZipFile:
    end = content.rfind(_END, max(0, len(content) - _END_BYTES - _COMMENT))
    if end < 0 or len(content) < end + _END_BYTES:
        raise InputError("expected a ZIP archive of folders, one a subject, as in ann/1.jpg and bob/1.jpg")
    (size,) = struct.unpack_from("<L", content, end + 12)
    if size > MAX_DIRECTORY or content[max(0, end - _LARGE_BYTES) : end].startswith(_LARGE):
        raise InputError(
            f"the archive's list of files is too long: at most {MAX_DIRECTORY:,} bytes of it are taken, {MAX_FILES:,} "
            "files, and 4 GB; send it in several"
        )
    try:
        archive = ZipFile(BytesIO(content), metadata_encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise InputError("the names in the archive are not UTF-8: make it anew with names in UTF-8") from problem
    except (BadZipFile, ValueError, struct.error, NotImplementedError) as problem:
        raise InputError(f"the ZIP archive is damaged ({problem})") from problem
    files = archive.infolist()
    if len(files) > MAX_FILES:
        raise InputError(f"the archive holds {len(files):,} files; at most {MAX_FILES:,} are taken: send it in several")
    if (unpacked := sum(info.file_size for info in files)) > MAX_UNPACKED:
        raise InputError(f"unpacked it would have {unpacked:,} bytes; at most {MAX_UNPACKED:,} are taken")
    return archive


def _subject(folders: tuple[str, ...], people: dict[str, TabledPerson] | None) -> ArchivedSubject:
    """Return the subject, without photographs, of the one whose photograph lies in these folders."""
    if len(folders) != 1:
        raise InputError(INNER_FOLDER if folders else f"it lies in no folder: {EXPECTED}")
    if people is None:
        return ArchivedSubject(checked_whom(folders[0]).name)
    if (person := people.get(folder_key(folders[0]))) is None:
        raise InputError(UNNAMED.format(PEOPLE_TABLE))
    return ArchivedSubject(*person[1:])


def _common(paths: list[tuple[str, ...]]) -> int:
    """Return how many folders all paths share, at most as many as leave one a subject."""
    common = 0
    while paths and len({parts[common] for parts in paths}) == 1 and min(map(len, paths)) > common + 2:
        common += 1
    return common
