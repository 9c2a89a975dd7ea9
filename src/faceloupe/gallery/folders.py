"""Folders of photographs, one a subject, listed to be enrolled."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from faceloupe.errors import InputError
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import INNER_FOLDER, NO_IMAGE, as_text, list_folder
from faceloupe.faces.images import SUFFIXES
from faceloupe.gallery.identity import checked_whom


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
    """

    name: str
    photographs: list[Path] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)

    def refuse(self, path: Path, reason: str) -> None:
        """Note why something is not a photograph."""
        self.refused.append(Skipped(as_text(str(path)), reason))


def list_subjects(root: str | PathLike[str]) -> list[ListedSubject]:
    """List ``root/NAME/*.jpg|png|...`` as photographs of subjects called NAME, unopened.

    ``for subject in list_subjects("people"): gallery.enrol(subject.name, subject.photographs)`` enrols them all.

    Parameters
    ----------
    root : path
        Hidden files and what lies outside the subjects' folders are passed over.

    Returns
    -------
    list of ListedSubject
        Subjects and photographs in the natural order of their names (2 before 10). Folders whose names are kept
        as one, such as "Ann" and " Ann ", are one subject.

    Raises
    ------
    InputError
        If `root` cannot be listed or holds no folder.
    """
    by_name: dict[str, ListedSubject] = {}
    for subject in map(_listed, _folders(Path(root))):
        first = by_name.setdefault(subject.name, subject)
        if first is not subject:
            first.photographs += subject.photographs
            first.refused += subject.refused
    return list(by_name.values())


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


def _listed(folder: Path) -> ListedSubject:
    """Return the content of a subject's folder, unopened."""
    subject = ListedSubject(as_text(folder.name))
    try:
        subject.name = checked_whom(subject.name).name
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
