"""Scores of mated and non-mated comparisons, as one frozen value."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

Floats = NDArray[np.float64]
Labels = NDArray[np.int32]
Captures = NDArray[np.intp]
Block = tuple[Captures, Captures, Floats]  # the two captures of each comparison, and its score

BLOCK = 2**18
"""Numbers held at once where millions of comparisons are gone through: 2 MB."""

T = TypeVar("T")

SPARE = 4  # numbers in the span of integer labels for each label; past that they are sorted
UNIT = 1e-3  # how far a template's length may be from 1: half-precision storage stays well within


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoreSet:
    """Scores of M mated comparisons (one subject) and K non-mated ones (two subjects).

    Attributes
    ----------
    mated : array of float64, (M,), read-only
        Higher means more alike. Without any, no FNMR is known, and what needs one is refused.
    non_mated : array of float64, (K,), read-only
        K at least 1, on the same scale.
    mated_subjects : array of int32, (M,), read-only, or None
        Subject of each mated comparison, as 0 ... S-1; any labels may be given.
    non_mated_subjects : array of int32, (K, 2), read-only, or None
        Subjects on the two sides of each non-mated comparison. Both arrays of labels are given, or none.
    failed_mated, failed_non_mated : int
        Comparisons that could not be made because a capture gave no template (failure to enrol or to acquire). They
        have no score and enter FMR and FNMR nowhere.

    Raises
    ------
    InputError
        If scores are missing or not finite, shapes disagree, a count is negative, or a non-mated comparison shows one
        subject on both sides.

    Examples
    --------
    >>> ScoreSet([0.9, 0.7], [0.1, 0.3, 0.2], failed_mated=1)
    ScoreSet(2 mated and 3 non-mated comparisons, subjects not known, 1 failed)
    """

    mated: Floats
    non_mated: Floats
    mated_subjects: Labels | None = None
    non_mated_subjects: Labels | None = None
    failed_mated: int = 0
    failed_non_mated: int = 0

    def __post_init__(self) -> None:
        for kind in ("mated", "non_mated"):
            scores = checked_floats(f"{kind} scores", getattr(self, kind), ndim=1, empty=kind == "mated")
            object.__setattr__(self, kind, _frozen(scores))
            if getattr(self, f"failed_{kind}") < 0:
                raise InputError(f"failed_{kind}: expected a count, got {getattr(self, f'failed_{kind}')}")
        if (self.mated_subjects is None) != (self.non_mated_subjects is None):
            raise InputError("give the subjects of the mated and of the non-mated comparisons, or of neither")
        if self.mated_subjects is not None:
            own, sides = _checked_labels(self.mated_subjects, self.non_mated_subjects, self.n_mated, self.n_non_mated)
            object.__setattr__(self, "mated_subjects", _frozen(own))
            object.__setattr__(self, "non_mated_subjects", _frozen(sides))

    @classmethod
    def from_templates(
        cls,
        templates: ArrayLike,
        subjects: ArrayLike,
        *,
        pairs: ArrayLike | None = None,
        failed: ArrayLike | None = None,
    ) -> "ScoreSet":
        """Compare templates by cosine similarity: every two captures, or the listed pairs.

        The order of the comparisons is that of `pairs`, those of failed captures left out; without `pairs` it is
        (0, 1), (0, 2), ... (N-2, N-1). All pairs of N captures take about 50 N² bytes.

        Parameters
        ----------
        templates : array, (N, D)
            Unit vectors.
        subjects : array, (N,)
            Subject of each, by any label.
        pairs : array of int, (P, 2), optional
            Pairs of captures to compare.
        failed : array of bool, (N,), optional
            Captures that gave no template: their rows are not looked at and their comparisons count as failed.

        Raises
        ------
        InputError
            If shapes disagree, a template is not a finite unit vector, a pair is not two different captures, or no
            mated or no non-mated comparison is left.

        >>> ScoreSet.from_templates([[1, 0], [0.8, 0.6], [0, 1]], ["ann", "ann", "bob"])
        ScoreSet(1 mated and 2 non-mated comparisons, 2 subjects)
        """
        missing = np.zeros(len(np.asarray(subjects)), dtype=bool) if failed is None else np.asarray(failed, dtype=bool)
        vectors, labels = _checked_templates(templates, subjects, missing)
        if pairs is None:
            comparisons = compare_every_two(vectors)
        else:
            comparisons = _compare_pairs(vectors, _checked_pairs(pairs, len(labels)))
        parts = [_split(labels, missing, *block) for block in comparisons]
        mated, own, non_mated, sides = (np.concatenate(arrays) for arrays in zip(*(p[:4] for p in parts), strict=True))
        failed_mated, failed_non_mated = (sum(counts) for counts in zip(*(p[4:] for p in parts), strict=True))
        return cls(mated, non_mated, own, sides, failed_mated, failed_non_mated)

    def __repr__(self) -> str:
        subjects = "subjects not known" if self.mated_subjects is None else f"{self.n_subjects:,} subjects"
        failed = f", {self.n_failed:,} failed" if self.n_failed else ""
        return f"ScoreSet({self.n_mated:,} mated and {self.n_non_mated:,} non-mated comparisons, {subjects}{failed})"

    @property
    def n_mated(self) -> int:
        """Number of mated comparisons made."""
        return len(self.mated)

    @property
    def n_non_mated(self) -> int:
        """Number of non-mated comparisons made."""
        return len(self.non_mated)

    @property
    def n_failed(self) -> int:
        """Number of comparisons of either kind that could not be made."""
        return self.failed_mated + self.failed_non_mated

    @property
    def n_subjects(self) -> int:
        """Number of subjects in the comparisons; 0 if not known."""
        if self.mated_subjects is None or self.non_mated_subjects is None:
            return 0
        return 1 + int(max(self.mated_subjects.max(initial=0), self.non_mated_subjects.max()))


def checked_floats(what: str, values: ArrayLike, ndim: int, *, empty: bool = False) -> Floats:
    """Return finite float64 numbers with so many axes, none empty unless that is allowed."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise InputError(f"{what}: expected numbers, got {values!r:.80}") from problem
    if array.ndim != ndim or not (array.size or empty):
        raise InputError(f"{what}: expected {ndim} axes and at least one number, got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise InputError(f"{what}: expected finite numbers, got {bad} NaN or infinite; count failures apart")
    return array


def checked_share(name: str, share: float) -> float:
    """Return a number strictly between 0 and 1."""
    if not 0 < share < 1:
        raise InputError(f"{name}: expected a number between 0 and 1, got {share}")
    return share


def blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield the slices of N comparisons in parts, so that intermediate results take little memory."""
    return (slice(start, start + size) for start in range(0, n, size))


def compact(*labels: NDArray[Any]) -> list[Labels]:
    """Return arrays of labels as 0 ... S-1, in the labels' order; those that are so already are not copied."""
    flat = [column.reshape(-1) for column in labels]
    if all(column.dtype.kind in "iu" for column in labels) and any(map(len, flat)):
        low, high = (int(end([end(column) for column in flat if len(column)])) for end in (np.min, np.max))
        if high <= np.iinfo(np.intp).max and high - low < SPARE * sum(map(len, flat)):
            return _by_table(labels, flat, low, high)
    names = np.unique(np.concatenate([np.unique(column) for column in flat]))
    return [np.searchsorted(names, column).astype(np.int32) for column in labels]


def _by_table(labels: Sequence[NDArray[Any]], flat: Sequence[NDArray[Any]], low: int, high: int) -> list[Labels]:
    """Compact integers that lie close together, by a table instead of sorting."""
    used = np.zeros(high - low + 1, dtype=np.bool_)
    for column in flat:
        for part in blocks(len(column)):
            used[column[part].astype(np.intp) - low] = True
    if low == 0 and used.all():
        return [column.astype(np.int32, copy=False) for column in labels]
    place = np.cumsum(used, dtype=np.int32) - 1
    coded = [np.empty(column.shape, dtype=np.int32) for column in labels]
    for codes, column in zip(coded, flat, strict=True):
        for part in blocks(len(column)):
            codes.reshape(-1)[part] = place[column[part].astype(np.intp) - low]
    return coded


def compare_every_two(vectors: Floats) -> Iterator[Block]:
    """Compare captures i < j, some rows of the table at a time."""
    n = len(vectors)
    height = max(1, BLOCK // n)
    for start in range(0, n - 1, height):
        rows, columns = np.nonzero(np.arange(n) > np.arange(start, min(start + height, n))[:, None])
        yield rows + start, columns, (vectors[start : start + height] @ vectors.T)[rows, columns]


def highest(values: Floats, n: int) -> Captures:
    """Return the places of the n highest values, the highest first and of equal ones the first.

    >>> highest(np.array([1.0, 3.0, 2.0, 3.0, 0.0]), 2)
    array([1, 3])
    """
    if n >= len(values):
        return np.argsort(-values, kind="stable")
    best = values[:0]  # those of the parts so far
    for part in blocks(len(values), max(BLOCK, n)):
        best = np.concatenate([best, values[part]])
        best = np.partition(best, -n)[-n:] if len(best) > n else best
    level = best.min()
    above, equal = np.flatnonzero(values > level), np.flatnonzero(values == level)
    places = np.concatenate([above, equal[: n - len(above)]])
    return places[np.argsort(-values[places], kind="stable")]


def plain(result: Any) -> dict[str, Any]:
    """Return the fields of a result as JSON can hold them, arrays as lists."""
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def from_plain(kind: type[T], document: Any, what: str, **converters: Callable[[Any], Any]) -> T:
    """Return a result, a dataclass, from its plain dictionary; fields with a default may be missing.

    `what` names it in messages, and `converters` make the values of the fields named, where these are not None. Raises
    InputError if the document is of something else.
    """
    try:
        present = {field.name for field in fields(kind) if field.default is MISSING} | set(document)  # type: ignore[arg-type]
        values = {field.name: document[field.name] for field in fields(kind) if field.name in present}  # type: ignore[arg-type]
        converted = {
            name: convert(values[name]) for name, convert in converters.items() if values.get(name) is not None
        }
        return kind(**values | converted)
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(f"not the document of {what}: {problem}") from problem


def _frozen(array: NDArray[np.generic]) -> NDArray[np.generic]:
    view = array.view()
    view.flags.writeable = False
    return view


def _checked_labels(
    mated: ArrayLike | None, non_mated: ArrayLike | None, n_mated: int, n_non_mated: int
) -> tuple[Labels, ...]:
    own, sides = np.asarray(mated), np.asarray(non_mated)
    if own.shape != (n_mated,) or sides.shape != (n_non_mated, 2):
        raise InputError(
            f"subjects: expected ({n_mated},) of mated and ({n_non_mated}, 2) of non-mated comparisons, "
            f"got {own.shape} and {sides.shape}"
        )
    same = int((sides[:, 0] == sides[:, 1]).sum())
    if same:
        raise InputError(f"subjects: {same} of {n_non_mated} non-mated comparisons show one subject on both sides")
    return tuple(compact(own, sides))


def _checked_templates(templates: ArrayLike, subjects: ArrayLike, missing: NDArray[np.bool]) -> tuple[Floats, Captures]:
    vectors, labels = np.array(templates, dtype=np.float64), np.asarray(subjects)
    if vectors.ndim != 2 or labels.shape != vectors.shape[:1] or missing.shape != labels.shape:
        raise InputError(
            f"expected templates (N, D) with N subjects and N failures, "
            f"got {vectors.shape}, {labels.shape} and {missing.shape}"
        )
    if len(labels) < 2:
        raise InputError(f"expected two templates or more, got {len(labels)}")
    vectors[missing] = 0
    lengths = np.linalg.norm(vectors[~missing], axis=1)
    if not (np.abs(lengths - 1) <= UNIT).all():
        raise InputError("templates: expected finite unit vectors; divide each by its length, name the failed ones")
    return vectors, np.unique(labels, return_inverse=True)[1]


def _checked_pairs(pairs: ArrayLike, n: int) -> Captures:
    captures = np.asarray(pairs)
    if captures.ndim != 2 or captures.shape[1] != 2 or not len(captures) or captures.dtype.kind not in "iu":
        raise InputError(f"pairs: expected integers (P, 2), P at least 1, got {captures.dtype} {captures.shape}")
    if not ((captures >= 0) & (captures < n)).all() or (captures[:, 0] == captures[:, 1]).any():
        raise InputError(f"pairs: expected two different captures from 0 to {n - 1} in each")
    return captures.astype(np.intp)


def _compare_pairs(vectors: Floats, pairs: Captures) -> Iterator[Block]:
    size = max(1, BLOCK // vectors.shape[1])
    for start in range(0, len(pairs), size):
        rows, columns = pairs[start : start + size].T
        yield rows, columns, np.einsum("pd,pd->p", vectors[rows], vectors[columns])


def _split(
    labels: Captures, missing: NDArray[np.bool], rows: Captures, columns: Captures, scores: Floats
) -> tuple[Floats, Captures, Floats, Captures, int, int]:
    """Return mated scores with their subjects, non-mated ones with theirs, and how many of each failed."""
    first, second = labels[rows], labels[columns]
    same, failed = first == second, missing[rows] | missing[columns]
    mated, non_mated = same & ~failed, ~same & ~failed
    sides = np.stack([first[non_mated], second[non_mated]], axis=1)
    return (
        scores[mated],
        first[mated],
        scores[non_mated],
        sides,
        int((same & failed).sum()),
        int((~same & failed).sum()),
    )
