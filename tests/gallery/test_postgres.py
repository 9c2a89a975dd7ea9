"""The same gallery on a PostgreSQL server with pgvector."""

import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import EmbedderId, index, open_gallery
from faceloupe.gallery.index import MatrixIndex, PostgresIndex, Size, index_of
from faceloupe.gallery.schema import metadata
from faceloupe.recognition import Template
from faceloupe.scores import Interval, OperatingPoint
from helpers.galleries import GOOD, WEIGHTS, Toy, photograph, unit

TOY = EmbedderId("toy", WEIGHTS)
AROUND = Interval(5e-4, 2e-3, 0.95, 9000.0, "made up")
POINT = OperatingPoint(0.7, 1e-3, 9e-4, AROUND, 0.01, AROUND, 900, 9000, 0, "toys", "toy", WEIGHTS)


@pytest.fixture
def gallery(postgres):
    with open_gallery(postgres, create=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def crowd(server):
    """A gallery of 40 people with one to five references each, some of them equal, and a few by another embedder."""
    rng = np.random.default_rng(0)
    with open_gallery(server, create=True) as opened:
        for who in range(40):
            seeds = rng.integers(0, 100, rng.integers(1, 6))
            opened.enrol(f"{who}", [photograph(f"{who}/{i}.jpg", vector=unit(seed)) for i, seed in enumerate(seeds)])
        opened.enrol("1", [photograph("1/other.jpg", embedder="other", vector=unit(1, 32))])
        yield opened


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seeds=st.lists(st.integers(0, 150), min_size=1, max_size=4),
    ranks=st.integers(1, 50),
    at_once=st.sampled_from([1, 3, index.PROBES]),
)
def test_the_server_finds_what_is_found_in_memory(crowd, seeds, ranks, at_once):
    probes = np.stack([unit(seed) for seed in seeds])
    here, there = MatrixIndex(crowd, TOY), PostgresIndex(crowd, TOY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "PROBES", at_once)
        subjects, scores = there.search(probes, ranks)
    assert here.size() == there.size()
    assert scores == pytest.approx(here.search(probes, ranks)[1], abs=1e-6)
    assert subjects.tolist() == here.search(probes, ranks)[0].tolist()


def test_an_index_on_a_server_searches_there(crowd):
    assert isinstance(index_of(crowd, TOY), PostgresIndex)
    other = PostgresIndex(crowd, EmbedderId("other", WEIGHTS))
    assert other.size() == Size(1, 1)
    assert other.search(unit(1, 32)[np.newaxis], 5)[1] == pytest.approx(1)
    with pytest.raises(InputError, match=r"expected float32, \(P, 32\), got float32, \(1, 16\)"):
        other.search(unit(1)[np.newaxis], 5)
    with pytest.raises(InputError, match="ranks"):
        other.search(unit(1, 32)[np.newaxis], 0)
    assert PostgresIndex(crowd, EmbedderId("third", WEIGHTS)).search(unit(1)[np.newaxis], 5)[0].shape == (1, 0)


def test_the_migrations_make_the_schema(gallery):
    with gallery.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "gallery_schema"})
        assert compare_metadata(context, metadata) == []


def test_people_come_and_go(gallery, postgres, tmp_path):
    ann = [photograph(f"ann/{i}.jpg") for i in range(3)]
    gallery.enrol("Ann", ann, consent="form 12", keep_faces=True)
    gallery.enrol("Bob", [photograph("bob.jpg")])
    gallery.enrol("Anne", [photograph("anne.jpg")])
    gallery.rename("Bob", "Rob")
    gallery.merge("Anne", "Ann")
    gallery.save_point(POINT)
    assert [(person.name, person.references) for person in gallery.people()] == [("Ann", 4), ("Rob", 1)]
    assert gallery.templates(Toy()).vectors[0].tobytes() == ann[0].templates[0].vector.tobytes()
    assert gallery.face(gallery.person("Ann").references[0].id).startswith(b"\x89PNG")
    assert {finding.kind for finding in gallery.check().findings} == {"stranger"}  # the toys' faces are all unlike
    assert gallery.export(tmp_path / "people.export") == 2
    with open_gallery(postgres) as again:
        assert again.point(Toy()) == POINT
        stranger, known = again.identify([Template(unit(5), *TOY, GOOD), ann[1].templates[0]])
        assert (stranger.name, known.name) == (None, "Ann")
        gone = again.forget("Ann")
    assert gone.references == 4
    assert gallery.identify(ann[1].templates)[0].nobody
    what = [entry.what for entry in gallery.audit()]
    assert what == [*["enrol"] * 3, "rename", "merge", "merge", "calibrate", "export", "forget", "erase"]
    with open_gallery(tmp_path / "here.db", create=True) as here:  # and from the server to a file
        assert here.import_(tmp_path / "people.export").imported == ("Ann", "Rob")
        assert here.templates(Toy()).vectors.tobytes()[:64] == ann[0].templates[0].vector.tobytes()


@pytest.mark.parametrize("text", ["a\0b", "id:a\0b", "number:" + "9" * 19, 2**63])
def test_what_the_server_cannot_compare_is_nobodys(gallery, text):
    assert text not in gallery


def test_a_copy_in_memory_follows_the_server(gallery, postgres):
    index = MatrixIndex(gallery, TOY)
    with open_gallery(postgres) as there:
        there.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")])
        assert index.size() == Size(1, 2)
        there.enrol("Bob", [photograph("3.jpg")])
        there.merge("Bob", "Ann")
        assert index.size() == Size(1, 3)
        there.forget("Ann")
        assert index.size() == Size(0, 0)


def test_writers_take_turns_and_no_copy_misses_one(gallery, postgres):
    index = MatrixIndex(gallery, TOY)

    def write(who):
        with open_gallery(postgres) as there:
            for number in range(12):
                there.enrol(who, [photograph(f"{who}/{number}.jpg")])

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write, who) for who in ("Ann", "Bob")]
        while not all(writer.done() for writer in writers):
            index.refresh()
        for writer in writers:
            writer.result()
    assert [(person.name, person.references) for person in gallery.people()] == [("Ann", 12), ("Bob", 12)]
    assert index.size() == Size(2, 24)
    probes = gallery.templates(Toy())
    assert (index.search(probes.vectors, 1)[0][:, 0] == probes.subjects).all()


def test_a_server_without_pgvector_is_told_what_it_lacks(postgres):
    @event.listens_for(Engine, "before_cursor_execute", retval=True)
    def ask_for_what_is_not_installed(_connection, _cursor, statement, parameters, *_):
        return statement.replace("EXTENSION IF NOT EXISTS vector", "EXTENSION IF NOT EXISTS no_vector"), parameters

    try:
        with pytest.raises(GalleryError, match=r"has no extension 'vector'\. Install pgvector"):
            open_gallery(postgres, create=True)
    finally:
        event.remove(Engine, "before_cursor_execute", ask_for_what_is_not_installed)
    with pytest.raises(GalleryError, match="There is no gallery at"):
        open_gallery(postgres)  # nothing is left of the attempt


def test_a_user_who_may_not_add_pgvector_is_told_who_can(postgres):
    with open_gallery(postgres, create=True) as gallery, gallery.writing() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS clerk")
        connection.exec_driver_sql("CREATE ROLE clerk LOGIN")
    with pytest.raises(GalleryError, match="lacks the right"):
        open_gallery(postgres.replace("//postgres:", "//clerk:"))


def test_a_server_that_is_not_there(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(GalleryError, match=r"is the server running.*Connection refused"):
            open_gallery(f"postgresql://someone:secret@127.0.0.1:{taken.getsockname()[1]}/faces")
    with pytest.raises(GalleryError, match=r'createdb makes a database.*"nowhere" does not exist'):
        open_gallery(server.replace("/postgres?", "/nowhere?"))


def test_a_server_that_does_not_answer():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://someone:secret@127.0.0.1:{silent.getsockname()[1]}/faces?connect_timeout=2"
        with pytest.raises(GalleryError, match="is the server running") as told:
            open_gallery(url)
    assert "secret" not in str(told.value)


def test_the_faces_of_a_photograph_are_compared_in_one_go(crowd):
    asked, engine = [], crowd._database.engine

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        PostgresIndex(crowd, TOY).search(np.stack([unit(seed) for seed in range(13)]), 5)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert sum("<#>" in statement for statement in asked) == 1
