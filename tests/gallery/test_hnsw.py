"""Approximate search on a PostgreSQL server, with the recall that is asked for.

Also tests ``gallery/hnsw_building.py``, ``gallery/hnsw_state.py``, ``gallery/hnsw_statements.py``,
``gallery/recall.py``.
"""

import numpy as np
import pytest
from sqlalchemy import insert

from faceloupe.errors import DamageWarning, GalleryError, InputError
from faceloupe.gallery import EmbedderId, hnsw, hnsw_building, open_gallery, trail
from faceloupe.gallery.index import MatrixIndex
from faceloupe.gallery.recall import Recall, RecallTable
from faceloupe.gallery.schema import UNKNOWN, references, subjects
from faceloupe.recognition import Template
from faceloupe.scores import wilson
from helpers.galleries import GOOD, POINT, WEIGHTS, Toy, held_on_server, photograph, unit

MAKER = EmbedderId("toy", WEIGHTS)
PEOPLE, EACH = 200, 3


@pytest.fixture(scope="module")
def vectors():
    """Three references of each person, near one another, of 16 numbers."""
    rng = np.random.default_rng(0)
    near = np.repeat(rng.normal(size=(PEOPLE, 16)), EACH, axis=0) + rng.normal(size=(PEOPLE * EACH, 16))
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


def fill(gallery, vectors):
    common = {"embedder": MAKER.name, "weights_sha256": MAKER.sha256, "dimensions": 16, "quality": GOOD.to_document()}
    with gallery.writing() as connection:
        connection.execute(insert(subjects), [{"name": f"{who}", "created": UNKNOWN} for who in range(PEOPLE)])
        rows = [
            {"subject_id": n // EACH + 1, "vector": vector, "source_sha256": f"{n:064x}", "created": UNKNOWN} | common
            for n, vector in enumerate(vectors)
        ]
        connection.execute(insert(references), rows)
        trail.note(connection, "import", 1)


@pytest.fixture
def gallery(postgres, vectors):
    with open_gallery(postgres, create=True, embedder=Toy()) as gallery:
        fill(gallery, vectors)
        yield gallery


def template(vector):
    return Template(vector, *MAKER, GOOD)


def test_the_recall_that_is_asked_for_is_the_one_that_is_met(gallery, monkeypatch):
    monkeypatch.setattr(hnsw, "BREADTHS", (20, 40, 200))
    assert gallery.hnsw.state() is None
    assert gallery.hnsw.build(m=4, ef_construction=8) == []  # few links, or at this size nothing is missed
    with pytest.raises(InputError, match="was not measured: faceloupe hnsw measure"):
        gallery.identify([template(unit(1))], point=POINT, recall=0.9)
    table = gallery.hnsw.measure(100)
    state = gallery.hnsw.state()
    assert (state.m, state.ef_construction, state.dimensions, state.table) == (4, 8, 16, table)
    assert (table.n_probes, table.n_references, table.ranks) == (100, PEOPLE * EACH, 20)
    assert table.missed[20][-1] > table.missed[40][-1] > table.missed[200][-1]
    # Fresh probes, which nothing was measured with, against the exact search.
    probes = np.stack([unit(seed) for seed in range(100)])
    exact, scores = MatrixIndex(gallery, MAKER).search(probes, 5)
    shares = []
    for asked in (0.5, 0.75):  # the index is another one each time: at 0.75 the fresh probes were never below 0.84
        found, recall = gallery.hnsw.search(probes, 5, asked)
        assert recall.interval.low >= asked
        hits = [len(set(own) & set(best)) for (own, _), best in zip(found, exact.tolist(), strict=True)]
        shares.append(sum(hits) / exact.size)
        assert shares[-1] >= asked
        for (own, theirs), best, highest in zip(found, exact.tolist(), scores.tolist(), strict=True):
            for subject, score in zip(own, theirs, strict=True):
                if subject in best:  # whoever is found has the score of the exact search
                    assert score == pytest.approx(highest[best.index(subject)], abs=1e-6)
    answer = gallery.identify([template(probes[0])], point=POINT, recall=0.75)[0]
    assert answer.recall == recall
    assert answer.to_document()["recall"]["ef"] == recall.ef
    assert f"approximate, at breadth {recall.ef}: {recall.words()}" in answer.words()
    assert gallery.identify([template(probes[0])], point=POINT)[0].recall is None
    with pytest.raises(InputError, match=r"a recall of 0\.9999 is not shown"):
        gallery.identify([template(probes[0])], point=POINT, recall=0.9999)
    assert [entry.what for entry in gallery.audit()][-2:] == ["build hnsw", "measure hnsw"]


def test_who_comes_later_is_found_and_who_is_forgotten_is_not(gallery, postgres, vectors, monkeypatch):
    monkeypatch.setattr(hnsw, "BREADTHS", (80,))
    gallery.hnsw.build()
    gallery.hnsw.measure(100)

    def named(vector):
        return gallery.identify([template(vector)], point=POINT, recall=0.8)[0].name

    new = unit(12345)
    gallery.enrol("Newcomer", [photograph("new.jpg", vector=new)])
    assert named(new) == "Newcomer"
    assert (
        "Since then 1 reference has come or gone: faceloupe hnsw measure"
        in gallery.identify([template(new)], point=POINT, recall=0.8)[0].words()
    )
    gone = gallery.identify([template(vectors[0])], point=POINT)[0].name
    secret = vectors[0].tobytes()
    assert held_on_server(postgres).count(secret) >= 2  # in the table, and in the index
    gallery.forget(gone, erased=False)
    assert named(vectors[0]) != gone
    gallery.erase()  # builds the tables anew, with the index and what was measured
    assert secret not in held_on_server(postgres)
    assert named(vectors[0]) != gone
    assert named(new) == "Newcomer"
    recall = gallery.identify([template(new)], point=POINT, recall=0.8)[0].to_document()["recall"]
    assert (recall["n_changed"], recall["rebuilt"]) == (4, True)
    gallery.hnsw.drop()
    assert gallery.hnsw.state() is None
    with pytest.raises(InputError, match=r"has no HNSW index.*faceloupe hnsw build"):
        named(new)
    assert gallery.identify([template(new)], point=POINT)[0].name == "Newcomer"


def test_an_embedder_may_be_called_anything(postgres):
    odd = Toy("o'toy 50%s: \\ {x}")
    with open_gallery(postgres, create=True, embedder=odd) as gallery:
        with pytest.raises(GalleryError, match=r"holds no reference by o'toy.*enrol people first"):
            gallery.hnsw.build()
        gallery.enrol("Ann", [photograph(f"{n}.jpg", embedder=odd.name) for n in range(3)])
        gallery.hnsw.build()
        with pytest.raises(InputError, match="faceloupe hnsw drop"):
            gallery.hnsw.build()
        table = gallery.hnsw.measure(100)
        assert (table.n_probes, table.ranks, set(table.missed[20])) == (1, 1, {0})
        with gallery.writing() as connection:
            connection.exec_driver_sql(f"COMMENT ON INDEX {gallery.hnsw._name} IS 'do not touch'")
        assert gallery.hnsw.state().table is None


@pytest.mark.parametrize("turn", ["growth", "exchange"])
def test_a_recall_is_refused_once_it_was_measured_in_another_gallery(postgres, turn):
    with open_gallery(postgres, create=True, embedder=Toy()) as gallery:
        gallery.enrol("Ann", [photograph(f"ann/{n}.jpg") for n in range(25)])
        gallery.enrol("Bob", [photograph("bob.jpg")])
        gallery.hnsw.build()
        gallery.hnsw.measure(100)
        probe = template(unit(1))

        def recall() -> Recall:
            return gallery.identify([probe], point=POINT, recall=0.1, ranks=1)[0].recall

        assert (recall().n_changed, recall().rebuilt) == (0, False)
        if turn == "exchange":  # as many references as before
            gallery.forget("Bob", erased=False)
        gallery.enrol("Carl", [photograph("carl.jpg")])
        assert recall().n_changed == (2 if turn == "exchange" else 1)
        gallery.enrol("Dora", [photograph(f"dora/{n}.jpg") for n in range(2)])
        with pytest.raises(
            InputError, match=r"measured among 26 references, and . have come or gone since.*hnsw measure"
        ):
            recall()
        gallery.hnsw.measure(100)
        assert recall().n_changed == 0


def test_what_is_damaged_or_gone_measures_nothing(postgres):
    with open_gallery(postgres, create=True, embedder=Toy()) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
        gallery.enrol("Bob", [photograph("3.jpg")])
        gallery.hnsw.build()
        with gallery.writing() as connection:
            connection.exec_driver_sql("UPDATE face_references SET vector = '[1, 0, 0]' WHERE id = 3")
        with pytest.warns(DamageWarning, match="reference 3"):
            assert gallery.hnsw.measure(100).n_probes == 1
        gallery.forget("Ann")
        gallery.forget("Bob")
        with pytest.raises(GalleryError, match="holds no whole reference by toy"):
            gallery.hnsw.measure(100)


def test_a_bound_on_waiting_for_locks_holds_for_no_other_statement(gallery):
    gallery.hnsw.build()
    gallery.hnsw.drop()
    gallery.forget(gallery.names()[0][1])  # and erase
    for opened in (gallery._database.bare, gallery.reading, gallery.reading):
        with opened() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"


@pytest.mark.parametrize(("m", "ef_construction"), [(1, 64), (101, 400), (16, 31), (16, 1001)])
def test_what_cannot_be_built_is_refused_before_anything_is_done(gallery, m, ef_construction):
    with pytest.raises(InputError, match="expected m from 2 to 100 and ef_construction from 2 m to 1,000"):
        gallery.hnsw.build(m, ef_construction)
    with pytest.raises(InputError, match="probes: expected 100 or more"):
        gallery.hnsw.measure(99)


def test_a_building_that_is_stopped_leaves_nothing(gallery, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(hnsw_building, "_watch", stop)
    with pytest.raises(KeyboardInterrupt):
        gallery.hnsw.build()
    monkeypatch.undo()
    assert gallery.hnsw.build() == []
    assert gallery.hnsw.state() is not None


def test_a_server_with_too_little_memory_is_told(gallery, monkeypatch):
    notice = "hnsw graph no longer fits into maintenance_work_mem after 52669 tuples"  # as pgvector 0.6.2 gave it
    monkeypatch.setattr(
        hnsw_building.hnsw_statements, "creation", lambda *_: f"DO $$ BEGIN RAISE NOTICE '{notice}'; END $$"
    )
    [remark] = gallery.hnsw.build()
    assert "did not fit into 64MB of the server's memory (maintenance_work_mem)" in remark


def test_a_gallery_in_a_file_is_searched_exactly(tmp_path):
    with open_gallery(tmp_path / "faces.db", create=True, embedder=Toy()) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg")])
        with pytest.raises(InputError, match="searched exactly"):
            gallery.identify([template(unit(1))], point=POINT, recall=0.9)


def test_the_smallest_breadth_is_chosen_that_is_shown_to_reach_the_recall():
    table = RecallTable(1000, 50_000, 50_000, 7, 1, {20: (60, 200), 40: (4, 30), 80: (0, 4)})
    assert table.recall(40, 1).value == pytest.approx(0.996)
    assert table.recall(40, 2).value == pytest.approx(1 - 30 / 2000)
    assert table.recall(40, 2).interval.low == pytest.approx(1 - wilson(15, 1000).high)
    assert [table.choose(asked, 1).ef for asked in (0.9, 0.98, 0.995)] == [20, 40, 80]
    assert [table.choose(asked, 2).ef for asked in (0.8, 0.97, 0.99)] == [20, 40, 80]
    for asked, ranks, words in [
        (0.999, 1, "at the greatest breadth, 80, of the subject most like a probe it found 100.00 %"),
        (0.9, 3, r"up to 2 candidates, .*measure it anew if more people are enrolled now \(faceloupe hnsw measure\)"),
        (1.0, 1, "without it search is exact"),
        (0.0, 1, "above 0 and below 1"),
    ]:
        with pytest.raises(InputError, match=words):
            table.choose(asked, ranks)
    assert RecallTable.from_document(table.to_document()) == table


def test_a_breadth_below_one_that_falls_short_is_not_chosen():
    table = RecallTable(1000, 50_000, 50_000, 7, 1, {20: (0,), 40: (100,), 80: (0,)})
    assert table.choose(0.95, 1).ef == 80
