"""Search by bytes gives the answer of search in single precision, number by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.gallery import coarse
from faceloupe.gallery.coarse import CoarseMatrix
from faceloupe.gallery.matrix import Matrix

pytest.importorskip("onnxruntime")


def units(rng, n, dimensions, kind):
    """Unit vectors: of any direction, few directions with many equal ones, almost one direction, or one number each."""
    made = {
        "any": lambda: rng.normal(size=(n, dimensions)),
        "equal": lambda: rng.integers(-1, 2, (n, dimensions)) + 1e-3,
        "near": lambda: 1 + 0.02 * rng.normal(size=(n, dimensions)),
        "axes": lambda: np.eye(dimensions)[rng.integers(0, dimensions, n)] + 1e-3 * rng.normal(size=(n, dimensions)),
    }[kind]()
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 400),
    dimensions=st.sampled_from([2, 7, 128]),
    n_subjects=st.sampled_from([1, 4, 60, 1000]),
    n_probes=st.integers(1, 70),
    ranks=st.integers(1, 7),
    kind=st.sampled_from(["any", "equal", "near", "axes"]),
    block=st.sampled_from([64, 3000, coarse.BLOCK]),
)
def test_it_finds_what_single_precision_finds(seed, n, dimensions, n_subjects, n_probes, ranks, kind, block):
    rng = np.random.default_rng(seed)
    vectors, subjects = units(rng, n, dimensions, kind), rng.integers(1, n_subjects + 1, n)
    keys = rng.permutation(n) + 1000
    stored = dict(zip(keys.tolist(), vectors, strict=True))
    probes = np.concatenate([vectors[:1], units(rng, n_probes, dimensions, kind)])
    exact, bytes_ = Matrix(dimensions), CoarseMatrix(dimensions)
    for start in range(0, n, 77):
        part = slice(start, start + 77)
        exact.add(vectors[part], subjects[part])
        bytes_.add(vectors[part], subjects[part], keys[part])

    def fetch(wanted):
        return np.stack([stored[key] for key in wanted.tolist()])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coarse, "BLOCK", block)
        for gone in (np.array([], dtype=int), rng.choice(subjects, 2)):
            assert bytes_.drop(gone) == exact.drop(gone)
            found, scores = bytes_.search(probes, ranks, fetch)
            expected, exact_scores = exact.search(probes, ranks)
            assert found.tolist() == expected.tolist()
            assert scores.tolist() == exact_scores.tolist()
    assert len(bytes_) == len(exact)
    assert not bytes_._bytes[len(bytes_) :].any()


def test_few_are_fetched_and_memory_is_a_quarter():
    rng = np.random.default_rng(0)
    vectors = units(rng, 20_000, 128, "any")
    searched = CoarseMatrix(128)
    searched.add(vectors, np.arange(20_000), np.arange(20_000))
    fetched = []

    def fetch(keys):
        fetched.append(len(keys))
        return vectors[keys]

    probe = units(rng, 1, 128, "any")
    searched.search(probe, 5, fetch)
    assert fetched[0] < 400
    held = searched._bytes.nbytes + searched._scales.nbytes
    assert held / vectors.nbytes < 0.26
