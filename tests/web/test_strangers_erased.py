"""Unknown faces that a server kept are erased: dismissed, when their time is over, and with whoever is forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from faceloupe.collection.schema import faces
from faceloupe.errors import GalleryError
from helpers.commands import run
from helpers.galleries import held_on_server
from helpers.serving import photo
from helpers.unknown_faces import WEEK, counts, held, look, make_old, vector_of_first
from helpers.waiting import until


@pytest.fixture
def ask(serve):
    return serve(keep_unknown=WEEK, keep_faces=True)


def test_who_is_dismissed_is_erased_and_the_trail_says_so(ask, tmp_path):
    look(ask, 1)
    secret = vector_of_first(ask)
    [group] = ask("GET", "/unknown").json()["groups"]
    sent = {"groups": [group["id"]]}
    assert ask("POST", "/unknown/dismiss", json=sent, key="enrol").status_code == 403
    assert ask("POST", "/unknown/dismiss", json={"groups": [99]}).status_code == 422
    assert ask("POST", "/unknown/dismiss", json=sent).json() == {"faces": 1}
    assert counts(ask) == []
    assert secret not in held(tmp_path)
    assert not ask("GET", "/collection").is_success  # another place
    lines = ask("GET", "/audit").json()["audit"]
    assert [(line["what"], line["who"], line["details"]) for line in lines[:1]] == [
        ("erase unknown", "key admin", {"faces": 1, "why": "dismissed"})
    ]
    assert ("keep unknown", {"seconds": 7 * 86_400}) in [(line["what"], line["details"]) for line in lines]


def test_faces_whose_time_is_over_are_erased_while_the_server_runs(serve, tmp_path):
    ask = serve(keep_unknown=timedelta(minutes=1))
    look(ask, 1)
    secret = vector_of_first(ask)
    assert ask.service.strangers.faces.drop_expired() == 0
    make_old(ask, seconds=61)
    until(lambda: counts(ask) == [])
    until(lambda: secret not in held(tmp_path))


def test_and_when_it_was_not_running_also_by_a_server_that_keeps_none(serve, tmp_path):
    ask = serve(keep_unknown=WEEK)
    look(ask, 1)
    secret = vector_of_first(ask)
    make_old(ask, days=6)
    ask = serve()
    assert look(ask, 2) == [None]  # not added any more
    assert counts(ask) == [1]  # for as long as was said
    assert ask("GET", "/health").json()["keeps_unknown"] is None
    make_old(ask, days=8)
    ask = serve()
    assert counts(ask) == []
    assert secret not in held(tmp_path)


def test_a_longer_time_revives_nobody_whose_time_was_over(serve, tmp_path):
    ask = serve(keep_unknown=timedelta(hours=1))
    look(ask, 1)
    secret = vector_of_first(ask)
    make_old(ask, days=2)
    ask = serve(keep_unknown=WEEK)
    assert counts(ask) == []
    assert secret not in held(tmp_path)
    look(ask, 2)
    make_old(ask, days=2)
    assert ask.service.strangers.faces.drop_expired() == 0
    ask = serve(keep_unknown=timedelta(days=1))
    assert counts(ask) == []


def test_the_trail_tells_an_erasure_whose_bytes_have_to_wait(ask, monkeypatch):
    look(ask, 1)
    make_old(ask, days=8)

    def wait():
        raise GalleryError("another program reads the file")

    kept = ask.service.strangers.faces
    with monkeypatch.context() as patch:
        patch.setattr(kept.collection, "erase", wait)
        with pytest.raises(GalleryError):
            kept.drop_expired()
    assert kept.drop_expired() == 0
    [line] = [line for line in ask("GET", "/audit").json()["audit"] if line["what"] == "erase unknown"]
    assert line["details"] == {"faces": 1, "why": "expired"}


def test_faces_are_erased_also_after_a_fault(serve):
    lines, rounds = [], []
    ask = serve(keep_unknown=timedelta(minutes=1), log=lines.append)
    kept = ask.service.strangers.faces
    erase = kept.drop_expired

    def fail_once():
        rounds.append(1)
        if len(rounds) == 1:
            raise TimeoutError
        erase()

    kept.drop_expired = fail_once
    until(lambda: len(rounds) > 1)
    [line] = [line for line in lines if "unknown faces" in line]
    assert (line["error"], line["unknown faces"]) == ("TimeoutError", "not erased yet")


@pytest.mark.parametrize("way", ["the server", "the shell", "the shell, by a link"])
def test_forgetting_somebody_reaches_their_unknown_faces(ask, serve, tmp_path, way):
    look(ask, 1, 2)
    person = ask("POST", "/people", data={"name": "Ann"}, files=[("photos", photo(1, capture=1))]).json()["id"]
    assert counts(ask) == [1, 1]
    if way == "the server":
        assert ask("DELETE", f"/people/{person}").status_code == 200
    else:
        ask.service.close()
        gallery = tmp_path / "faces.db"
        if way == "the shell, by a link":
            gallery = tmp_path / "elsewhere" / "link.db"
            gallery.parent.mkdir()
            gallery.symlink_to("../faces.db")
        assert run("forget", "Ann", "--yes", "--gallery", gallery)[0] == 0
        ask = serve()
    [left] = ask("GET", "/unknown").json()["groups"]
    [face] = left["faces"]
    with ask.service.strangers.faces.collection.reading() as connection:
        assert connection.scalar(select(faces.c.number).where(faces.c.id == face["id"])) == 2


def test_beside_a_gallery_on_a_server_they_lie_in_its_database(serve, postgres):
    ask = serve(gallery=postgres, keep_unknown=WEEK)
    look(ask, 1, 2)
    look(ask, 1, 3, capture=1)
    secret = vector_of_first(ask)
    assert secret in held_on_server(postgres)
    groups = ask("GET", "/unknown").json()["groups"]
    assert [group["count"] for group in groups] == [2, 1, 1]
    sent = {"group": groups[1]["id"], "name": "Ben", "enrol": True}
    assert ask("POST", "/unknown/name", json=sent, key="admin").status_code == 200
    person = ask("POST", "/people", data={"name": "Ann"}, files=[("photos", photo(1, capture=2))]).json()["id"]
    ask.service.close()
    assert run("forget", f"number:{person}", "--yes", "--gallery", postgres)[0] == 0
    assert secret not in held_on_server(postgres)
    ask = serve(gallery=postgres)
    assert counts(ask) == [1]
    assert sorted(look(ask, 2, 3, capture=3), key=str) == ["Ben", None]
    make_old(ask, days=8)
    ask = serve(gallery=postgres)
    assert counts(ask) == []
