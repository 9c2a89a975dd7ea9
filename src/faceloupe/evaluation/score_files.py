"""Files of scores that another program wrote."""

import re
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeVar
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from faceloupe.csv_tables import columns_of, first_lines, is_same, read_table, text_of
from faceloupe.errors import InputError
from faceloupe.scores.sets import ScoreSet

BOB = (4, 5)  # columns: claimed identity, (model,) real identity, probe, score
NO_CAPTURE = {"", "score", "same", "fold", "group", "group_a", "group_b"}  # columns that name no capture
SUBJECTS = (("subject_a", "subject_b"), ("bio_ref_subject_id", "probe_subject_id"))
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")

Line = TypeVar("Line")
OnNote = Callable[[str], None]


def is_score_file(path: str | PathLike[str]) -> bool:
    """Return whether a file looks like scores: a heading with "score", or lines that end in a number."""
    file = Path(path).expanduser()
    if not file.is_file() or file.suffix.lower() not in (".csv", ".txt", ".tsv", ".scores", ""):
        return False
    lines = first_lines(file)
    if "score" in columns_of(lines):
        return True
    parts = lines[0].split() if lines else []
    return len(parts) in (1, 2, 3, *BOB) and _as_number(parts[-1].replace(",", ".")) is not None


def read_scores(
    path: str | PathLike[str], impostors: str | PathLike[str] | None = None, *, on_note: OnNote | None = None
) -> ScoreSet:
    """Read scores from a file, in any of the usual forms.

    Where lines name captures, and not only whom they show, a line that is repeated word for word counts once.

    Parameters
    ----------
    path : path
        A CSV file with the columns ``score`` and ``same`` (1 or 0), or ``score`` and whom both sides show:
        ``subject_a`` and ``subject_b``, or bob's ``bio_ref_subject_id`` and ``probe_subject_id``; or bob's text of four
        or five columns (claimed identity, perhaps model, real identity, probe, score); or, with `impostors`, pyeer's
        text of mated scores, one a line, perhaps after the names of both sides.
    impostors : path, optional
        pyeer's text of non-mated scores.
    on_note : callable, optional
        Called with what to know of repeated lines.

    Raises
    ------
    InputError
        If it is none of these, a score is not a finite number, or one kind is missing; also if commas in the scores may
        separate thousands: they are read as decimal where no score has a point and one has another number of digits
        after its comma, or 0 before it.
    """
    file = Path(path).expanduser()
    if impostors is not None:
        return ScoreSet(_last_column(file, on_note), _last_column(Path(impostors).expanduser(), on_note))
    if "score" in columns_of(_lines(file)):
        return _read_score_table(file, on_note)
    return _read_bob(file, on_note)


def _read_score_table(path: Path, on_note: OnNote | None) -> ScoreSet:
    rows = list(read_table(path, ("score",), "and same, or subject_a and subject_b"))
    columns = set(rows[0][1])
    sides = next((pair for pair in SUBJECTS if columns.issuperset(pair)), None)
    if sides is None and "same" not in columns:
        raise InputError(f"{path} has a column score, but neither same nor subject_a and subject_b: which are mated?")
    if named := columns.difference(NO_CAPTURE):
        captures = bool(named.difference(*SUBJECTS))
        rows = _without_repeats(path, rows, [tuple(row.values()) for _, row in rows], on_note, captures=captures)
    scores = _numbers(path, ((number, row["score"]) for number, row in rows))
    if sides is None:
        same = np.array([is_same(row["same"], f"{path}, line {number}") for number, row in rows])
        _check_both(path, same)
        return ScoreSet(scores[same], scores[~same])
    subjects = _composed([[row[side] for side in sides] for _, row in rows])
    for (number, row), (a, b) in zip(rows, subjects.tolist(), strict=True):
        if not a or not b:
            raise InputError(f"{path}, line {number}: expected a subject on both sides, got {a!r} and {b!r}")
        if "same" in columns and is_same(row["same"], f"{path}, line {number}") != (a == b):
            raise InputError(f"{path}, line {number}: same is {row['same']!r} of {a!r} and {b!r}")
    return _score_set(path, scores, subjects)


def _read_bob(path: Path, on_note: OnNote | None) -> ScoreSet:
    rows = [line.split() for line in _lines(path)]
    wrong = next((number for number, row in enumerate(rows, start=1) if len(row) not in BOB), None)
    if wrong is not None:
        raise InputError(
            f"{path}, line {wrong}: expected four or five columns as bob writes them (claimed, real, probe, score), or "
            f"a CSV file with the columns score and same; got {len(rows[wrong - 1])} columns. Mated scores alone need "
            "the file of non-mated ones too (--impostors)"
        )
    lines = _without_repeats(path, list(enumerate(rows, start=1)), list(map(tuple, rows)), on_note, captures=True)
    scores = _numbers(path, ((number, row[-1]) for number, row in lines))
    return _score_set(path, scores, _composed([[row[0], row[-3]] for _, row in lines]))


def _composed(pairs: list[list[str]]) -> NDArray[np.str_]:
    """Return the names of both sides, (n, 2), in one form of Unicode: a Mac writes accents apart from their letters."""
    return np.array([[normalize("NFC", name) for name in pair] for pair in pairs])


def _score_set(path: Path, scores: NDArray[np.float64], subjects: NDArray[np.str_]) -> ScoreSet:
    same = subjects[:, 0] == subjects[:, 1]
    _check_both(path, same)
    return ScoreSet(scores[same], scores[~same], subjects[same, 0], subjects[~same])


def _check_both(path: Path, same: NDArray[np.bool_]) -> None:
    if same.all() or not same.any():
        kinds = ("two subjects", "one subject") if same.all() else ("one subject", "two subjects")
        raise InputError(f"{path} holds no pair of {kinds[0]}, only pairs of {kinds[1]}; error rates need both")


def _last_column(path: Path, on_note: OnNote | None) -> NDArray[np.float64]:
    lines = [(number, line.split()) for number, line in enumerate(_lines(path), start=1)]
    if all(len(cells) > 1 for _, cells in lines):
        lines = _without_repeats(path, lines, [tuple(cells) for _, cells in lines], on_note, captures=True)
    return _numbers(path, ((number, cells[-1]) for number, cells in lines))


def _without_repeats(
    path: Path, lines: list[Line], contents: Sequence[tuple[str, ...]], on_note: OnNote | None, *, captures: bool
) -> list[Line]:
    """Return lines without those repeated word for word, if they name captures; say so, or what is to be doubted."""
    first: dict[tuple[str, ...], Line] = {}
    for content, line in zip(contents, lines, strict=True):
        first.setdefault(content, line)
    repeats = len(lines) - len(first)
    repeated = f"{repeats:,} of the {len(lines):,} lines of {path.name} repeat an earlier line word for word"
    if on_note and repeats and captures:
        on_note(f"{repeated}: each counts once.")
    elif on_note and repeats >= len(first):
        on_note(
            f"{repeated}. The file names no captures, so all lines were counted: if a comparison is listed twice, "
            "there are fewer than stated here."
        )
    return list(first.values()) if captures else lines


def _lines(path: Path) -> list[str]:
    try:
        lines = text_of(path, "a text file of scores").splitlines()
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    if not any(map(str.strip, lines)):
        raise InputError(f"{path} holds no score")
    return [line for line in lines if line.strip()]


def _numbers(path: Path, cells: Iterable[tuple[int, str]]) -> NDArray[np.float64]:
    """Return the scores in cells, given with their lines."""
    cells = list(cells)
    commas = [text_ for _, text_ in cells if "," in text_]
    has_points = any("." in text_ for _, text_ in cells)
    decimal = commas and not has_points and not all(map(THOUSANDS.fullmatch, commas))
    scores = np.empty(len(cells))
    for place, (number, text_) in enumerate(cells):
        score = _as_number(text_.replace(",", ".") if decimal else text_)
        if score is None:
            hint = "; a comma that may separate thousands is not read: write a decimal point" if "," in text_ else ""
            raise InputError(
                f"{path}, line {number}: the score is {text_!r}; expected a number, higher means more alike{hint}"
            )
        scores[place] = score
    return scores


def _as_number(text_: str) -> float | None:
    try:
        number = float(text_)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
