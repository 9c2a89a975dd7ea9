"""Scores of mated and non-mated comparisons, as one frozen value."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError

__all__ = ["Floats", "ScoreSet", "checked_floats", "checked_share", "plain"]

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Block = tuple[Labels, Labels, Floats]  # the two captures of each comparison, and its score

BLOCK = 2**20  # numbers held at once while templates are compared, 8 MB each of scores and indices
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
    mated_subjects : array of intp, (M,), read-only, or None
        Subject of each mated comparison, as 0 ... S-1; any labels may be given.
    non_mated_subjects : array of intp, (K, 2), read-only, or None
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
        blocks = _every_two(vectors) if pairs is None else _listed(vectors, _checked_pairs(pairs, len(labels)))
        parts = [_split(labels, missing, *block) for block in blocks]
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


def plain(result: Any) -> dict[str, Any]:
    """Return the fields of a result as JSON can hold them, arrays as lists."""
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _frozen(array: NDArray[np.generic]) -> NDArray[np.generic]:
    view = array.view()
    view.flags.writeable = False
    return view


def _checked_labels(
    mated: ArrayLike | None, non_mated: ArrayLike | None, n_mated: int, n_non_mated: int
) -> tuple[Labels, Labels]:
    own, sides = np.asarray(mated), np.asarray(non_mated)
    if own.shape != (n_mated,) or sides.shape != (n_non_mated, 2):
        raise InputError(
            f"subjects: expected ({n_mated},) of mated and ({n_non_mated}, 2) of non-mated comparisons, "
            f"got {own.shape} and {sides.shape}"
        )
    same = int((sides[:, 0] == sides[:, 1]).sum())
    if same:
        raise InputError(f"subjects: {same} of {n_non_mated} non-mated comparisons show one subject on both sides")
    names = np.union1d(own, sides)
    return np.searchsorted(names, own), np.searchsorted(names, sides)


def _checked_templates(templates: ArrayLike, subjects: ArrayLike, missing: NDArray[np.bool]) -> tuple[Floats, Labels]:
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


def _checked_pairs(pairs: ArrayLike, n: int) -> Labels:
    listed = np.asarray(pairs)
    if listed.ndim != 2 or listed.shape[1] != 2 or not len(listed) or listed.dtype.kind not in "iu":
        raise InputError(f"pairs: expected integers (P, 2), P at least 1, got {listed.dtype} {listed.shape}")
    if not ((listed >= 0) & (listed < n)).all() or (listed[:, 0] == listed[:, 1]).any():
        raise InputError(f"pairs: expected two different captures from 0 to {n - 1} in each")
    return listed.astype(np.intp)


def _every_two(vectors: Floats) -> Iterator[Block]:
    """Compare captures i < j, some rows of the table at a time."""
    n = len(vectors)
    height = max(1, BLOCK // n)
    for start in range(0, n - 1, height):
        rows, columns = np.nonzero(np.arange(n) > np.arange(start, min(start + height, n))[:, None])
        yield rows + start, columns, (vectors[start : start + height] @ vectors.T)[rows, columns]


def _listed(vectors: Floats, pairs: Labels) -> Iterator[Block]:
    size = max(1, BLOCK // vectors.shape[1])
    for start in range(0, len(pairs), size):
        rows, columns = pairs[start : start + size].T
        yield rows, columns, np.einsum("pd,pd->p", vectors[rows], vectors[columns])


def _split(
    labels: Labels, missing: NDArray[np.bool], rows: Labels, columns: Labels, scores: Floats
) -> tuple[Floats, Labels, Floats, Labels, int, int]:
    """Return mated scores with their subjects, non-mated ones with theirs, and how many of each failed."""
    first, second = labels[rows], labels[columns]
    same, lost = first == second, missing[rows] | missing[columns]
    mated, non_mated = same & ~lost, ~same & ~lost
    sides = np.stack([first[non_mated], second[non_mated]], axis=1)
    return scores[mated], first[mated], scores[non_mated], sides, int((same & lost).sum()), int((~same & lost).sum())
