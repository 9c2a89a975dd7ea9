"""A real scheduler of Dask with two worker processes: the same results, also when one of them is killed."""

import os
import signal
from importlib import import_module

import pytest
from sqlalchemy import select

from faceloupe.cluster import is_on_cluster, on_cluster
from faceloupe.errors import UnavailableError
from faceloupe.faces.sources import find_orl
from faceloupe.recognition import recognise

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", processes=True) as running:
        yield running


@pytest.fixture
def photographs(monkeypatch):
    """Thirty photographs, sent four at a time."""
    monkeypatch.setattr(import_module("faceloupe.recognition.recognise"), "PART", 4)
    return [find_orl() / f"s{who}" / f"{number}.pgm" for who in range(1, 11) for number in (1, 2, 3)]


def _rows(collection):
    from faceloupe.collection.schema import faces, photographs

    query = (
        select(photographs.c.sha256, faces.c.number, faces.c.vector, faces.c.quality, faces.c.detection, faces.c.chip)
        .join_from(faces, photographs)
        .order_by(photographs.c.sha256, faces.c.number)
    )
    with collection.reading() as connection:
        return [(*row[:2], row.vector.tobytes(), *row[3:]) for row in connection.execute(query)]


def test_an_index_is_that_of_one_machine_though_a_worker_is_killed(cluster, photographs, tmp_path):
    from faceloupe.collection import index, open_collection

    killed = []

    def kill_one(done, _whole):
        if done == 9 and not killed:
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with (
        open_collection(tmp_path / "one.db", create=True) as one,
        open_collection(tmp_path / "many.db", create=True) as many,
    ):
        index(one, photographs, keep_faces=True)
        with on_cluster(cluster.scheduler_address):
            assert is_on_cluster()
            report = index(many, photographs, keep_faces=True, progress=kill_one)
        assert not is_on_cluster()
        assert killed
        assert report.new == len(photographs)
        assert _rows(many) == _rows(one)


def test_what_is_not_needed_does_not_travel(cluster, photographs):
    from faceloupe.recognition import SFace
    from faceloupe.recognition.recognise import recognise_numbered
    from faceloupe.recognition.search import FaceSearch

    with on_cluster(cluster.scheduler_address):
        [photograph] = recognise_numbered([(1, photographs[0])], SFace(), FaceSearch(), pixels=False)
        [whole] = recognise([photographs[0]])
    assert photograph.chips[0].image.size == 0
    assert whole.chips[0].image.shape == (112, 112, 3)
    assert whole.templates[0].vector.tobytes() == photograph.templates[0].vector.tobytes()


def test_an_evaluation_embeds_there(cluster, photographs):
    from faceloupe.evaluation.embedding import embed_captures
    from faceloupe.recognition import FaceSearch, SFace

    alone = embed_captures(photographs[:6], [SFace()], FaceSearch("central"), cached=False)
    with on_cluster(cluster.scheduler_address):
        spread = embed_captures(photographs[:6], [SFace()], FaceSearch("central"), cached=False)
    assert (alone.vectors["sface"] == spread.vectors["sface"]).all()


def test_without_workers_or_a_scheduler(monkeypatch):
    monkeypatch.setattr("faceloupe.cluster.PATIENCE", 1)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", processes=False) as empty,
        pytest.raises(UnavailableError, match="no workers yet"),
        on_cluster(empty.scheduler_address),
    ):
        pass
    with pytest.raises(UnavailableError, match="dask scheduler"), on_cluster("tcp://127.0.0.1:9"):
        pass
