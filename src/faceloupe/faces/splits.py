"""Splits of captures into those a network learns from and those that are held out."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.errors import InputError, check_integer
from faceloupe.faces.faceset import FaceSet, find_duplicates
from faceloupe.pages import Shown


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Split(Shown):
    """Two sets of captures with nothing in common.

    Attributes
    ----------
    train, held_out : array of intp, ascending, read-only
        Indices of captures.
    kind : "capture" or "subject"
        Whether every subject has captures on both sides, or every subject is on one side only.
    seed : int
        Seed of the random choice.

    Raises
    ------
    InputError
        If a side is empty or a capture is on both.
    """

    train: NDArray[np.intp]
    held_out: NDArray[np.intp]
    kind: Literal["capture", "subject"]
    seed: int

    def __post_init__(self) -> None:
        for side in ("train", "held_out"):
            indices = np.array(getattr(self, side), dtype=np.intp)
            if indices.ndim != 1 or indices.size == 0:
                raise InputError(
                    f"{side} must be a list of capture indices that is not empty; got shape {indices.shape}"
                )
            indices.sort()
            indices.flags.writeable = False
            object.__setattr__(self, side, indices)
        shared = np.intersect1d(self.train, self.held_out)
        if shared.size:
            raise InputError(
                f"a capture must be on one side of a split; {shared.size} are on both, the first is {shared[0]}"
            )

    def __repr__(self) -> str:
        return f"Split(by {self.kind}: {len(self.train)} train, {len(self.held_out)} held out, seed {self.seed})"

    def to_document(self) -> dict[str, Any]:
        """Return both sides as a plain dictionary."""
        return {
            "schema": "faceloupe.split/1",
            "kind": self.kind,
            "seed": self.seed,
            "train": self.train.tolist(),
            "held_out": self.held_out.tolist(),
        }


def split_by_capture(subject: ArrayLike, train: int | float, seed: int) -> Split:
    """Draw ``train`` captures of every subject to learn from; the rest is held out.

    This asks whether a network recognises known people in photographs it has not seen.

    Parameters
    ----------
    subject : array of int, (N,)
        The subject of each capture, such as ``faces.subject``.
    train : int or float
        Captures per subject in training, at least 1; or, below 1, the share of each subject's, rounded down but at
        least one capture.
    seed : int
        The same seed and labels give the same split.

    Raises
    ------
    InputError
        If a subject has fewer than ``train + 1`` captures, so that none would be held out.

    Examples
    --------
    >>> split_by_capture([0, 0, 0, 1, 1, 1], train=2, seed=0)
    Split(by capture: 4 train, 2 held out, seed 0)
    """
    labels = _checked_labels(subject)
    share = isinstance(train, float | np.floating) and 0 < train < 1
    if not share:
        check_integer("train", train, 1)
    check_integer("seed", seed, 0)
    present, counts = np.unique(labels, return_counts=True)
    wanted = np.maximum(1, (counts * train + 1e-9).astype(np.intp)) if share else np.full(len(counts), train)
    poor = np.flatnonzero(counts <= wanted)
    if poor.size:
        raise InputError(
            f"train={train} needs at least {wanted[poor[0]] + 1} captures of every subject; subject {present[poor[0]]} "
            f"has {counts[poor[0]]}, and {poor.size} of {present.size} subjects have too few. Choose a smaller train, "
            "or select subjects by faces.captures_per_subject"
        )
    rng = np.random.default_rng(seed)
    chosen = [
        rng.permutation(np.flatnonzero(labels == label))[:count] for label, count in zip(present, wanted, strict=True)
    ]
    return _split(np.isin(np.arange(labels.size), np.concatenate(chosen)), "capture", seed)


def split_by_subject(subject: ArrayLike, train: int, seed: int) -> Split:
    """Draw ``train`` subjects with all their captures to learn from; the other subjects are held out.

    This asks whether what was learned carries over to people never seen in training.

    Parameters
    ----------
    subject : array of int, (N,)
        The subject of each capture, such as ``faces.subject``.
    train : int
        Subjects in training, at least 1.
    seed : int
        The same seed and labels give the same split.

    Raises
    ------
    InputError
        If there are fewer than ``train + 1`` subjects.
    """
    labels = _checked_labels(subject)
    check_integer("train", train, 1)
    check_integer("seed", seed, 0)
    present = np.unique(labels)
    if present.size <= train:
        raise InputError(f"train={train} needs at least {train + 1} subjects, to hold one out; got {present.size}")
    chosen = np.random.default_rng(seed).permutation(present)[:train]
    return _split(np.isin(labels, chosen), "subject", seed)


def leaks(faces: FaceSet, split: Split) -> tuple[tuple[str, ...], ...]:
    """Return the groups of captures with the same pixels that stand on both sides of a split.

    A network that has seen a held-out photograph under another name is not tested by it.

    Parameters
    ----------
    faces : FaceSet
        The captures that ``split`` indexes.
    split : Split

    Returns
    -------
    tuple of tuple of str
        Names of captures, in order of appearance; empty if nothing leaks.
    """
    used = np.concatenate([split.train, split.held_out])
    if used.min() < 0 or used.max() >= len(faces):
        raise InputError(f"the split indexes captures {used.min()} to {used.max()}; the face set holds {len(faces)}")
    trained = {faces.captures[i] for i in split.train}
    held_out = {faces.captures[i] for i in split.held_out}
    groups = find_duplicates(faces.images, faces.captures)
    return tuple(group for group in groups if trained.intersection(group) and held_out.intersection(group))


def _split(in_training: NDArray[np.bool_], kind: Literal["capture", "subject"], seed: int) -> Split:
    return Split(np.flatnonzero(in_training), np.flatnonzero(~in_training), kind, seed)


def _checked_labels(subject: ArrayLike) -> NDArray[np.intp]:
    labels = np.asarray(subject)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise InputError(f"subject must be a list of integers, one per capture; got {labels.dtype} {labels.shape}")
    return labels.astype(np.intp)
