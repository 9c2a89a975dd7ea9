"""Trials: what was measured once, one row each, and how they are kept in ``trials.csv``.

Every figure of a study is computed from these rows and nothing else.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import StudyError

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Trial:
    """One network, fitted once (or one fitted network under one condition).

    Attributes
    ----------
    experiment : str
        Experiment of the trial: a name of :data:`faceloupe.studies.experiments.EXPERIMENTS`.
    network, preprocess, control : str
        Which network or baseline; ``"none"``, ``"centre"`` or ``"standardise"``; ``""`` or what was spoilt on purpose.
    people : str
        The subjects' indices, as ``"0-1"``, or ``"all"``.
    seed : int
        Draws split, initial weights and batch order. Networks with the same people and seed share split and order.
    captures : int
        Training captures per subject.
    condition, amount : str, float
        Treatment of the held-out captures, or layer or epoch looked at, and its strength.
    n_train, n_held_out : int
        Captures behind the accuracies.
    train_accuracy, train_loss, accuracy, loss : float
        After training; on the training and on the held-out captures. Losses are mean cross-entropies in nats.
    consistency : float
        Share of held-out captures that get the same answer as without the condition.
    fitted_at : float
        First epoch (from 1) in which every training capture was recognised; NaN if none.
    dead_conv_start, dead_conv, dead_hidden_start, dead_hidden : float
        ReLU units that put out 0 for every training capture, before and after training; NaN where there is no such
        layer.
    died : str
        For each unit dead at the end, the epoch from which it was silent (0: before training), by layer:
        ``"hidden 0 0 1 3"``.
    filter_correlation : float
        Correlation of the trained kernels with what they were before training, mean over filters; NaN without a
        convolution.
    seconds : float
        The trial's share of the time of its batch of fits.
    task : str
        The piece of work that it came from.
    """

    experiment: str
    network: str
    preprocess: str
    people: str
    seed: int
    captures: int
    control: str = ""
    condition: str = ""
    amount: float = NAN
    n_train: int = 0
    n_held_out: int = 0
    train_accuracy: float = NAN
    train_loss: float = NAN
    accuracy: float = NAN
    loss: float = NAN
    consistency: float = NAN
    fitted_at: float = NAN
    dead_conv_start: float = NAN
    dead_conv: float = NAN
    dead_hidden_start: float = NAN
    dead_hidden: float = NAN
    died: str = ""
    filter_correlation: float = NAN
    seconds: float = NAN
    task: str = ""


COLUMNS = tuple(field.name for field in fields(Trial))
TYPES = {field.name: field.type for field in fields(Trial)}
INDEXED = ("experiment", "network", "preprocess", "condition", "control")


class Trials:
    """An immutable table of trials that can be narrowed and laid out for statistics.

    Parameters
    ----------
    rows : iterable of Trial
    """

    def __init__(self, rows: Iterable[Trial]) -> None:
        self.rows = tuple(rows)
        self._places: dict[tuple[str, ...], list[int]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"Trials({len(self)} rows)"

    def where(self, **criteria: object) -> "Trials":
        """Return the trials whose columns equal the criteria; a tuple, list or range means "one of these".

        >>> table = Trials([Trial("pairs", "fcnn", "none", "0-1", seed, 5) for seed in range(8)])
        >>> table.where(network="fcnn", seed=(2, 3))
        Trials(2 rows)
        """
        wanted = {name: want if isinstance(want, tuple | list | range) else (want,) for name, want in criteria.items()}
        indexed = [(INDEXED.index(name), wanted.pop(name)) for name in INDEXED if name in wanted]
        places = sorted(
            place
            for key, places in self._index().items()
            if all(key[column] in want for column, want in indexed)
            for place in places
        )
        rows = (self.rows[place] for place in places)
        return Trials(row for row in rows if all(getattr(row, name) in want for name, want in wanted.items()))

    def _index(self) -> dict[tuple[str, ...], list[int]]:
        """Return the places of the rows of each kind; the first time they are looked for, all are sorted."""
        if not self._places:
            kind = attrgetter(*INDEXED)
            for place, row in enumerate(self.rows):
                self._places.setdefault(kind(row), []).append(place)
        return self._places

    def column(self, name: str) -> NDArray[Any]:
        """Return one column, (n,)."""
        return np.array([getattr(row, name) for row in self.rows])

    def values(self, name: str) -> list[Any]:
        """Return the distinct values of a column, in order of appearance."""
        return list(dict.fromkeys(getattr(row, name) for row in self.rows))

    def grid(self, values: str | NDArray[Any]) -> NDArray[np.float64]:
        """Lay a column, or other values, one a row, out as (people, seeds), averaging over rows that share both.

        Rows and columns are in the order of people and seeds in the table, so that two grids of the same people and
        seeds are paired cell by cell.

        Raises
        ------
        StudyError
            If the trials are not one for every combination of people and seed.
        """
        cells: dict[tuple[str, int], list[float]] = {}
        column = self.column(values) if isinstance(values, str) else values
        for row, value in zip(self.rows, column, strict=True):
            cells.setdefault((row.people, row.seed), []).append(float(value))
        people, seeds = sorted(self.values("people")), sorted(self.values("seed"))
        if not cells or len(cells) != len(people) * len(seeds):
            raise StudyError(f"{len(cells)} trials do not fill {len(people)} groups of people × {len(seeds)} seeds.")
        return np.array([[sum(cell) / len(cell) for seed in seeds for cell in [cells[who, seed]]] for who in people])


def write_csv(rows: Iterable[Trial], *, header: bool) -> str:
    """Return rows as CSV text. Numbers have nine digits, which tells every float32 from its neighbours."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    writer.writerows([_written(getattr(row, name)) for name in COLUMNS] for row in rows)
    return text.getvalue()


def read_csv(text: str, *, skip_torn: bool = False) -> Trials:
    """Return the trials in CSV text that :func:`write_csv` wrote with its header.

    Parameters
    ----------
    text : str
    skip_torn : bool
        Leave out rows with too few or too many cells, as a writer leaves them that was stopped midway.

    Raises
    ------
    StudyError
        If the columns are not those of this version.
    """
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    if tuple(header) != COLUMNS:
        raise StudyError(
            f"trials.csv was expected to have the columns {', '.join(COLUMNS)}; it has {', '.join(header)}."
        )
    rows = (row for row in reader if len(row) == len(COLUMNS) or not skip_torn)
    return Trials(Trial(**{name: _read(name, value) for name, value in zip(COLUMNS, row, strict=True)}) for row in rows)


def _written(value: object) -> object:
    """Blank for NaN; nine digits are enough for a float32, and for the seconds."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.9g}"
    return value


def _read(name: str, text: str) -> Any:
    kind = TYPES[name]
    if kind is float:
        return float(text) if text else NAN
    return int(text) if kind is int else text
