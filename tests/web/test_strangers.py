"""Unknown faces that a server keeps for a time: grouped, named, dismissed, erased; and none unless that is asked for.

Also tests ``collection/adding.py``, ``collection/unknown.py``.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select, update

from faceloupe.client import Client
from faceloupe.collection import index, open_collection, unknown
from faceloupe.collection.schema import faces, photographs
from faceloupe.collection.unknown import open_unknown
from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import open_gallery
from helpers import pages, serving
from helpers.commands import run
from helpers.galleries import held_on_server
from helpers.serving import photo
from helpers.waiting import until

WEEK = timedelta(days=7)


@pytest.fixture
def serve(tmp_path, mosaics):  # noqa: ARG001
    """Return a function that serves the gallery of this test, one server at a time."""
    services = []

    def served(**choices):
        while services:
            services.pop().close()
        services.append(serving.make_service(tmp_path, **choices))
        return serving.Caller(services[-1])

    yield served
    while services:
        services.pop().close()


@pytest.fixture
def ask(serve):
    return serve(keep_unknown=WEEK, keep_faces=True)


def look(ask, *people, capture=0, key="recognise"):
    answer = ask("POST", "/identify", key=key, files={"photo": photo(*people, capture=capture)})
    assert answer.status_code == 200
    return [face["name"] for face in answer.json()["photographs"][0]["faces"]]


def counts(ask):
    return [group["count"] for group in ask("GET", "/unknown").json()["groups"]]


def make_old(ask, **age):
    """Let all that is kept have been seen so long ago."""
    with ask.service.strangers.faces.collection.writing() as connection:
        connection.execute(update(photographs).values(indexed=datetime.now(UTC) - timedelta(**age)))


def held(folder):
    """The bytes of all files of the unknown faces."""
    return b"".join(path.read_bytes() for path in folder.glob("faces.unknown.db*"))


def vector_of_first(ask):
    with ask.service.strangers.faces.collection.reading() as connection:
        return connection.scalar(select(faces.c.vector)).tobytes()


def test_without_being_told_a_server_keeps_nobody(serve, tmp_path):
    ask = serve()
    assert look(ask, 1, 2) == [None, None]
    assert ask("GET", "/health").json()["keeps_unknown"] is None
    assert ask("GET", "/unknown").status_code == 404
    assert not held(tmp_path)


def test_unknown_faces_are_grouped_and_known_ones_are_not_kept(ask, tmp_path):
    ask("POST", "/people", data={"name": "Ann"}, files=[("photos", photo(1))])
    assert look(ask, 1, 2) == ["Ann", None]
    assert look(ask, 2, 3, capture=1) == [None, None]
    assert look(ask, 2, 3, capture=1) == [None, None]  # the same photograph is kept once
    document = ask("GET", "/unknown", key="admin").json()
    assert [group["count"] for group in document["groups"]] == [2, 1]  # faces alone, too
    assert (document["listed"], document["several"], document["alone"]) == (2, 1, 1)
    face = document["groups"][0]["faces"][0]
    seen = datetime.fromisoformat(face["indexed"])
    assert timedelta(0) <= datetime.now(UTC) - seen < timedelta(hours=1)
    assert ask("GET", f"/unknown/faces/{face['id']}/picture").content.startswith(b"\x89PNG")
    assert ask("GET", "/health").json()["keeps_unknown"] == WEEK.total_seconds()
    assert (tmp_path / "faces.unknown.db").stat().st_mode & 0o777 == 0o600
    assert look(ask, 4) == [None]
    assert sorted(counts(ask)) == [1, 1, 2]  # who comes is grouped when somebody looks


def test_without_keep_faces_there_is_no_picture(serve):
    ask = serve(keep_unknown=WEEK)
    look(ask, 1)
    [group] = ask("GET", "/unknown").json()["groups"]
    assert ask("GET", f"/unknown/faces/{group['faces'][0]['id']}/picture").status_code == 404


def test_who_is_named_goes_into_the_gallery_and_leaves(ask, tmp_path):
    look(ask, 1, 2)
    look(ask, 1, 2, capture=1)
    secret = vector_of_first(ask)
    assert secret in held(tmp_path)
    for group, name in zip(ask("GET", "/unknown").json()["groups"], ("Ann", "Ben"), strict=True):
        sent = {"group": group["id"], "name": name, "enrol": True, "consent": "form 12"}
        assert ask("POST", "/unknown/name", json=sent, key="admin").status_code == 200
    people = ask("GET", "/people").json()["people"]
    assert [(each["name"], each["references"], each["consent"]) for each in people] == [
        ("Ann", 2, "form 12"), ("Ben", 2, "form 12"),
    ]  # fmt: skip
    assert counts(ask) == []
    assert secret not in held(tmp_path)
    assert set(look(ask, 1, 2, capture=2)) == {"Ann", "Ben"}
    assert counts(ask) == []


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


def test_who_cannot_be_kept_is_answered_all_the_same(serve, tmp_path):
    lines = []
    ask = serve(keep_unknown=WEEK, log=lines.append)
    ask("POST", "/people", data={"name": "Ann"}, files=[("photos", photo(1))])
    look(ask, 2)
    for path in tmp_path.glob("faces.unknown.db*"):
        path.unlink()
    assert look(ask, 1, 3) == ["Ann", None]
    [line] = [line for line in lines if "unknown faces" in line]
    assert (line["error"], line["unknown faces"]) == ("GalleryError", "not kept")


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


def test_who_cannot_be_enrolled_by_a_name_stays_without_it(ask):
    for number in (1, 2):
        sent = {"name": "Ann", "external_id": f"E-{number}"}
        assert ask("POST", "/people", data=sent, files=[("photos", photo(number))]).status_code == 201
    look(ask, 3)
    look(ask, 3, capture=1)
    [group] = ask("GET", "/unknown").json()["groups"]
    sent = {"group": group["id"], "enrol": True}
    assert ask("POST", "/unknown/name", json={**sent, "name": "Ann"}).status_code == 409
    [group] = ask("GET", "/unknown").json()["groups"]
    assert (group["name"], group["count"]) == (None, 2)
    assert ask("POST", "/unknown/name", json={**sent, "group": 99, "name": "Eve"}).status_code == 422
    assert ask("POST", "/unknown/name", json={**sent, "name": "id:E-2"}).status_code == 200
    assert counts(ask) == []
    assert [(each["external_id"], each["references"]) for each in ask("GET", "/people").json()["people"]] == [
        ("E-1", 1), ("E-2", 3),
    ]  # fmt: skip


def test_who_is_grouped_while_the_group_is_enrolled_is_not_erased(ask, monkeypatch):
    look(ask, 1, 2)
    first, second = (group["id"] for group in ask("GET", "/unknown").json()["groups"])
    enrol = ask.service.gallery.enrol

    def meanwhile(*given, **choices):
        with ask.service.strangers.faces.collection.writing() as connection:
            connection.execute(update(faces).where(faces.c.group_id == second).values(group_id=first))
        return enrol(*given, **choices)

    monkeypatch.setattr(ask.service.gallery, "enrol", meanwhile)
    assert ask("POST", "/unknown/name", json={"group": first, "name": "Ann", "enrol": True}).status_code == 200
    assert ask("GET", "/people").json()["people"][0]["references"] == 1
    assert counts(ask) == [1]


def test_readers_who_come_while_faces_are_grouped_get_those_groups(ask, monkeypatch):
    look(ask, 1, 2)
    review, made = ask.service.strangers.review, []
    group = review.group
    monkeypatch.setattr(review, "group", lambda *given: made.append(1) or group(*given))
    answers = ask.together(*[("GET", "/unknown", {}) for _ in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(made) == 1
    asyncio.run(ask.service.grouping.acquire())
    assert ask("GET", "/unknown").status_code == 200
    assert ask("POST", "/unknown/group", json={}).status_code == 429
    ask.service.grouping.release()


def test_unknown_faces_of_before_a_gallery_was_encrypted_are_named(tmp_path, mosaics, monkeypatch):  # noqa: ARG001
    place = tmp_path / "faces.db"
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "key").chmod(0o600)
    with open_gallery(place, create=True, embedder=serving.Toy()) as gallery:
        open_unknown(gallery, str(place), WEEK).close()
        monkeypatch.setenv("FACELOUPE_KEY", str(tmp_path / "key"))
        with pytest.raises(GalleryError, match=r"faces\.unknown\.db holds unknown faces and is not encrypted"):
            open_unknown(gallery, str(place))


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


def test_somebody_before_a_camera_does_not_fill_the_place_nor_do_many(ask, monkeypatch):
    for capture in range(unknown.ALIKE + 3):
        look(ask, 1, capture=capture)
    assert counts(ask) == [unknown.ALIKE]
    monkeypatch.setattr(unknown, "MOST", unknown.ALIKE + 1)
    look(ask, 2, 3)
    assert counts(ask) == [unknown.ALIKE, 1]


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


def test_of_faces_that_are_kept_only_new_ones_are_read(ask, monkeypatch):
    kept = ask.service.strangers.faces
    for person in (1, 2, 3):
        look(ask, person)
    assert len(kept._vectors) == 2  # as many as there were before the last
    read, there = [], dict(kept._vectors)
    monkeypatch.setattr(unknown, "parts", lambda numbers: read.append(set(numbers)) or [list(numbers)])
    [group, *_] = ask("GET", "/unknown").json()["groups"]
    assert ask("POST", "/unknown/dismiss", json={"groups": [group["id"]]}).status_code == 200
    look(ask, 4)
    assert [len(numbers) for numbers in read] == [1]
    assert all(kept._vectors[face] is vector for face, vector in there.items() if face in kept._vectors)
    with kept.collection.reading() as connection:
        ids = set(connection.scalars(select(faces.c.id)))
    assert len(ids) == 3
    assert kept._vectors.keys() < ids


def test_a_key_that_only_recognises_sees_no_unknown_faces(ask):
    look(ask, 1)
    for path in ("/unknown", "/unknown/groups/1", "/unknown/faces/1/picture"):
        assert ask("GET", path, key="recognise").status_code == 403
    assert ask("POST", "/unknown/group", json={}, key="recognise").status_code == 403


def test_a_collection_of_photographs_and_one_of_unknown_faces_do_not_mix(serve, ask, tmp_path):
    look(ask, 1)
    ask.service.close()
    place = tmp_path / "faces.unknown.db"
    with open_collection(place) as collection, pytest.raises(InputError, match="for a time"):
        index(collection, [tmp_path], serving.Toy())
    place.unlink()
    (tmp_path / "1.png").write_bytes(photo(1))
    with open_collection(place, create=True) as collection:
        index(collection, [tmp_path / "1.png"], serving.Toy())
    with pytest.raises(GalleryError, match="that were indexed"):
        serve(keep_unknown=WEEK)


def test_what_cannot_be_is_refused(tmp_path, mosaics):  # noqa: ARG001
    with open_gallery(tmp_path / "faces.db", create=True, embedder=serving.Toy()) as gallery:
        with pytest.raises(InputError, match="1 minute"):
            open_unknown(gallery, str(tmp_path / "faces.db"), timedelta(seconds=1))
        assert open_unknown(gallery, str(tmp_path / "other.db")) is None
    code, _, message = run("serve", "--keep-unknown", "soon", "--no-browser")
    assert (code, "12h or 7d" in message) == (2, True)
    code, _, message = run("serve", "--keep-faces", "--no-browser", "--gallery", tmp_path / "faces.db")
    assert (code, "--keep-unknown" in message) == (2, True)


def test_the_client(ask):
    class InProcess(httpx.BaseTransport):
        def handle_request(self, request):
            path = request.url.raw_path.decode().removeprefix("/api/v1")
            kind = {"Content-Type": request.headers.get("Content-Type", "application/json")}
            answer = ask(request.method, path, content=request.read(), headers=kind)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Client("http://localhost:8000", serving.TOKENS["admin"], transport=InProcess()) as client:
        client.identify(photo(1, 2))
        one, other = client.unknown.groups()
        assert client.unknown.face(one.faces[0].id).startswith(b"\x89PNG")
        assert client.unknown.dismiss([other.id]) == 1
        client.unknown.name(one.id, "Ann", enrol=True, consent="form 12")
        assert [person.name for person in client.people()] == ["Ann"]
        assert list(client.unknown.groups()) == []


def test_the_page(browser, tmp_path, monkeypatch):
    serving.put_in(monkeypatch)
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
    with pages.served(tmp_path, serving.Toy(), serving.POINT, keep_unknown=WEEK, keep_faces=True) as address:
        visit = pages.visit(browser, address)
        page = visit.page
        visit.go("recognise")
        page.get_by_text("Faces that get no name are kept for 7 days").wait_for()
        visit.show(("two.png", photo(1, 2)))
        page.locator(".faces-found th").first.wait_for()
        visit.go("people/unknown")
        page.get_by_role("heading", name="2 people seen").wait_for()
        page.locator(".review-groups img").first.wait_for()
        page.locator(".review-groups a").first.click()
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("Note on consent").fill("form 12")
        page.get_by_role("button", name="Enrol").click()
        page.get_by_role("heading", name="1 person seen").wait_for()
        page.locator(".review-groups a").first.click()
        page.get_by_role("button", name="Dismiss").click()
        page.get_by_role("button", name="Erase these faces").click()
        page.get_by_text("Nobody unknown is kept now").wait_for()
        visit.go("people")
        page.get_by_role("link", name="Ann").wait_for()
        page.context.close()
