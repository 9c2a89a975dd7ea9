"""Photographs of which one knows whom they show, and which of them are compared."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceloupe.csv_tables import columns_of, first_lines, is_same, read_table
from faceloupe.errors import InputError
from faceloupe.evaluation.groups import FILE, read_groups
from faceloupe.evaluation.lfw import LFW, Row, lfw_view_1, lfw_view_2
from faceloupe.evaluation.packed import PackedPhoto, is_packed, read_packed
from faceloupe.faces.faceset import Skipped
from faceloupe.faces.folders import list_photographs
from faceloupe.faces.images import SUFFIXES
from faceloupe.faces.sources import find_lfw, find_orl
from faceloupe.recognition.detections import Detector
from faceloupe.recognition.search import Faces, FaceSearch

Labels = NDArray[np.intp]

TRAIN, TEST = "train", "test"
"""Folds that are not exchangeable: what is chosen is chosen on the first, and measured on the second."""

COLUMNS = ("photo_a", "photo_b", "same")
TEMPLATE_PAIRS = ("template_a", "template_b")
TEMPLATE_COLUMNS = ("template_id", "subject_id", "path")
TEMPLATES_FILE = "templates.csv"
FOLDS = 10  # of a packed file, as the papers on those protocols have them
EXPECTED = (
    f"expected {', '.join(LFW)}, orl, a folder with one folder per subject, such as ann/1.jpg and bob/1.jpg, or a CSV "
    "file with the columns photo_a, photo_b, same (or template_a, template_b, beside a templates.csv), or a packed .bin"
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pairs:
    """P pairs of photographs to compare.

    Attributes
    ----------
    captures : array of intp, (P, 2)
        Photographs of each pair.
    same : array of bool, (P,)
        Whether both show one person.
    folds : tuple of str, (P,), or None
        Part that each pair belongs to: "train" and "test", or folds that take turns.
    """

    captures: Labels
    same: NDArray[np.bool_]
    folds: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        folds = f" in {len(set(self.folds))} folds" if self.folds else ""
        return f"Pairs({len(self.captures):,}, {self.same.sum():,} of one person{folds})"

    @property
    def has_parts(self) -> bool:
        """True if they are split into "train" and "test"."""
        return self.folds is not None and set(self.folds) == {TRAIN, TEST}

    def in_fold(self, fold: str) -> Labels:
        """Return which belong to a fold, (K,)."""
        return np.flatnonzero(np.array(self.folds) == fold)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LabelledPhotographs:
    """N photographs with labels: whom each shows, or which pairs show one person, or both.

    Attributes
    ----------
    source : str
        Description of the data, in words.
    paths : tuple of Path or PackedPhoto, (N,)
    names : tuple of str
        Names of the subjects; empty where only pairs are labelled.
    subjects : array of intp, (N,), or None
        Subject of each photograph, an index in `names`.
    pairs : Pairs or None
        Pairs to compare; None for every two.
    central : bool
        Whether the face nearest the centre is meant where a photograph shows several.
    skipped : tuple of Skipped
        Files beside the photographs that are none.
    groups : tuple of str, (N,) or ()
        The group of whom each photograph shows, as a file says; empty where it is not known, () where none is.
    templates : tuple of tuple of int, (T,), or None
        Where several photographs make one template: which photographs each has. `subjects`, `pairs` and `groups` are
        then of templates.
    media : tuple of str, (N,) or ()
        Medium that each photograph is from, such as a clip.
    """

    source: str
    paths: tuple[Path | PackedPhoto, ...]
    names: tuple[str, ...] = ()
    subjects: Labels | None = None
    pairs: Pairs | None = None
    central: bool = False
    skipped: tuple[Skipped, ...] = ()
    groups: tuple[str, ...] = ()
    templates: tuple[tuple[int, ...], ...] | None = None
    media: tuple[str, ...] = ()

    def __repr__(self) -> str:
        people = f" of {len(self.names):,} subjects" if self.names else ""
        pairs = "" if self.pairs is None else f", {self.pairs!r}"
        return f"LabelledPhotographs({self.counted()}{people}{pairs}, {self.source})"

    def search(self, faces: Faces | None, detector: Detector | None = None) -> FaceSearch:
        """Return the search for the face that is meant: as it is asked for, or else as is usual for the data.

        Raises
        ------
        InputError
            If all faces of a photograph are asked for.
        """
        search = FaceSearch.of_one_face(faces or ("central" if self.central else "one"))
        return replace(search, detector=detector) if detector else search

    def counted(self) -> str:
        """Return the number of photographs, or of templates and the photographs that make them, in words."""
        if self.templates is None:
            return f"{len(self.paths):,} photographs"
        return f"{len(self.templates):,} templates of {sum(map(len, self.templates)):,} photographs"


Data = str | os.PathLike[str] | LabelledPhotographs
"""What :func:`open_data` takes."""


def open_data(data: Data) -> LabelledPhotographs:
    """Return labelled photographs; none is opened yet.

    Parameters
    ----------
    data : "lfw", "lfw-view1", "lfw-view2", "orl", path or LabelledPhotographs
        Labeled Faces in the Wild as :func:`faceloupe.load_faces` finds it, with the pairs of View 2 (``pairs.txt``, ten
        folds) or else of View 1 (``pairsDevTrain.txt``, ``pairsDevTest.txt``); the 400 ORL photographs; a folder with
        one folder per subject; or a CSV file with the columns ``photo_a``, ``photo_b`` (paths, relative to the file's
        folder) and ``same`` (1 or 0), and perhaps ``fold``, and ``group`` or ``group_a`` and ``group_b``; a CSV file
        with ``template_a`` and ``template_b``, beside a file ``templates.csv`` with the columns ``template_id``,
        ``subject_id``, ``path`` and perhaps ``media_id``; or a ``.bin`` as InsightFace packs CFP-FP, AgeDB-30, CALFW
        and CPLFW, see :mod:`faceloupe.evaluation.packed`. A file
        ``groups.csv`` (``name``, ``group``) in the folder or beside it says which group each subject is in.

    Raises
    ------
    InputError
        If it is none of these, or the message's part of it is not as described.
    UnavailableError
        If LFW or ORL is not on this machine.
    """
    if isinstance(data, LabelledPhotographs):
        return data
    if data in LFW:
        return _lfw(str(data), find_lfw())
    if data == "orl":
        root = find_orl()
        listed = {f"s{n}": tuple(root / f"s{n}" / f"{i}.pgm" for i in range(1, 11)) for n in range(1, 41)}
        return _by_subject("The Database of Faces (ORL)", listed)
    path = Path(data).expanduser()
    if str(data) and path.is_dir():
        listed, skipped = list_photographs(path)
        return with_groups(_by_subject(f"the folder {path.name or path}", listed, skipped), _groups_file(path))
    if path.suffix.lower() in SUFFIXES:
        raise InputError(f"{path} is a photograph, not data; {EXPECTED}")
    if is_packed(path):
        return _packed(path)
    if path.is_file() and set(columns_of(first_lines(path))).issuperset(TEMPLATE_PAIRS):
        return _templates(path)
    if path.is_file():
        return _pairs(f"the pairs of {path.name}", path.parent, _read_csv(path))
    if path.exists():
        raise InputError(f"{str(data)!r} is not data; {EXPECTED}")
    raise InputError(f"There is no file or folder {str(data)!r}; {EXPECTED}")


def with_groups(data: LabelledPhotographs, path: Path | None) -> LabelledPhotographs:
    """Return the same, with the groups that a file says subjects are in, see :func:`read_groups`."""
    if path is None:
        return data
    if data.subjects is None:
        raise InputError(
            f"{data.source}: the subjects of its photographs are not known, so that {path} says nothing of them"
        )
    groups = read_groups(path, data.names)
    return replace(data, groups=tuple(groups.get(data.names[subject], "") for subject in data.subjects))


def _groups_file(folder: Path) -> Path | None:
    return next((path for path in (folder / FILE, folder.parent / FILE) if path.is_file()), None)


def _by_subject(
    source: str, listed: dict[str, tuple[Path, ...]], skipped: Sequence[Skipped] = ()
) -> LabelledPhotographs:
    return LabelledPhotographs(
        source,
        tuple(path for paths in listed.values() for path in paths),
        tuple(listed),
        np.repeat(np.arange(len(listed)), [len(paths) for paths in listed.values()]),
        skipped=tuple(skipped),
    )


def _lfw(name: str, root: Path) -> LabelledPhotographs:
    view_2 = lfw_view_2(root) if name != "lfw-view1" else None
    rows = view_2 or lfw_view_1(root)
    if name == "lfw-view2" and view_2 is None:
        raise InputError(f"{root} has no pairs.txt, the ten folds of View 2; put LFW's file there")
    data = _pairs(f"LFW View {1 if view_2 is None else 2}", root, rows)
    people = [path.parts[-2] for path in data.paths]
    names, subjects = np.unique(people, return_inverse=True)
    return replace(data, names=tuple(names.tolist()), subjects=subjects, central=True)


def _pairs(source: str, root: Path, rows: Iterable[Row]) -> LabelledPhotographs:
    rows = list(rows)
    numbers = {
        name: index for index, name in enumerate(dict.fromkeys(name for row in rows for name in row.photographs))
    }
    folds = tuple(row.fold for row in rows)
    _check_pairs(source, rows)
    captures = np.array([[numbers[name] for name in row.photographs] for row in rows], dtype=np.intp)
    pairs = Pairs(captures, np.array([row.same for row in rows]), folds if folds[0] else None)
    return LabelledPhotographs(
        source, tuple(root / name for name in numbers), pairs=pairs, groups=_groups_of_pairs(source, rows)
    )


def _packed(path: Path) -> LabelledPhotographs:
    """Return a packed file's photographs; pairs are in ten folds, one after another, if each has both kinds."""
    photographs, captures, same = read_packed(path)
    folds = tuple(str(1 + FOLDS * place // len(same)) for place in range(len(same)))
    whole = len(set(zip(same.tolist(), folds, strict=True))) == 2 * len(set(folds))
    if len(set(same.tolist())) != 2:
        raise InputError(f"{path}: all pairs show {'one person' if same[0] else 'two people'}; both kinds are needed")
    return LabelledPhotographs(
        f"the pairs of {path.name}", photographs, pairs=Pairs(captures, same, folds if whole else None), central=True
    )


def _templates(path: Path) -> LabelledPhotographs:
    """Return the templates that a list of pairs compares, with the photographs that each is made of."""
    listed = path.parent / TEMPLATES_FILE
    if not listed.is_file():
        raise InputError(f"{path} compares templates; {listed}, which says what they are made of, is not there")
    members: dict[str, list[int]] = {}
    subject_of: dict[str, str] = {}
    paths: list[Path | PackedPhoto] = []
    media: list[str] = []
    for number, line in read_table(listed, TEMPLATE_COLUMNS, "and perhaps media_id, then a line for each photograph"):
        place_in_file = f"{listed}, line {number}"
        template, subject, name = (line[column] for column in TEMPLATE_COLUMNS)
        if not (template and subject and _is_file(path.parent, name)):
            raise InputError(f"{place_in_file}: expected a template, a subject and a file that is there, got {name!r}")
        if subject_of.setdefault(template, subject) != subject:
            raise InputError(f"{place_in_file}: template {template} is of {subject_of[template]} and of {subject}")
        members.setdefault(template, []).append(len(paths))
        paths.append(path.parent / name)
        media.append(line.get("media_id") or f"photograph {number}")
    names, subjects = np.unique([subject_of[template] for template in members], return_inverse=True)
    places = {template: place for place, template in enumerate(members)}
    pairs = _template_pairs(path, places)
    return LabelledPhotographs(
        f"the templates of {path.name}", tuple(paths), tuple(names.tolist()), subjects.astype(np.intp),
        Pairs(pairs, subjects[pairs[:, 0]] == subjects[pairs[:, 1]]), templates=tuple(map(tuple, members.values())),
        media=tuple(media),
    )  # fmt: skip


def _is_file(root: Path, name: str) -> bool:
    try:
        return bool(name) and (root / name).is_file()
    except OSError:  # a name that is too long
        return False


def _template_pairs(path: Path, places: dict[str, int]) -> Labels:
    pairs = []
    for number, line in read_table(path, TEMPLATE_PAIRS, "then a line for each pair"):
        first, second = (line[column] for column in TEMPLATE_PAIRS)
        if first not in places or second not in places or first == second:
            raise InputError(
                f"{path}, line {number}: {first!r} and {second!r} are not two templates of {TEMPLATES_FILE}"
            )
        pairs.append((places[first], places[second]))
    return np.array(pairs, dtype=np.intp)


def _groups_of_pairs(source: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the group of each photograph, in the order in which pairs name them; () if none has one."""
    groups: dict[str, str] = {}
    for row in rows:
        for name, group in zip(row.photographs, row.groups, strict=True):
            if groups.setdefault(name, group) != group:
                raise InputError(f"{source}: {name} is in the group {groups[name]!r} and in {group!r}")
    return tuple(groups.values()) if any(groups.values()) else ()


def _check_pairs(source: str, rows: Sequence[Row]) -> None:
    for fold in dict.fromkeys(row.fold for row in rows):
        kinds = {row.same for row in rows if row.fold == fold}
        if kinds != {True, False}:
            missing = "of one person" if kinds == {False} else "of two people"
            raise InputError(f"{source}{f', fold {fold}' if fold else ''}: there is no pair {missing}; both are needed")
    if len({row.fold for row in rows}) == 1 and rows[0].fold:
        raise InputError(f"{source}: all pairs are in one fold, {rows[0].fold!r}; give two or more, or no column fold")


def _read_csv(path: Path) -> Iterator[Row]:
    for number, line in read_table(path, COLUMNS, "and perhaps fold, then pairs"):
        yield _checked_line(f"{path}, line {number}", path.parent, line)


def _checked_line(place_in_file: str, root: Path, line: dict[str, str]) -> Row:
    first, second, same = (line[name] for name in COLUMNS)
    one_person, fold = is_same(same, place_in_file), line.get("fold", "")
    for name in (first, second):
        if not _is_file(root, name):
            raise InputError(f"{place_in_file}: there is no file {name or '(empty)'!r} in {root}")
    if first == second:
        raise InputError(f"{place_in_file}: a photograph is compared with itself, {first!r}")
    if "fold" in line and not fold:
        raise InputError(f"{place_in_file}: the fold is missing; give one in every line, or no column fold")
    whole = line.get("group", "")
    return Row((first, second), one_person, fold, (line.get("group_a", whole), line.get("group_b", whole)))
