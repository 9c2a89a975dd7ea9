"""The faces of many photographs, aligned, as picture files, with a table that goes on where it was stopped."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faceloupe.errors import InputError
from faceloupe.faces.folders import as_text
from faceloupe.faces.trees import Tree
from faceloupe.files import write_whole
from faceloupe.growing import GrowingCsv
from faceloupe.numerals import counted
from faceloupe.progress import Progress
from faceloupe.recognition.chips import FaceChip
from faceloupe.recognition.limits import shortcomings
from faceloupe.recognition.photographs import Photograph
from faceloupe.recognition.quality import measure
from faceloupe.recognition.recognise import search_photos
from faceloupe.recognition.search import FaceSearch
from faceloupe.recognition.tally import Tally

TABLE = "faces.csv"
"""Name of the table beside the faces."""

COLUMNS = ("face", "file", "score", "x", "y", "width", "height", "eye_distance", "sharpness", "shortcomings")


@dataclass(slots=True)
class Cropped(Tally):
    """The result of cropping the faces of many photographs.

    Attributes
    ----------
    without : int
        Photographs without a face, of those done now.
    """

    without: int = 0

    def words(self) -> str:
        """Return in a sentence what was done."""
        parts = [f"{counted(self.faces, 'face')} of {counted(self.photographs, 'photograph')} written"]
        parts += [f"{self.without:,} without a face"] if self.without else []
        return "; ".join([*parts, *self.rest("done already")]) + "."


def crop_tree(tree: Tree, folder: Path, search: FaceSearch, progress: Progress | None = None) -> Cropped:
    """Write every face of many photographs as PNG, 112 x 112, upright and aligned, under its photograph's name.

    The face 2 of ``2019/party.jpg`` becomes ``2019/party.jpg-2.png``, and that of a ``2019/Party.JPG`` after it
    ``2019/Party.JPG~2-2.png``: there are disks to which these two are one. Faces are numbered in reading order. The
    table ``faces.csv`` has one row per face; photographs that it holds are passed over.

    Parameters
    ----------
    tree : Tree
    folder : Path
        Made if it is not there.
    search : FaceSearch
    progress : callable, optional
        Called with (photographs done, all).

    Raises
    ------
    InputError
        If the folder is a file, or lies where photographs are looked for.
    UnavailableError
        If the detector's weights or packages are missing.
    OSError
        If a file cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    cropped = Cropped()
    top = Path(os.path.commonpath([Path(file.path).parent for file in tree.files])) if tree.files else Path()
    if tree.files and folder.absolute().is_relative_to(top) and folder.absolute() != top.absolute():
        raise InputError(f"{folder} lies in {top}, where photographs are looked for: name a folder elsewhere")
    names = _names([Path(file.path).relative_to(top) for file in tree.files])
    folder.mkdir(parents=True, exist_ok=True)
    with GrowingCsv(folder / TABLE, COLUMNS) as table:
        unfinished = [file.path for file in tree.files if as_text(file.path) not in table.known]
        cropped.begin(tree, len(unfinished))
        photographs = zip(unfinished, search_photos(unfinished, search), strict=True)
        for done, (path, photograph) in enumerate(photographs, start=cropped.known + 1):
            rows = _write_faces(photograph, folder, names[Path(path).relative_to(top)])
            problem = photograph.problem.reason if photograph.problem else "" if rows else "no face found"
            table.add(path, rows, problem)
            if cropped.count(path, photograph):
                cropped.without += not photograph.chips
            if progress is not None:
                progress(done, len(tree.files))
    return cropped


def _names(photographs: Iterable[Path]) -> dict[Path, Path]:
    """Name the files of each photograph's faces after it: no two alike, also on a disk to which a.jpg is A.JPG."""
    names, taken = {}, set()
    for path in photographs:
        name, number = path, 1
        while (key := unicodedata.normalize("NFC", str(name)).casefold()) in taken:
            number += 1
            name = path.with_name(f"{path.name}~{number}")
        taken.add(key)
        names[path] = name
    return names


def _write_faces(photograph: Photograph, folder: Path, name: Path) -> list[list[object]]:
    rows: list[list[object]] = []
    for number, place in enumerate(photograph.reading_order(), start=1):
        target = folder / name.with_name(f"{name.name}-{number}.png")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, photograph.chips[place].png())
        rows.append([number, as_text(str(target.relative_to(folder))), *_measurements(photograph.chips[place])])
    return rows


def _measurements(chip: FaceChip) -> list[str]:
    quality = measure(chip)
    box = [f"{side:.1f}" for side in chip.detection.box]
    numbers = [f"{quality.eye_distance:.1f}", f"{quality.sharpness:.2f}"]
    return [f"{chip.detection.score:.4f}", *box, *numbers, "; ".join(shortcomings(quality))]
