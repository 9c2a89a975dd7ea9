"""A collection looked through over HTTP and in the page: groups, doubts, what is said, and taking it back.

Also tests ``client/review.py``, ``web/api/collection.py``, ``web/review.py``,
``web/shapes/collection.py``.
"""

import shutil

import httpx
import pytest

from faceloupe.client import Client
from faceloupe.collection import index, open_collection
from faceloupe.faces.sources import find_orl
from helpers import pages, serving


@pytest.fixture(scope="module")
def pile(published, tmp_path_factory):  # noqa: ARG001 - a fixture that skips
    """A collection of three photographs of each of three people."""
    root, folder = find_orl(), tmp_path_factory.mktemp("pile")
    for who in (1, 2, 3):
        for number in (1, 2, 3):
            shutil.copy(root / f"s{who}" / f"{number}.pgm", folder / f"{who}{number}.pgm")
    with open_collection(folder / "pile.db", create=True) as collection:
        index(collection, [folder])
    return folder / "pile.db"


@pytest.fixture
def review(pile, tmp_path, mosaics):  # noqa: ARG001
    shutil.copy(pile, tmp_path / "pile.db")
    service = serving.make_service(tmp_path, collection=str(tmp_path / "pile.db"))
    yield serving.Caller(service)
    service.close()


def _groups(ask):
    return {one["id"]: {face["id"] for face in one["faces"]} for one in ask("GET", "/collection").json()["groups"]}


def test_groups_come_with_their_faces_and_doubts(review):
    document = review("GET", "/collection", key="recognise").json()
    assert document["schema"] == "faceloupe.review/1"
    assert (document["several"], document["alone"], document["faces"]) == (3, 0, 9)
    assert [one["count"] for one in document["groups"]] == [3, 3, 3]
    assert [doubt["score"] for doubt in document["doubtful"]] == sorted(
        doubt["score"] for doubt in document["doubtful"]
    )
    assert review("GET", "/collection", params={"first": 1, "count": 1, "shown": 2}).json()["groups"][0]["count"] == 3
    face = document["groups"][0]["faces"][0]["id"]
    picture = review("GET", f"/collection/faces/{face}/picture", key="recognise")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert review("GET", "/collection/faces/999/picture").status_code == 404
    assert review("GET", "/collection/groups/999").status_code == 404


def test_what_is_said_holds_and_can_be_taken_back(review):
    before = _groups(review)
    one, other = list(before)[:2]
    face = min(before[one])
    apart = review("POST", "/collection/separate", json={"faces": [face]}).json()["group"]
    assert apart not in before
    assert _groups(review)[one] == before[one] - {face}
    joined = review("POST", "/collection/join", json={"groups": [one, other]}).json()["group"]
    assert _groups(review)[joined] == before[one] - {face} | before[other]
    again = review("POST", "/collection/group", json={}).json()
    assert {one["id"]: one["count"] for one in again["groups"]}[joined] == 5
    assert [review("POST", "/collection/undo").json()["what"] for _ in range(3)] == ["join", "separate", None]
    assert _groups(review) == before


def test_a_doubt_that_was_settled_does_not_come_again(review):
    [first, *others] = review("GET", "/collection").json()["doubtful"]
    assert review("POST", "/collection/confirm", json={"faces": first["faces"]}).json() == {"what": "one person"}
    assert review("GET", "/collection").json()["doubtful"] == others
    assert first["faces"] not in [
        each["faces"] for each in review("POST", "/collection/group", json={}).json()["doubtful"]
    ]
    assert review("POST", "/collection/undo").json() == {"what": "confirm"}
    assert len(review("GET", "/collection").json()["doubtful"]) == len(others) + 1
    strangers = [min(faces) for faces in _groups(review).values()][:2]
    assert review("POST", "/collection/confirm", json={"faces": strangers}).json() == {"what": "two people"}
    joining = review("POST", "/collection/join", json={"groups": list(_groups(review))[:2]})
    assert joining.status_code == 422
    assert "two people" in joining.json()["detail"]


def test_a_name_goes_into_the_gallery(review):
    group = next(iter(_groups(review)))
    assert review("POST", "/collection/name", json={"group": group, "name": "Ann", "enrol": True}).status_code == 200
    assert [one["name"] for one in review("GET", "/people").json()["people"]] == ["Ann"]
    assert review("GET", f"/collection/groups/{group}").json()["name"] == "Ann"
    assert review("POST", "/collection/name", json={"group": group, "name": None}).status_code == 200
    assert review("GET", f"/collection/groups/{group}").json()["name"] is None


def test_where_nobody_can_be_enrolled_the_group_gets_no_name(review):
    group = next(iter(_groups(review)))
    for number in (1, 2):
        sent = {"name": "Ann", "external_id": f"E-{number}"}
        assert review("POST", "/people", data=sent, files=[("photos", serving.photo(number))]).status_code == 201
    answer = review("POST", "/collection/name", json={"group": group, "name": "Ann", "enrol": True})
    assert answer.status_code == 409
    assert review("GET", f"/collection/groups/{group}").json()["name"] is None


def test_a_key_that_only_recognises_changes_nothing(review):
    for path, sent in (("undo", None), ("group", {}), ("join", {"groups": [1, 2]}), ("separate", {"faces": [1]})):
        assert review("POST", f"/collection/{path}", json=sent, key="recognise").status_code == 403


def test_the_client(review):
    class InProcess(httpx.BaseTransport):
        def handle_request(self, request):
            path = request.url.raw_path.decode().removeprefix("/api/v1")
            kind = {"Content-Type": "application/json"}
            answer = review(request.method, path, content=request.read(), headers=kind)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Client("http://localhost:8000", serving.TOKENS["admin"], transport=InProcess()) as client:
        people = client.review
        assert people.show().several == 3
        one, other, _ = [group.id for group in people.groups()]
        faces = [face.id for face in people.group(one).faces]
        assert people.face(faces[0]).startswith(b"\x89PNG")
        assert people.confirm(faces[0], faces[1]) == "one person"
        people.name(one, "Ann")
        assert people.group(one).name == "Ann"
        apart = people.separate([faces[0]])
        assert people.undo() == "separate"
        assert people.join(one, other) == one
        assert people.group_again().several == 2
        assert apart not in [group.id for group in people.groups()]


def test_without_a_collection_the_answer_says_how_to_get_one(ask):
    answer = ask("GET", "/collection")
    assert answer.status_code == 404
    assert "serve --collection" in answer.json()["detail"]


def test_the_page_by_keyboard(browser, pile, tmp_path, monkeypatch):
    shutil.copy(pile, tmp_path / "pile.db")
    serving.put_in(monkeypatch)
    monkeypatch.setattr("faceloupe.web.networks.find_weights", lambda _: None)
    with pages.served(tmp_path, serving.Toy(), serving.POINT, collection=str(tmp_path / "pile.db")) as address:
        visit = pages.visit(browser, address)
        page = visit.page
        visit.go("people/review")
        page.get_by_role("heading", name="One person, or two?").wait_for()
        page.get_by_text("3 doubts left").wait_for()
        page.keyboard.press("y")
        page.get_by_text("2 doubts left").wait_for()
        page.keyboard.press("n")
        page.get_by_role("heading", name="3 people with several faces, 1 face alone").wait_for()
        page.keyboard.press("u")
        page.get_by_role("heading", name="3 people with several faces, 0 faces alone").wait_for()
        page.locator(".review-groups a").first.click()
        page.locator(".review-members img").first.wait_for()
        page.get_by_label("Name").fill("Ann")
        page.get_by_role("button", name="Keep the name").click()
        page.get_by_role("heading", name="Ann: 3 faces").wait_for()
        page.locator(".review-members input").first.check()
        page.get_by_role("button", name="Not this person").click()
        page.get_by_role("heading", name="Ann: 2 faces").wait_for()
        page.context.close()
