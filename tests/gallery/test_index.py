"""The index in memory follows its gallery, whoever changes it, and finds what comparing everything finds."""

import gc
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.gallery import EmbedderId, open_gallery
from faceloupe.gallery.index import MatrixIndex, Size, index_of
from faceloupe.gallery.matrix import Matrix
from helpers.galleries import WEIGHTS, Toy, photograph, unit

TOY = EmbedderId("toy", WEIGHTS)
NAMES = ("Ann", "Bob", "Cem", "Dee")
PROBES = np.stack([unit(seed) for seed in range(5)])

changes = st.lists(
    st.one_of(
        st.tuples(st.just("enrol"), st.sampled_from(NAMES), st.integers(1, 40)),
        st.tuples(st.just("merge"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("forget"), st.sampled_from(NAMES)),
        st.tuples(st.just("search")),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """The file of an empty gallery, to copy."""
    path = tmp_path_factory.mktemp("empty") / "faces.db"
    open_gallery(path, create=True).close()
    return path


@pytest.fixture
def gallery(empty, tmp_path):
    with open_gallery(shutil.copy(empty, tmp_path / "faces.db")) as opened:
        yield opened


def change(gallery, what, number, name, other=None):
    """Change the gallery, if there is what to change."""
    names = {person.name for person in gallery.people()}
    if what == "enrol":
        gallery.enrol(name, [photograph(f"{number}/{i}.jpg") for i in range(other)])
    elif what == "forget" and name in names:
        gallery.forget(name)
    elif what == "merge" and name != other and {name, other} <= names:
        gallery.merge(name, other)


def check(index, gallery, ranks=3):
    """Compare with everything compared by NumPy, from references that the gallery hands out itself."""
    kept = gallery.templates(TOY)
    found, scores = index.search(PROBES, ranks)
    assert index.size() == Size(len(set(kept.subjects.tolist())), len(kept))
    for row, probe in enumerate(PROBES):
        products = kept.vectors.astype(float) @ probe if len(kept) else np.empty(0)
        best = {int(who): products[kept.subjects == who].max() for who in kept.subjects}
        expected = sorted(best, key=lambda who: (-best[who], who))[:ranks]
        assert found[row].tolist() == expected
        assert scores[row] == pytest.approx([best[who] for who in expected], abs=1e-12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes, elsewhere=st.lists(st.booleans(), min_size=12, max_size=12), as_bytes=st.booleans())
def test_it_follows_every_change_here_and_elsewhere(empty, tmp_path, changes, elsewhere, as_bytes):
    path = shutil.copy(empty, tmp_path / "followed.db")
    with pytest.MonkeyPatch.context() as patch, open_gallery(path) as here, open_gallery(path) as there:
        patch.setattr("faceloupe.gallery.index.COARSE_FROM", 0 if as_bytes else 10**9)
        index = MatrixIndex(here, TOY)
        for number, ((what, *who), other_connection) in enumerate(zip(changes, elsewhere, strict=False)):
            if what == "search":
                check(index, here)
            else:
                change(there if other_connection else here, what, number, *who)
        check(index, here)


def test_only_what_changed_is_read_again(gallery, monkeypatch):
    for name in NAMES:
        gallery.enrol(name, [photograph(f"{name}/{i}.jpg") for i in range(5)])
    index = MatrixIndex(gallery, TOY)
    index.refresh()
    read, add = [], Matrix.add
    monkeypatch.setattr(Matrix, "add", lambda self, *rows: read.extend(rows[1].tolist()) or add(self, *rows))
    for _ in range(2):
        index.refresh()
    assert read == []
    gallery.enrol("Bob", [photograph("another.jpg")])
    gallery.rename("Ann", "Anna")
    index.refresh()
    assert sorted(set(read)) == [1, 2]
    assert len(read) == 11
    check(index, gallery)


def test_who_is_forgotten_is_not_in_its_memory(gallery):
    for name in NAMES:
        gallery.enrol(name, [photograph(f"{name}.jpg")])
    index = MatrixIndex(gallery, TOY)
    index.refresh()
    rows = index._matrix._vectors
    gone = photograph("Bob.jpg").templates[0].vector
    assert (rows == gone).all(axis=1).any()
    gallery.forget("Bob")
    index.refresh()
    assert index._matrix._vectors is rows
    assert not (rows == gone).all(axis=1).any()
    check(index, gallery)


def test_a_gallery_that_became_empty_takes_vectors_of_another_length(gallery):
    gallery.enrol("Ann", [photograph("1.jpg")])
    index = MatrixIndex(gallery, TOY)
    check(index, gallery)
    gallery.forget("Ann")
    assert index.search(PROBES, 3)[0].shape == (5, 0)
    gallery.enrol("Ann", [photograph("1.jpg", vector=unit(1, 32))])
    assert index.search(unit(1, 32)[np.newaxis], 3)[1] == pytest.approx(1)


def test_references_of_another_embedder_are_not_found(gallery):
    gallery.enrol("Ann", [photograph("1.jpg"), photograph("1.jpg", embedder="other", vector=unit(1, 32))])
    gallery.enrol("Bob", [photograph("2.jpg", weights="cd" * 32)])
    check(MatrixIndex(gallery, TOY), gallery)
    assert MatrixIndex(gallery, EmbedderId("other", WEIGHTS)).size() == Size(1, 1)
    assert MatrixIndex(gallery, EmbedderId("third", WEIGHTS)).size() == Size(0, 0)


def test_threads_may_share_it(gallery):
    index = MatrixIndex(gallery, TOY)
    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(index.search, PROBES, 3) for _ in range(50)]
        for number in range(10):
            gallery.enrol(NAMES[number % 4], [photograph(f"{number}.jpg")])
        sizes = [search.result()[0].shape[1] for search in searches]
    assert set(sizes) <= {0, 1, 2, 3}
    check(index, gallery)


def test_a_gallery_has_one_index_of_an_embedder_that_goes_with_it(empty, tmp_path):
    gallery = open_gallery(shutil.copy(empty, tmp_path / "faces.db"))
    index = index_of(gallery, TOY)
    assert isinstance(index, MatrixIndex)
    assert index_of(gallery, EmbedderId(Toy().name, Toy().sha256)) is index
    assert index_of(gallery, EmbedderId("other", WEIGHTS)) is not index
    index, gone = weakref.ref(index), weakref.ref(gallery)
    gallery.close()
    del gallery
    gc.collect()
    assert index() is gone() is None


@pytest.mark.parametrize(
    ("probes", "ranks", "message"),
    [
        (np.ones((1, 32), np.float32), 3, r"expected float32, \(P, 16\), got float32, \(1, 32\)"),
        (np.ones(16, np.float32), 3, r"expected float32, \(P, 16\)"),
        (np.ones((1, 16)), 3, "got float64"),
        (np.ones((1, 16), np.float32), 0, "ranks: expected 1 or more, got 0"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(gallery, probes, ranks, message):
    gallery.enrol("Ann", [photograph("1.jpg")])
    with pytest.raises(InputError, match=message):
        MatrixIndex(gallery, TOY).search(probes, ranks)
