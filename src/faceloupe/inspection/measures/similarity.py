"""Similarity of two layers, by how alike they place the captures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceloupe.arrays import plain_fields
from faceloupe.errors import InputError
from faceloupe.inspection.measures.vectors import centred_gram, flat
from faceloupe.pages import Shown

Floats = NDArray[np.float64]

LEAST = 4  # captures; with fewer the unbiased estimator divides by zero


@dataclass(frozen=True, slots=True, repr=False)
class Similarity(Shown):
    """Similarity of two layers over the same captures, from 0 (unrelated) to 1 (the same up to rotation and scale).

    Attributes
    ----------
    n : int
        Captures.
    d : (int, int)
        Numbers per capture in either layer.
    biased : float
        Linear CKA as it is usually stated. Rises towards 1 for unrelated layers where n is small beside d.
    unbiased : float
        From the unbiased estimator: about 0 for unrelated layers whatever n and d, and below 0 by chance. NaN where a
        layer puts all captures in one place (`biased` is, too) or all equally far from each other.
    shuffled : tuple of float
        The unbiased one for each shuffle of the captures in one layer: what it gives where nothing is shared.
    shuffled_biased : tuple of float
        The biased one for the same shuffles.
    """

    n: int
    d: tuple[int, int]
    biased: float
    unbiased: float
    shuffled: tuple[float, ...]
    shuffled_biased: tuple[float, ...]

    @property
    def p_value(self) -> float:
        """Share of orders, shuffles and the true one, that are at least as alike (Phipson & Smyth 2010)."""
        if np.isnan(self.unbiased):
            return 1.0
        return (sum(value >= self.unbiased for value in self.shuffled) + 1) / (len(self.shuffled) + 1)

    def __repr__(self) -> str:
        return f"Similarity({self})"

    def __str__(self) -> str:
        setting = f"n = {self.n}, d = {self.d[0]:,} and {self.d[1]:,}"
        if np.isnan(self.unbiased):
            return f"CKA undefined: a layer puts all captures in one place, or all equally far apart ({setting})"
        return (
            f"CKA {self.unbiased:.2f} unbiased ({np.mean(self.shuffled):.2f} with captures shuffled), "
            f"{self.biased:.2f} biased ({np.mean(self.shuffled_biased):.2f} shuffled); {setting}"
        )

    def to_document(self) -> dict[str, Any]:
        """Return the numbers as a plain dictionary; an undefined one is None."""
        return {"schema": "faceloupe.similarity/1", **plain_fields(self), "p_value": self.p_value}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LayerSimilarity(Shown):
    """CKA of every layer of one trace (`rows`) with every layer of another (`columns`), after the same shuffles."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Similarity, ...], ...]

    @property
    def unbiased(self) -> Floats:
        """Unbiased CKA, (rows, columns); NaN where it is undefined."""
        return np.array([[cell.unbiased for cell in row] for row in self.cells])

    def __getitem__(self, names: tuple[str, str]) -> Similarity:
        """Return the similarity of one pair: ``similarity["conv", "hidden"]``."""
        return self.cells[self.rows.index(names[0])][self.columns.index(names[1])]

    def __repr__(self) -> str:
        return f"LayerSimilarity({len(self.rows)} x {len(self.columns)} layers, n = {self.cells[0][0].n})"

    def __str__(self) -> str:
        left = max(map(len, self.rows))
        width = max(7, *map(len, self.columns)) + 2
        head = " " * left + "".join(name.rjust(width) for name in self.columns)
        lines = [
            name.ljust(left) + "".join(f"{cell.unbiased:{width}.2f}" for cell in row)
            for name, row in zip(self.rows, self.cells, strict=True)
        ]
        return "\n".join([f"unbiased CKA over {self.cells[0][0].n} captures", head, *lines])

    def to_document(self) -> dict[str, Any]:
        """Return the names and the cells as a plain dictionary."""
        return {
            "schema": "faceloupe.layer_similarity/1",
            "rows": list(self.rows),
            "columns": list(self.columns),
            "cells": [[cell.to_document() for cell in row] for row in self.cells],
        }


def cka(a: ArrayLike, b: ArrayLike, seed: int = 0, shuffles: int = 20) -> Similarity:
    """Measure how alike two layers place the same captures: linear centred kernel alignment.

    Turning or scaling a layer as a whole changes nothing. Kornblith et al. 2019 (arXiv:1905.00414); the unbiased
    estimator of HSIC is that of Song et al. 2012 (JMLR 13), used for CKA by Nguyen, Raghu & Kornblith 2020
    (arXiv:2010.15327). A single capture far from the others can decide the value (Davari et al. 2022,
    arXiv:2210.16156).

    Parameters
    ----------
    a, b : array, shape (n, d) or (n, ...)
        The two layers' outputs for the same n captures in the same order; more axes are flattened, d may differ.
    seed : int
        Draws the shuffles.
    shuffles : int
        Number of shuffled orders, at least 1.

    Raises
    ------
    InputError
        If there are fewer than 4 captures, the numbers of captures differ, a number is not finite, or `shuffles` is 0.
    """
    return compare_layers({"a": np.asarray(a)}, {"b": np.asarray(b)}, seed, shuffles).cells[0][0]


def compare_layers(
    trace_a: Mapping[str, ArrayLike], trace_b: Mapping[str, ArrayLike], seed: int = 0, shuffles: int = 20
) -> LayerSimilarity:
    """Compare every layer of one trace with every layer of another by :func:`cka`.

    Parameters
    ----------
    trace_a, trace_b : Trace, or mapping of layer name to array (n, ...)
        Outputs for the same n captures in the same order, from one network or from two.
    seed, shuffles : int
        As in :func:`cka`.

    Raises
    ------
    InputError
        As in :func:`cka`.
    """
    if shuffles < 1:
        raise InputError(f"shuffles: expected at least 1, got {shuffles}; without a control a similarity says little")
    layers_a = {name: _Layer.of(output, name) for name, output in trace_a.items()}
    layers_b = {name: _Layer.of(output, name) for name, output in trace_b.items()}
    sizes = sorted({layer.n for layer in (*layers_a.values(), *layers_b.values())})
    if len(sizes) != 1:
        raise InputError(f"expected layers of the same captures, got layers of {sizes} captures")
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(sizes[0]) for _ in range(shuffles)]
    cells = tuple(tuple(layer.compared(other, orders) for other in layers_b.values()) for layer in layers_a.values())
    return LayerSimilarity(tuple(layers_a), tuple(layers_b), cells)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A layer's Gram matrix (n, n), centred in the two ways and of length 1, so that CKA is a sum of products."""

    n: int
    d: int
    biased: Floats
    unbiased: Floats

    @classmethod
    def of(cls, output: ArrayLike, name: str) -> "_Layer":
        X = flat(output, name, least=LEAST)
        gram = centred_gram(X)
        rounding = len(X) * np.finfo(np.float64).eps * float(np.linalg.norm(gram))
        return cls(len(X), X.shape[1], _unit(gram, rounding), _unit(_without_diagonal(gram), rounding))

    def compared(self, other: "_Layer", orders: list[NDArray[np.int64]]) -> Similarity:
        shuffles = [np.ix_(order, order) for order in orders]
        return Similarity(
            n=self.n,
            d=(self.d, other.d),
            biased=float(np.sum(self.biased * other.biased)),
            unbiased=float(np.sum(self.unbiased * other.unbiased)),
            shuffled=tuple(float(np.sum(self.unbiased * other.unbiased[order])) for order in shuffles),
            shuffled_biased=tuple(float(np.sum(self.biased * other.biased[order])) for order in shuffles),
        )


def _without_diagonal(gram: Floats) -> Floats:
    """Centre without the diagonal; sums of products of two such matrices are n(n - 3) times the unbiased HSIC.

    The U-centring of Székely & Rizzo 2014 (arXiv:1310.2926), equal to Song's formula and shorter.
    """
    n = len(gram)
    off = gram - np.diag(np.diag(gram))
    sums = off.sum(axis=0) / (n - 2)
    centred: Floats = off - sums - sums[:, None] + sums.sum() / (n - 1)
    np.fill_diagonal(centred, 0.0)
    return centred


def _unit(matrix: Floats, rounding: float) -> Floats:
    length = np.linalg.norm(matrix)
    return matrix / length if length > rounding else np.full_like(matrix, np.nan)
