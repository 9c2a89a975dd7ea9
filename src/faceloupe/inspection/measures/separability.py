"""Linear separability of two classes at a layer, as a number with its control."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.arrays import plain_fields
from faceloupe.errors import InputError
from faceloupe.inspection.measures.vectors import centred_gram, flat
from faceloupe.pages import Shown

# The probe's penalty as a share of the captures' mean squared distance from their mean: no layer's scale favours it.
RIDGE = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Separability(Shown):
    """The result of a linear probe at one layer.

    Attributes
    ----------
    n, d : int
        Captures and numbers per capture.
    rank : int
        Dimensions in which the captures really differ, at most min(n - 1, d).
    correct : int
        Captures that the cross-validated probe puts on the right side, of `n`.
    shuffled_correct : tuple of int
        The same for each shuffle of the labels: what the probe finds where there is nothing to find.
    separable : bool
        Whether some hyperplane puts these captures exactly on their sides.
    """

    n: int
    d: int
    rank: int
    correct: int
    shuffled_correct: tuple[int, ...]
    separable: bool

    @property
    def accuracy(self) -> float:
        """Cross-validated share of captures on the right side."""
        return self.correct / self.n

    @property
    def shuffled_accuracy(self) -> float:
        """Mean of the same share over the shuffles."""
        return float(np.mean(self.shuffled_correct)) / self.n

    @property
    def selectivity(self) -> float:
        """Accuracy above the control's (Hewitt & Liang 2019)."""
        return self.accuracy - self.shuffled_accuracy

    @property
    def p_value(self) -> float:
        """Share of labellings, shuffles and this one, with at least this accuracy (Phipson & Smyth 2010)."""
        as_good = sum(correct >= self.correct for correct in self.shuffled_correct)
        return (as_good + 1) / (len(self.shuffled_correct) + 1)

    @property
    def trivial(self) -> bool:
        """True if every labelling of these captures is separable, so that `separable` says nothing about classes.

        So it is when the captures differ in n - 1 dimensions: 20 captures in 12,996 numbers nearly always do.
        """
        return self.rank == self.n - 1

    def to_document(self) -> dict[str, Any]:
        """Return the numbers, and what they make together, as a plain dictionary."""
        return plain_fields(self) | {
            "schema": "faceloupe.separability/1",
            "accuracy": self.accuracy,
            "shuffled_accuracy": self.shuffled_accuracy,
            "selectivity": self.selectivity,
            "p_value": self.p_value,
            "trivial": self.trivial,
        }

    def __str__(self) -> str:
        cut = "separable" if self.separable else "not separable"
        control = f"{100 * self.shuffled_accuracy:.0f} % with shuffled labels"
        cut += ", as any labels would be" if self.trivial else ""
        return f"{self.correct} of {self.n} right when held out ({control}); {cut} (n = {self.n}, d = {self.d:,})"


def probe(features: ArrayLike, labels: ArrayLike, seed: int, shuffles: int = 20) -> Separability:
    """Measure how linearly separable two classes are in the output of a layer.

    A ridge classifier (least squares on -1 and +1 with an intercept, as scikit-learn's RidgeClassifier) is
    cross-validated with as many stratified folds as the smaller class has captures: each fold holds out one capture of
    either class when the classes are equal. Leave-one-out is avoided on purpose: taking one capture out tips the
    balance against its class, and a layer that says nothing would score 0 instead of one half. The predictions are
    exact, from the n×n hat matrix (Cook & Weisberg 1982; Cawley & Talbot 2003), so the cost hardly depends on d.

    Probes: Alain & Bengio 2016 (arXiv:1610.01644). Control: the same probe on shuffled labels, after Hewitt & Liang
    2019 (arXiv:1909.03368) and Ojala & Garriga 2010. Captures on which the network was trained make its layers look
    better than they are; give captures that it has not seen, or say so beside the number.

    Parameters
    ----------
    features : array, shape (n, d) or (n, ...)
        The layer's output for n captures; more axes are flattened.
    labels : array, shape (n,)
        Two classes with at least two captures each.
    seed : int
        Draws the folds and the shuffles.
    shuffles : int
        Number of shuffled labellings, at least 1.

    Raises
    ------
    InputError
        If shapes do not agree, a number is not finite, or there are not two classes of two captures.
    """
    X, y = _checked(features, labels)
    if shuffles < 1:
        raise InputError(f"shuffles: expected at least 1, got {shuffles}; without a control the accuracy says little")
    values, vectors = np.linalg.eigh(centred_gram(X))
    # The layers put out float32: captures that differ by less than its rounding do not differ.
    significant = values > (len(y) * np.finfo(np.float32).eps) ** 2 * max(values[-1], 0.0)
    rank = int(significant.sum())
    correct, shuffled_correct = _correct(values, vectors, y, seed, shuffles)
    return Separability(
        n=len(y),
        d=X.shape[1],
        rank=rank,
        correct=correct,
        shuffled_correct=shuffled_correct,
        separable=rank == len(y) - 1
        or _has_separating_plane(vectors[:, significant] * np.sqrt(values[significant]), y),
    )


def probed_shares(features: ArrayLike, labels: ArrayLike, seed: int, shuffles: int = 0) -> tuple[float, float]:
    """Return the accuracy of :func:`probe` alone, and its mean over shuffled labels, NaN without shuffles."""
    X, y = _checked(features, labels)
    correct, shuffled = _correct(*np.linalg.eigh(centred_gram(X)), y, seed, shuffles)
    return correct / len(y), float(np.mean(shuffled)) / len(y) if shuffled else float("nan")


def _correct(values: Floats, vectors: Floats, y: Floats, seed: int, shuffles: int) -> tuple[int, tuple[int, ...]]:
    """Return the number of captures that the cross-validated probe gets right, and of each shuffled labelling."""
    rng = np.random.default_rng(seed)
    hat = _hat_matrix(values.clip(0.0), vectors)
    correct = _cross_validated_correct(hat, y, rng)
    return correct, tuple(_cross_validated_correct(hat, rng.permutation(y), rng) for _ in range(shuffles))


def _checked(features: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """Return features (n, d) and labels as -1.0 and +1.0 (n,)."""
    X = flat(features, "features", least=1)
    classes, index = np.unique(np.asarray(labels), return_inverse=True)
    if index.ndim != 1 or len(X) != len(index):
        raise InputError(f"expected features (n, d) and labels (n,), got {np.shape(features)} and {np.shape(labels)}")
    if len(classes) != 2 or np.bincount(index).min() < 2:
        counts = ", ".join(f"{n} of class {name}" for name, n in zip(classes, np.bincount(index), strict=True))
        raise InputError(f"labels: expected two classes of two captures or more, got {counts}")
    return X, np.where(index == 1, 1.0, -1.0)


def _hat_matrix(values: Floats, vectors: Floats) -> Floats:
    """Return the (n, n) matrix that maps labels to the ridge's fitted values, intercept included."""
    penalty = RIDGE * values.mean() or 1.0
    hat: Floats = (vectors * (values / (values + penalty))) @ vectors.T + 1.0 / len(values)
    return hat


def _cross_validated_correct(hat: Floats, y: Floats, rng: np.random.Generator) -> int:
    residual = y - hat @ y
    right = 0
    for _, alike in groupby(sorted(_stratified_folds(y, rng), key=len), key=len):
        folds = np.stack(list(alike))  # as many at once as have one size
        left = np.eye(folds.shape[1]) - hat[folds[:, :, None], folds[:, None, :]]
        # Fitting without the fold F changes its residuals from r to (I - H_FF)^-1 r: no fit is repeated.
        held_out = y[folds] - np.linalg.solve(left, residual[folds][..., None])[..., 0]
        # A decision of 0 goes to the first class, as in scikit-learn; below 1e-9 it is rounding error.
        right += int(np.sum((held_out > 1e-9) == (y[folds] > 0)))
    return right


def _stratified_folds(y: Floats, rng: np.random.Generator) -> Sequence[NDArray[np.intp]]:
    """Return as many folds as the smaller class has captures, both classes spread evenly over them."""
    first, second = (rng.permutation(np.flatnonzero(y == sign)) for sign in (-1.0, 1.0))
    folds = min(len(first), len(second))
    return [np.concatenate([first[fold::folds], second[fold::folds]]) for fold in range(folds)]


def _has_separating_plane(X: Floats, y: Floats) -> bool:
    """Find the plane w, b of |w| <= 1 with the largest smallest y·(w·x + b) by linear programming, and check it."""
    from scipy.optimize import linprog

    if not X.size:
        return False
    n, d = X.shape
    X = X / np.abs(X).max()
    conditions = np.column_stack([-y[:, None] * X, -y, np.ones(n)])
    bounds = [(-1.0, 1.0)] * d + [(None, None), (None, 1.0)]
    plane = linprog(np.r_[np.zeros(d + 1), -1.0], A_ub=conditions, b_ub=np.zeros(n), bounds=bounds, method="highs")
    sides = y * (X @ plane.x[:d] + plane.x[d])
    # 1e-9 of the largest coordinate: a plane closer to its captures than that is rounding error.
    return bool(sides.min() > 1e-9)
