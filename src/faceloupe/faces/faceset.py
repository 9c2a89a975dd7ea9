"""Captures of faces and who they show, as one frozen value."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError
from faceloupe.numerals import counted
from faceloupe.pages import Shown

if TYPE_CHECKING:
    from faceloupe.report.drawing import Drawing


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that did not become a capture.

    Attributes
    ----------
    path : str
        Path below the folder that was read.
    reason : str
        Why it was left out, in words.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FaceSet(Shown):
    """N captures of faces, each of one subject.

    Attributes
    ----------
    images : array of float32, (N, H, W) or (N, H, W, 3), read-only
        Values in [0, 1]; every capture has some contrast.
    subject : array of intp, (N,), read-only
        The subject of each capture: an index into ``names``.
    names : tuple of str
        Names of the subjects. A name may have no capture left, so that labels survive :meth:`take`.
    captures : tuple of N str
        Names of the captures, such as ``"s1/3.pgm"``.
    source, licence : str
        Origin of the captures, and the terms of their use.
    skipped : tuple of Skipped
        Files found beside them that could not be used.
    duplicates : tuple of tuple of str
        Groups of captures with the same pixels.

    Raises
    ------
    InputError
        If shapes disagree, or the pixels are not floats in [0, 1], or a capture is one flat grey.

    Examples
    --------
    >>> images = np.linspace(0, 1, 4 * 8 * 8).reshape(4, 8, 8)
    >>> faces = FaceSet(images, [0, 0, 1, 1], ["ann", "bob"], ["a1", "a2", "b1", "b2"], "made up", "CC0")
    >>> faces
    FaceSet(4 captures of 2 subjects, 8 x 8 grey, made up)
    >>> faces.select(["bob"]).captures
    ('b1', 'b2')
    """

    images: NDArray[np.float32]
    subject: NDArray[np.intp]
    names: tuple[str, ...]
    captures: tuple[str, ...]
    source: str
    licence: str
    skipped: tuple[Skipped, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for field in ("names", "captures", "skipped", "duplicates"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        object.__setattr__(self, "images", _frozen(_checked_images(self.images, self.captures)))
        object.__setattr__(self, "subject", _frozen(_checked_subject(self.subject, self.captures, self.names)))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        height, width = self.images.shape[1:3]
        colour = "grey" if self.images.ndim == 3 else "colour"
        remarks = [f"{len(self.skipped)} skipped"] * bool(self.skipped)
        remarks += [f"{len(self.duplicates)} groups of duplicates"] * bool(self.duplicates)
        size = f"{len(self)} captures of {self.n_subjects} subjects, {height} x {width} {colour}"
        return f"FaceSet({', '.join([size, self.source, *remarks])})"

    @property
    def n_subjects(self) -> int:
        """Number of subjects that have a name here."""
        return len(self.names)

    @property
    def captures_per_subject(self) -> NDArray[np.intp]:
        """Number of captures of each subject, (n_subjects,)."""
        return np.bincount(self.subject, minlength=self.n_subjects)

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the shape, the pixels and the subjects: the same on every machine."""
        sha = hashlib.sha256(repr(self.images.shape).encode())
        sha.update(np.ascontiguousarray(self.images, dtype="<f4").data)
        sha.update(np.ascontiguousarray(self.subject, dtype="<i8").data)
        return sha.hexdigest()

    def plot(self, captures: int = 1, limit: int = 40) -> "Drawing":  # type: ignore[override]
        """Return a Matplotlib figure of faces, grey or in colour, with black at 0 and white at 1, pixel by pixel.

        Parameters
        ----------
        captures : int
            Captures of each subject.
        limit : int
            Most faces shown.
        """
        return Shown.plot(self, show_faces=True, captures=captures, limit=limit)

    def _repr_png_(self) -> bytes:
        return Shown.plot(self).png()  # a notebook is kept and passed on: only faces published to be shown

    def to_document(self) -> dict[str, Any]:
        """Return a description of the face set as a plain dictionary; no face."""
        return {
            "schema": "faceloupe.faces/1",
            "source": self.source,
            "licence": self.licence,
            "shape": list(self.images.shape[1:]),
            "subjects": dict(zip(self.names, self.captures_per_subject.tolist(), strict=True)),
            "captures": list(self.captures),
            "digest": self.digest,
            "skipped": [[skipped.path, skipped.reason] for skipped in self.skipped],
            "duplicates": [list(group) for group in self.duplicates],
        }

    def take(self, indices: ArrayLike) -> "FaceSet":
        """Return the captures at ``indices``, in that order; names and labels stay.

        Raises
        ------
        InputError
            If an index is not an integer in 0..N-1, or there is none.
        """
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not ((chosen >= 0) & (chosen < len(self))).all():
            raise InputError(f"indices must be a list of integers from 0 to {len(self) - 1}; got {indices!r:.80}")
        captures = tuple(self.captures[i] for i in chosen)
        here = set(captures)
        still = [[capture for capture in group if capture in here] for group in self.duplicates]
        duplicates = tuple(tuple(group) for group in still if len(group) > 1)
        images, subject = self.images[chosen], self.subject[chosen]
        return replace(self, images=images, subject=subject, captures=captures, duplicates=duplicates)

    def select(self, subjects: Sequence[int | str]) -> "FaceSet":
        """Return the captures of some subjects, given by index or name, relabelled 0, 1, ... in that order.

        Raises
        ------
        InputError
            If a subject is unknown or given twice, or there is none.
        """
        chosen = choose_subjects(subjects, self.names)
        members = [np.flatnonzero(self.subject == index) for index in chosen]
        taken = self.take(np.concatenate(members))
        labels = np.repeat(np.arange(len(chosen)), [len(group) for group in members])
        return replace(taken, subject=labels, names=tuple(self.names[index] for index in chosen))

    def with_captures(self, least: int) -> "FaceSet":
        """Return the subjects with so many captures or more; the others are named in ``skipped``.

        Raises
        ------
        InputError
            If there is no such subject.
        """
        counts = self.captures_per_subject
        few = [
            Skipped(name, f"this subject has {counted(count, 'capture')}, and {least} are needed")
            for name, count in zip(self.names, counts, strict=True)
            if count < least
        ]
        enough = [int(index) for index in np.flatnonzero(counts >= least)]
        return replace(self.select(enough), skipped=(*self.skipped, *few)) if few else self


def choose_subjects(subjects: Sequence[int | str], names: Sequence[str]) -> list[int]:
    """Return the indices of subjects that are given by index or by name.

    Raises InputError if a subject is unknown or given twice, or there is none.

    >>> choose_subjects([2, "ann"], ["ann", "bob", "eve"])
    [2, 0]
    """
    if isinstance(subjects, str) or len(subjects) == 0:
        raise InputError(f"subjects must be a list of indices or names, such as [0, {names[0]!r}]; got {subjects!r}")
    chosen = [_index_of(subject, names) for subject in subjects]
    if len(set(chosen)) < len(chosen):
        raise InputError(f"subjects holds the same subject twice: {list(subjects)!r:.200}")
    return chosen


def find_duplicates(images: NDArray[np.float32], captures: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of captures whose pixels are the same, each group and the groups in order of appearance."""
    groups: defaultdict[bytes, list[str]] = defaultdict(list)
    for image, capture in zip(images, captures, strict=True):
        groups[hashlib.sha256(np.ascontiguousarray(image).data).digest()].append(capture)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _index_of(subject: int | str, names: Sequence[str]) -> int:
    if isinstance(subject, str) and subject in names:
        return list(names).index(subject)
    if isinstance(subject, int | np.integer) and not isinstance(subject, bool) and 0 <= subject < len(names):
        return int(subject)
    raise InputError(
        f"no subject {subject!r}; there are {len(names)}: indices 0 to {len(names) - 1}, or names such as {names[0]!r}"
    )


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array if nobody can write to it, else a copy to which nobody can."""
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.flags.writeable = False
    return array


def _checked_images(images: ArrayLike, captures: tuple[str, ...]) -> NDArray[np.float32]:
    array = np.asarray(images)
    if array.dtype.kind != "f":
        raise InputError(f"images must be floats in [0, 1]; got {array.dtype} (divide 8-bit pixels by 255)")
    if array.ndim not in (3, 4) or 0 in array.shape or (array.ndim == 4 and array.shape[3] != 3):
        raise InputError(
            f"images must have shape (N, H, W) or (N, H, W, 3), with at least one capture; got {array.shape}"
        )
    if len(captures) != len(array):
        raise InputError(f"captures must name every one of the {len(array)} images; got {len(captures)} names")
    planes = array.reshape(len(array), array.shape[1] * array.shape[2], -1)
    low, high = planes.min(axis=1), planes.max(axis=1)  # (N, 1) grey or (N, 3) colour; NaN stays NaN
    _refuse(~np.isfinite(low + high), captures, "holds NaN or infinity")
    _refuse((low < 0) | (high > 1), captures, f"leaves [0, 1] (all run from {low.min():g} to {high.max():g})")
    _refuse((low == high).all(axis=1), captures, "has no contrast: every pixel is the same")
    return array.astype(np.float32, copy=False)


def _refuse(bad: NDArray[np.bool_], captures: tuple[str, ...], what: str) -> None:
    culprits = np.flatnonzero(bad.reshape(len(captures), -1).any(axis=1))
    if culprits.size:
        raise InputError(f"capture {captures[culprits[0]]!r} {what} ({culprits.size} of {len(captures)} captures)")


def _checked_subject(subject: ArrayLike, captures: tuple[str, ...], names: tuple[str, ...]) -> NDArray[np.intp]:
    array = np.asarray(subject)
    if len(set(names)) != len(names):
        raise InputError("names must differ: two subjects have the same name")
    if array.shape != (len(captures),) or array.dtype.kind not in "iu":
        raise InputError(
            f"subject must hold one integer per capture, shape ({len(captures)},); got {array.dtype} {array.shape}"
        )
    if array.min() < 0 or array.max() >= len(names):
        raise InputError(f"subject must index the {len(names)} names; got {array.min()} to {array.max()}")
    return array.astype(np.intp, copy=False)
