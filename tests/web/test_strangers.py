"""Unknown faces that a server keeps for a time: grouped and named; and none unless that is asked for.

Also tests ``collection/adding.py``, ``collection/unknown.py``.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select, update

from faceloupe.client import Client
from faceloupe.collection import index, open_collection, unknown
from faceloupe.collection.schema import faces
from faceloupe.collection.unknown import open_unknown
from faceloupe.errors import GalleryError, InputError
from faceloupe.gallery import open_gallery
from helpers import pages, serving
from helpers.commands import run
from helpers.serving import photo
from helpers.unknown_faces import WEEK, counts, held, look, vector_of_first


@pytest.fixture
def ask(serve):
    return serve(keep_unknown=WEEK, keep_faces=True)


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


def test_somebody_before_a_camera_does_not_fill_the_place_nor_do_many(ask, monkeypatch):
    for capture in range(unknown.ALIKE + 3):
        look(ask, 1, capture=capture)
    assert counts(ask) == [unknown.ALIKE]
    monkeypatch.setattr(unknown, "MOST", unknown.ALIKE + 1)
    look(ask, 2, 3)
    assert counts(ask) == [unknown.ALIKE, 1]


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
