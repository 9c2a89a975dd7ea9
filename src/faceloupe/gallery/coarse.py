"""Exact search with a quarter of the memory: bytes say which references may be the best, and only those are compared.

Each vector is rounded to 8 bits a number, and how far the rounding can move a score is known: with x = s q + r and a
probe y = t v + u, both rounded to whole numbers q and v, the score x y differs from s t (q v) by at most |r| |y| +
|s q| |u| (Cauchy and Schwarz). Whatever could reach the best by that bound is fetched in single precision and compared
in double, as :class:`faceloupe.gallery.matrix.Matrix` does; so the answer is the same.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.gallery.rows import LOWEST, BestSubjects, Floats, Ids, Rows, Scores, as_arrays

Fetch = Callable[[Ids], Floats]
"""Returns the vectors of references, (N, D), by their keys, (N,)."""

BLOCK = 2**19
"""Scores held at once, 8 MB of whole numbers and as many of floats."""

FIRST = 4096
"""Rows of the first block: what is best among them bounds what has to be looked at of the others."""

PROBES = 64
"""Searched for together, at most."""

MIDDLE, MOST = 128, 127
"""What stands for 0 in a byte, and the largest number on either side of it."""

ROUNDING = 2e-4
"""What vectors may differ from length 1, and float32 from what is meant: added to the bound."""


class CoarseMatrix(Rows):
    """References as bytes, in rows that are called by keys; see :class:`faceloupe.gallery.rows.Rows`."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self._error = 0.0  # the largest |r| of any row
        self._range = np.inf, 0.0  # the smallest and the largest scale of any row

    def add(self, vectors: Floats, subjects: Ids, keys: Ids) -> None:
        """Add rows.

        Parameters
        ----------
        vectors : array of float32, (N, D)
            Unit vectors.
        subjects, keys : array of int64, (N,)
            Subject of each, and the key that fetches it.
        """
        rounded, scales, errors = _rounded(vectors)
        rows = self._reserve(len(vectors))
        self._bytes[rows] = (rounded + MIDDLE).astype(np.uint8)
        self._scales[rows], self._subjects[rows], self._keys[rows] = scales, subjects, keys
        self._error = max(self._error, float(errors.max(initial=0)))
        smallest, largest = self._range
        self._range = min(smallest, float(scales.min(initial=np.inf))), max(largest, float(scales.max(initial=0)))

    def search(self, vectors: Floats, ranks: int, fetch: Fetch) -> tuple[Ids, Scores]:
        """Find the subjects that are most like each probe, as :meth:`faceloupe.gallery.matrix.Matrix.search` does."""
        best: list[BestSubjects] = []
        for start in range(0, len(vectors), PROBES):
            part = vectors[start : start + PROBES]
            candidates = self._candidates(part, ranks)
            rows = np.unique(np.concatenate(candidates))
            exact = fetch(self._keys[rows]) if len(rows) else np.zeros((0, part.shape[1]), dtype=np.float32)
            for vector, own in zip(part, candidates, strict=True):
                scores = np.add.reduce(exact[np.searchsorted(rows, own)] * vector.astype(np.float64), axis=1)
                best.append(BestSubjects(ranks))
                best[-1].add(self._subjects[own], np.minimum(scores, 1))
        return as_arrays(best)

    def _make_room(self, rows: int) -> None:
        self._bytes = np.zeros((rows, self.dimensions), dtype=np.uint8)
        self._scales = np.zeros(rows, dtype=np.float32)
        self._subjects, self._keys = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self._bytes, self._scales, self._subjects, self._keys

    def _candidates(self, vectors: Floats, ranks: int) -> list[Ids]:
        """Return the rows that may show one of the best subjects of each probe."""
        rounded, scales, errors = _rounded(vectors)
        probes = np.ascontiguousarray(rounded.T.astype(np.int8))
        bounds = self._error + (1 + self._error) * errors + ROUNDING
        coarse = [_Coarse(ranks, float(bound)) for bound in bounds]
        for start, stop in _blocks(self._used, max(BLOCK // len(vectors), 1)):
            products = _products(self._bytes[start:stop], probes)
            if start == 0:
                every = np.arange(stop)
                for place, probe in enumerate(coarse):
                    probe.look_at(
                        products[:, place] * (self._scales[:stop] * scales[place]), self._subjects[:stop], every
                    )
                continue
            above = np.flatnonzero(products >= self._limits(coarse, scales))  # 30 times faster than in two dimensions
            hits, probes_hit = np.divmod(above, len(coarse))
            for place in np.unique(probes_hit).tolist():
                own = hits[probes_hit == place]
                scores = products[own, place] * (self._scales[start + own] * scales[place])
                coarse[place].look_at(scores, self._subjects[start + own], start + own)
        return [probe.candidates() for probe in coarse]

    def _limits(self, coarse: Sequence["_Coarse"], scales: Floats) -> NDArray[np.int32]:
        """Return the whole product from which on a row may be a candidate of each probe, whatever its scale, (P,)."""
        least = np.array([probe.least for probe in coarse])
        smallest, largest = self._range
        limits: Scores = np.floor(least / (scales * np.where(least > 0, largest, smallest))) - 1
        clipped: NDArray[np.int32] = np.clip(limits, -(2**31), 2**31 - 1).astype(np.int32)
        return clipped


class _Coarse(BestSubjects):
    """The rows that may be among the best for one probe, by scores that are off by at most a bound."""

    def __init__(self, ranks: int, bound: float) -> None:
        super().__init__(ranks)
        self._bound = bound
        self._near_rows: list[Ids] = []
        self._near_scores: list[Floats] = []

    @property
    def least(self) -> float:
        """The score from which on a row may be among the best."""
        return self.last - 2 * self._bound

    def look_at(self, scores: Floats, subjects: Ids, rows: Ids) -> None:
        """Take in N more rows: their scores, subjects and numbers, (N,) each."""
        n_highest = 16 * self.ranks
        while self.last == LOWEST and n_highest < len(scores):
            highest = np.argpartition(scores, -n_highest)[-n_highest:]
            self.add(subjects[highest], scores[highest])
            n_highest *= 4
        better = scores > self.last
        self.add(subjects[better], scores[better])
        near = scores >= self.least
        self._near_rows.append(rows[near])
        self._near_scores.append(scores[near])

    def candidates(self) -> Ids:
        """Return the rows that may be among the best, ascending."""
        if not self._near_rows:
            return np.zeros(0, dtype=np.int64)
        return np.concatenate(self._near_rows)[np.concatenate(self._near_scores) >= self.least]


def _blocks(rows: int, largest: int) -> Iterator[tuple[int, int]]:
    """Yield where blocks of rows start and stop, each twice as long as the one before, up to a largest."""
    start, length = 0, min(FIRST, largest)
    while start < rows:
        stop = min(start + length, rows)
        yield start, stop
        start, length = stop, min(2 * length, largest)


def can_be_coarse() -> bool:
    """Return whether there is what multiplies bytes fast: ONNX Runtime, of the extra ``onnx``."""
    try:
        _multiplier()
    except ImportError:
        return False
    return True


def _rounded(vectors: Floats) -> tuple[Floats, Floats, Floats]:
    """Return whole numbers from -127 to 127, (N, D), what they are multiples of, and the lengths of what is left."""
    scales = np.abs(vectors).max(axis=1, initial=0) / MOST
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    rounded = np.rint(vectors / scales[:, np.newaxis])
    errors = np.linalg.norm(vectors.astype(np.float64) - rounded.astype(np.float64) * scales[:, np.newaxis], axis=1)
    return rounded, scales, errors.astype(np.float32)


def _products(rows: NDArray[np.uint8], probes: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return the products of N rows with P probes, (N, P), exactly."""
    products: NDArray[np.int32] = _multiplier().run(None, {"rows": rows, "probes": probes})[0]
    return products


@cache
def _multiplier() -> Any:
    """Return a session with one operator, ONNX's MatMulInteger, which uses the processor's instructions for bytes."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    def value(name: str, kind: int, shape: Sequence[str]) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    zero = helper.make_tensor("zero", TensorProto.UINT8, [], [MIDDLE])
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["rows", "probes", "zero"], ["products"])],
        "products",
        [value("rows", TensorProto.UINT8, "nd"), value("probes", TensorProto.INT8, "dp")],
        [value("products", TensorProto.INT32, "np")],
        [zero],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait let others work
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
