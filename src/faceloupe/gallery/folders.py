"""Folders of photographs, one a subject, listed to be enrolled."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import INNER_FOLDER, NO_IMAGE, as_text, list_folder, people_tables
from faceloupe.faces.images import SUFFIXES
from faceloupe.files import read_bytes
from faceloupe.gallery.identity import checked_whom
from faceloupe.gallery.people_csv import UNNAMED, TabledPerson, folder_key, read_people

MOST_OF_TABLE = 2**26  # bytes


@dataclass(slots=True)
class ListedSubject:
    """The files of a subject, unopened.

    Attributes
    ----------
    name : str
        The name as the gallery keeps it. A folder that cannot be a name keeps its own and has no photographs.
    photographs : list of Path
    refused : list of Skipped
        Everything else in the folder, and why it is not a photograph.
    external_id : str or None
    metadata : dict or None
        As ``people.csv`` says.
    """

    name: str
    photographs: list[Path] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)
    external_id: str | None = None
    metadata: dict[str, Any] | None = None

    def refuse(self, path: Path, reason: str) -> None:
        """Note why something is not a photograph."""
        self.refused.append(Skipped(as_text(str(path)), reason))


def list_subjects(root: str | PathLike[str], table: str | PathLike[str] | None = None) -> list[ListedSubject]:
    """List ``root/NAME/*.jpg|png|...`` as photographs of subjects called NAME, unopened.

    ``for each in list_subjects("people"): gallery.enrol(each.name, each.photographs, external_id=each.external_id,
    metadata=each.metadata)`` enrols them all.

    Parameters
    ----------
    root : path
        Hidden files and what lies outside the subjects' folders are passed over.
    table : path, optional
        A CSV file that says whom each folder shows, see :func:`faceloupe.gallery.people_csv.read_people`; by default
        ``people.csv`` in the folder, if it is there. A folder that it does not name is refused.

    Returns
    -------
    list of ListedSubject
        Subjects and photographs in the natural order of their folders' names (2 before 10). Folders whose names are
        kept as one, such as "Ann" and " Ann ", are one subject; so are those of one external id. A line of the table
        without a folder is a subject without photographs.

    Raises
    ------
    InputError
        If `root` cannot be listed or holds no folder, or the table is not as described.
    """
    folders = _folders(Path(root))
    place = _table_in(Path(root)) if table is None else Path(table)
    people = None if place is None else _read_table(place)
    called = "" if place is None else as_text(place.name)
    by_whom: dict[tuple[str, str | None], ListedSubject] = {}
    for subject in (_listed(folder, people, called) for folder in folders):
        first = by_whom.setdefault((subject.name, subject.external_id), subject)
        if first is not subject:
            first.photographs += subject.photographs
            first.refused += subject.refused
    there = {folder_key(as_text(folder.name)) for folder in folders}
    without = [
        ListedSubject(person.name, [], [Skipped(f"{called}, line {person.line}", f"there is no folder {folder!r}")])
        for folder, person in (people or {}).items()
        if folder not in there
    ]
    return [*by_whom.values(), *without]


def _table_in(root: Path) -> Path | None:
    """Return the table that lies in a folder; None if there is none."""
    tables = people_tables(list_folder(root))
    if len(tables) > 1:
        raise InputError(f"{' and '.join(map(str, tables))}: nobody knows which table is meant; keep one")
    return tables[0] if tables else None


def _read_table(path: Path) -> dict[str, TabledPerson]:
    if not path.is_file():
        raise InputError(f"table: expected a CSV file that says whom each folder shows, got {path}")
    return read_people(read_bytes(path, MOST_OF_TABLE), str(path))


def _folders(root: Path) -> list[Path]:
    entries = list_folder(root)
    folders = [entry for entry in entries if entry.is_dir()]
    if not folders:
        loose = sum(entry.suffix.lower() in SUFFIXES for entry in entries)
        images = "1 image lies" if loose == 1 else f"{loose:,} images lie"
        raise InputError(
            f"{root} holds no folder ({images} loose in it); expected one per subject, as in ann/1.jpg and "
            "bob/1.jpg. Photographs of one subject: faceloupe enrol NAME PHOTO..."
        )
    return folders


def _listed(folder: Path, people: dict[str, TabledPerson] | None, table: str) -> ListedSubject:
    """Return the content of a subject's folder, unopened."""
    subject = ListedSubject(as_text(folder.name))
    try:
        if people is None:
            subject.name = checked_whom(subject.name).name
        elif (person := people.get(folder_key(subject.name))) is None:
            raise InputError(UNNAMED.format(table))
        else:
            _, subject.name, subject.external_id, subject.metadata = person
        files = list_folder(folder)
    except InputError as problem:
        subject.refuse(folder, str(problem))
        return subject
    for path in files:
        if path.is_dir():
            subject.refuse(path, INNER_FOLDER)
        elif path.suffix.lower() not in SUFFIXES:
            subject.refuse(path, NO_IMAGE)
        else:
            subject.photographs.append(path)
    if not subject.photographs:
        subject.refuse(folder, "no photograph in this folder")
    return subject
